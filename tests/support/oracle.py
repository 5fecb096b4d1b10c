"""The naive engine: everything computed again from the whole log at every instant.

Shares no code with `gateway.pathway`: its own reduction, calendar, matching and stepping, written
for the eye. Slow on purpose. Rules are Python predicates, so conditions are not shared either.
"""

import heapq
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from gateway.core.facts import Received
from tests.support.naive_calendar import FOREVER, deadline
from tests.support.naive_facts import Known, facts_at, in_time, instant, is_superseded
from tests.support.naive_stays import about

ALWAYS = datetime.min.replace(tzinfo=UTC)
_LASTING = {"PAT.DEATH", "PAT.DMP_OPPOSED"}
_CANCER = ("DOC.FRCP", "DOC.PPS", "PPS.STEP", "REQ.rcp.SENT")
_HALF_DAY = timedelta(hours=6)
Predicate = Callable[[dict[str, Any], dict[str, Any]], bool]
Wanted = tuple[tuple[str, Predicate], ...]
#: (instant, expectation, episode, from, to)
Transition = tuple[datetime, str, int, str | None, str]


@dataclass(frozen=True)
class Expected:
    """A rule: `closes`, `cancels` and the like are (pattern, predicate on fact and trigger).

    A pattern is `ENC.ADMIT`, `DOC.*`, or several joined by `|`. `anchor` and `base` are instant
    attributes of the trigger; empty: its time, the anchor. `cases` are (predicate, n, unit,
    max_unconfirmed). `feeds` are kinds; those of the establishments that the trigger names are
    waited for when they are known. `of_stay`: documents are tied to a stay by the attribute
    `about`. `applies_from`: of anchors; `older` holds from before that.
    """

    id: str
    event: str
    applies: Callable[[dict[str, Any]], bool]
    n: int
    unit: str
    closes: Wanted
    window: timedelta = timedelta(0)
    grace: timedelta = timedelta(0)
    settle: timedelta = timedelta(minutes=15)
    consumed: bool = False
    forbid: bool = False
    cancels: Wanted = ()
    pauses: tuple[tuple[tuple[str, Predicate], tuple[str, Predicate]], ...] = ()
    anchor: str = ""
    base: str = ""
    given: Wanted = ()
    also: Wanted = ()
    cases: tuple[tuple[Predicate, int, str, timedelta | None], ...] = ()
    on_death: str = "cancel"
    oncology: bool = False
    feeds: tuple[str, ...] = ()
    max_unconfirmed: timedelta | None = None
    of_stay: bool = False
    applies_from: datetime = ALWAYS
    older: "Expected | None" = None


class Quiet(NamedTuple):
    """An event of a feed that was silent: what it brings, since when, when told, when over."""

    brings: Sequence[str]
    since: datetime
    told: datetime
    over: datetime


class Heard(NamedTuple):
    """A feed: since when it counts, and its (receipt, complete up to) pairs, oldest first."""

    since: datetime
    marks: Sequence[tuple[datetime, datetime]]
    quiet: Sequence[Quiet] = ()


@dataclass
class Draft:
    """An expectation on the way to its standing."""

    x: str
    rule: Expected
    trigger: Known
    due: datetime | None
    patience: timedelta | None
    cancel: Known | None
    answers: list[Known]
    closer: Known | None = None


class Standing(NamedTuple):
    """Where an expectation stands, whatever the instant of looking."""

    settled: str | None
    theta: datetime | None
    believed: datetime
    forbid: bool = False

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
        return "met" if self.forbid else "overdue"


@lru_cache(maxsize=1 << 16)
def named(event: str, pattern: str) -> bool:
    """Tell whether an event is one of a pattern."""
    parts = pattern.split("|")
    return event in parts or any(p.endswith("*") and event.startswith(p[:-1]) for p in parts)


def standings(
    newest: Expected, facts: Sequence[Known], feeds: Mapping[str, Heard]
) -> dict[str, Standing]:
    """Return every expectation of a rule that these facts make."""
    triggers = [(rule, one) for one in facts if (rule := _in_force(newest, one, facts))]
    if not triggers:
        return {}
    if newest.of_stay:
        stays = [trigger for _rule, trigger in triggers]
        for fact in facts:
            is_stay = any(one is fact for one in stays)
            found = [fact] if is_stay else about(fact, stays)
            fact.attributes["about"] = found[0].key if len(found) == 1 else None
    drafts = [
        _draft(rule, one, facts)
        for rule, one in triggers
        if all(any(_fits(other, *wanted, one) for other in facts) for wanted in rule.given)
    ]
    _assign(newest, drafts, facts)
    return {draft.x: _standing(draft, feeds) for draft in drafts}


