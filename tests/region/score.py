"""Precision and recall of what people were told, against what really went wrong.

An opening and a truth are the same by person, rule and visit, never by time alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.simulation.behaviours import Cause, Truth
from gateway.simulation.play import Planned
from gateway.simulation.region import Patient
from gateway.simulation.steps import Movement
from tests.region.openings import Opening

#: Days of a stay in hospital at home that are usual (`rules/RGN-01.yaml`).
_USUAL_DAYS = 15
_DAY = timedelta(days=1)


@dataclass
class RuleScore:
    """How one rule did; sums over parts of a region.

    Attributes:
        right: openings that are true.
        found: truths that were opened.
        missed: truths that never were, by reason.
        false: openings without truth, by reason.
        premature: openings that closed within a day because it had been done in time.
    """

    openings: int = 0
    right: int = 0
    truths: int = 0
    found: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    premature: int = 0

    @property
    def precision(self) -> float | None:
        """Return the share of the openings that are true."""
        return self.right / self.openings if self.openings else None

    @property
    def recall(self) -> float | None:
        """Return the share of the truths that were opened."""
        return self.found / self.truths if self.truths else None

    @property
    def wrong(self) -> int:
        """Return how often people were told wrongly, or not at all."""
        return self.openings - self.right + self.truths - self.found

    def add(self, other: "RuleScore") -> None:
        """Take the score of another part in."""
        for name in ("openings", "right", "truths", "found", "premature"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.missed += other.missed
        self.false += other.false


Scores = dict[str, RuleScore]


def score(
    opened: Sequence[Opening],
    stands: Mapping[tuple[str, int, str], str],
    patients: Mapping[int, Patient],
    arrivals: Iterable[Planned],
    rules: Iterable[str],
) -> Scores:
    """Return how each rule did on these patients."""
    truths = [one for patient in patients.values() for one in _truths(patient)]
    hurt = _hurt(patients, arrivals)
    by_place: dict[tuple[str, int, str], list[Truth]] = defaultdict(list)
    for truth in truths:
        by_place[truth.rule, truth.patient, truth.visit].append(truth)
    scores = {rule: RuleScore() for rule in sorted(rules)}
    told = {(one.rule, one.patient, one.visit) for one in opened}
    for one in opened:
        mine = scores[one.rule]
        mine.openings += 1
        mine.premature += _is_premature(one)
        if any(truth.real for truth in by_place[one.rule, one.patient, one.visit]):
            mine.right += 1
        else:
            mine.false[_why(one, truths, hurt)] += 1
    for place, found in by_place.items():
        if place[0] in scores and any(truth.real for truth in found):
            mine = scores[place[0]]
            mine.truths += 1
            mine.found += place in told
            if place not in told:
                mine.missed[_why_not(place, stands, hurt)] += 1
    return scores


def _truths(patient: Patient) -> list[Truth]:
    return [*patient.truths, *_long_stays(patient)]


def _long_stays(patient: Patient) -> Iterable[Truth]:
    """Yield the stays in hospital at home with more than the usual days, without days away."""
    stays: dict[str, dict[str, list[datetime]]] = defaultdict(lambda: defaultdict(list))
    visits = {}
    for step in patient.steps:
        moved = step.content
        if isinstance(moved, Movement) and moved.visit.establishment.key == "had":
            stays[moved.visit.number][moved.event].append(moved.start)
            visits[moved.visit.number] = moved.visit
    for number, told in stays.items():
        begin, end = told["A01"][0], told["A03"][0]
        away = list(zip(told["A21"], [*told["A22"], end], strict=False))
        noon = begin.replace(hour=12, minute=0, second=0, microsecond=0) + _DAY
        days = 0
        while noon.date() <= end.date():
            days += not any(left <= noon < back for left, back in away)
            noon += _DAY
        if days > _USUAL_DAYS:
            visit = visits[number]
            yield Truth(
                "RGN-01", Cause.LATE, patient.person.order, visit.establishment.finess, number, end
            )


def _hurt(patients: Mapping[int, Patient], arrivals: Iterable[Planned]) -> dict[int, set[str]]:
    """Return what the transport did to messages about each patient beyond repair."""
    arrived: dict[int, set[int]] = defaultdict(set)
    found: dict[int, set[str]] = defaultdict(set)
    for one in arrivals:
        arrived[one.patient].add(one.arrival.step.order % 1000)
        step = one.arrival.step
        if step.recorded > step.sent + timedelta(days=300):
            found[one.patient].add("a timestamp in a year to come")
    for number, patient in patients.items():
        if {step.order for step in patient.steps} - arrived[number]:
            found[number].add("a message lost")
    return found


def _is_premature(one: Opening) -> bool:
    soon = one.left_at is not None and one.left_at - one.opened_at < _DAY
    return soon and one.left_for in ("met", "void", "cancelled")


def _why(one: Opening, truths: Iterable[Truth], hurt: Mapping[int, set[str]]) -> str:
    """Return what led to an opening that is not true."""
    of_person = [truth for truth in truths if truth.patient == one.patient]
    same = [truth for truth in of_person if truth.visit == one.visit]
    for truth in same:
        if truth.rule == one.rule:
            return f"done, traces broken: {truth.cause}"
    if same:
        return f"follows from: {same[0].cause}"
    if one.left_for in ("met", "void", "cancelled"):
        return f"told late, then {one.left_for}"
    if hurt.get(one.patient):
        return min(hurt[one.patient])
    return "unexplained"


def _why_not(
    place: tuple[str, int, str],
    stands: Mapping[tuple[str, int, str], str],
    hurt: Mapping[int, set[str]],
) -> str:
    if hurt.get(place[1]):
        return min(hurt[place[1]])
    stood = stands.get(place, "nothing asks for it")
    return stood.replace("met_late", "made good before it was told:").replace(
        "met APPT.BOOKED", "another appointment taken for it"
    )
