"""What messages assert about a pathway: keys, times, operations, attributes."""

from itertools import permutations

import pytest

from gateway.core.contributions import Target
from gateway.core.events import ATTRIBUTES, EVENTS, Kind, family
from gateway.core.facts import Op
from gateway.hl7v2.facts import feed_of
from gateway.hl7v2.reader import read
from gateway.mapping.sites import Site, Unit
from tests.unit.hl7v2.compose import EVN, PID, PV1, ZBE, admission, er7, msh, with_field
from tests.unit.hl7v2.facts import appointment, asserts, events, facts_of, instant, movement, one
from tests.unit.hl7v2.test_adapter import SITE, contribute

KINDS = {
    Kind.TEXT: str,
    Kind.NUMBER: int,
    Kind.BOOLEAN: bool,
    Kind.INSTANT: str,
    Kind.TEXTS: list,
}
#: Visit M1 of the composed messages, as facts name it.
MOVEMENT = "https://relais.example/ns/visit/990000001|V25001|M1#990000001"


# --- movements --------------------------------------------------------------------------------


def test_an_admission_is_named_by_visit_and_movement() -> None:
    found = one(admission(), "ENC.ADMIT")

    assert found.key == MOVEMENT
    assert found.op is Op.ASSERT
    assert found.patient == Target("Patient", contribute(admission()).contributions[1].target.id)
    assert found.when == (instant(2026, 11, 20, 7, 15), instant(2026, 11, 20, 7, 15))
    assert found.source == "990000001:ADT"
    assert found.attributes == {
        "estab": "990000001",
        "visit": "V25001",
        "dossier": "D25001",
        "unit": "4036",
        "estab_unit": "990000001#4036",
        "patient_class": "I",
        "admit_source": "90",
    }


@pytest.mark.parametrize(
    ("trigger", "patient_class", "event"),
    [
        ("A01", "I", "ENC.ADMIT"),
        ("A01", "E", "ENC.ED_IN"),
        # A session of chemotherapy is no admission, so it closes no expected arrival.
        ("A01", "R", "ENC.OUTPT"),
        ("A04", "O", "ENC.OUTPT"),
        ("A04", "E", "ENC.ED_IN"),
    ],
)
def test_the_class_tells_kinds_of_arrival(trigger: str, patient_class: str, event: str) -> None:
    raw = movement(trigger, pv1=with_field(PV1, 2, patient_class))

    assert {name for name, _ in events(raw) if name.startswith("ENC.")} == {event}


@pytest.mark.parametrize(
    ("told", "cancelled", "event"),
    [
        ("A01", "A11", "ENC.ADMIT"),
        ("A02", "A12", "ENC.MOVE"),
        ("A03", "A13", "ENC.DISCHARGE"),
        ("A21", "A52", "ENC.LEAVE_OUT"),
        ("A22", "A53", "ENC.LEAVE_BACK"),
    ],
)
def test_a_cancellation_takes_back_the_fact_of_its_movement(
    told: str, cancelled: str, event: str
) -> None:
    first = one(movement(told), event)
    second = one(
        movement(cancelled, action="CANCEL", original=told, recorded="20261120090000"), event
    )

    assert (first.key, first.op) == (second.key, Op.ASSERT)
    assert second.op is Op.RETRACT
    assert second.revision > first.revision


def test_a_cancellation_at_the_same_second_still_comes_after() -> None:
    told = one(movement("A03"), "ENC.DISCHARGE")
    cancelled = one(movement("A13", action="CANCEL", original="A03"), "ENC.DISCHARGE")

    assert cancelled.revision > told.revision


@pytest.mark.field("FL-085")
def test_a_cancellation_that_arrives_first_wins_all_the_same() -> None:
    told = one(movement("A03"), "ENC.DISCHARGE")
    cancelled = one(
        movement("A13", action="CANCEL", original="A03", recorded="20261120084000"),
        "ENC.DISCHARGE",
    )

    assert facts_of([cancelled, told]) == {}
    assert facts_of([told]) == {MOVEMENT: "ENC.DISCHARGE"}


@pytest.mark.field("FL-107")
def test_a_discharge_told_again_after_its_cancellation_stands_in_any_order() -> None:
    said = [
        one(movement("A03", recorded="20261120100000"), "ENC.DISCHARGE"),
        one(
            movement("A13", action="CANCEL", original="A03", recorded="20261120100500"),
            "ENC.DISCHARGE",
        ),
        one(movement("A03", recorded="20261120101000"), "ENC.DISCHARGE"),
    ]

    for order in permutations(said):
        assert facts_of(order) == {MOVEMENT: "ENC.DISCHARGE"}


