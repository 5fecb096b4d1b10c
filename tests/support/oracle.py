"""The naive engine: everything computed again from the whole log at every instant.

Shares no code with `gateway.pathway`: its own reduction, calendar, matching and stepping, written
for the eye. Slow on purpose. Rules are Python predicates, so conditions are not shared either.
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from gateway.core.events import ENDING, STANDING

PARIS = ZoneInfo("Europe/Paris")
FOREVER = datetime.max.replace(tzinfo=UTC)
DAY = timedelta(days=1)
Predicate = Callable[[dict[str, Any], dict[str, Any]], bool]


@dataclass(frozen=True)
class Expected:
    """A rule: `closes` and `cancels` are (event, predicate on fact and trigger).

    `feeds` are kinds; those of the trigger's establishment are waited for when they are known.
    """

    id: str
    event: str
    applies: Callable[[dict[str, Any]], bool]
    n: int
    unit: str
    closes: tuple[tuple[str, Predicate], ...]
    window: timedelta = timedelta(0)
    grace: timedelta = timedelta(0)
    settle: timedelta = timedelta(minutes=15)
    consumed: bool = False
    forbid: bool = False
    cancels: tuple[tuple[str, Predicate], ...] = ()
    pauses: tuple[tuple[str, str, Predicate], ...] = ()
    feeds: tuple[str, ...] = ()
    max_unconfirmed: timedelta | None = None


@dataclass(frozen=True)
class Known:
    """A fact: what is left of a key."""

    key: str
    event: str
    te: datetime
    last: datetime
    learned: datetime
    attributes: dict[str, Any]


def facts_at(log: Iterable[Any]) -> list[Known]:
    """Reduce the assertions of a log, one key after the other."""
    by_key: dict[str, list[Any]] = {}
    for one in log:
        by_key.setdefault(one.assertion.key, []).append(one)
    found = []
    for key, said in by_key.items():
        best = max(said, key=_rank)
        if best.assertion.op == "retract":
            continue
        attributes = best.assertion.attributes
        if best.assertion.event.startswith("ENC."):
            since = _since_taken_back(said)
            if all(one.assertion.op == "amend" for one in since):
                continue
            attributes = _put_together(since)
        learned = min(one.at for one in said if one.assertion.op == "assert")
        when = best.assertion.when
        if best.assertion.event in STANDING:
            gone = [
                r.assertion.revision
                for r in said
                if r.assertion.op == "retract" or r.assertion.event in ENDING
            ]
            since = [
                r.assertion.when
                for r in said
                if r.assertion.op == "assert" and r.assertion.revision > max(gone, default="")
            ]
            when = min(since, default=when)
        last = when.high - timedelta(seconds=1) if when.high > when.low else when.low
        found.append(Known(key, best.assertion.event, when.low, last, learned, attributes))
    return sorted(found, key=lambda fact: (fact.te, fact.key))


def _since_taken_back(said: list[Any]) -> list[Any]:
    """Return the words after the last retraction, in the order of the source."""
    ordered = sorted(said, key=_rank)
    ends = [n for n, one in enumerate(ordered, 1) if one.assertion.op == "retract"]
    return ordered[max(ends, default=0) :]


def _put_together(words: list[Any]) -> dict[str, Any]:
    """Give each attribute the latest word that has it, but what goes with another one."""
    found: dict[str, Any] = {}
    for one in words:
        new = one.assertion.attributes
        if "mode" in new:
            found.pop("destination_code", None)
            if found.get("mode", new["mode"]) != new["mode"]:
                found.pop("destination_finess", None)
        if "entry_mode" in new:
            found.pop("provenance", None)
            found.pop("ed_passage", None)
        found.update(new)
    return found


def _rank(received: Any) -> tuple[str, bool, str]:
    assertion = received.assertion
    return assertion.revision, assertion.op == "retract", assertion.aid


def easter(year: int) -> date:
    """Return Easter Sunday (anonymous Gregorian algorithm)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def is_free(day: date) -> bool:
    """Tell whether nobody works: week-end or public holiday."""
    fixed = {(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)}
    moving = {easter(day.year) + n * DAY for n in (1, 39, 50)}
    return day.weekday() > 4 or (day.month, day.day) in fixed or day in moving


