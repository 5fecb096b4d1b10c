"""Fact plans: what a mapping file may write, and what running one asserts."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.core.contributions import Target
from gateway.core.errors import FatalError
from gateway.core.facts import Assertion, Op, Span
from gateway.core.timestamps import parse_timestamp
from gateway.mapping.conceptmaps import ConceptMap
from gateway.mapping.converters import REMOVED, Converters
from gateway.mapping.facts import (
    FactVocabulary,
    Speaker,
    When,
    compile_facts,
    instant_text,
    run_facts,
    when_of,
)
from gateway.mapping.loader import load_mappings
from gateway.mapping.plan import EventPlan
from tests.unit.mapping.tree import Node, source

NOON = datetime(2026, 3, 2, 11, tzinfo=UTC)
SPEAKER = Speaker("r1", NOON, Target("Patient", "p1"), "990000001:ADT", "990000001")
TABLE = Converters()
SEX = ConceptMap.model_validate(
    {"name": "sex", "source": "s", "version": "1", "codes": {"F": "female"}}
)
PLAN = {"event": "ENC.MOVE", "key": "key", "te": "noon", "spec": "s"}


@TABLE.converter("key")
def key(_node: Node, _context: Any) -> str:
    return "K"


@TABLE.converter("nothing")
def nothing(_node: Node, _context: Any) -> None:
    return None


@TABLE.converter("noon")
def noon(_node: Node, _context: Any) -> When:
    return When(Span(NOON, NOON))


@TABLE.converter("from_text")
def from_text(node: Node, _context: Any) -> str:
    return node.text()


@TABLE.converter("emptied")
def emptied(_node: Node, _context: Any) -> Any:
    return REMOVED


@TABLE.converter("context")
def context(_node: Node, given: Any) -> Any:
    return given


def run(input_: Node, *plans: dict[str, Any], context: Any = None) -> list[Assertion]:
    emits = EventPlan.model_validate({"spec": "s", "resources": [], "emits": list(plans)}).emits
    vocabulary = FactVocabulary(TABLE, {"sex": SEX})
    compiled = compile_facts(emits, {}, "hl7v2", vocabulary)
    return run_facts(compiled, input_, context, SPEAKER)


def faults(*plans: dict[str, Any]) -> list[str]:
    with pytest.raises(FatalError) as caught:
        run(source(), *plans)
    return [f"{issue.code} {issue.what}" for issue in caught.value.issues]


def test_a_plan_asserts_who_says_what_when() -> None:
    (made,) = run(
        source(PV1_3="4036"), {**PLAN, "rules": [{"to": "unit", "from": "PV1-3", "spec": "s"}]}
    )

    assert (made.event, made.key, made.op, made.when) == (
        "ENC.MOVE", "K", Op.ASSERT, Span(NOON, NOON),
    )  # fmt: skip
    assert made.attributes == {"estab": "990000001", "unit": "4036"}
    assert (made.revision, made.sent_at, made.patient, made.source) == (
        "r1", NOON, Target("Patient", "p1"), "990000001:ADT",
    )  # fmt: skip


def test_a_retraction_says_nothing_but_its_key() -> None:
    rules = [{"to": "unit", "from": "PV1-3", "required": "true", "spec": "s"}]

    (made,) = run(source(PV1_3="4036"), {**PLAN, "op": "retract", "rules": rules})

    assert made.op is Op.RETRACT
    assert made.attributes == {}


@pytest.mark.parametrize("part", ["key", "te", "op", "name"])
def test_a_converter_may_say_that_nothing_is_asserted(part: str) -> None:
    plan = {**PLAN, part: "nothing"}
    if part == "name":
        plan["event"] = "ENC.*"

    assert run(source(), plan) == []


def test_a_converter_chooses_the_event_of_a_family() -> None:
    plan = {**PLAN, "event": "DOC.*", "name": "context"}

    (made,) = run(source(), plan, context="CRH")

    assert made.event == "DOC.CRH"


def test_a_condition_decides_whether_a_fact_is_asserted() -> None:
    plan = {**PLAN, "when": {"PV1-2": ["I", "E"]}}

    assert len(run(source(PV1_2="E"), plan)) == 1
    assert run(source(PV1_2="O"), plan) == []
    assert run(source(), plan) == []


def test_each_gives_one_fact_a_node() -> None:
    plan = {**PLAN, "each": "ROL-4", "key": "from_text"}

    assert [made.key for made in run(source(ROL_4=["A", "B", "A"]), plan)] == ["A", "B"]


def test_attributes_that_say_nothing_are_left_out() -> None:
    rules = [
        {"to": "unit", "from": "PV1-3", "via": "emptied", "spec": "s"},
        {"to": "visit", "from": "PV1-19", "spec": "s"},
        {"to": "mode", "from": "ZFM-2", "when": {"PV1-2": ["I"]}, "spec": "s"},
    ]

    (made,) = run(source(PV1_3="4036", PV1_19='""', ZFM_2="7"), {**PLAN, "rules": rules})

    assert made.attributes == {"estab": "990000001"}


def test_a_required_attribute_without_value_asserts_nothing() -> None:
    rules = [{"to": "gp", "from": "ROL-4", "required": "true", "spec": "s"}]
    plan = {**PLAN, "event": "PAT.GP_KNOWN", "rules": rules}

    assert run(source(), plan) == []
    assert len(run(source(ROL_4="1"), plan)) == 1


def test_lists_keep_every_value_once_and_texts_the_first() -> None:
    said = source(PRT_5=["B", "A", "B"])
    rules = [
        {"to": "recipients", "from": "PRT-5", "spec": "s"},
        {"to": "author", "from": "PRT-5", "spec": "s"},
    ]

    (made,) = run(said, {**PLAN, "event": "DOC.CRH", "rules": rules})

    assert made.attributes["recipients"] == ["B", "A"]
    assert made.attributes["author"] == "B"


def test_codes_go_through_their_concept_map() -> None:
    rules = [{"to": "unit", "from": "PID-8", "map": "sex", "spec": "s"}]

    (known,) = run(source(PID_8="F"), {**PLAN, "rules": rules})
    (unknown,) = run(source(PID_8="?"), {**PLAN, "rules": rules})

    assert known.attributes["unit"] == "female"
    assert "unit" not in unknown.attributes


def test_a_flag_that_is_false_is_said() -> None:
    rules = [{"to": "ins_qualified", "via": "context", "spec": "s"}]

    (made,) = run(source(), {**PLAN, "event": "DOC.CRH", "rules": rules}, context=False)

    assert made.attributes["ins_qualified"] is False


# --- what is wrong with a file ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"event": "ENC.DISCHARG"}, "RLS-PTH-095 key 'event': 'ENC.DISCHARG' is no event of the "
         "alphabet; nearest: 'ENC.DISCHARGE'."),
        ({"event": "ENC.*"}, "RLS-PTH-095 key 'event': 'ENC.*'"),
        ({"name": "context"}, "RLS-PTH-095 key 'event': 'ENC.MOVE'"),
        ({"rules": [{"to": "unti", "from": "PV1-3"}]}, "RLS-PTH-096 key 'to': facts of this event "
         "have no attribute 'unti'; nearest: 'unit'."),
        ({"rules": [{"to": "return_due", "from": "PV2-47"}]}, "RLS-CFG-009"),
        ({"key": "kye"}, "RLS-CFG-004 key 'via': converter 'kye' is unknown; nearest: 'key'."),
        ({"te": "none"}, "RLS-CFG-004"),
        ({"op": "retrakt"}, "RLS-CFG-004"),
        ({"rules": [{"to": "unit", "from": "P-1", "map": "sexe"}]}, "RLS-CFG-005"),
    ],
)  # fmt: skip
def test_a_wrong_name_stops_the_start(changed: dict[str, Any], expected: str) -> None:
    (fault,) = faults({**PLAN, **changed})

    assert fault.startswith(expected)


def test_an_unknown_fragment_stops_the_start() -> None:
    assert faults({"use": "facts/PID.deth"})[0].startswith("RLS-CFG-008")


def test_the_loader_knows_the_keys_of_a_fact_plan(tmp_path: Any) -> None:
    folder = tmp_path / "mappings" / "hl7v2" / "facts"
    folder.mkdir(parents=True)
    (folder / "PID.yaml").write_text(
        "death:\n  event: PAT.DEATH\n  kee: x\n  te: y\n", encoding="utf-8"
    )

    with pytest.raises(FatalError) as caught:
        load_mappings(tmp_path / "mappings")

    assert sorted((issue.code, issue.where) for issue in caught.value.issues) == [
        ("RLS-CFG-003", "mappings/hl7v2/facts/PID.yaml line 1"),
        ("RLS-CFG-003", "mappings/hl7v2/facts/PID.yaml line 3"),
    ]


# --- time -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "low", "high", "flags"),
    [
        ("20260302120000", "2026-03-02T11:00:00Z", "2026-03-02T11:00:00Z", ()),
        ("20260302", "2026-03-01T23:00:00Z", "2026-03-02T23:00:00Z", ("imprecise",)),
        ("202603", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z", ("imprecise",)),
        ("20261025023000", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", ("tz-ambiguous",)),
        ("20260329023000", "2026-03-29T01:30:00Z", "2026-03-29T01:30:00Z", ("tz-repair",)),
        ("20261025023000+0100", "2026-10-25T01:30:00Z", "2026-10-25T01:30:00Z", ()),
    ],
)
def test_a_timestamp_as_an_event_time(
    text: str, low: str, high: str, flags: tuple[str, ...]
) -> None:
    found = when_of(parse_timestamp(text))

    assert (instant_text(found.span.low), instant_text(found.span.high)) == (low, high)
    assert found.flags == flags
