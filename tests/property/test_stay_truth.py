"""A stay told with corrections, in any order, folds to the stay as it really was."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.contributions import Json
from gateway.simulation.corrected import Told
from gateway.simulation.play import told_stay
from gateway.simulation.rendering import render
from gateway.simulation.steps import Movement
from tests.golden.test_hl7v2 import convert, fold

ENTRIES = ("A01", "A04")
PENDING = ("A15", "A16")
#: Status that a movement gives; the others leave it as it is for who is there.
STATUS = {
    "A03": "finished",
    "A21": "onleave",
    "A22": "in-progress",
    "A06": "in-progress",
    "A07": "in-progress",
}
CLASSES = {"E": "EMER", "O": "AMB", "I": "ACUTE"}


def converted(told: Told, order: list[int]) -> list[Json]:
    """Convert the messages in an order, and fold what all of them say."""
    bodies = [render(step).body for step in told.steps]
    parts = [part for index in order for part in convert(bodies[index]).contributions]
    return fold(parts)


def visit_of(resources: list[Json], told: Told) -> tuple[Json, list[Json]]:
    """Return the last visit with its movements."""
    encounters = [one for one in resources if one["resourceType"] == "Encounter"]
    number = told.stay.visit.number
    [stay] = [
        one
        for one in encounters
        if "partOf" not in one and number in {item["value"] for item in one["identifier"]}
    ]
    reference = {"reference": f"Encounter/{stay['id']}"}
    return stay, [one for one in encounters if one.get("partOf") == reference]


def announced(told: Told) -> set[str]:
    """Return the numbers of pending movements that were not withdrawn."""
    moves = [s.content for s in told.steps if isinstance(s.content, Movement)]
    mine = [move for move in moves if move.visit.number == told.stay.visit.number]
    said = {move.number for move in mine if move.event in PENDING}
    return said - {move.number for move in mine if move.event in ("A25", "A26")}


@pytest.mark.field("FL-140")
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 100_000), data=st.data())
def test_the_stay_is_what_really_happened(seed: int, data: Any) -> None:
    told = told_stay(seed)
    live = told.stay.live
    order = data.draw(st.permutations(range(len(told.steps))))

    resources = converted(told, order)
    stay, movements = visit_of(resources, told)

    known = {f"{one['resourceType']}/{one['id']}": one for one in resources}
    entry = next((move for move in live if move.event in ENTRIES), None)
    assert stay["status"] == expected_status(told)
    if entry is None:
        return
    last = live[-1]
    assert stay["class"]["code"] == CLASSES[last.visit.care.patient_class]
    assert {one["identifier"][0]["value"] for one in movements} == {
        *(move.number for move in live),
        *announced(told),
    }
    assert stay["period"]["start"][:16] == entry.start.isoformat()[:16]
    assert stay["period"].get("end", "")[:16] == (
        last.start.isoformat()[:16] if last.event == "A03" else ""
    )
    doctor = known[stay["participant"][-1]["individual"]["reference"]]
    assert last.visit.attending.rpps in {item["value"] for item in doctor["identifier"]}
    if stay["status"] == "in-progress":
        [place] = [one for one in stay["location"] if one["status"] == "active"]
        named = known[place["location"]["reference"]]["name"]
        assert f"{last.place.unit.code}" in named
        assert f"chambre {last.place.room}" in named
    if last.event == "A03" and last.exit is not None:
        [pmsi] = [one for one in stay["extension"] if one["url"].endswith("pmsi-movement")]
        said = {part["url"]: part["valueCode"] for part in pmsi["extension"]}
        assert said["modeSortie"] == last.exit.mode
        assert said.get("destination", "") == last.exit.destination


def expected_status(told: Told) -> str:
    """Return the status by the last live movement that gives one."""
    live = told.stay.live
    if not any(move.event in ENTRIES for move in live):
        admitted = any(
            isinstance(step.content, Movement)
            and step.content.event == "A11"
            and step.content.visit.number == told.stay.visit.number
            for step in told.steps
        )
        # A cancelled admission leaves what PV1-5 names, and nothing else (PAM France 2.11, A11).
        survives = bool(live) and (not admitted or bool(told.stay.visit.preadmission))
        return "planned" if survives else "cancelled"
    status = "in-progress"
    for move in live:
        status = STATUS.get(move.event, status)
    return status
