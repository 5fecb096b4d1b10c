"""Precision and recall of what people were told, against what really went wrong.

An opening and a truth are the same by person, rule and visit, never by time alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from gateway.simulation.behaviours import Cause, Truth
from gateway.simulation.play import Planned
from gateway.simulation.region import Patient
from gateway.simulation.steps import Movement
from tests.region.openings import Opening

#: Rules whose ruptures the region labels, each of them; the others are compared and not judged:
#: what they wait for, nobody in the region tells.
JUDGED = (
    "ID-01", "ONC-02", "ONC-05", "ONC-14", "ORI-01", "ORI-02", "ORI-03", "ORI-06", "ORI-08",
    "RGN-01", "TRX-01", "TRX-02", "TRX-03", "TRX-04", "TRX-08", "VIL-04", "VIL-08",
)  # fmt: skip
#: Judged by the time of a silence: there is no patient to tell it by.
FEED_RULE = "FEED-01"
#: Days of a stay in hospital at home that are usual (`rules/RGN-01.yaml`).
_USUAL_DAYS = 15
_DAY = timedelta(days=1)


_RESAMPLES = 1000
#: Low and high end of a share; None where nothing is shared out.
Interval = tuple[float, float] | None


@dataclass
class RuleScore:
    """How one rule did; sums over parts of a region.

    Attributes:
        right: openings that are true.
        found: truths that were opened.
        missed: truths that never were, by reason.
        false: openings without truth, by reason.
        premature: openings that closed within a day because it had been done in time.
        by_patient: openings, right ones, truths and found ones of each patient that has any.
    """

    openings: int = 0
    right: int = 0
    truths: int = 0
    found: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    premature: int = 0
    by_patient: dict[int, list[int]] = field(default_factory=dict)

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

    def of(self, patient: int) -> list[int]:
        """Return the counts of a patient, to be changed."""
        return self.by_patient.setdefault(patient, [0, 0, 0, 0])

    def add(self, other: "RuleScore") -> None:
        """Take the score of another part in."""
        for name in ("openings", "right", "truths", "found", "premature"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.missed += other.missed
        self.false += other.false
        for patient, counts in other.by_patient.items():
            mine = self.of(patient)
            mine[:] = [a + b for a, b in zip(mine, counts, strict=True)]

    def intervals(self, seed: str) -> tuple[Interval, Interval]:
        """Return 95 % intervals of precision and recall, by bootstrap over patients; seeded."""
        rng = Random(seed)
        rows = [self.by_patient[patient] for patient in sorted(self.by_patient)]
        drawn = [
            [sum(column) for column in zip(*rng.choices(rows, k=len(rows)), strict=True)]
            for _ in range(_RESAMPLES if rows else 0)
        ]
        return _middle(drawn, 1, 0), _middle(drawn, 3, 2)


Scores = dict[str, RuleScore]


def _middle(drawn: Sequence[Sequence[int]], part: int, whole: int) -> Interval:
    """Return the middle 95 % of the shares of a column in another; None when it is empty."""
    shares = sorted(one[part] / one[whole] for one in drawn if one[whole])
    if not shares:
        return None
    edge = len(shares) // 40
    return shares[edge], shares[-1 - edge]


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
        mine = scores.get(one.rule)
        if mine is None:
            continue
        mine.openings += 1
        mine.of(one.patient)[0] += 1
        mine.premature += _is_premature(one)
        if any(truth.real for truth in by_place[one.rule, one.patient, one.visit]):
            mine.right += 1
            mine.of(one.patient)[1] += 1
        else:
            mine.false[_why(one, truths, hurt)] += 1
    for place, found in by_place.items():
        if place[0] in scores and any(truth.real for truth in found):
            mine = scores[place[0]]
            mine.truths += 1
            mine.found += place in told
            mine.of(place[1])[2] += 1
            mine.of(place[1])[3] += place in told
            if place not in told:
                mine.missed[_why_not(place, stands, hurt)] += 1
    return scores


def score_feeds(opened: Iterable[Opening], truths: Sequence[Truth]) -> RuleScore:
    """Return how the silences of feeds were found.

    A truth is a silence of all feeds of an establishment; an opening is right when it is of that
    establishment and lies in its time, found late or not.
    """
    score, found = RuleScore(truths=len(truths)), set[int]()
    for one in opened:
        if one.rule != FEED_RULE:
            continue
        score.openings += 1
        fitting = [
            number
            for number, truth in enumerate(truths)
            if truth.finess == one.estab
            and truth.begins <= one.opened_at <= (truth.ends or truth.begins)
        ]
        score.right += bool(fitting)
        found.update(fitting)
        if not fitting:
            score.false["an event that seldom comes" if one.part else "a feed that rested"] += 1
    score.found = len(found)
    for number, truth in enumerate(truths):
        if number not in found:
            hours = ((truth.ends or truth.begins) - truth.begins) // timedelta(hours=1)
            score.missed[f"a silence of {hours} hours"] += 1
    return score


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
    if hurt.get(one.patient):
        return min(hurt[one.patient])
    if same and one.left_for != "met":
        return f"follows from: {same[0].cause}"
    if one.left_for in ("met", "void", "cancelled"):
        return f"told late, then {one.left_for}"
    broken = next((truth.cause for truth in of_person if not truth.real), None)
    if broken is not None:
        return f"not known to be elsewhere: {broken}"
    if any(truth.rule == one.rule for truth in of_person):
        return "what was done was taken for another that was not"
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
