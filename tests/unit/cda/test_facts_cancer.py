"""What programmes of care, tumour boards and mammogram work-ups assert."""

from itertools import permutations
from typing import Any

import pytest

from gateway.core.events import ATTRIBUTES, EVENTS, family
from gateway.core.facts import Assertion, Received
from gateway.core.timestamps import parse_timestamp
from gateway.pathway.facts import reduce
from tests.golden.test_cda import FOLDER
from tests.golden.test_cda import convert as convert_document
from tests.unit.cda.cancer_documents import (
    NCI,
    SUPPORTIVE,
    board,
    boolean,
    coded,
    foreseen,
    inside,
    line,
    observation,
    programme,
    times,
)
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import TA, entry, section
from tests.unit.cda.test_cancer_screening import conduct, exam, often, plan, reader, screening

CHEMO = ("MED-568", "C15632")


def asserted(convert: Convert, body: bytes, event: str) -> list[Assertion]:
    return [one for one in convert(body).assertions if one.event == event]


def attributes(one: Assertion) -> dict[str, Any]:
    common = ("estab", "setid", "version", "about", "request")
    return {name: value for name, value in one.attributes.items() if name not in common}


def test_a_planned_line_is_a_step_with_its_window_and_performer(convert: Convert) -> None:
    mode = observation("ORG-006", f'<value xsi:type="CD" code="20053000" codeSystem="{TA}"/>')
    performer = (
        '<performer><assignedEntity><id root="1.2.250.1.71.4.2.1" extension="810999000051"/>'
        "</assignedEntity></performer>"
    )
    inner = foreseen("20260317", "20260720") + inside("COMP", mode) + performer

    (step,) = asserted(convert, programme(line(*CHEMO, inner, system=NCI)), "PPS.STEP")

    assert attributes(step) == {
        "kind": "procedure",
        "code": "MED-568",
        "content": "chemotherapy",
        "mood": "INT",
        "low": "2026-03-16T23:00:00Z",
        "high": "2026-07-20T21:59:59Z",
        "route": "20053000",
        "performer": "10999000051",
    }
    assert step.attributes["about"].startswith("ServiceRequest/")
    assert step.attributes["setid"] == "1.2.250.1.999.7.1#S1"


def test_what_is_done_is_no_step(convert: Convert) -> None:
    done = line(*CHEMO, system=NCI, mood="EVN", own=times("20260101", "20260201"))

    assert asserted(convert, programme(done), "PPS.STEP") == []


def test_a_line_that_is_called_off_is_a_dropped_step_under_the_same_key(convert: Convert) -> None:
    (planned,) = asserted(convert, programme(line(*CHEMO, system=NCI)), "PPS.STEP")
    off = programme(line(*CHEMO, system=NCI, status="aborted"))

    (dropped,) = asserted(convert, off, "PPS.STEP_DROPPED")

    assert dropped.key == planned.key
    assert asserted(convert, off, "PPS.STEP") == []


@pytest.mark.parametrize(("said", "count"), [("true", 1), ("false", 0)])
def test_the_end_of_all_treatments_is_a_step_that_is_done(
    convert: Convert, said: str, count: int
) -> None:
    stop = observation("MED-052", '<effectiveTime value="20260419"/>', boolean(said))

    found = asserted(convert, programme(stop), "PPS.STEP")

    assert len(found) == count
    assert [(one.attributes["code"], one.attributes["mood"], one.attributes["date"])
            for one in found] == [("MED-052", "EVN", "2026-04-18T22:00:00Z")] * count  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "content", "event"),
    [
        ("MED-572", "ORG-036", "REQ.diet.SENT"),
        ("MED-572", "ORG-037", "REQ.psy.SENT"),
        ("MED-572", "ORG-035", "REQ.pain.SENT"),
        ("MED-572", "ORG-175", "REQ.apa.SENT"),
        ("MED-572", "MED-051", "REQ.fertility.SENT"),
        ("MED-573", "PAT-024", "REQ.social.SENT"),
        ("MED-573", "GEN-092.04.08", "REQ.social.SENT"),
        ("MED-570", "ORG-001", "REQ.oncogeriatrics.SENT"),
    ],
)
def test_supportive_and_social_care_is_asked_for(
    convert: Convert, kind: str, content: str, event: str
) -> None:
    body = programme(line(kind, content, foreseen("20260316", "20260930")), part=SUPPORTIVE)

    (asked,) = asserted(convert, body, event)

    assert attributes(asked) == {
        "kind": event.split(".")[1], "proposed_date": "2026-03-15T23:00:00Z",
    }  # fmt: skip
    assert asked.key == f"{asked.attributes['request']}|sent"


