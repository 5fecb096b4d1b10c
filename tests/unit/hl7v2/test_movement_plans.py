"""What is announced of a stay: pending admission, transfer and discharge, and what ends them."""

from itertools import permutations

import pytest

from gateway.core.contributions import Json
from gateway.hl7v2.encounters import EXPECTED_DISCHARGE
from gateway.hl7v2.movements import fold_stay
from tests.unit.hl7v2.test_movements import STAY, moment, place, said, stay, text

KEPT = {**place("bed-9"), "status": "reserved", "period": {"start": text(40)}}


def pending_transfer(recorded: float = 20, planned: float = 40) -> Json:
    return said("A15", "m2", 20, recorded=recorded, planned=moment(planned),
                reserved=place("bed-9"))  # fmt: skip


def pending_discharge(recorded: float = 30) -> Json:
    exit_ = {"destination": {"reference": "Organization/smr"}}
    return said("A16", "m3", 30, recorded=recorded, planned=moment(60), way_out=exit_,
                pmsi={"modeSortie": "7", "destination": "2"})  # fmt: skip


def expected_day(found: Json) -> list[str]:
    extensions = found.get("extension", ())
    return [one["valueDate"] for one in extensions if one["url"] == EXPECTED_DISCHARGE]


def test_a_pending_admission_is_a_planned_stay() -> None:
    found, movement = fold_stay(STAY, [said("A14", "m0", -24, planned=moment(8), where="bed")])

    assert (found["status"], found["period"]) == ("planned", {"start": text(8)})
    assert found["location"] == [
        {**place("bed"), "status": "planned", "period": {"start": text(8)}}
    ]
    assert movement["status"] == "planned"


@pytest.mark.parametrize(("told", "cancelled"), [("A05", "A38"), ("A14", "A27")])
def test_a_cancelled_announcement_of_a_stay_cancels_it(told: str, cancelled: str) -> None:
    parts = [said(told, "m0", -24, where="bed"), said(cancelled, "m0", -24, recorded=-20)]

    found = [fold_stay(STAY, order) for order in permutations(parts)]

    assert [[one["status"] for one in every] for every in found] == [["cancelled"]] * 2


def test_a_pending_transfer_keeps_a_place_and_moves_nobody() -> None:
    found, admitted, pending = fold_stay(
        STAY, [said("A01", "m1", 8, where="bed-1"), pending_transfer()]
    )

    assert found["status"] == "in-progress"
    assert found["location"] == [
        {**place("bed-1"), "status": "active", "period": {"start": text(8)}},
        KEPT,
    ]
    assert admitted["status"] == "in-progress"
    assert "end" not in admitted["period"]
    assert (pending["id"], pending["status"]) == ("m-m2", "planned")
    assert pending["location"] == [KEPT]


def test_a_cancelled_pending_transfer_keeps_no_place() -> None:
    parts = [
        said("A01", "m1", 8, where="bed-1"),
        pending_transfer(),
        said("A26", "m2", 20, recorded=21, where="bed-1"),
    ]

    found = [fold_stay(STAY, order) for order in permutations(parts)]

    assert all(one == found[0] for one in found)
    assert [one["id"] for one in found[0]] == ["stay", "m-m1"]
    assert len(found[0][0]["location"]) == 1


@pytest.mark.parametrize("happens", [25, 39, 55])
def test_a_transfer_told_later_ends_what_was_pending(happens: float) -> None:
    parts = [
        said("A01", "m1", 8, where="bed-1"),
        pending_transfer(),
        said("A02", "m4", happens, where="bed-9"),
    ]

    found, *_, pending = fold_stay(STAY, parts)

    assert [one["status"] for one in found["location"]] == ["completed", "active"]
    assert pending["status"] == "finished"
    assert pending["period"]["end"] == text(happens)
    assert pending["period"]["start"] <= pending["period"]["end"]
    assert "location" not in pending


def test_a_transfer_told_before_the_announcement_does_not_end_it() -> None:
    found = stay(
        said("A01", "m1", 8, where="bed-1"),
        said("A02", "m4", 30, recorded=10, where="bed-2"),
        pending_transfer(recorded=20),
    )

    assert found["location"][-1] == KEPT


def test_a_pending_discharge_tells_the_day_and_where_to_and_ends_nothing() -> None:
    found, _, pending = fold_stay(STAY, [said("A01", "m1", 8), pending_discharge()])

    assert found["status"] == "in-progress"
    assert "end" not in found["period"]
    assert "hospitalization" not in found
    assert expected_day(found) == [text(60)[:10]]
    assert pending["status"] == "planned"
    assert pending["period"] == {"start": text(60)}
    assert pending["hospitalization"] == {"destination": {"reference": "Organization/smr"}}


def test_the_expected_day_of_a_pending_discharge_goes_with_its_cancellation() -> None:
    told = {"extension": [{"url": EXPECTED_DISCHARGE, "valueDate": "2026-03-09"}]}
    planned = {"extension": [{"url": EXPECTED_DISCHARGE, "valueDate": "2026-03-04"}]}
    announced = said("A16", "m3", 30, planned=moment(60), resource=planned)
    parts = [said("A01", "m1", 8, resource=told), announced, said("A25", "m3", 30, recorded=31)]

    found = [stay(*order) for order in permutations(parts)]

    assert {tuple(expected_day(one)) for one in found} == {("2026-03-09",)}
    assert expected_day(stay(*parts[:2])) == [text(60)[:10]]


def test_a_discharge_ends_what_was_pending_and_tells_its_own_way_out() -> None:
    found, *_, pending = fold_stay(
        STAY,
        [
            said("A01", "m1", 8),
            pending_discharge(),
            said("A03", "m4", 50, pmsi={"modeSortie": "8"}),
        ],
    )

    assert expected_day(found) == []
    assert found["status"] == "finished"
    assert pending["status"] == "finished"
    codes = found["hospitalization"]["dischargeDisposition"]["coding"]
    assert [one["code"] for one in codes] == ["home"]


def test_who_is_known_from_an_announcement_only_is_there() -> None:
    found = stay(pending_discharge())

    assert found["status"] == "in-progress"
    assert "end" not in found["period"]


@pytest.mark.parametrize("cancelled", ["A25", "A26"])
def test_a_cancelled_announcement_alone_means_that_the_patient_is_there(cancelled: str) -> None:
    found = stay(said(cancelled, "m3", 30, where="bed-1"))

    assert found["status"] == "in-progress"
    assert found["location"] == [{**place("bed-1"), "status": "active"}]