def _in_force(rule: Expected, fact: Known, facts: Sequence[Known]) -> Expected | None:
    """Return the version that a fact triggers, if any."""
    if not named(fact.event, rule.event):
        return None
    if _anchor(rule, fact) < rule.applies_from:
        return _in_force(rule.older, fact, facts) if rule.older else None
    if not rule.applies(fact.attributes) or is_superseded(fact, facts):
        return None
    if rule.oncology and not any(other.event in _CANCER for other in facts):
        return None
    return rule


def _anchor(rule: Expected, trigger: Known) -> datetime:
    return instant(trigger.get(rule.anchor)) or trigger.te if rule.anchor else trigger.te


def _fits(fact: Known, pattern: str, predicate: Predicate, trigger: Known) -> bool:
    return (
        named(fact.event, pattern)
        and fact.key != trigger.key
        and predicate(fact.attributes, trigger.attributes)
    )


def _draft(rule: Expected, trigger: Known, facts: Sequence[Known]) -> Draft:
    n, unit, patience = rule.n, rule.unit, rule.max_unconfirmed
    for predicate, *special in reversed(rule.cases):
        if predicate(trigger.attributes, trigger.attributes):
            n, unit, patience = special
    anchor = _anchor(rule, trigger)
    base = anchor
    if rule.base:
        base = trigger.te if rule.base == "trigger" else instant(trigger.get(rule.base)) or anchor
    start = anchor
    if not rule.anchor and unit in ("h", "bh") and trigger.last - trigger.te > _HALF_DAY:
        # Nobody is late before the day ends on which it is only known to have begun.
        start = trigger.last + timedelta(seconds=1)
    answers = _answers(rule.closes, trigger, facts, base + rule.window)
    if rule.also:
        others = _answers(rule.also, trigger, facts, base + rule.window)
        answers = [max(answers[0], others[0], key=in_time)] if answers and others else []
    return Draft(
        x=sha256(f"{rule.id}|{trigger.key}".encode()).hexdigest(),
        rule=rule,
        trigger=trigger,
        due=deadline(start, n, unit, list(_pauses(rule, trigger, facts))),
        patience=patience,
        cancel=min(_cancels(rule, trigger, facts, anchor), key=in_time, default=None),
        answers=answers,
    )


def _answers(
    wanted: Wanted, trigger: Known, facts: Sequence[Known], since: datetime
) -> list[Known]:
    """Return what answers a trigger, in order of time."""
    return [
        fact
        for fact in facts
        if fact.last >= since and any(_fits(fact, *one, trigger) for one in wanted)
    ]


def _cancels(
    rule: Expected, trigger: Known, facts: Sequence[Known], anchor: datetime
) -> Iterator[Known]:
    since = min(anchor, trigger.te)
    for pattern, predicate in rule.cancels:
        for fact in facts:
            if _fits(fact, pattern, predicate, trigger) and (
                pattern in _LASTING or fact.last >= since
            ):
                yield fact
    if rule.on_death == "cancel":
        yield from (fact for fact in facts if fact.event == "PAT.DEATH" and fact is not trigger)


def _pauses(rule: Expected, trigger: Known, facts: Sequence[Known]):
    for (starts, begins), (ends, finishes) in rule.pauses:
        for start in facts:
            if not _fits(start, starts, begins, trigger):
                continue
            stops = [
                end.te
                for end in facts
                if (_fits(end, ends, finishes, trigger)
                    or (end.key == trigger.key and named(end.event, ends)))
                and end.te >= start.te
                and (not start.get("visit")
                     or (end.get("visit") == start.get("visit")
                         and (end.get("estab") or "") == (start.get("estab") or "")))
            ]  # fmt: skip
            stop = min(stops, default=FOREVER)
            if stop > start.te:
                yield start.te, stop


def _assign(newest: Expected, drafts: Sequence[Draft], facts: Sequence[Known]) -> None:
    if not newest.consumed:
        for draft in drafts:
            draft.closer = next(iter(draft.answers), None)
        return
    for fact in facts:
        free = [
            draft
            for draft in drafts
            if draft.closer is None
            and any(one is fact for one in draft.answers)
            and not (draft.cancel and draft.cancel.te < fact.te)
        ]
        if free:
            min(free, key=lambda one: (one.due or FOREVER, one.x)).closer = fact