@pytest.mark.parametrize("content", ["ORG-176", "MED-562"])
def test_what_no_pathway_waits_for_is_asked_of_nobody(convert: Convert, content: str) -> None:
    found = convert(programme(line("MED-572", content), part=SUPPORTIVE)).assertions

    assert [one.event for one in found if one.event.startswith("REQ.")] == []


def test_a_request_that_is_called_off_is_withdrawn(convert: Convert) -> None:
    body = programme(line("MED-572", "ORG-036", status="cancelled"), part=SUPPORTIVE)

    (gone,) = asserted(convert, body, "REQ.diet.WITHDRAWN")

    assert gone.key.endswith("|withdrawn")
    assert asserted(convert, body, "REQ.diet.SENT") == []


def act(code: str, system: str = TA) -> str:
    return entry("procedure", "INT", "62", coded("code", code, system))


@pytest.mark.parametrize(
    ("statement", "event"),
    [
        (act("C15252", NCI), "REQ.palliative.SENT"),
        (act("ORG-130"), "REQ.oncogeriatrics.SENT"),
        (entry("observation", "PRP", "27", coded("code", "C3303", NCI)), "REQ.pain.SENT"),
        (entry("observation", "PRP", "27", coded("code", "ORG-064")), "REQ.exam.SENT"),
        (entry("encounter", "ARQ", "58", coded("code", "ORG-120")), "REQ.rcp.SENT"),
    ],
    ids=["palliative", "oncogeriatrics", "pain", "expertise", "second meeting"],
)
def test_a_board_asks_for_what_others_have_to_answer(
    convert: Convert, statement: str, event: str
) -> None:
    enrolment = (
        '<inFulfillmentOf><order><id root="1.2.3" extension="E1"/></order></inFulfillmentOf>'
    )

    found = convert(board(section("158", statement), header=enrolment)).assertions

    (asked,) = (one for one in found if one.event.startswith("REQ."))
    assert asked.event == event
    # A second meeting will have an enrolment of its own.
    expected = None if event == "REQ.rcp.SENT" else "1.2.3^E1"
    assert asked.attributes.get("enrolment_id") == expected


def test_a_treatment_that_is_proposed_is_asked_of_nobody(convert: Convert) -> None:
    found = convert(board(section("158", act("C15632", NCI)))).assertions

    assert [one.event for one in found if one.event.startswith("REQ.")] == []


@pytest.mark.parametrize(
    ("case", "phase", "expected"),
    [
        ("ORG-134", "MED-268", {"case": "discussed", "first_line": True}),
        ("ORG-128", "MED-244", {"case": "recorded", "first_line": False}),
        ("ORG-999", "MED-999", {}),
    ],
    ids=["discussed in first line", "recorded at a relapse", "unknown codes"],
)
def test_a_board_tells_the_case_and_the_line(
    convert: Convert, case: str, phase: str, expected: dict[str, Any]
) -> None:
    said = [
        section("128", observation("ORG-127", f'<value code="{case}"/>')),
        section("25", observation("MED-243", f'<value code="{phase}"/>')),
    ]
    session = (
        '<documentationOf><serviceEvent><code code="39"/><effectiveTime>'
        '<low value="20260210140000+0100"/></effectiveTime></serviceEvent></documentationOf>'
    )

    (document,) = asserted(convert, board(*said, header=session), "DOC.FRCP")

    assert document.attributes["session_time"] == "2026-02-10T13:00:00Z"
    told = {name: document.attributes[name] for name in ("case", "first_line")
            if name in document.attributes}  # fmt: skip
    assert told == expected


