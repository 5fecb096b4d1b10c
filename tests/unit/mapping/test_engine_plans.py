"""Plans of resources: each, ids, profiles, fragments, traces, what does not compile."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import FatalError
from gateway.mapping.engine import Result
from tests.unit.mapping.tree import SHARED, Node, compiled, compiled_event, made, source


def test_each_makes_one_resource_a_node():
    plan = compiled({"to": "id"}, resource="RelatedPerson", each="NK1")
    root = Node(below={"NK1": [Node("NK1[1]", "a"), Node("NK1[2]", "b")]})

    assert [result.resource["id"] for result in plan.run(root, None)] == ["a", "b"]


def test_resource_without_id_is_dropped_with_its_issues():
    plan = compiled(
        {"to": "birthDate", "from": "PID-7", "required": "true"}, {"to": "id", "from": "PID-3"}
    )

    assert plan.run(source(), None) == []


def test_resource_whose_required_id_is_missing_stays_with_its_issue():
    plan = compiled({"to": "id", "from": "PID-3", "required": "true"})

    assert [issue.code for issue in made(plan, source()).issues] == ["RLS-MAP-001"]


def test_profile_is_written_to_meta_and_completed_by_rules():
    plan = compiled({"to": "meta.tag", "value": {"code": "smr"}}, profile="urn:p")

    assert made(plan, source()).resource["meta"] == {"profile": ["urn:p"], "tag": [{"code": "smr"}]}


def test_event_uses_fragments_and_adds_its_own_lines():
    fragment = {"resource": "Encounter", "rules": [{"to": "status", "value": "in-progress"}]}
    event = {
        "message": "ADT^A21",
        "spec": "s",
        "resources": [
            {"use": "segments/PV1.stay", "add": [{"to": "status", "value": "onleave"}]},
            {"use": "segments/PV1.stay"},
        ],
    }

    results = compiled_event(event, {"segments/PV1.stay": fragment}).run(source(), None)

    assert [result.resource["status"] for result in results] == ["onleave", "in-progress"]
    assert {result.plan for result in results} == {"segments/PV1.stay"}


def test_trace_tells_place_converter_and_clause_of_each_value():
    plan = compiled(
        {"to": "id", "from": "PID-3"},
        {"to": "name", "from": "PID-5", "via": "name", "spec": "PAM-FR 6.6"},
        {"to": "gender", "from": "PID-8", "map": "gender", "spec": "0001"},
        {"to": "active", "value": "true", "spec": "a"},
    )

    lines = made(plan, source(PID_3="p", PID_5=["A", "B"], PID_8="F"), trace=True).trace

    assert [(i.resource, i.target, i.source, i.via, i.spec) for i in lines] == [
        ("Patient/p", "id", "PID-3[1]", "text", ""),
        ("Patient/p", "name[0]", "PID-5[1]", "name", "PAM-FR 6.6"),
        ("Patient/p", "name[1]", "PID-5[2]", "name", "PAM-FR 6.6"),
        ("Patient/p", "gender", "PID-8[1]", "text", "0001"),
        ("Patient/p", "gender", "conceptmap gender", "map", "0001"),
        ("Patient/p", "active", "constant", "value", "a"),
    ]


def test_trace_costs_nothing_when_nobody_asks():
    assert made(compiled({"to": "active", "value": "true"}), source()).trace == []


@pytest.mark.field("FL-147")
def test_writing_below_a_shared_constant_leaves_it_as_it_was():
    before = deepcopy(SHARED)
    plan = compiled(
        {"to": "maritalStatus", "from": "PID-16", "via": "shared"},
        {"to": "maritalStatus.text", "from": "PID-16"},
        {"to": "maritalStatus.coding.display", "from": "PID-16"},
    )

    found = made(plan, source(PID_16="M")).resource["maritalStatus"]

    assert found == {"coding": [{"system": "urn:s", "code": "c", "display": "M"}], "text": "M"}
    assert before == SHARED


@pytest.mark.field("FL-147")
@given(st.lists(st.sampled_from(["PID_3", "PID_5", "PID_8", "PID_16"]), unique=True))
def test_a_message_leaves_nothing_in_the_next_one(fields):
    plan = compiled(
        {"to": "identifier", "from": "PID-3", "via": "many"},
        {"to": "name", "from": "PID-5", "via": "name"},
        {"to": "gender", "from": "PID-8", "map": "gender"},
        {"to": "maritalStatus", "from": "PID-16", "via": "shared"},
        {"to": "maritalStatus.text", "from": "PID-16"},
    )
    message = source(**dict.fromkeys(fields, "F"))
    alone = told(made(plan, message, trace=True))

    made(plan, source(PID_3="1", PID_5='""', PID_8="Z", PID_16="z"), trace=True)
    after = told(made(plan, message, trace=True))

    assert after == alone


def told(result: Result) -> list[object]:
    """Return all that was made, to be compared."""
    return [getattr(result, name) for name in Result.__slots__]


@pytest.mark.parametrize(
    ("rule", "code", "named"),
    [
        pytest.param({"to": "nam"}, "RLS-CFG-006", "nearest: 'name'", id="unknown element"),
        pytest.param({"to": "name.famly"}, "RLS-CFG-006", "'family'", id="unknown below"),
        pytest.param({"to": "gender[0]"}, "RLS-CFG-006", "gender[0]", id="index on a single"),
        pytest.param({"to": "name", "via": "nam"}, "RLS-CFG-004", "'name'", id="converter"),
        pytest.param({"to": "gender", "map": "gendr"}, "RLS-CFG-005", "'gender'", id="map"),
        pytest.param(
            {"to": "gender", "value": "male", "from": "PID-8"},
            "RLS-CFG-009",
            "'value'",
            id="value beside from",
        ),
        pytest.param({"to": "active", "value": "Y"}, "RLS-CFG-003", "boolean", id="no boolean"),
        pytest.param({"to": "gender", "value": ""}, "RLS-CFG-003", "nothing", id="empty constant"),
        pytest.param(
            {"to": "maritalStatus", "value": {"cod": "x"}},
            "RLS-CFG-003",
            "Patient.maritalStatus.cod",
            id="unknown element in a constant",
        ),
    ],
)
def test_plan_that_names_something_unknown_does_not_compile(rule, code, named):
    with pytest.raises(FatalError) as caught:
        compiled(rule)

    (issue,) = caught.value.issues
    assert issue.code == code
    assert named in issue.what


def test_unknown_fragment_is_refused_with_the_nearest_name():
    event = {"message": "ADT^A01", "spec": "s", "resources": [{"use": "segments/PID.patent"}]}

    with pytest.raises(FatalError, match=r"RLS-CFG-008.*nearest: 'segments/PID.patient'"):
        compiled_event(event, {"segments/PID.patient": {"resource": "Patient", "rules": []}})
