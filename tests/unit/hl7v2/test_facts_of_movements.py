"""What class changes, announcements, updates and leaves assert about a pathway."""

from itertools import permutations
from typing import Any

import pytest

from gateway.core.facts import Assertion, Op, Received
from gateway.mapping.sites import Site
from gateway.pathway.facts import Fact, reduce
from tests.unit.hl7v2.compose import EVN, PID, PV1, ZBE, er7, msh, with_field
from tests.unit.hl7v2.facts import asserts, events, instant, movement, one
from tests.unit.hl7v2.test_adapter import SITE

LATER = "20261120093000"
LAST = "20261120103000"


def classed(code: str) -> str:
    return with_field(PV1, 2, code)


def facts(*raws: bytes, site: Site = SITE) -> dict[str, Fact]:
    """Return what stands after these messages, the same in every order."""
    said = [[item for item in asserts(raw, site) if item.event.startswith("ENC.")] for raw in raws]
    found = [_reduced([item for part in order for item in part]) for order in permutations(said)]
    shown = [{key: (f.event, f.low, _told(f)) for key, f in each.items()} for each in found]
    assert all(each == shown[0] for each in shown)
    return found[0]


def _reduced(assertions: list[Assertion]) -> dict[str, Fact]:
    received = [Received(item, instant(2026, 11, 20, 12), n) for n, item in enumerate(assertions)]
    return reduce(received)


def _told(fact: Fact) -> dict[str, Any]:
    return {name: value for name, value in fact.attributes.items() if name != "tr"}


def only(event: str, *raws: bytes) -> Fact:
    [found] = [fact for fact in facts(*raws).values() if fact.event == event]
    return found


# --- class changes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trigger", "patient_class", "event"),
    [
        ("A06", "I", "ENC.ADMIT"),
        # A session is no admission: it closes no expected arrival.
        ("A06", "R", "ENC.MOVE"),
        ("A07", "O", "ENC.MOVE"),
        ("A07", "E", "ENC.MOVE"),
    ],
)
def test_a_change_of_class_admits_who_becomes_an_inpatient(
    trigger: str, patient_class: str, event: str
) -> None:
    raw = movement(trigger, pv1=classed(patient_class))

    assert {name for name, _ in events(raw) if name.startswith("ENC.")} == {event}


@pytest.mark.field("FL-140")
def test_a_cancelled_class_change_takes_its_admission_back() -> None:
    admitted = movement("A06", number="M2^CHU-DEMO^990000001")
    undone = movement("A07", number="M2^CHU-DEMO^990000001", action="CANCEL", original="A06",
                      recorded=LATER, pv1=classed("E"))  # fmt: skip
    arrived = movement("A04", pv1=classed("E"))

    assert {fact.event for fact in facts(arrived, admitted).values()} == {"ENC.ED_IN", "ENC.ADMIT"}
    assert {fact.event for fact in facts(arrived, admitted, undone).values()} == {"ENC.ED_IN"}


def test_a_status_correction_turns_the_emergency_into_the_admission_it_was() -> None:
    arrived = movement("A04", pv1=classed("E"))
    corrected = movement("Z99", action="UPDATE", original="A04", recorded=LATER)

    assert [fact.event for fact in facts(arrived, corrected).values()] == ["ENC.ADMIT"]


# --- updates ----------------------------------------------------------------------------------


def test_an_update_corrects_a_discharge_and_keeps_what_it_leaves_out() -> None:
    told = movement("A03", "ZFM||7||2", pv1=with_field(PV1, 37, "990000027"))
    moved = movement("Z99", action="UPDATE", original="A03", start="20261120070000", recorded=LATER)

    found = only("ENC.DISCHARGE", told, moved)

    assert found.low == instant(2026, 11, 20, 6)
    assert found.text("mode") == "7"
    assert found.text("destination_code") == "2"
    assert found.text("destination_finess") == "990000027"


def test_a_discharge_that_went_home_after_all_has_no_other_destination() -> None:
    told = movement("A03", "ZFM||7||2", pv1=with_field(PV1, 37, "990000027"))
    home = movement("Z99", "ZFM||8", action="UPDATE", original="A03", recorded=LATER)

    found = only("ENC.DISCHARGE", told, home)

    assert found.text("mode") == "8"
    assert not {"destination_code", "destination_finess"} & found.attributes.keys()


def test_an_update_inserts_nothing_and_takes_no_cancellation_back() -> None:
    told = movement("A03")
    undone = movement("A13", action="CANCEL", original="A03", recorded=LATER)
    update = movement("Z99", action="UPDATE", original="A03", recorded=LAST)

    assert one(update, "ENC.DISCHARGE").op is Op.AMEND
    assert facts(update) == {}
    assert facts(told, undone, update) == {}


@pytest.mark.parametrize(
    ("original", "event"),
    [
        ("A01", "ENC.ADMIT"),
        ("A02", "ENC.MOVE"),
        ("A06", "ENC.ADMIT"),
        ("A07", "ENC.ADMIT"),
        ("A21", "ENC.LEAVE_OUT"),
        ("A22", "ENC.LEAVE_BACK"),
        ("A05", "ENC.PREADMIT"),
        ("A14", "ENC.PREADMIT"),
        ("A16", "ENC.DISCH_PLANNED"),
        ("A54", None),
        ("A15", None),
        ("", None),
    ],
)
def test_an_update_is_about_the_event_it_names(original: str, event: str | None) -> None:
    raw = movement("Z99", action="UPDATE", original=original)

    told = {name for name, _ in events(raw) if name.startswith("ENC.")}
    assert told == ({event} if event else set())


