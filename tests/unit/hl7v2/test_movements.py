"""The stay as a fold of its movements: histories, cancellations, impossible orders."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from gateway.core.contributions import Contribution, Json, Target, Version
from gateway.hl7v2.ledger import CANCELLED_BY, CLASS_CHANGES, Movement
from gateway.hl7v2.movements import StayFold, fold_stay

STAY = Target("Encounter", "stay")
DAY = datetime(2026, 3, 2, tzinfo=UTC)
RANKS = {"INSERT": 0, "UPDATE": 1, "CANCEL": 2}


def moment(hours: float) -> tuple[str, str]:
    at = DAY + timedelta(hours=hours)
    local = at + timedelta(hours=1)
    return at.isoformat(timespec="microseconds"), local.strftime("%Y-%m-%dT%H:%M:%S+01:00")


def text(hours: float) -> str:
    return moment(hours)[1]


def place(name: str) -> Json:
    return {"location": {"reference": f"Location/{name}"}}


def said(
    trigger: str,
    key: str,
    at: float,
    *,
    recorded: float | None = None,
    action: str | None = None,
    where: str = "",
    way_out: Json | None = None,
    unit: str = "",
    doctor: str = "",
    resource: Json | None = None,
    original: str = "",
    **more: object,
) -> Contribution:
    """Say one movement; a cancelling event cancels, recorded when it happens unless told.

    A class change is an INSERT unless `action` says CANCEL; Z99 updates the event of `original`.
    """
    if trigger == "Z99":
        action = "UPDATE"
    cancels = trigger in CANCELLED_BY and trigger not in CLASS_CHANGES
    action = action or ("CANCEL" if cancels else "INSERT")
    event = original or (CANCELLED_BY[trigger] if action == "CANCEL" else trigger)
    partial: Json = {"identifier": [{"system": "urn:x", "value": key}]}
    if where:
        partial["location"] = [place(where)]
    if way_out:
        partial["hospitalization"] = way_out
    if unit:
        partial["serviceProvider"] = {"reference": f"Organization/{unit}"}
    if doctor:
        partial["participant"] = [{"individual": {"reference": f"Practitioner/{doctor}"}}]
    movement = Movement(
        key=key,
        id=f"m-{key}",
        event=event,
        trigger=trigger,
        action=action,
        start=moment(at),
        said=partial,
        **{"patient_class": "I", **more},  # type: ignore[arg-type]
    )
    when = DAY + timedelta(hours=at if recorded is None else recorded)
    body = {"resourceType": "Encounter", "id": "stay", "subject": {"reference": "Patient/p"}}
    return Contribution(
        target=STAY,
        version=Version(
            when, when, RANKS[action], f"{trigger}-{original}-{key}-{when.isoformat()}"
        ),
        resource={**body, **(resource or {})},
        movement=movement.to_json(),
    )


def stay(*parts: Contribution) -> Json:
    return fold_stay(STAY, parts)[0]


def whole_stay() -> list[Contribution]:
    """A planned stay with a transfer, a leave, a discharge taken back and said again."""
    return [
        said("A05", "m0", -24, planned=moment(8), where="bed-1"),
        said("A01", "m1", 8, where="bed-1", unit="uf-1", doctor="ann"),
        said("A02", "m2", 30, where="bed-2", unit="uf-2"),
        said("A21", "m3", 50),
        said("A22", "m4", 60),
        said("A03", "m5", 80, way_out={"destination": {"reference": "Organization/smr"}}),
        said("A13", "m5", 80, recorded=81),
        said("A03", "m6", 100, way_out={"dischargeDisposition": {"text": "x"}}),
    ]


def test_stay_told_to_its_end_is_finished_at_the_last_discharge() -> None:
    found = stay(*whole_stay())

    assert found["status"] == "finished"
    assert found["period"] == {"start": text(8), "end": text(100)}
    assert found["hospitalization"] == {"dischargeDisposition": {"text": "x"}}


def test_status_history_tells_the_planned_time_and_the_leave() -> None:
    found = stay(*whole_stay())

    assert found["statusHistory"] == [
        {"status": "planned", "period": {"start": text(-24), "end": text(8)}},
        {"status": "in-progress", "period": {"start": text(8), "end": text(50)}},
        {"status": "onleave", "period": {"start": text(50), "end": text(60)}},
        {"status": "in-progress", "period": {"start": text(60), "end": text(100)}},
    ]


def test_places_follow_each_other_and_pause_during_a_leave() -> None:
    found = stay(*whole_stay())

    assert found["location"] == [
        {**place("bed-1"), "status": "completed", "period": {"start": text(8), "end": text(30)}},
        {**place("bed-2"), "status": "completed", "period": {"start": text(30), "end": text(50)}},
        {**place("bed-2"), "status": "completed", "period": {"start": text(60), "end": text(100)}},
    ]


def test_each_live_movement_is_an_encounter_that_ends_where_the_next_starts() -> None:
    _, *movements = fold_stay(STAY, whole_stay())

    assert [(m["id"], m["period"]["start"], m["period"]["end"]) for m in movements] == [
        ("m-m0", text(-24), text(8)),
        ("m-m1", text(8), text(30)),
        ("m-m2", text(30), text(50)),
        ("m-m3", text(50), text(60)),
        ("m-m4", text(60), text(100)),
        ("m-m6", text(100), text(100)),
    ]
    assert {m["partOf"]["reference"] for m in movements} == {"Encounter/stay"}
    assert {m["status"] for m in movements} == {"finished"}


def test_movement_of_a_leave_or_a_past_pre_admission_has_no_place() -> None:
    _, planned, admitted, moved, leave, *_ = fold_stay(STAY, whole_stay())

    assert "location" not in planned
    assert "location" not in leave
    assert [m["location"][0]["location"] for m in (admitted, moved)] == [
        {"reference": "Location/bed-1"},
        {"reference": "Location/bed-2"},
    ]


def test_cancelled_discharge_reopens_the_stay() -> None:
    found = stay(*whole_stay()[:7])

    assert found["status"] == "in-progress"
    assert "end" not in found["period"]
    assert "hospitalization" not in found
    assert found["location"][-1] == {
        **place("bed-2"),
        "status": "active",
        "period": {"start": text(60)},
    }


@pytest.mark.field("FL-085")
def test_cancellation_that_comes_before_the_discharge_wins_in_every_order() -> None:
    parts = [
        said("A01", "m1", 8),
        said("A03", "m5", 80),
        said("A13", "m5", 80, recorded=81),
    ]

    found = [stay(*order) for order in permutations(parts)]

    assert {one["status"] for one in found} == {"in-progress"}
    assert all("end" not in one["period"] for one in found)


@pytest.mark.field("FL-085")
def test_cancelled_discharge_alone_means_that_the_patient_is_there() -> None:
    found = stay(said("A13", "m5", 80, where="bed-9"))

    assert found["status"] == "in-progress"
    assert found["location"] == [{**place("bed-9"), "status": "active"}]
    assert "start" not in found["period"]


@pytest.mark.field("FL-107")
def test_discharge_said_again_after_its_cancellation_stands_in_every_order() -> None:
    parts = [
        said("A01", "m1", 8),
        said("A03", "77", 10),
        said("A13", "77", 10, recorded=10.1),
        said("A03", "77", 10, recorded=10.2),
    ]

    found = [stay(*order) for order in permutations(parts)]

    assert {one["status"] for one in found} == {"finished"}
    assert {one["period"]["end"] for one in found} == {text(10)}


@pytest.mark.field("FL-104")
def test_of_two_discharges_the_later_start_ends_the_stay() -> None:
    found = stay(said("A01", "m1", 8), said("A03", "77", 10), said("A03", "78", 16))

    assert found["period"]["end"] == text(16)


@pytest.mark.field("FL-105")
def test_movement_told_in_several_messages_is_one_movement() -> None:
    parts = [
        said("A01", "m1", 8, where="bed-1", unit="uf-1"),
        said("A02", "55", 30, recorded=30.1, unit="uf-2", nature="M"),
        said("A02", "55", 30, recorded=30.2, where="bed-2", nature="H"),
    ]

    _, *movements = fold_stay(STAY, parts)

    assert [m["id"] for m in movements] == ["m-m1", "m-55"]
    assert movements[1]["serviceProvider"] == {"reference": "Organization/uf-2"}
    assert movements[1]["location"][0]["location"] == {"reference": "Location/bed-2"}


@pytest.mark.field("FL-092")
def test_cancellation_with_another_key_cancels_nothing() -> None:
    found = stay(
        said("A01", "m1", 8, where="bed-1"),
        said("A02", "m2", 30, where="bed-2"),
        said("A12", "m9", 30, where="bed-1"),
    )

    assert found["location"][-1]["location"] == {"reference": "Location/bed-2"}


def test_cancelled_transfer_gives_the_place_back() -> None:
    found = stay(
        said("A01", "m1", 8, where="bed-1"),
        said("A02", "m2", 30, where="bed-2"),
        said("A12", "m2", 30, recorded=31, where="bed-1"),
    )

    assert found["location"] == [
        {**place("bed-1"), "status": "active", "period": {"start": text(8)}}
    ]


def test_cancelled_transfer_tells_the_place_nobody_told() -> None:
    found = stay(said("A01", "m1", 8), said("A12", "m2", 30, where="bed-1"))

    assert found["location"] == [{**place("bed-1"), "status": "active"}]


def test_cancelled_leave_and_cancelled_return() -> None:
    leave = [said("A01", "m1", 8, where="bed"), said("A21", "m2", 20)]
    back = said("A22", "m3", 30)

    without_leave = stay(*leave, said("A52", "m2", 20, recorded=21))
    without_return = stay(*leave, back, said("A53", "m3", 30, recorded=31))

    assert without_leave["status"] == "in-progress"
    assert without_leave["location"][0]["status"] == "active"
    assert without_return["status"] == "onleave"
    assert without_return["location"][0]["status"] == "completed"


@pytest.mark.field("FL-153")
@pytest.mark.parametrize(
    ("preadmission", "status"),
    [
        pytest.param(True, "planned", id="PV1-5 valued keeps the pre-admission"),
        pytest.param(False, "cancelled", id="without PV1-5 the visit is cancelled"),
    ],
)
def test_cancelled_admission(preadmission: bool, status: str) -> None:
    parts = [
        said("A05", "m0", -24, planned=moment(8)),
        said("A01", "m1", 8),
        said("A11", "m1", 8, recorded=9, preadmission=preadmission),
    ]

    found = [stay(*order) for order in permutations(parts)]

    assert {one["status"] for one in found} == {status}


def test_alias_of_a_movement_is_the_same_movement() -> None:
    parts = [
        said("A01", "m1", 8, aliases=("x1",)),
        said("A02", "m2", 20, aliases=("x2",), where="bed-2"),
        said("A12", "x2", 20, recorded=21),
    ]

    found = [fold_stay(STAY, order) for order in permutations(parts)]

    assert [[r["id"] for r in one] for one in found] == [["stay", "m-m1"]] * 6


def test_letter_and_discharge_each_tell_a_part_of_the_way_out() -> None:
    code = {"coding": [{"system": "urn:sct", "code": "306205009"}]}
    letter = Contribution(
        target=STAY,
        version=Version(DAY, DAY, 1, "cda"),
        resource={
            "resourceType": "Encounter",
            "id": "stay",
            "hospitalization": {"dischargeDisposition": code},
        },
    )
    exit_ = {"dischargeDisposition": {"coding": [{"system": "urn:fr", "code": "3"}]}}

    found = stay(said("A01", "m1", 8), letter, said("A03", "m2", 10, way_out=exit_))

    assert [c["code"] for c in found["hospitalization"]["dischargeDisposition"]["coding"]] == [
        "3",
        "306205009",
    ]


def test_stay_known_from_a_document_only_has_what_the_profile_requires() -> None:
    letter = Contribution(
        target=STAY,
        version=Version(DAY, DAY, 1, "cda"),
        resource={"resourceType": "Encounter", "id": "stay"},
    )

    found = fold_stay(STAY, [letter])

    assert len(found) == 1
    assert found[0]["status"] == "unknown"
    assert found[0]["class"]["code"] == "IMP"
    assert found[0]["period"]["extension"][0]["valueCode"] == "unknown"


def test_stay_of_which_nothing_but_remarks_is_known_is_no_resource() -> None:
    remark = Contribution(STAY, Version(DAY, DAY, 0, "x"), {}, annotates=True)

    assert StayFold().resources(STAY, [remark], ()) == []
    assert StayFold().claims(STAY, [remark]) == ()


def test_row_survives_the_store() -> None:
    movement = Movement(
        key="k",
        id="i",
        event="A01",
        trigger="A01",
        action="INSERT",
        start=moment(8),
        aliases=("a",),
        planned=moment(9),
    )
    stored = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in movement.to_json().items()
    }

    assert Movement.from_json(stored) == movement