def _standing(draft: Draft, feeds: Mapping[str, Heard]) -> Standing:
    rule, due, closer, cancel = draft.rule, draft.due, draft.closer, draft.cancel
    limit = due or FOREVER
    if rule.forbid and closer is not None and closer.te > limit:
        closer = None
    settled = None
    if cancel is not None and (closer is None or cancel.te < closer.te):
        settled = "cancelled" if cancel.te <= limit else ("met" if rule.forbid else "moot")
    elif closer is not None:
        on_time = "overdue" if rule.forbid else "met"
        settled = on_time if closer.te <= limit else "met_late"
    if due is None:
        return Standing(settled, None, FOREVER, rule.forbid)
    theta = max(due + rule.grace, draft.trigger.learned + rule.settle)
    return Standing(settled, theta, _believed(draft, due, theta, feeds), rule.forbid)


def _believed(draft: Draft, due: datetime, theta: datetime, feeds: Mapping[str, Heard]) -> datetime:
    trigger, rule = draft.trigger, draft.rule
    places = {trigger.get("estab"), trigger.get("destination_finess")} - {None, ""}
    names = [f"{place}:{kind}" for place in places for kind in rule.feeds]
    waited = [feeds[name] for name in names if name in feeds]
    complete = [_first_beyond(due, one.marks) for one in waited if one.since <= theta]
    latest = max(complete, default=theta)
    caught_up = theta if latest <= theta else _settled(latest, rule.settle)
    quiet = [q for one in waited if one.since <= theta for q in one.quiet if q.since < due]
    quiet = [q for q in quiet if any(_brings(q, closer) for closer in (*rule.closes, *rule.also))]
    changed = True
    while changed:
        # What would be believed while its messenger is known to be silent waits for its return.
        ends = [_settled(q.over, rule.settle) for q in quiet if q.told <= caught_up < q.over]
        changed = bool(ends)
        caught_up = max([caught_up, *ends])
    give_up = FOREVER if draft.patience is None else theta + draft.patience
    return min(caught_up, give_up)


def _settled(at: datetime, settle: timedelta) -> datetime:
    return FOREVER if at == FOREVER else at + settle


def _brings(quiet: Quiet, closer: tuple[str, Predicate]) -> bool:
    return any(named(event, closer[0]) for event in quiet.brings)


def _first_beyond(due: datetime, marks: Sequence[tuple[datetime, datetime]]) -> datetime:
    """Return the receipt that made a feed complete up to an instant; marks only go up."""
    place = bisect_left(marks, due, key=lambda mark: mark[1])
    return marks[place][0] if place < len(marks) else FOREVER


#: Gives the expectations that are known at (receipt, order).
Look = Callable[[datetime, int], dict[str, Standing]]


def transitions(receipts: Iterable[tuple[datetime, int]], look: Look, until: datetime):
    """Return every transition: at each receipt, then at each timer that follows from it."""
    heap = [(at, 0, order) for at, order in receipts if at <= until]
    heapq.heapify(heap)
    state: dict[str, str] = {}
    episode: dict[str, int] = {}
    out: list[Transition] = []
    done: set[tuple[datetime, int, int]] = set()
    current: dict[str, Standing] = {}
    while heap and heap[0][0] <= until:
        step = heapq.heappop(heap)
        if step in done:
            continue
        done.add(step)
        now, phase, order = step
        if phase == 0:
            # Timers change nothing that is known: a look at each receipt will do.
            current = look(now, order)
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


def ledger(
    rules: Sequence[Expected],
    logs: Sequence[Sequence[Received]],
    until: datetime,
    *,
    merged_at: datetime | None = None,
    parted_at: datetime | None = None,
    feeds: Mapping[str, Sequence[tuple[datetime, datetime]]] | None = None,
) -> list[Transition]:
    """Return (instant, x, episode, from, to) of every transition.

    Args:
        rules: of `Expected`.
        logs: one list of received assertions for each patient.
        until: last instant.
        merged_at: from then on all patients are one person; None: they always were.
        parted_at: from then on each is a person of its own again; None: they stay together.
        feeds: (receipt, watermark) of each feed.
    """
    heard = {name: Heard(ALWAYS, marks) for name, marks in (feeds or {}).items()}
    log = [one for person in logs for one in person]
    receipts = [(one.at, one.order) for one in log]
    receipts += [(at, -1) for at in (merged_at, parted_at) if at is not None]

    def look(now: datetime, order: int) -> dict[str, Standing]:
        apart = merged_at is not None and now < merged_at
        apart |= parted_at is not None and now >= parted_at
        found: dict[str, Standing] = {}
        for person in logs if apart else [log]:
            facts = facts_at(one for one in person if (one.at, one.order) <= (now, order))
            for rule in rules:
                found |= standings(rule, facts, heard)
        return found

    return transitions(receipts, look, until)