@pytest.mark.parametrize(("said", "op"), [("ZFM||9", Op.ASSERT), ("ZFM||8", Op.RETRACT)])
def test_a_corrected_way_out_tells_a_death_or_takes_it_back(said: str, op: Op) -> None:
    raw = movement("Z99", said, action="UPDATE", original="A03")

    assert one(raw, "PAT.DEATH").op is op


def test_a_word_about_a_discharge_without_exit_mode_says_nothing_of_a_death() -> None:
    assert "PAT.DEATH" not in {name for name, _ in events(movement("A03"))}
    assert ("PAT.DEATH", Op.RETRACT) in events(movement("A13", action="CANCEL", original="A03"))


@pytest.mark.field("FL-105")
def test_a_movement_told_in_parts_is_one_fact_with_all_of_them() -> None:
    exit_ = movement("A03", "ZFM||7||2")
    place = movement("A03", recorded=LATER, pv1=with_field(PV1, 37, "990000027"))

    found = only("ENC.DISCHARGE", exit_, place)

    assert (found.text("mode"), found.text("destination_finess")) == ("7", "990000027")


# --- announcements ----------------------------------------------------------------------------


def planned(trigger: str, day: str, **more: Any) -> bytes:
    raw = movement(trigger, **more)
    return raw.replace(b"EVN||20261120083000|", f"EVN||20261120083000|{day}".encode())


def test_a_pending_discharge_is_an_early_warning_with_its_destination() -> None:
    pv1 = with_field(PV1, 37, "990000027")
    raw = er7(msh("ADT^A16^ADT_A16"), with_field(EVN, 3, "20261122140000"), PID, pv1,
              "PV2|||||||||20261123" + "|" * 18 + "3", ZBE, "ZFM||7||2")  # fmt: skip

    found = one(raw, "ENC.DISCH_PLANNED")

    assert found.when.low == instant(2026, 11, 22, 13)
    assert found.key.endswith("|V25001|planned-discharge")
    wanted = ("mode", "destination_code", "destination_finess", "circumstance")
    assert [found.attributes[name] for name in wanted] == ["7", "2", "990000027", "3"]
    assert "ENC.DISCHARGE" not in {name for name, _ in events(raw)}


def test_a_pending_discharge_without_date_is_expected_by_pv2_or_now() -> None:
    dated = movement("A16", "PV2|||||||||20261123100000")
    bare = movement("A16")

    assert one(dated, "ENC.DISCH_PLANNED").when.low == instant(2026, 11, 23, 9)
    assert one(bare, "ENC.DISCH_PLANNED").when.low == instant(2026, 11, 20, 7, 15)


@pytest.mark.parametrize(
    ("told", "cancelled", "event"),
    [
        ("A05", "A38", "ENC.PREADMIT"),
        ("A14", "A27", "ENC.PREADMIT"),
        ("A16", "A25", "ENC.DISCH_PLANNED"),
    ],
)
def test_a_cancelled_announcement_takes_its_fact_back(
    told: str, cancelled: str, event: str
) -> None:
    undone = movement(cancelled, action="CANCEL", original=told, recorded=LATER)

    assert [fact.event for fact in facts(movement(told)).values()] == [event]
    assert facts(movement(told), undone) == {}


def test_a_pending_admission_is_dated_by_its_expected_day() -> None:
    raw = er7(msh("ADT^A14^ADT_A05"), with_field(EVN, 3, "20261201090000"), PID, PV1, ZBE)

    assert one(raw, "ENC.PREADMIT").when.low == instant(2026, 12, 1, 8)


@pytest.mark.parametrize("trigger", ["A15", "A26", "A54", "A55"])
def test_what_changes_no_step_of_a_pathway_asserts_none(trigger: str) -> None:
    action = "CANCEL" if trigger in ("A26", "A55") else "INSERT"

    told = {name for name, _ in events(movement(trigger, action=action))}

    assert not {name for name in told if name.startswith("ENC.")}


# --- attributes -------------------------------------------------------------------------------


def test_an_arrival_says_where_the_patient_comes_from() -> None:
    found = one(movement("A01", "ZFM|8||||5", pv1=with_field(PV1, 14, "7")), "ENC.ADMIT")

    wanted = ("entry_mode", "ed_passage", "admit_source")
    assert [found.attributes[name] for name in wanted] == ["8", "5", "7"]


def test_a_leave_to_a_platform_of_another_site_says_so() -> None:
    raw = movement("A21", "ZFM||0||1", pv1=with_field(PV1, 37, "990000027"))

    found = one(raw, "ENC.LEAVE_OUT").attributes

    assert (found["mode"], found["destination_finess"]) == ("0", "990000027")


def test_an_exit_mode_of_the_site_is_read_through_its_table() -> None:
    raw = movement("A03", "ZFV" + "|" * 9 + "REEDUC")
    known = SITE.model_copy(update={"local_codes": {"exit-mode": {"REEDUC": "smr"}}})

    assert one(raw, "ENC.DISCHARGE", known).attributes["local_destination"] == "smr"
    assert "local_destination" not in one(raw, "ENC.DISCHARGE").attributes
