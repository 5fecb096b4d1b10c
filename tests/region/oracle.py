"""The naive engine of the region: every person computed again at every instant.

Its rules are Python, its facts those of `tests.region.facts`, its steps written for the eye. Only
day counting is shared with the other naive engine (`tests.support.naive_calendar`).
"""

import heapq
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from gateway.core.facts import Received
from gateway.core.pathway_ports import FeedState, Move
from tests.region.facts import Known, Places, about, instant, known_at
from tests.support.naive_calendar import FOREVER, deadline

#: (instant, expectation, episode, from, to)
Transition = tuple[datetime, str, int, str | None, str]
Test = Callable[[Known, Known], bool]
_WEEK = timedelta(days=7)
ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Naive:
    """A rule. `closes` and `cancels` are (event, test on fact and trigger)."""

    id: str
    event: str
    applies: Callable[[Known], bool]
    n: int
    unit: str
    closes: tuple[tuple[str, Test], ...]
    kinds: tuple[str, ...]
    anchor: str = ""
    window: timedelta = timedelta(0)
    from_trigger: bool = False
    grace: timedelta = timedelta(0)
    consumed: bool = False
    cancels: tuple[tuple[str, Test], ...] = ()
    pauses: tuple[tuple[str, str], ...] = ()
    of_stay: bool = False
    ends_with_death: bool = True
    max_unconfirmed: timedelta | None = None


def _any(_fact: Known, _trigger: Known) -> bool:
    return True


def _same_visit(fact: Known, trigger: Known) -> bool:
    here, there = fact.get("estab"), trigger.get("estab")
    same = fact.get("visit") is not None and fact.get("visit") == trigger.get("visit")
    return same and (not here or not there or here == there)


def _other_place(fact: Known, trigger: Known) -> bool:
    if fact.get("estab") != trigger.get("estab"):
        return True
    later = fact.get("visit") != trigger.get("visit") or fact.low >= trigger.low
    return fact.get("estab_unit") != trigger.get("estab_unit") and later


def _back_here(fact: Known, trigger: Known) -> bool:
    same = all(fact.get(name) == trigger.get(name) for name in ("estab", "estab_unit"))
    return same and fact.low >= trigger.low


def _to_had(fact: Known, trigger: Known) -> bool:
    if fact.get("sector") is not None:
        return fact.get("sector") == "had"
    here = fact.get("estab")
    return here is not None and here == trigger.get("destination_finess")


def _goes_on(trigger: Known) -> bool:
    where = trigger.get("destination")
    if where in ("smr", "mco", "psy", "usld"):
        return True
    return where == "unknown" and trigger.get("mode") in ("6", "7")


def _to_doctor(fact: Known, trigger: Known) -> bool:
    known = {trigger.get(name) for name in ("doc", "setid", "uid")} - {None, ""}
    same = any(fact.get(name) in known for name in ("doc", "setid", "uid"))
    return same and fact.get("recipient") == trigger.get("gp")


def _appointment(fact: Known, trigger: Known) -> bool:
    if fact.get("kind") in ("encounter", "consult"):
        return True
    return fact.get("role") is not None and fact.get("role") == trigger.get("code")


def _same_request(fact: Known, trigger: Known) -> bool:
    return fact.get("request") is not None and fact.get("request") == trigger.get("request")


def _hours(number: int) -> timedelta:
    return timedelta(hours=number)


def _of_inpatient(trigger: Known) -> bool:
    return trigger.get("patient_class") == "I" and trigger.get("mode") not in ("9", "0")