@pytest.mark.field("FL-136")
def test_movement_numbers_repeat_across_visits() -> None:
    other = with_field(PV1, 19, "V25002^^^CHU-DEMO&990000001&M^VN")
    first, second = one(movement("A01"), "ENC.ADMIT"), one(movement("A01", pv1=other), "ENC.ADMIT")
    cancelled = one(
        movement("A11", action="CANCEL", original="A01", pv1=other, recorded="20261120093000"),
        "ENC.ADMIT",
    )

    assert first.key != second.key
    assert facts_of([first, second, cancelled]) == {first.key: "ENC.ADMIT"}


@pytest.mark.field("FL-101")
def test_one_movement_by_two_routes_is_one_fact() -> None:
    direct = movement("A03")
    relayed = direct.replace(b"|GAM|", b"|EAI|").replace(b"|G0001|", b"|E9|")

    assert [item.aid for item in asserts(direct)] == [item.aid for item in asserts(relayed)]


def test_a_message_without_movement_number_is_named_by_its_event() -> None:
    bare = er7(msh("ADT^A03^ADT_A03"), EVN, PID, PV1)
    cancelled = er7(msh("ADT^A13^ADT_A01"), EVN, PID, PV1)

    assert one(bare, "ENC.DISCHARGE").key == one(cancelled, "ENC.DISCHARGE").key


@pytest.mark.field("FL-135")
def test_a_shifted_movement_segment_gives_the_same_key() -> None:
    fields = ZBE.split("|")
    shifted = "|".join([*fields[:3], "", *fields[3:]])
    raw = er7(msh("ADT^A03^ADT_A03"), EVN, PID, PV1, shifted)

    assert one(raw, "ENC.DISCHARGE").key == MOVEMENT


def test_a_discharge_says_where_the_patient_goes() -> None:
    pv1 = with_field(with_field(with_field(PV1, 36, "3"), 37, "990000027"), 41, "D")

    found = one(movement("A03", "ZFM||7||2", pv1=pv1), "ENC.DISCHARGE").attributes

    assert found["mode"] == "7"
    assert found["destination_code"] == "2"
    assert found["destination_finess"] == "990000027"
    assert found["circumstance"] == "3"
    assert found["last_visit"] == "D"
    # What follows from several facts is not for a message to say.
    assert not {"destination", "stay_start", "gp"} & found.keys()


@pytest.mark.field("FL-138")
def test_a_discharge_that_says_no_destination_asserts_none() -> None:
    found = one(movement("A03"), "ENC.DISCHARGE").attributes

    assert not {"mode", "destination", "destination_code", "destination_finess"} & found.keys()


@pytest.mark.field("FL-139")
def test_the_circumstance_of_discharge_is_read_on_discharges_only() -> None:
    pv1 = with_field(PV1, 36, "4")

    assert "circumstance" not in one(movement("A01", pv1=pv1), "ENC.ADMIT").attributes
    assert one(movement("A03", pv1=pv1), "ENC.DISCHARGE").attributes["circumstance"] == "4"


@pytest.mark.field("FL-143")
def test_a_leave_says_when_the_patient_is_due_back() -> None:
    raw = movement("A21", with_field("PV2", 47, "20261122180000"))

    assert one(raw, "ENC.LEAVE_OUT").attributes["return_due"] == "2026-11-22T17:00:00Z"
    assert "ENC.DISCHARGE" not in {name for name, _ in events(raw)}


@pytest.mark.field("FL-150")
def test_a_unit_outside_of_the_site_table_has_no_sector() -> None:
    known = SITE.model_copy(update={"ufs": {"4036": Unit(sector="smr")}})

    assert one(movement("A02"), "ENC.MOVE", known).attributes["sector"] == "smr"
    assert "sector" not in one(movement("A02"), "ENC.MOVE").attributes


def test_hospital_at_home_is_told_by_the_treatment_mode() -> None:
    raw = movement("A01", pv1=with_field(PV1, 21, "06"))

    assert one(raw, "ENC.ADMIT").attributes["sector"] == "had"