def deadline(anchor: datetime, n: int, unit: str, pauses: list[tuple[datetime, datetime]]):
    """Count day by day, or second by second stretch; None when a pause never ends."""
    if unit == "h":
        left, now = timedelta(hours=n), anchor
        for start, end in sorted(pauses):
            if end <= now:
                continue
            if now + left <= start:
                break
            left -= max(start - now, timedelta(0))
            if end == FOREVER:
                return None
            now = max(end, now)
        return now + left
    day = anchor.astimezone(PARIS).date()
    while n > 0:
        day += DAY
        if unit == "bd" and is_free(day):
            continue
        noon = datetime.combine(day, time(12), PARIS).astimezone(UTC)
        inside = [end for start, end in pauses if start <= noon < end]
        if any(end == FOREVER for end in inside):
            return None
        n -= not inside
    return datetime.combine(day, time(23, 59, 59), PARIS).astimezone(UTC)


def _superseded(fact: Known, facts: list[Known]) -> bool:
    """Tell whether a later discharge of the same visit takes the place of this one."""
    visit = (fact.attributes.get("estab"), fact.attributes.get("visit"))
    return fact.event == "ENC.DISCHARGE" and any(
        other.event == fact.event
        and (other.attributes.get("estab"), other.attributes.get("visit")) == visit
        and (other.te, other.key) > (fact.te, fact.key)
        for other in facts
    )


def _pauses(rule: Expected, trigger: Known, facts: list[Known]):
    found = []
    for starts, ends, predicate in rule.pauses:
        for start in facts:
            if start.event != starts or not predicate(start.attributes, trigger.attributes):
                continue
            stops = [
                end.te
                for end in facts
                if end.event == ends
                and end.te >= start.te
                and predicate(end.attributes, trigger.attributes)
                and end.attributes.get("visit") == start.attributes.get("visit")
                and end.attributes.get("estab") == start.attributes.get("estab")
            ]
            stop = min(stops, default=FOREVER)
            if stop > start.te:
                found.append((start.te, stop))
    return found


def snapshot(rule: Expected, log: Iterable[Any], feeds: dict[str, list[tuple[datetime, datetime]]]):
    """Return, by expectation, (settled status or None, theta, instant it is believed)."""
    facts = facts_at(log)
    drafts: dict[str, dict[str, Any]] = {}
    for fact in facts:
        if fact.event != rule.event or not rule.applies(fact.attributes):
            continue
        if _superseded(fact, facts):
            continue
        due = deadline(fact.te, rule.n, rule.unit, _pauses(rule, fact, facts))
        cancels = [
            other
            for event, predicate in (*rule.cancels, ("PAT.DEATH", lambda _f, _t: True))
            for other in facts
            if other.event == event
            and (event == "PAT.DEATH" or other.last >= fact.te)
            and predicate(other.attributes, fact.attributes)
        ]
        answers = [
            other
            for event, predicate in rule.closes
            for other in facts
            if other.event == event
            and other.key != fact.key
            and other.last >= fact.te + rule.window
            and predicate(other.attributes, fact.attributes)
        ]
        x = sha256(f"{rule.id}|{fact.key}".encode()).hexdigest()
        drafts[x] = {
            "trigger": fact,
            "due": due,
            "cancel": min(cancels, key=lambda f: (f.te, f.key), default=None),
            "answers": sorted(answers, key=lambda f: (f.te, f.key)),
        }
    _assign(rule, drafts, facts)
    return {x: _standing(rule, draft, feeds) for x, draft in drafts.items()}


