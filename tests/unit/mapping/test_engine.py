"""The engine: what is written where, what is removed, what is reported."""

import pytest

from gateway.core.issues import Severity
from tests.unit.mapping.tree import Node, compiled, made, source


def test_scalar_goes_to_its_place():
    plan = compiled({"to": "birthDate", "from": "PID-7"})

    assert made(plan, source(PID_7="1960")).resource == {
        "resourceType": "Patient",
        "birthDate": "1960",
    }


def test_repetitions_append_to_a_list_element():
    plan = compiled({"to": "name.given", "from": "PID-5"})

    assert made(plan, source(PID_5=["A", "B"])).resource["name"] == [{"given": ["A", "B"]}]


def test_first_usable_repetition_fills_a_single_element():
    plan = compiled({"to": "birthDate", "from": "PID-7"})

    assert made(plan, source(PID_7=["", "1960", "1961"])).resource["birthDate"] == "1960"


def test_members_of_a_converter_append_and_empties_are_dropped():
    plan = compiled({"to": "identifier", "from": "PID-3", "via": "many"})

    assert made(plan, source(PID_3="1")).resource["identifier"] == [
        {"system": "urn:a", "value": "1"},
        {"system": "urn:b", "value": "2"},
    ]


def test_empty_parts_of_a_converted_object_are_dropped():
    plan = compiled({"to": "name", "from": "PID-5", "via": "name"})

    assert made(plan, source(PID_5="A")).resource["name"] == [{"family": "A", "given": ["A"]}]


def test_two_leaves_below_one_list_write_into_its_first_member():
    plan = compiled(
        {"to": "content.attachment.title", "from": "TXA-1"},
        {"to": "content.attachment.contentType", "value": "text/xml"},
        {"to": "content[0].format.code", "value": "f"},
        resource="DocumentReference",
    )

    assert made(plan, source(TXA_1="t")).resource["content"] == [
        {"attachment": {"title": "t", "contentType": "text/xml"}, "format": {"code": "f"}}
    ]


def test_index_of_a_member_that_has_no_predecessor_leaves_no_hole():
    plan = compiled(
        {"to": "content[1].attachment.title", "value": "second"},
        {"to": "content[0].attachment.title", "from": "TXA-1"},
        resource="DocumentReference",
    )

    alone = made(plan, source(), trace=True)
    both = made(plan, source(TXA_1="first"), trace=True)

    assert alone.resource["content"] == [{"attachment": {"title": "second"}}]
    assert [line.target for line in alone.trace] == ["content[0].attachment.title"]
    assert [one["attachment"]["title"] for one in both.resource["content"]] == ["first", "second"]
    assert {line.target for line in both.trace} == {
        "content[0].attachment.title",
        "content[1].attachment.title",
    }


def test_later_rule_replaces_a_single_value():
    plan = compiled(
        {"to": "gender", "value": "unknown"}, {"to": "gender", "from": "PID-8", "map": "gender"}
    )

    assert made(plan, source(PID_8="F")).resource["gender"] == "female"
    assert made(plan, source()).resource["gender"] == "unknown"


@pytest.mark.parametrize(
    ("to", "text", "expected"),
    [
        pytest.param("active", "true", True, id="boolean"),
        pytest.param("deceasedBoolean", "false", False, id="false is a value"),
        pytest.param("multipleBirthInteger", "0", 0, id="zero is a value"),
        pytest.param("birthDate", "010", "010", id="text stays text"),
    ],
)
def test_constant_takes_the_json_type_of_its_place(to, text, expected):
    found = made(compiled({"to": to, "value": text}), source()).resource[to]

    assert found == expected
    assert type(found) is type(expected)


def test_constant_object_is_typed_inside_and_new_for_each_run():
    rule = {"to": "communication", "value": [{"preferred": "true", "language": {"text": "fr"}}]}
    plan = compiled(rule)

    first, second = made(plan, source()).resource, made(plan, source()).resource
    first["communication"][0]["language"]["text"] = "changed"

    assert second["communication"] == [{"preferred": True, "language": {"text": "fr"}}]


def test_text_of_the_input_takes_the_json_type_of_its_place():
    plan = compiled({"to": "multipleBirthInteger", "from": "PID-25"})

    assert made(plan, source(PID_25="2")).resource["multipleBirthInteger"] == 2


def test_text_that_is_no_number_is_an_issue_and_nothing_is_written():
    result = made(compiled({"to": "multipleBirthInteger", "from": "PID-25"}), source(PID_25="II"))

    assert "multipleBirthInteger" not in result.resource
    assert [(i.code, i.where, i.severity) for i in result.issues] == [
        ("RLS-MAP-003", "PID-25[1]", Severity.WARNING)
    ]
    assert "II" not in str(result.issues[0])


def test_missing_required_value_is_an_issue_with_place_and_fix():
    rule = {"to": "birthDate", "from": "PID-7", "required": "true", "spec": "HL7 v2.5 PID-7"}

    (issue,) = made(compiled(rule), source()).issues

    assert str(issue) == (
        "RLS-MAP-001 at PID-7: no usable value for Patient.birthDate. "
        "Fix: Send PID-7 (HL7 v2.5 PID-7)."
    )
    assert issue.severity is Severity.ERROR
    assert issue.hl7_code == 101


