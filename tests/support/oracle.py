"""The naive engine: everything computed again from the whole log at every instant.

Shares no code with `gateway.pathway`: its own reduction, calendar, matching and stepping, written
for the eye. Slow on purpose. Rules are Python predicates, so conditions are not shared either.
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from gateway.core.events import ENDING, STANDING
from tests.support.naive_calendar import FOREVER, deadline

_LASTING = {"PAT.DEATH", "PAT.DMP_OPPOSED"}
_CANCER = ("DOC.FRCP", "DOC.PPS", "PPS.STEP", "REQ.rcp.SENT")
Predicate = Callable[[dict[str, Any], dict[str, Any]], bool]


@dataclass(frozen=True)
class Expected:
    """A rule: `closes`, `cancels` and the like are (pattern, predicate on fact and trigger).

    A pattern is `ENC.ADMIT`, `DOC.*`, or several joined by `|`. `anchor` and `base` are instant
    attributes of the trigger; empty: its time, the anchor. `cases` are (predicate, n, unit,
    max_unconfirmed). `feeds` are kinds; those of the trigger's establishment are waited for when
    they are known.
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
    pauses: tuple[tuple[tuple[str, Predicate], tuple[str, Predicate]], ...] = ()
    anchor: str = ""
    base: str = ""
    given: tuple[tuple[str, Predicate], ...] = ()
    also: tuple[tuple[str, Predicate], ...] = ()
    cases: tuple[tuple[Predicate, int, str, timedelta | None], ...] = ()
    on_death: str = "cancel"
    oncology: bool = False
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
        attributes = {**attributes, "te": when.low.strftime("%Y-%m-%dT%H:%M:%SZ")}
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


def _superseded(fact: Known, facts: list[Known]) -> bool:
    """Tell whether a later discharge of the same visit takes the place of this one."""
    visit = (fact.attributes.get("estab"), fact.attributes.get("visit"))
    return fact.event == "ENC.DISCHARGE" and any(
        other.event == fact.event
        and (other.attributes.get("estab"), other.attributes.get("visit")) == visit
        and (other.te, other.key) > (fact.te, fact.key)
        for other in facts
    )


def named(event: str, pattern: str) -> bool:
    """Tell whether an event is one of a pattern."""
    parts = pattern.split("|")
    return event in parts or any(p.endswith("*") and event.startswith(p[:-1]) for p in parts)


def _pauses(rule: Expected, trigger: Known, facts: list[Known]):
    found = []
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
                and end.attributes.get("visit") == start.attributes.get("visit")
                and end.attributes.get("estab") == start.attributes.get("estab")
            ]  # fmt: skip
            stop = min(stops, default=FOREVER)
            if stop > start.te:
                found.append((start.te, stop))
    return found


def _fits(fact: Known, pattern: str, predicate: Predicate, trigger: Known) -> bool:
    return (
        fact.key != trigger.key
        and named(fact.event, pattern)
        and predicate(fact.attributes, trigger.attributes)
    )


def _instant(fact: Known, name: str, otherwise: datetime) -> datetime:
    said = fact.attributes.get(name) if name else None
    return datetime.fromisoformat(said).astimezone(UTC) if said else otherwise


def _applies(rule: Expected, fact: Known, facts: list[Known]) -> bool:
    if not named(fact.event, rule.event) or not rule.applies(fact.attributes):
        return False
    if _superseded(fact, facts):
        return False
    if rule.oncology and not any(other.event in _CANCER for other in facts):
        return False
    return all(any(_fits(other, *wanted, fact) for other in facts) for wanted in rule.given)


def snapshot(rule: Expected, log: Iterable[Any], feeds: dict[str, list[tuple[datetime, datetime]]]):
    """Return, by expectation, (settled status or None, theta, instant it is believed)."""
    facts = facts_at(log)
    drafts: dict[str, dict[str, Any]] = {}
    for fact in facts:
        if not _applies(rule, fact, facts):
            continue
        n, unit, limit = rule.n, rule.unit, rule.max_unconfirmed
        for predicate, *special in reversed(rule.cases):
            if predicate(fact.attributes, fact.attributes):
                n, unit, limit = special
        anchor = _instant(fact, rule.anchor, fact.te)
        base = fact.te if rule.base == "trigger" else _instant(fact, rule.base, anchor)
        since = base + rule.window
        death = (("PAT.DEATH", lambda _f, _t: True),) if rule.on_death == "cancel" else ()
        cancels = [
            other
            for pattern, predicate in (*rule.cancels, *death)
            for other in facts
            if _fits(other, pattern, predicate, fact)
            and (pattern in _LASTING or other.last >= min(anchor, fact.te))
        ]
        answers, others = (
            [
                other
                for pattern, predicate in wanted
                for other in facts
                if _fits(other, pattern, predicate, fact) and other.last >= since
            ]
            for wanted in (rule.closes, rule.also)
        )
        if rule.also and answers and others:
            answers = [max(_first(answers), _first(others), key=_when)]
        elif rule.also:
            answers = []
        x = sha256(f"{rule.id}|{fact.key}".encode()).hexdigest()
        drafts[x] = {
            "trigger": fact,
            "due": deadline(anchor, n, unit, _pauses(rule, fact, facts)),
            "limit": limit,
            "cancel": min(cancels, key=_when, default=None),
            "answers": sorted(answers, key=_when),
        }
    _assign(rule, drafts, facts)
    return {x: _standing(rule, draft, feeds) for x, draft in drafts.items()}


def _when(fact: Known) -> tuple[datetime, str]:
    return fact.te, fact.key


def _first(facts: list[Known]) -> Known:
    return min(facts, key=_when)


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
        believed = _believed(rule, draft["limit"], due, theta, heard)
    if rule.forbid and closer is not None and closer.te > limit:
        closer = None
    settled = None
    if cancel is not None and (closer is None or cancel.te < closer.te):
        settled = "cancelled" if cancel.te <= limit else ("met" if rule.forbid else "moot")
    elif closer is not None:
        on_time = "overdue" if rule.forbid else "met"
        settled = on_time if closer.te <= limit else "met_late"
    return settled, theta, believed


def _believed(rule: Expected, limit, due: datetime, theta: datetime, heard) -> datetime:
    latest = max(
        (min((at for at, mark in marks if mark >= due), default=FOREVER) for marks in heard),
        default=theta,
    )
    if latest <= theta:
        return theta
    back = FOREVER if latest == FOREVER else latest + rule.settle
    give_up = FOREVER if limit is None else theta + limit
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
