"""Allow a wrong clock of a feed to be corrected, and take that back.

A skew is told by itself (`pipeline.feed_ailments`); that the times of a feed are read otherwise is
decided by a person. Kept first, then everybody is looked at again whom the feed told anything of:
a look that comes in between knows the correction too. What it does to a word is
`pathway.corrected`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from gateway.core.clock import CLOCKS_DIFFER, Clock
from gateway.core.errors import RejectedError
from gateway.core.feed_ports import ClockCorrection
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Store, Transaction

#: A clock that is wrong by more is no wrong clock but a wrong date: mended at the sender.
LARGEST_S = 366 * 86400
#: As for a mute: why, in words.
_SHORTEST_REASON = 10
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody allows.

    Attributes:
        since: from when the clock was wrong, in true time, UTC.
        until: when it was right again; None while it is not.
        offset_s: seconds that are to be added to what the feed tells.
    """

    feed: str
    since: datetime
    until: datetime | None
    offset_s: int
    author: str
    reason: str


async def approve(store: Store, clock: Clock, wish: Wish) -> tuple[ClockCorrection, int]:
    """Correct the clock of a feed from now on; return the correction and who is looked at again.

    What is allowed already is looked at again, so that a command that was cut off can be repeated.

    Raises:
        RejectedError: it makes no sense (RLS-PTH-130), or another one holds (RLS-PTH-131).
        RetriableError: the store is away.
    """
    issues = list(_wrong(wish))
    if issues:
        raise RejectedError(issues)
    made = await store.write(lambda tx: _kept(tx, wish, clock.now()))
    return made, await _look_again(store, clock, made)


async def withdraw(
    store: Store, clock: Clock, number: int, by: str, reason: str
) -> tuple[ClockCorrection, int]:
    """Read a feed by its own clock again; return the correction and who is looked at again.

    Raises:
        RejectedError: no reason is given (RLS-PTH-130), or no such correction holds (RLS-PTH-132).
        RetriableError: the store is away.
    """
    if issue := _without_reason(reason):
        raise RejectedError([issue])
    found = await store.write(lambda tx: _over(tx, number, by, reason, clock.now()))
    return found, await _look_again(store, clock, found)


def _kept(tx: Transaction, wish: Wish, now: datetime) -> ClockCorrection:
    known = tx.feeds.corrections()
    if wish.feed not in {state.feed for state in tx.watch.feeds_now()}:
        raise RejectedError([_wrong_wish("feed", f"no message of {wish.feed} ever came")])
    for one in known:
        if one.withdrawn_at is None and one.feed == wish.feed and _overlap(one, wish):
            same = (one.since, one.until, one.offset_s)
            if same == (wish.since, wish.until, wish.offset_s):
                return one
            raise RejectedError([_taken(one)])
    made = ClockCorrection(
        number=max((one.number for one in known), default=0) + 1,
        feed=wish.feed,
        since=wish.since,
        until=wish.until,
        offset_s=wish.offset_s,
        author=wish.author,
        reason=wish.reason,
        # Of the transaction, not of the command: no look before it missed what is kept.
        approved_at=now,
    )
    tx.feeds.approve(made)
    return made


def _overlap(one: ClockCorrection, wish: Wish) -> bool:
    begins = one.until is None or wish.since < one.until
    return begins and (wish.until is None or one.since < wish.until)


def _over(tx: Transaction, number: int, by: str, reason: str, now: datetime) -> ClockCorrection:
    if not tx.feeds.withdraw(number, now, by, reason):
        raise RejectedError([_none(number)])
    return next(one for one in tx.feeds.corrections() if one.number == number)


async def _look_again(store: Store, clock: Clock, correction: ClockCorrection) -> int:
    """Ask for a look at everybody whom the feed told anything of in that time."""
    count, after = 0, ""
    while True:
        last, persons = await store.read(partial(_page, correction=correction, after=after))
        if persons:
            await store.write(partial(_wake, persons=persons, at=clock.now()))
        count += len(persons)
        if not last:
            return count
        after = last


def _wake(tx: Transaction, persons: Sequence[str], at: datetime) -> None:
    tx.watch.touch(dict.fromkeys(persons, at))


def _page(tx: Transaction, correction: ClockCorrection, after: str) -> tuple[str, list[str]]:
    """Return the last Patient of a page, empty after all, and the persons to look at in it."""
    patients = tx.facts.told_since(correction.since - CLOCKS_DIFFER, after, _PAGE)
    persons = sorted(set(tx.facts.persons(patients).values()))
    told = [person for person in persons if _is_told_of(tx, person, correction)]
    return (patients[-1] if patients else ""), told


def _is_told_of(tx: Transaction, person: str, correction: ClockCorrection) -> bool:
    return any(
        correction.covers(one.assertion.source, one.assertion.sent_at, one.at)
        for one in tx.facts.of_person(person)
    )


def _wrong(wish: Wish) -> Iterator[Issue]:
    if not 0 < abs(wish.offset_s) <= LARGEST_S:
        yield _wrong_wish("offset", "the offset is nothing, or more than a year")
    if wish.until is not None and wish.until <= wish.since:
        yield _wrong_wish("until", "it ends before it begins")
    if issue := _without_reason(wish.reason):
        yield issue


def _without_reason(reason: str) -> Issue | None:
    if len(reason.strip()) >= _SHORTEST_REASON:
        return None
    return _wrong_wish("reason", f"the reason has fewer than {_SHORTEST_REASON} characters")


def _wrong_wish(where: str, what: str) -> Issue:
    return Issue(
        code="RLS-PTH-130",
        severity=Severity.ERROR,
        where=where,
        what=f"the clock cannot be corrected so: {what}.",
        fix="Give a feed of `relais feeds skew list`, its offset, from and until in true time, "
        "and why in words.",
    )


def _taken(one: ClockCorrection) -> Issue:
    return Issue(
        code="RLS-PTH-131",
        severity=Severity.ERROR,
        where=one.feed,
        what=f"correction {one.number} of this feed holds in a part of that time.",
        fix=f"Withdraw it first (`relais feeds skew withdraw {one.number}`), or give another time.",
    )


def _none(number: int) -> Issue:
    return Issue(
        code="RLS-PTH-132",
        severity=Severity.ERROR,
        where=str(number),
        what="there is no such correction, or it was withdrawn already.",
        fix="Take a number that holds from `relais feeds skew list`.",
    )