def _assign(rule: Expected, drafts: dict[str, dict[str, Any]], facts: list[Known]) -> None:
    for draft in drafts.values():
        draft["closer"] = None if rule.consumed else next(iter(draft["answers"]), None)
    if not rule.consumed:
        return
    for fact in facts:
        free = [
            (draft["due"] or FOREVER, x)
            for x, draft in drafts.items()
            if draft["closer"] is None
            and fact in draft["answers"]
            and not (draft["cancel"] and draft["cancel"].te < fact.te)
        ]
        if free:
            drafts[min(free)[1]]["closer"] = fact


def _standing(rule: Expected, draft: dict[str, Any], feeds):
    due, closer, cancel = draft["due"], draft["closer"], draft["cancel"]
    limit = due or FOREVER
    theta = believed = None
    if due is not None:
        theta = max(due + rule.grace, draft["trigger"].learned + rule.settle)
        place = draft["trigger"].attributes.get("estab")
        heard = [feeds[f"{place}:{kind}"] for kind in rule.feeds if f"{place}:{kind}" in feeds]
        believed = _believed(rule, due, theta, heard)
    if rule.forbid and closer is not None and closer.te > limit:
        closer = None
    settled = None
    if cancel is not None and (closer is None or cancel.te < closer.te):
        settled = "cancelled" if cancel.te <= limit else ("met" if rule.forbid else "moot")
    elif closer is not None:
        on_time = "overdue" if rule.forbid else "met"
        settled = on_time if closer.te <= limit else "met_late"
    return settled, theta, believed


def _believed(rule: Expected, due: datetime, theta: datetime, heard) -> datetime:
    latest = max(
        (min((at for at, mark in marks if mark >= due), default=FOREVER) for marks in heard),
        default=theta,
    )
    if latest <= theta:
        return theta
    back = FOREVER if latest == FOREVER else latest + rule.settle
    give_up = FOREVER if rule.max_unconfirmed is None else theta + rule.max_unconfirmed
    return min(back, give_up)


def status(standing, now: datetime, fired: bool, forbid: bool) -> str:
    """Tell where an expectation stands; timers of this instant count when `fired`."""
    settled, theta, believed = standing
    if settled:
        return settled
    if theta is None:
        return "paused"
    if now < theta or (now == theta and not fired):
        return "pending"
    if now < believed or (now == believed and not fired):
        return "unconfirmed"
    return "met" if forbid else "overdue"


def ledger(rules, logs, until, *, merged_at=None, parted_at=None, feeds=None):
    """Return (instant, x, episode, from, to) of every transition.

    Args:
        rules: of `Expected`.
        logs: one list of received assertions for each patient.
        until: last instant.
        merged_at: from then on all patients are one person; None: they always were.
        parted_at: from then on each is a person of its own again; None: they stay together.
        feeds: (receipt, watermark) of each feed.
    """
    feeds = feeds or {}
    log = [one for person in logs for one in person]
    heap = [(one.at, 0, one.order) for one in log if one.at <= until]
    heap += [(at, 0, -1) for at in (merged_at, parted_at) if at is not None and at <= until]
    heapq.heapify(heap)
    state: dict[str, str] = {}
    episode: dict[str, int] = {}
    out = []
    done = set()
    while heap:
        instant = heapq.heappop(heap)
        if instant in done or instant[0] > until:
            continue
        done.add(instant)
        now, phase, order = instant
        apart = merged_at is not None and now < merged_at
        apart |= parted_at is not None and now >= parted_at
        persons = logs if apart else [log]
        standings = {}
        for person in persons:
            known = [
                one for one in person if (one.at, one.order) <= (now, order) or
                (phase == 1 and one.at <= now)
            ]  # fmt: skip
            for rule in rules:
                found = snapshot(rule, known, feeds)
                standings |= {x: (standing, rule.forbid) for x, standing in found.items()}
        for x in sorted(standings.keys() | state.keys()):
            new = "void"
            if x in standings:
                standing, forbid = standings[x]
                new = status(standing, now, phase == 1, forbid)
                for timer in standing[1:]:
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