NAIVE = (
    Naive(
        "ID-01", "SND.HELD_NO_INS", lambda _t: True, 1, "bd",
        (("PAT.INS_OK", _any),), ("ADT",), ends_with_death=False,
    ),
    Naive(
        "ORI-01", "REQ.smr.SENT", lambda _t: True, 2, "bd",
        (("REQ.smr.ACCEPTED", _same_request), ("REQ.smr.REFUSED", _same_request)), ("ORD",),
        cancels=(
            ("REQ.smr.WITHDRAWN", _same_request),
            ("ENC.DISCHARGE", lambda f, _t: f.get("destination") == "home"),
        ),
    ),
    Naive(
        "ORI-06", "ENC.DISCHARGE", lambda t: t.get("destination") == "had", 24, "h",
        (("ENC.ADMIT", _to_had), ("HOME.VISIT", _any)), ("ADT",), window=_hours(-6),
        cancels=(("ENC.ADMIT", lambda f, _t: f.get("sector") == "mco"),),
        max_unconfirmed=_hours(12),
    ),
    Naive(
        "ORI-08", "ENC.LEAVE_OUT", lambda _t: True, 0, "h",
        (("ENC.LEAVE_BACK", _same_visit), ("ENC.DISCHARGE", _same_visit)), ("ADT",),
        anchor="return_due", from_trigger=True,
    ),
    Naive(
        "TRX-01", "ENC.DISCHARGE", _of_inpatient, 0, "day0",
        (("DOC.LDL_SES", lambda f, _t: f.get("empty") is not True),), ("DOC",),
        window=_hours(-48), grace=_hours(6), of_stay=True,
    ),
    Naive(
        "TRX-03", "DOC.LDL_SES", lambda t: t.get("gp") is not None, 0, "day0",
        (("SND.MSS_OK", _to_doctor),), (), anchor="stay_end", from_trigger=True,
        grace=_hours(12),
    ),
    Naive(
        "TRX-08", "ENC.DISCHARGE", _goes_on, 12, "h", (("ENC.ADMIT", _other_place),), ("ADT",),
        window=_hours(-6), grace=_hours(2), consumed=True, cancels=(("ENC.ADMIT", _back_here),),
        max_unconfirmed=_hours(12),
    ),
    Naive(
        "VIL-04", "LDL.PROMISE",
        lambda t: t.get("kind") == "encounter" and t.get("priority") == "CS", 5, "bd",
        (("APPT.BOOKED", _appointment),), ("SIU",), anchor="stay_end",
        window=timedelta(days=-30), consumed=True,
    ),
    Naive(
        "VIL-08", "ENC.DISCHARGE",
        lambda t: t.get("destination") == "home" and t.get("gp") is None, 5, "bd",
        (("PAT.GP_KNOWN", _any), ("REQ.dac.SENT", _any)), ("ADT", "ORD"),
    ),
    Naive(
        "RGN-01", "ENC.ADMIT", lambda t: t.get("sector") == "had", 15, "d",
        (("ENC.DISCHARGE", _same_visit),), ("ADT",), pauses=(("ENC.LEAVE_OUT", "ENC.LEAVE_BACK"),),
    ),
)  # fmt: skip
_SETTLE = timedelta(minutes=15)


@dataclass
class Heard:
    """The feeds: since when each counts, and its (receipt, complete up to) pairs."""

    feeds: dict[str, tuple[datetime, Sequence[tuple[datetime, datetime]]]] = field(
        default_factory=dict
    )

    @classmethod
    def of(cls, states: Sequence[FeedState], declared: Iterable[str]) -> "Heard":
        """Return the feeds that are promised, or have shown that their silence means something."""
        feeds = dict.fromkeys(declared, (ALWAYS, ()))
        for one in states:
            if one.feed in feeds:
                feeds[one.feed] = (ALWAYS, one.marks)
            elif one.proven_at is not None:
                feeds[one.feed] = (max(one.first_at + _WEEK, one.proven_at), one.marks)
        return cls(feeds)


@dataclass
class _Draft:
    x: str
    trigger: Known
    due: datetime | None
    cancel: Known | None
    answers: list[Known]
    closer: Known | None = None


@dataclass(frozen=True)
class Standing:
    """Where an expectation stands, whatever the instant of looking."""

    settled: str | None
    theta: datetime | None
    believed: datetime

    def at(self, now: datetime, *, fired: bool) -> str:
        """Return the status; timers of this instant count when `fired`."""
        if self.settled:
            return self.settled
        if self.theta is None:
            return "paused"
        if now < self.theta or (now == self.theta and not fired):
            return "pending"
        if now < self.believed or (now == self.believed and not fired):
            return "unconfirmed"
        return "overdue"


def snapshot(facts: Sequence[Known], heard: Heard) -> dict[str, Standing]:
    """Return every expectation that these facts make."""
    found: dict[str, Standing] = {}
    for rule in NAIVE:
        triggers = [f for f in facts if f.event == rule.event and not f.superseded]
        triggers = [one for one in triggers if rule.applies(one)]
        drafts = [_draft(rule, one, triggers, facts) for one in triggers]
        _assign(rule, drafts, facts)
        found |= {draft.x: _standing(rule, draft, heard) for draft in drafts}
    return found


def _draft(
    rule: Naive, trigger: Known, triggers: Sequence[Known], facts: Sequence[Known]
) -> _Draft:
    anchor = (instant(trigger.get(rule.anchor)) if rule.anchor else None) or trigger.low
    start = anchor
    if not rule.anchor and rule.unit == "h" and trigger.high - trigger.low > _hours(6):
        start = trigger.high + timedelta(seconds=1)
    since = (trigger.low if rule.from_trigger else anchor) + rule.window

    def answers(fact: Known) -> bool:
        if fact.key == trigger.key or fact.high < since:
            return False
        if rule.of_stay and about(fact, triggers) != [trigger]:
            return False
        return any(fact.event == event and test(fact, trigger) for event, test in rule.closes)

    cancels = [
        fact
        for event, test in rule.cancels
        for fact in facts
        if fact.event == event
        and fact.key != trigger.key
        and fact.high >= min(anchor, trigger.low)
        and test(fact, trigger)
    ]
    cancels += [f for f in facts if f.event == "PAT.DEATH" and rule.ends_with_death]
    return _Draft(
        sha256(f"{rule.id}|{trigger.key}".encode()).hexdigest(),
        trigger,
        deadline(start, rule.n, rule.unit, list(_pauses(rule, trigger, facts))),
        min(cancels, key=lambda f: (f.low, f.key), default=None),
        [fact for fact in facts if answers(fact)],
    )