def test_the_units_of_two_hospitals_are_told_apart() -> None:
    elsewhere = SITE.model_copy(update={"finess": "990000002"})

    here, there = (one(movement("A02"), "ENC.MOVE", s).attributes for s in (SITE, elsewhere))

    assert here["unit"] == there["unit"]
    assert here["estab_unit"] != there["estab_unit"]


def test_a_preadmission_is_dated_by_the_expected_admission() -> None:
    found = one(movement("A05", "PV2||||||||20261201090000"), "ENC.PREADMIT")

    assert found.when.low == instant(2026, 12, 1, 8)
    assert found.key.endswith("|V25001|preadmission")


def test_a_planned_discharge_goes_with_the_admission() -> None:
    planned = one(movement("A01", "PV2|||||||||20261125"), "ENC.DISCH_PLANNED")
    cancelled = one(movement("A11", action="CANCEL", original="A01"), "ENC.DISCH_PLANNED")
    emptied = one(movement("A02", 'PV2|||||||||""'), "ENC.DISCH_PLANNED")

    assert planned.when == (instant(2026, 11, 24, 23), instant(2026, 11, 25, 23))
    assert planned.flags == ("imprecise",)
    assert {planned.key} == {cancelled.key, emptied.key}
    assert (cancelled.op, emptied.op) == (Op.RETRACT, Op.RETRACT)


# --- time -------------------------------------------------------------------------------------


@pytest.mark.field("FL-206")
@pytest.mark.parametrize(
    ("recorded", "low", "high", "flags"),
    [
        # Written down later: both readings are possible.
        ("20261026090000", (0, 30), (1, 30), ("tz-ambiguous",)),
        # Written down in the first of the two hours, with its offset.
        ("20261025023500+0200", (0, 30), (0, 30), ()),
        # Written down in that hour without offset: nothing is settled.
        ("20261025023500", (0, 30), (1, 30), ("tz-ambiguous",)),
    ],
)
def test_an_hour_that_exists_twice(
    recorded: str, low: tuple[int, int], high: tuple[int, int], flags: tuple[str, ...]
) -> None:
    found = one(movement("A01", start="20261025023000", recorded=recorded), "ENC.ADMIT")

    assert found.when == (instant(2026, 10, 25, *low), instant(2026, 10, 25, *high))
    assert found.flags == flags


@pytest.mark.field("FL-206")
def test_an_hour_that_does_not_exist_is_an_hour_later() -> None:
    found = one(movement("A01", start="20260329023000", recorded="20260330090000"), "ENC.ADMIT")

    assert found.when.low == instant(2026, 3, 29, 1, 30)
    assert found.flags == ("tz-repair",)


@pytest.mark.field("FL-145")
def test_a_discharge_in_the_future_keeps_its_own_time() -> None:
    found = one(movement("A03", start="20261121140000"), "ENC.DISCHARGE")

    assert found.when.low == instant(2026, 11, 21, 13)
    # The place in the order of the source is when it was written down.
    assert found.revision.startswith("20261120T073000")


# --- the whole --------------------------------------------------------------------------------


def test_a_feed_is_named_by_hospital_and_kind() -> None:
    anonymous = Site(name="default")

    assert feed_of(read(admission()), SITE) == "990000001:ADT"
    # The facility of PV1-3 tells the hospital where no site table does.
    assert feed_of(read(admission()), anonymous) == "990000001:ADT"
    assert feed_of(read(er7(msh("MDM^T02^MDM_T02"))), anonymous) == "CHU-DEMO:DOC"


def test_the_hash_depends_on_what_is_said_and_not_on_the_control_id() -> None:
    again = admission().replace(b"|G0001|", b"|G0002|")
    moved = admission(PV1=PV1.replace("4036", "4037"))

    assert [a.aid for a in asserts(admission())] == [a.aid for a in asserts(again)]
    assert one(admission(), "ENC.ADMIT").aid != one(moved, "ENC.ADMIT").aid


def test_events_and_attributes_are_those_of_the_schema() -> None:
    told = [
        *asserts(admission()), *asserts(movement("A03", "ZFM||7||2")), *asserts(movement("A21")),
        *asserts(appointment("S12", "Booked")),
    ]  # fmt: skip

    for item in told:
        assert item.event in EVENTS
        schema = ATTRIBUTES[family(item.event)]
        for name, value in item.attributes.items():
            assert isinstance(value, KINDS[schema[name]]), (item.event, name)