def test_place_of_a_missing_value_names_the_repeated_segment():
    plan = compiled(
        {"to": "name", "from": "NK1-2", "via": "name", "required": "true"},
        resource="RelatedPerson",
        each="NK1",
    )
    root = Node(below={"NK1": [Node("NK1[1]"), Node("NK1[2]")]})

    found = [result.issues[0].where for result in plan.run(root, None)]

    assert found == ["NK1[1]-2", "NK1[2]-2"]


def test_hl7_null_becomes_a_removal_of_the_element():
    plan = compiled({"to": "birthDate", "from": "PID-7"})

    result = made(plan, source(PID_7='""'))

    assert result.removals == ("birthDate",)
    assert "birthDate" not in result.resource


def test_removed_member_of_a_keyed_list_names_its_key_beside_the_values():
    result = made(
        compiled({"to": "name", "from": "PID-5", "via": "name"}), source(PID_5=["A", '""'])
    )

    assert result.removals == ("name:usual",)
    assert [one["family"] for one in result.resource["name"]] == ["A"]


def test_removal_below_an_element_names_the_whole_path():
    plan = compiled(
        {"to": "hospitalization.dischargeDisposition.text", "from": "PV1-36"}, resource="Encounter"
    )

    result = made(plan, source(PV1_36='""'))

    assert result.removals == ("hospitalization.dischargeDisposition.text",)
    assert "hospitalization" not in result.resource


def test_flawed_value_is_written_and_its_issue_reported():
    result = made(compiled({"to": "gender", "from": "PID-8", "via": "flawed"}), source(PID_8="A"))

    assert result.resource["gender"] == "unknown"
    assert [issue.where for issue in result.issues] == ["PID-8[1]"]


@pytest.mark.parametrize(
    ("when", "runs"),
    [
        pytest.param({"PID-30": ["Y"]}, True, id="accepted value"),
        pytest.param({"PID-30": ["N"]}, False, id="other value"),
        pytest.param({"PID-30": ["N", "Y"]}, True, id="one of two"),
        pytest.param({"PID-31": [""]}, True, id="absent is the empty text"),
        pytest.param({"PID-31": ["*"]}, False, id="star wants something"),
        pytest.param({"PID-30": ["*"]}, True, id="star takes anything"),
        pytest.param({"PID-30": ["Y"], "PID-31": ["Y"]}, False, id="all must hold"),
    ],
)
def test_rule_runs_when_its_places_have_the_values(when, runs):
    plan = compiled({"to": "active", "value": "true", "when": when})

    assert ("active" in made(plan, source(PID_30="Y")).resource) is runs


@pytest.mark.parametrize(
    ("to", "resource", "expected"),
    [
        pytest.param("gender", "Patient", "male", id="code"),
        pytest.param(
            "class",
            "Encounter",
            {"system": "urn:gender", "code": "male", "display": "Male"},
            id="Coding",
        ),
        pytest.param(
            "maritalStatus",
            "Patient",
            {"coding": [{"system": "urn:gender", "code": "male", "display": "Male"}]},
            id="CodeableConcept",
        ),
    ],
)
def test_mapped_code_takes_the_form_of_its_place(to, resource, expected):
    plan = compiled({"to": to, "from": "PID-8", "map": "gender"}, resource=resource)

    assert made(plan, source(PID_8="M")).resource[to] == expected


def test_concept_map_reads_the_code_of_a_converted_concept():
    plan = compiled({"to": "gender", "via": "from_context", "map": "gender"})

    found = made(plan, source(), {"coding": [{"system": "urn:x", "code": "F"}]})

    assert found.resource["gender"] == "female"


@pytest.mark.parametrize(
    ("required", "severity"), [("false", Severity.WARNING), ("true", Severity.ERROR)]
)
def test_code_that_is_not_in_the_map_is_one_issue_and_never_a_guess(required, severity):
    plan = compiled({"to": "gender", "from": "PID-8", "map": "gender", "required": required})

    result = made(plan, source(PID_8="Z"))

    assert "gender" not in result.resource
    assert [(i.code, i.where, i.severity, i.hl7_code) for i in result.issues] == [
        ("RLS-MAP-002", "PID-8[1]", severity, 103)
    ]


def test_code_known_without_counterpart_writes_nothing_and_is_no_issue():
    result = made(compiled({"to": "gender", "from": "PID-8", "map": "gender"}), source(PID_8="X"))

    assert "gender" not in result.resource
    assert result.issues == []


def test_local_code_of_a_site_comes_before_the_map():
    plan = compiled({"to": "gender", "from": "PID-8", "map": "gender"})

    found = made(plan, source(PID_8="HOMME"), local={"gender": {"HOMME": "male"}})

    assert found.resource["gender"] == "male"
    assert made(plan, source(PID_8="HOMME")).issues[0].code == "RLS-MAP-002"
