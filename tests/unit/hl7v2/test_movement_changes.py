"""Class changes, changes of doctor and updates of movements, with what takes them back."""

from itertools import permutations

import pytest

from gateway.core.contributions import Json
from gateway.hl7v2.ledger import settle
from gateway.hl7v2.movements import fold_stay
from gateway.hl7v2.way_out import PMSI
from tests.unit.hl7v2.test_movements import STAY, place, said, stay, text

EMERGENCY = said("A04", "m1", 8, patient_class="E", where="box")
INPATIENT = said("A06", "m2", 12, unit_sector="mco", unit="uf-1", where="bed")


def modes(found: Json) -> dict[str, str]:
    [one] = [ext for ext in found["extension"] if ext["url"] == PMSI]
    return {part["url"]: part["valueCode"] for part in one["extension"]}


# --- classes ----------------------------------------------------------------------------------


def test_an_emergency_that_becomes_a_stay_leaves_a_history_of_classes() -> None:
    found = stay(EMERGENCY, INPATIENT)

    assert found["class"]["code"] == "ACUTE"
    assert found["classHistory"] == [
        {
            "class": {**found["class"], "code": "EMER"},
            "period": {"start": text(8), "end": text(12)},
        }
    ]
    assert found["period"] == {"start": text(8)}


@pytest.mark.field("FL-140")
def test_a_class_change_is_taken_back_by_its_opposite_in_every_order() -> None:
    undone = said("A07", "m2", 12, recorded=13, action="CANCEL", patient_class="E", where="box")

    found = [stay(*order) for order in permutations([EMERGENCY, INPATIENT, undone])]

    assert {one["class"]["code"] for one in found} == {"EMER"}
    assert all("classHistory" not in one for one in found)
    assert {one["location"][-1]["location"]["reference"] for one in found} == {"Location/box"}


@pytest.mark.field("FL-140")
def test_the_same_event_that_inserts_changes_the_class() -> None:
    changed = said("A07", "m3", 20, recorded=20, patient_class="O")

    assert stay(EMERGENCY, INPATIENT, changed)["class"]["code"] == "AMB"


def test_a_cancelled_class_change_alone_shows_the_class_that_is_back() -> None:
    undone = said("A07", "m2", 12, action="CANCEL", patient_class="E", where="box")

    found = stay(undone)

    assert (found["status"], found["class"]["code"]) == ("in-progress", "EMER")


def test_a_class_change_without_its_admission_began_with_the_admission() -> None:
    admitted = said("A06", "m2", 12, admitted=("2026-03-02T05:00:00.000000+00:00", "earlier"))

    assert stay(admitted)["period"] == {"start": "earlier"}
    assert stay(said("A06", "m2", 12, follows="V1"))["period"] == {"start": text(12)}


# --- doctors ----------------------------------------------------------------------------------


def test_another_doctor_and_back() -> None:
    parts = [said("A01", "m1", 8, doctor="ann"), said("A54", "m2", 20, doctor="bob")]
    undone = said("A55", "m2", 20, recorded=21, doctor="ann")

    both = stay(*parts)["participant"]
    back = [stay(*order)["participant"] for order in permutations([*parts, undone])]

    assert [one["individual"]["reference"][-3:] for one in both] == ["ann", "bob"]
    assert both[0]["period"] == {"start": text(8), "end": text(20)}
    assert {tuple(one["individual"]["reference"] for one in every) for every in back} == {
        ("Practitioner/ann",)
    }


def test_a_cancelled_change_of_doctor_alone_names_who_attends_again() -> None:
    found = stay(said("A55", "m2", 20, doctor="ann"))

    assert [one["individual"] for one in found["participant"]] == [
        {"reference": "Practitioner/ann"}
    ]


def test_a_change_dated_after_the_discharge_does_not_move_the_end() -> None:
    found = stay(said("A01", "m1", 8), said("A03", "m2", 40), said("A54", "m3", 45, doctor="bob"))

    assert found["period"]["end"] == text(40)


# --- updates ----------------------------------------------------------------------------------


def update(key: str, at: float, recorded: float, original: str, **more: object) -> Json:
    return said("Z99", key, at, recorded=recorded, original=original, **more)  # type: ignore[arg-type]


def test_an_update_changes_what_it_values_in_every_order() -> None:
    parts = [
        said("A01", "m1", 8, where="bed-1", unit="uf-1", doctor="ann"),
        said("A02", "m2", 30, where="bed-2", unit="uf-2"),
        update("m2", 29, 31, "A02", where="bed-3"),
    ]

    found = [fold_stay(STAY, order) for order in permutations(parts)]

    assert all(one == found[0] for one in found)
    moved = found[0][2]
    assert moved["location"][0]["location"] == {"reference": "Location/bed-3"}
    assert moved["serviceProvider"] == {"reference": "Organization/uf-2"}
    assert moved["period"] == {"start": text(29)}


def test_a_historic_update_moves_the_beginning_of_the_stay() -> None:
    found = stay(
        said("A01", "m1", 8, where="bed-1"),
        said("A02", "m2", 30, where="bed-2"),
        update("m1", 6, 40, "A01", historic=True),
    )

    assert found["period"] == {"start": text(6)}
    assert [one["period"]["start"] for one in found["location"]] == [text(6), text(30)]