def test_a_programme_tells_when_it_was_handed_over_and_why_it_changed(convert: Convert) -> None:
    status = section(
        "35",
        observation("ORG-189", '<value xsi:type="EIVL_TS" value="20260210"/>'),
        observation("GEN-178", '<effectiveTime value="20260302"/><value nullFlavor="NA"/>'),
        observation("GEN-037", f'<value xsi:type="CD" code="MED-105" codeSystem="{TA}"/>'),
    )

    (document,) = asserted(convert, programme(beside=status), "DOC.PPS")

    assert document.attributes["session_time"] == "2026-02-09T23:00:00Z"
    assert document.attributes["handed_at"] == "2026-03-01T23:00:00Z"
    assert document.attributes["reason"] == "MED-105"


def test_a_meeting_is_no_stay_of_the_facts(convert: Convert) -> None:
    meeting = (
        '<componentOf><encompassingEncounter><code code="VR" codeSystem="2.16.840.1.113883.5.4"/>'
        '<effectiveTime><low value="20260210140000+0100"/></effectiveTime>'
        "</encompassingEncounter></componentOf>"
    )

    (document,) = asserted(convert, board(section("158"), stay=meeting), "DOC.FRCP")

    assert "stay_start" not in document.attributes


@pytest.mark.parametrize(
    ("value", "unit", "due"),
    [
        ("6", "mo", "2026-09-04T22:00:00Z"),
        ("1", "a", "2027-03-04T23:00:00Z"),
        ("4", "wk", "2026-04-01T22:00:00Z"),
        ("10", "d", "2026-03-14T23:00:00Z"),
    ],
)
def test_a_control_is_due_at_its_frequency(
    convert: Convert, value: str, unit: str, due: str
) -> None:
    body = screening(plan(conduct("MED-116"), often(value, unit)))

    (asked,) = asserted(convert, body, "REQ.exam.SENT")

    assert asked.attributes["proposed_date"] == due


def test_the_end_of_a_month_stays_one(convert: Convert) -> None:
    last_day = screening(plan(conduct("MED-116"), often("6", "mo"))).replace(
        b'<effectiveTime value="20260305"/>', b'<effectiveTime value="20260831"/>'
    )

    (asked,) = asserted(convert, last_day, "REQ.exam.SENT")

    assert asked.attributes["proposed_date"] == "2027-02-27T23:00:00Z"


def test_what_three_readers_ask_for_is_asked_once(convert: Convert) -> None:
    items = (conduct("MED-116"), often("6", "mo"), exam("w1"))
    body = screening(*(reader(part, *items) for part in ("58", "59", "174")))

    keys = [one.key for one in asserted(convert, body, "REQ.exam.SENT")]

    assert len(keys) == len(set(keys)) == 2


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
def test_lines_that_a_version_drops_are_dropped_in_any_order(order: tuple[int, ...]) -> None:
    names = ("pps_programme_with_done_and_planned_lines", "pps_version_2_drops_and_completes_lines")
    versions = [convert_fixture(name) for name in names]
    at = parse_timestamp("20260501120000").bounds_utc()[0]

    facts = reduce(
        Received(one, at, place) for number in order for place, one in enumerate(versions[number])
    )

    steps = sorted(
        (fact.event, fact.text("code"), fact.text("content"))
        for fact in facts.values()
        if fact.event.startswith("PPS.")
    )
    assert steps == [
        ("PPS.STEP", "MED-052", ""),
        ("PPS.STEP", "MED-568", "hormone-therapy"),
        ("PPS.STEP", "MED-571", "consultation"),
        ("PPS.STEP", "MED-572", "nutrition"),
        ("PPS.STEP_DROPPED", "MED-573", "home-help"),
    ]
    assert {fact.event for fact in facts.values() if fact.event.startswith("REQ.")} == {
        "REQ.diet.SENT", "REQ.social.WITHDRAWN",
    }  # fmt: skip


def convert_fixture(name: str) -> list[Assertion]:
    return convert_document((FOLDER / name / "input.xml").read_bytes()).assertions


CASES = sorted(
    path.name for path in FOLDER.iterdir() if path.name.startswith(("pps", "frcp", "d2lm"))
)


@pytest.mark.parametrize("name", CASES)
def test_facts_speak_the_alphabet(name: str) -> None:
    for one in convert_fixture(name):
        assert one.event in EVENTS
        assert set(one.attributes) <= set(ATTRIBUTES[family(one.event)])
