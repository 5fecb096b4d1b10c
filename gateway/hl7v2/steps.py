"""A stay step by step: the live movements in order of time, and what holds after each.

What is only announced (a pending transfer or discharge) is no step: it stands beside them until
it happens (`hl7v2.announced`). Does not write resources (`hl7v2.movements`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from gateway.core.contributions import Json
from gateway.hl7v2.classes import CareClass, classify
from gateway.hl7v2.events import find_event
from gateway.hl7v2.ledger import (
    ADMISSIONS,
    DISCHARGE,
    PENDING,
    PLANNED,
    Ledger,
    Moment,
    Movement,
)

T = TypeVar("T")

#: Status a movement gives to the stay; an event that is not here leaves it as it was.
_STATUS = {
    "A05": "planned",
    "A14": "planned",
    "A01": "in-progress",
    "A04": "in-progress",
    "A06": "in-progress",
    "A07": "in-progress",
    "A22": "in-progress",
    "A21": "onleave",
    "A03": "finished",
}
#: Movements of a patient who is there, whatever was known before.
_PRESENT = frozenset({"A02", "A54", *PENDING})
#: Movements that begin a stay.
_ENTRIES = frozenset({"A01", "A04"})


@dataclass(frozen=True, slots=True)
class Step:
    """A live movement in its place: what holds from `start` until the next step."""

    movement: Movement
    start: Moment
    status: str
    care: CareClass
    provider: Json | None
    place: Json | None
    attending: Json | None


@dataclass(slots=True)
class State:
    """What holds so far along the stay; a field left empty by a movement keeps its value."""

    status: str = ""
    patient_class: str = ""
    treatment: str = ""
    unit_sector: str = ""
    provider: Json | None = None
    place: Json | None = None
    attending: Json | None = None

    def take(self, movement: Movement) -> None:
        """Let one movement speak."""
        said = movement.said
        self.patient_class = movement.patient_class or self.patient_class
        self.treatment = movement.treatment or self.treatment
        if "serviceProvider" in said or movement.unit_sector:
            self.unit_sector = movement.unit_sector
        self.provider = said.get("serviceProvider", self.provider)
        if said.get("location"):
            self.place = said["location"][0]
        if said.get("participant"):
            self.attending = said["participant"][0]
        if movement.event in _STATUS:
            self.status = _STATUS[movement.event]
        elif movement.event in _PRESENT and self.status in ("", "planned"):
            self.status = "in-progress"

    def care_of(self, movement: Movement) -> CareClass:
        """Return the class that a movement announces, what it leaves open being as it is."""
        return classify(
            movement.patient_class or self.patient_class,
            movement.treatment or self.treatment,
            movement.unit_sector or self.unit_sector,
        )

    def step(self, movement: Movement, start: Moment) -> Step:
        """Freeze the state as the step that begins with `movement`."""
        return Step(
            movement=movement,
            start=start,
            status=self.status or "in-progress",
            care=classify(self.patient_class, self.treatment, self.unit_sector),
            provider=self.provider,
            place=self.place,
            attending=self.attending,
        )


def steps_of(ledger: Ledger) -> list[Step]:
    """Put the live movements in order of time and follow the state along them.

    A patient of whom only an announcement is known is there since then.
    """
    actual = [movement for movement in ledger.live if movement.event not in PENDING]
    if all(movement.event in PLANNED for movement in actual):
        actual = list(ledger.live)
    state = State()
    steps: list[Step] = []
    for movement, start in _in_order(actual):
        state.take(movement)
        steps.append(state.step(movement, start))
    return steps


def _in_order(live: Sequence[Movement]) -> list[tuple[Movement, Moment]]:
    """Order movements by start, then rank, then key, and mend two impossible orders.

    A pre-admission announced for later than the arrival comes before it; an admission typed
    later than the only discharge begins with that discharge, so that no period ends before its
    start. The movement keeps what it said; only its place in time moves.
    """
    actual = [movement for movement in live if movement.event not in PLANNED]
    arrival = min((movement.start for movement in actual), default=None)
    admissions = [movement.start for movement in actual if movement.event in ADMISSIONS]
    discharges = [movement.start for movement in actual if movement.event == DISCHARGE]
    late = bool(admissions and discharges) and min(admissions) > min(discharges)
    placed: list[tuple[Movement, Moment]] = []
    for movement in live:
        start = movement.start
        if movement.event in PLANNED and arrival is not None:
            start = min(start, arrival)
        elif late and movement.event in ADMISSIONS and start == min(admissions):
            start = min(discharges)
        placed.append((movement, start))
    placed.sort(key=lambda item: (item[1][0], _rank(item[0].event), item[0].key))
    return placed


def _rank(trigger: str) -> int:
    event = find_event("ADT", trigger)
    return event.rank if event else 0


def beginning(steps: list[Step]) -> Moment:
    """Return when the stay began: the admission, else PV1-44, else the first movement.

    A change of class is a beginning only when it opens another visit number.

    While only a pre-admission stands, the expected admission (PV2-8) is the beginning.
    """
    for step in steps:
        if step.movement.event in _ENTRIES or step.movement.follows:
            return step.start
    if steps[-1].status == "planned":
        planned = [step.movement.planned for step in steps if step.movement.planned]
        return planned[-1] if planned else steps[-1].start
    known = [step.movement.admitted for step in steps if step.movement.admitted]
    first = next((s for s in steps if s.movement.event not in PLANNED), steps[0]).start
    return min([first, *known])


def ending(steps: Sequence[Step]) -> Moment | None:
    """Return when the stay ended, None while it goes on: the latest discharge that stands.

    What is dated after it, such as a change of doctor, does not move the end.
    """
    if steps[-1].status != "finished":
        return None
    return next(step.start for step in reversed(steps) if step.movement.event == DISCHARGE)


def period(start: Moment, end: Moment | None) -> Json:
    """Return a Period; an end before the start would break the invariant per-1."""
    if end is None:
        return {"start": start[1]}
    return {"start": start[1], "end": max(start, end)[1]}


def spans(told: list[tuple[T, Moment]]) -> list[tuple[T, Moment, Moment | None]]:
    """Join equal neighbours and leave out what lasted no time; the last span is open."""
    spans: list[tuple[T, Moment, Moment | None]] = []
    for index, (value, start) in enumerate(told):
        following = told[index + 1][1] if index + 1 < len(told) else None
        if following is not None and following[0] == start[0]:
            continue
        if spans and spans[-1][0] == value:
            spans[-1] = (value, spans[-1][1], following)
        else:
            spans.append((value, start, following))
    return spans