def test_a_status_correction_leaves_no_trace_of_the_class_before() -> None:
    found, *movements = fold_stay(
        STAY, [EMERGENCY, update("m1", 8, 9, "A04", nature="C", unit_sector="mco", unit="uf-1")]
    )

    assert found["class"]["code"] == "ACUTE"
    assert "classHistory" not in found
    assert [one["class"]["code"] for one in movements] == ["ACUTE"]


def test_an_update_takes_no_cancellation_back() -> None:
    parts = [
        said("A01", "m1", 8),
        said("A03", "m2", 40),
        said("A13", "m2", 40, recorded=41),
        update("m2", 40, 42, "A03"),
    ]

    ledgers = [settle(order) for order in permutations(parts)]

    assert {tuple(one.key for one in ledger.live) for ledger in ledgers} == {("m1",)}
    assert {tuple(one.trigger for one in ledger.cancelled) for ledger in ledgers} == {("A13",)}


def test_an_update_of_what_nobody_told_waits_and_shows_its_class() -> None:
    waiting = update("m2", 30, 31, "A02", patient_class="R")

    found = stay(waiting)

    assert (found["status"], found["class"]["code"]) == ("unknown", "AMB")
    assert [one.key for one in settle([waiting]).waiting] == ["m2"]


def test_a_corrected_way_out_leaves_nothing_of_the_first() -> None:
    smr = {"destination": {"reference": "Organization/smr"}}
    parts = [
        said("A01", "m1", 8),
        said("A03", "m2", 40, way_out=smr, pmsi={"modeSortie": "7", "destination": "2"}),
        update("m2", 40, 41, "A03", pmsi={"modeSortie": "8"}),
    ]

    found = [stay(*order) for order in permutations(parts)]

    assert all(modes(one) == {"modeSortie": "8"} for one in found)
    assert all("destination" not in one["hospitalization"] for one in found)


def test_an_update_that_is_silent_about_the_way_out_leaves_it() -> None:
    smr = {"destination": {"reference": "Organization/smr"}}
    found = stay(
        said("A01", "m1", 8),
        said("A03", "m2", 40, way_out=smr, pmsi={"modeSortie": "7", "destination": "2"}),
        update("m2", 39, 41, "A03"),
    )

    assert found["period"]["end"] == text(39)
    assert modes(found) == {"modeSortie": "7", "destination": "2"}
    assert found["hospitalization"]["destination"] == {"reference": "Organization/smr"}


def test_the_modes_of_two_discharges_are_not_mixed() -> None:
    found = stay(
        said("A01", "m1", 8, pmsi={"modeEntree": "7", "provenance": "1"}),
        said("A03", "m2", 40, pmsi={"modeSortie": "7", "destination": "2"}),
        said("A03", "m3", 50, pmsi={"modeSortie": "8"}),
    )

    assert modes(found) == {"modeEntree": "7", "provenance": "1", "modeSortie": "8"}


@pytest.mark.parametrize(
    ("mode", "code", "disposition"),
    [
        ("8", "", "home"),
        ("8", "8", "home"),
        ("7", "1", "other-hcf"),
        ("7", "2", "rehab"),
        ("7", "3", "long"),
        ("7", "4", "psy"),
        ("9", "", "exp"),
        ("9", "1", "exp"),
        # Without a counterpart of the same meaning.
        ("7", "6", None),
        ("8", "7", None),
        ("7", "", None),
        ("4", "", None),
    ],
)
def test_the_billed_way_out_has_an_exact_code_or_none(
    mode: str, code: str, disposition: str | None
) -> None:
    pmsi = {"modeSortie": mode, **({"destination": code} if code else {})}

    found = stay(said("A01", "m1", 8), said("A03", "m2", 40, pmsi=pmsi))

    codings = found.get("hospitalization", {}).get("dischargeDisposition", {}).get("coding", [])
    assert [one["code"] for one in codings] == ([disposition] if disposition else [])


# --- parts ------------------------------------------------------------------------------------


@pytest.mark.field("FL-105")
def test_the_unit_that_is_responsible_decides_the_sector_whichever_part_comes_last() -> None:
    parts = [
        said("A01", "m1", 8, unit="uf-1", unit_sector="mco"),
        said("A02", "55", 30, recorded=30.1, unit="uf-2", unit_sector="smr", nature="M"),
        said("A02", "55", 30, recorded=30.2, unit_sector="mco", where="bed-2", nature="H"),
    ]

    found = [stay(*order) for order in permutations(parts)]
    [told] = [one for one in settle(parts).live if one.key == "55"]

    assert {one["class"]["code"] for one in found} == {"NONAC"}
    assert told.nature == "HM"


def test_every_number_ever_told_names_the_movement() -> None:
    first = said("A02", "55", 30, aliases=("x9",))
    again = said("Z99", "x9", 30, recorded=31, original="A02", where="bed")

    _, movement = fold_stay(STAY, [first, again])

    assert {one["value"] for one in movement["identifier"]} == {"55", "x9"}
    assert movement["location"][0]["location"] == place("bed")["location"]