def _pauses(rule: Naive, trigger: Known, facts: Sequence[Known]):
    for begins, ends in rule.pauses:
        for start in facts:
            if start.event != begins or not _same_visit(start, trigger):
                continue
            stops = [
                end.low
                for end in facts
                if end.event == ends and end.low >= start.low and _same_visit(end, start)
            ]
            stop = min(stops, default=FOREVER)
            if stop > start.low:
                yield start.low, stop


def _assign(rule: Naive, drafts: Sequence[_Draft], facts: Sequence[Known]) -> None:
    if not rule.consumed:
        for draft in drafts:
            draft.closer = next(iter(draft.answers), None)
        return
    for fact in facts:
        free = [
            draft
            for draft in drafts
            if draft.closer is None
            and any(one is fact for one in draft.answers)
            and not (draft.cancel and draft.cancel.low < fact.low)
        ]
        if free:
            min(free, key=lambda one: (one.due or FOREVER, one.x)).closer = fact


def _standing(rule: Naive, draft: _Draft, heard: Heard) -> Standing:
    due, closer, cancel = draft.due, draft.closer, draft.cancel
    limit = due or FOREVER
    settled = None
    if cancel is not None and (closer is None or cancel.low < closer.low):
        settled = "cancelled" if cancel.low <= limit else "moot"
    elif closer is not None:
        settled = "met" if closer.low <= limit else "met_late"
    if due is None:
        return Standing(settled, None, FOREVER)
    theta = max(due + rule.grace, draft.trigger.learned + _SETTLE)
    return Standing(settled, theta, _believed(rule, draft.trigger, due, theta, heard))


def _believed(
    rule: Naive, trigger: Known, due: datetime, theta: datetime, heard: Heard
) -> datetime:
    places = {trigger.get("estab"), trigger.get("destination_finess")} - {None, ""}
    names = [f"{place}:{kind}" for place in places for kind in rule.kinds]
    feeds = [heard.feeds[name] for name in names if name in heard.feeds]
    complete = [_first_beyond(due, marks) for since, marks in feeds if since <= theta]
    latest = max(complete, default=theta)
    if latest <= theta:
        return theta
    caught_up = FOREVER if latest == FOREVER else latest + _SETTLE
    give_up = FOREVER if rule.max_unconfirmed is None else theta + rule.max_unconfirmed
    return min(caught_up, give_up)


def _first_beyond(due: datetime, marks: Sequence[tuple[datetime, datetime]]) -> datetime:
    """Return the receipt that made a feed complete up to an instant; marks only go up."""
    place = bisect_left(marks, due, key=lambda mark: mark[1])
    return marks[place][0] if place < len(marks) else FOREVER


@dataclass(frozen=True)
class Life:
    """Everything that is known of Patients that were one person at some time.

    Attributes:
        log: by Patient.
        persons: of each Patient in the end.
        moves: from person to person, oldest first.
    """

    log: Mapping[str, Sequence[Received]]
    persons: Mapping[str, str]
    moves: Sequence[Move]

    def groups(self, now: datetime) -> list[list[str]]:
        """Return the Patients of each person at an instant."""
        found: dict[str, list[str]] = {}
        for patient in self.log:
            mine = [move for move in self.moves if move.patient_id == patient]
            done = [move for move in mine if move.at <= now]
            start = mine[0].before if mine else self.persons[patient]
            found.setdefault(done[-1].after if done else start, []).append(patient)
        return list(found.values())


def ledger(life: Life, heard: Heard, places: Places, until: datetime) -> list[Transition]:
    """Return every transition of the expectations of these Patients."""
    log = [one for said in life.log.values() for one in said]
    heap = [(one.at, 0, one.order) for one in log if one.at <= until]
    heap += [(move.at, 0, -(10**12)) for move in life.moves if move.at <= until]
    heapq.heapify(heap)
    state: dict[str, str] = {}
    episode: dict[str, int] = {}
    out: list[Transition] = []
    done: set[Any] = set()
    current: dict[str, Standing] = {}
    while heap and heap[0][0] <= until:
        step = heapq.heappop(heap)
        if step in done:
            continue
        done.add(step)
        now, phase, order = step
        if phase == 0:
            current = {}
            for group in life.groups(now):
                known = [
                    one
                    for patient in group
                    for one in life.log[patient]
                    if (one.at, one.order) <= (now, order)
                ]
                current |= snapshot(known_at(known, places), heard)
        for x in sorted(current.keys() | state.keys()):
            standing = current.get(x)
            new = standing.at(now, fired=phase == 1) if standing else "void"
            for timer in (standing.theta, standing.believed) if standing else ():
                if timer and now <= timer < FOREVER and (timer, 1, 0) not in done:
                    heapq.heappush(heap, (timer, 1, 0))
            old = state.get(x)
            if old == new:
                continue
            if new == "overdue":
                episode[x] = episode.get(x, 0) + 1
            state[x] = new
            out.append((now.replace(microsecond=0), x, max(1, episode.get(x, 1)), old, new))
    return out
