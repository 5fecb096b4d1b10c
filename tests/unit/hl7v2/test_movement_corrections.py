"""What a stay shows of plans, leaves, modes, units and doctors."""

import pytest

from gateway.hl7v2.movements import fold_stay
from gateway.hl7v2.way_out import PMSI
from tests.unit.hl7v2.test_movements import STAY, moment, said, stay, text


def test_pre_admission_is_planned_from_the_expected_admission() -> None:
    found = stay(said("A05", "m0", -24, planned=moment(8), where="bed-1"))

    assert found["status"] == "planned"
    assert found["period"] == {"start": text(8)}
    assert found["location"][0]["status"] == "planned"


def test_pre_admission_dated_after_the_arrival_does_not_undo_it() -> None:
    found = stay(said("A05", "m0", 48), said("A01", "m1", 8))

    assert found["status"] == "in-progress"
    assert found["period"] == {"start": text(8)}


@pytest.mark.field("FL-146")
def test_discharge_typed_before_the_admission_gives_a_valid_period() -> None:
    found, *movements = fold_stay(STAY, [said("A01", "m1", 12), said("A03", "m2", 10)])

    assert found["status"] == "finished"
    assert found["period"] == {"start": text(10), "end": text(10)}
    assert [m["period"]["start"] <= m["period"]["end"] for m in movements] == [True, True]


@pytest.mark.field("FL-143")
def test_leave_is_no_discharge() -> None:
    found = stay(
        said("A01", "m1", 8),
        said("A21", "m2", 20, way_out={"dischargeDisposition": {"text": "P"}}),
    )

    assert found["status"] == "onleave"
    assert "hospitalization" not in found
    assert "end" not in found["period"]


@pytest.mark.field("FL-138")
def test_discharge_without_destination_names_none() -> None:
    found = stay(said("A01", "m1", 8), said("A03", "m2", 10))

    assert "hospitalization" not in found
    assert "extension" not in found


def test_modes_of_entry_and_exit_are_one_extension() -> None:
    found = stay(
        said("A01", "m1", 8, pmsi={"modeEntree": "8"}),
        said("A03", "m2", 10, pmsi={"modeSortie": "7", "destination": "2"}),
    )

    assert found["extension"] == [
        {
            "url": PMSI,
            "extension": [
                {"url": "modeEntree", "valueCode": "8"},
                {"url": "modeSortie", "valueCode": "7"},
                {"url": "destination", "valueCode": "2"},
            ],
        }
    ]


def test_mode_of_exit_goes_with_its_cancelled_discharge() -> None:
    found = stay(
        said("A01", "m1", 8, pmsi={"modeEntree": "8"}),
        said("A03", "m2", 10, pmsi={"modeSortie": "7"}),
        said("A13", "m2", 10, recorded=11),
    )

    assert found["extension"][0]["extension"] == [{"url": "modeEntree", "valueCode": "8"}]


def test_class_and_sector_follow_the_unit_and_leave_a_history() -> None:
    found = stay(
        said("A01", "m1", 8, unit="uf-1", unit_sector="mco", treatment="03"),
        said("A02", "m2", 30, unit="uf-2", unit_sector="smr"),
    )

    assert found["class"]["code"] == "NONAC"
    assert [past["class"]["code"] for past in found["classHistory"]] == ["ACUTE"]
    assert found["meta"]["tag"][0]["code"] == "smr"


@pytest.mark.field("FL-150")
def test_transfer_to_an_unknown_unit_forgets_the_sector() -> None:
    found = stay(
        said("A01", "m1", 8, unit="uf-1", unit_sector="mco"),
        said("A02", "m2", 30, unit="uf-9999"),
    )

    assert found["class"]["code"] == "IMP"
    assert "meta" not in found


def test_attending_doctors_follow_each_other() -> None:
    found = stay(
        said("A01", "m1", 8, doctor="ann"),
        said("A02", "m2", 30, doctor="bob"),
    )

    assert [(one["individual"]["reference"], one["period"]) for one in found["participant"]] == [
        ("Practitioner/ann", {"start": text(8), "end": text(30)}),
        ("Practitioner/bob", {"start": text(30)}),
    ]


def test_update_without_its_movement_waits() -> None:
    update = said("A02", "m2", 30, action="UPDATE", where="bed-3")
    waiting = stay(said("A01", "m1", 8, where="bed-1"), update)
    arrived = stay(said("A01", "m1", 8, where="bed-1"), update, said("A02", "m2", 30, recorded=29))

    assert waiting["location"][-1]["location"] == {"reference": "Location/bed-1"}
    assert arrived["location"][-1]["location"] == {"reference": "Location/bed-3"}
