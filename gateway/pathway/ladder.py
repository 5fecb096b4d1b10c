"""Who is told of an open gap, and when: its owner first, then step by step somebody else.

A pure function of the opening, of what people did and of mutes: times that are suspended do not
count, so the ladder resumes at the step where it stood. Nothing here touches what the gap is; it
says whom it concerns.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from gateway.core.work import PEOPLES, Act, Did, Mute
from gateway.pathway.calendar import Pause, Unit, due
from gateway.pathway.facts import instant_of
from gateway.pathway.rule import Rule

#: Longest time one act suspends a ladder: number and unit.
_LONGEST: tuple[int, Unit] = (5, "bd")
_LONGEST_CRITICAL: tuple[int, Unit] = (12, "h")
_SUSPENDS = frozenset({Did.TAKEN, Did.DEFERRED})


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder.

    Attributes:
        number: 0 is the owner, at the opening; then those of `escalate`, from 1.
        role: who is told.
        due: UTC; None once the gap is settled by hand.
        is_opening: told with the opening, not because nobody acted.
    """

    number: int
    role: str
    due: datetime | None
    is_opening: bool


@dataclass(frozen=True, slots=True)
class Ladder:
    """Where an open gap stands on its ladder at an instant.

    Attributes:
        rungs: all of them.
        tells: rungs to be told now; several when they are due at the same instant.
        skipped: rungs whose time passed while nobody looked: who comes after them is told.
        suspended: nobody is told now.
        next: next instant that may change anything; None: there is none.
    """

    rungs: tuple[Rung, ...]
    tells: tuple[Rung, ...]
    skipped: tuple[Rung, ...]
    suspended: bool
    next: datetime | None


@dataclass(frozen=True, slots=True)
class Opened:
    """An episode of a gap.

    Attributes:
        at: instant of the opening, UTC.
        severity: of the gap.
        region: of public holidays, `calendar.region_of`.
    """

    at: datetime
    severity: str
    region: str = ""


def ladder(
    rule: Rule, opened: Opened, acts: Sequence[Act], mutes: Iterable[Mute], now: datetime
) -> Ladder:
    """Return where an open gap stands on its ladder.

    Args:
        rule: the version the gap was opened by.
        opened: its episode.
        acts: of that episode, oldest first.
        mutes: that silence it, past and to come.
        now: instant of looking.
    """
    suspensions = suspensions_of(opened, acts, mutes)
    done = {act.number for act in acts if act.did is Did.RUNG}
    rungs = tuple(_rungs(rule, opened, suspensions))
    suspended = any(one.covers(now) for one in suspensions)
    late = [] if suspended else [r for r in rungs if _is_due(r, now) and r.number not in done]
    last = max((rung.due for rung in late if rung.due is not None), default=None)
    instants = [rung.due for rung in rungs if rung.due is not None and rung.number not in done]
    instants += [at for one in suspensions for at in (one.start, one.end) if at is not None]
    return Ladder(
        rungs=rungs,
        tells=tuple(rung for rung in late if rung.due == last),
        skipped=tuple(rung for rung in late if rung.due != last),
        suspended=suspended,
        next=min((at for at in instants if at > now), default=None),
    )


def suspensions_of(opened: Opened, acts: Sequence[Act], mutes: Iterable[Mute]) -> list[Pause]:
    """Return the times in which nobody is told, oldest first.

    The last word of people counts: each act ends what the one before it began. Somebody who takes
    a gap, or puts it off, is waited for until the date they gave, never longer than 5 business
    days, or 12 hours for a critical gap; without a date as long as that.
    """
    found = [Pause(mute.since, mute.end) for mute in mutes if mute.end > mute.since]
    peoples = [act for act in acts if act.did in PEOPLES]
    for act, following in pairwise((*peoples, None)):
        if act is None or act.did is Did.RETURNED:
            continue
        end = None if act.did is Did.SETTLED else promised(opened, act)
        if following is not None:
            end = following.at if end is None else min(end, following.at)
        if end is None or end > act.at:
            found.append(Pause(act.at, end))
    return sorted(found, key=lambda pause: pause.start)


def promised(opened: Opened, act: Act) -> datetime:
    """Return until when somebody who took or deferred a gap is waited for."""
    n, unit = _LONGEST_CRITICAL if opened.severity == "critical" else _LONGEST
    longest = due(act.at, n, unit, (), opened.region)
    if longest is None:
        msg = "a count without pauses ends"
        raise ValueError(msg)
    until = instant_of(act.details.get("until"))
    return longest if until is None else min(until, longest)


def _rungs(rule: Rule, opened: Opened, suspensions: Sequence[Pause]) -> Iterator[Rung]:
    yield Rung(0, rule.written.owner.role, _free(opened.at, suspensions), is_opening=True)
    for number, step in enumerate(rule.written.escalate, 1):
        n, unit = step.count
        at = due(opened.at, n, unit, suspensions, opened.region)
        yield Rung(number, step.to, at and _free(at, suspensions), is_opening=not n)


def _free(at: datetime, suspensions: Sequence[Pause]) -> datetime | None:
    """Return the first instant from `at` on at which somebody may be told."""
    while pause := next((one for one in suspensions if one.covers(at)), None):
        if pause.end is None:
            return None
        at = pause.end
    return at


def _is_due(rung: Rung, now: datetime) -> bool:
    return rung.due is not None and rung.due <= now


def to_wake(acts: Sequence[Act]) -> Act | None:
    """Return the deferral that a Task still sleeps by; None when it does not sleep."""
    last = next((act for act in reversed(acts) if act.did in PEOPLES), None)
    if last is None or last.did is not Did.DEFERRED:
        return None
    woken = {act.number for act in acts if act.did is Did.WOKEN}
    return None if last.number in woken else last


def wakes_at(acts: Sequence[Act]) -> datetime | None:
    """Return when a Task that was put off wakes by itself; None when it does not sleep."""
    sleeping = to_wake(acts)
    return None if sleeping is None else instant_of(sleeping.details.get("until"))
