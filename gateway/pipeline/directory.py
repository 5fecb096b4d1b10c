"""The directory as it is kept: filled from extracts and the service, looked up by the routing.

Whoever cannot be written to yet is asked about in the background; what is known serves while the
service is away, and how old it is can be seen. Reading sources is `connectors.directory` and
`connectors.directory_extracts`, choosing a mailbox `sharing.addressing`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from gateway.core.clock import Clock
from gateway.core.deliveries import DeliveryStatus
from gateway.core.directory import Entry, SourceState
from gateway.core.errors import RejectedError, RetriableError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Store, Transaction
from gateway.pipeline.departures import release_all
from gateway.pipeline.standing import listed
from gateway.sharing.reasons import WAITS_FOR_ADDRESS
from gateway.sharing.routing import CONNECTOR

_log = structlog.get_logger()
_BATCH = 2000
_PAGE = 500
_SERVICE = "api"
#: An extract with less than this share of the one before is taken for a cut one.
_SHARE = 0.5
_WORDS = tuple(f"{reason.word}:" for reason in WAITS_FOR_ADDRESS)


class Service(Protocol):
    """What answers about one professional or structure."""

    async def professional(self, rpps: str) -> list[Entry]:
        """Return what is known of a professional."""
        ...

    async def structure(self, finess: str) -> list[Entry]:
        """Return what is known of a structure."""
        ...


@dataclass(frozen=True, slots=True)
class Freshness:
    """When what is kept counts as old.

    Attributes:
        answers: of the service, after which it is asked anew.
        extracts: of a published extract.
    """

    answers: timedelta = timedelta(hours=24)
    extracts: timedelta = timedelta(days=7)

    def is_stale(self, state: SourceState, now: datetime) -> bool:
        """Tell whether a source is old, or cannot be read."""
        if state.origin == _SERVICE:
            # It is asked when somebody is looked for only: silence is no fault.
            return state.failing_since is not None
        return state.as_of is None or now - state.as_of > self.extracts


@dataclass(frozen=True, slots=True)
class Loaded:
    """What an extract brought.

    Attributes:
        entries: kept.
        forgotten: that the source does not say any more.
        released: mails that waited and leave now.
    """

    entries: int
    forgotten: int
    released: int


async def load(
    store: Store, clock: Clock, origin: str, as_of: datetime, entries: Sequence[Entry]
) -> Loaded:
    """Keep an extract in the place of the one before; mails that waited for it leave.

    Args:
        store: of the installation.
        clock: dates the reading.
        origin: which extract.
        as_of: its date.
        entries: all it tells.

    Raises:
        RejectedError: it is older than what is kept, or much shorter (RLS-DIR-020, 021); nothing
            is changed.
    """
    known = {one.origin: one for one in await store.read(lambda tx: tx.directory.states())}
    before = known.get(origin)
    if before is not None and before.as_of is not None and as_of < before.as_of:
        raise RejectedError([_older()])
    if before is not None and len(entries) < before.entries * _SHARE:
        raise RejectedError([_shorter(len(entries), before.entries)])
    for start in range(0, len(entries), _BATCH):
        batch = entries[start : start + _BATCH]
        await store.write(lambda tx, batch=batch: tx.directory.put(batch))  # type: ignore[misc]

    def end(tx: Transaction) -> int:
        tx.directory.note(SourceState(origin, as_of, clock.now(), len(entries)))
        return tx.directory.forget(origin, as_of)

    forgotten = await store.write(end)
    return Loaded(len(entries), forgotten, await release_waiting(store, clock))


async def release_waiting(store: Store, clock: Clock) -> int:
    """Decide again about all that waits; return how many mails leave now."""
    after, left = 0, 0
    while True:
        page = await store.write(
            lambda tx, after=after: release_all(tx, after, clock.now())  # type: ignore[misc]
        )
        after, left = page[0], left + page[1]
        if not after:
            return left


@dataclass(slots=True)
class DirectoryWatch:
    """Asks the service about whoever a mail waits for; a service that is away is left alone.

    Attributes:
        at_once: professionals asked about in one step (the service takes 1,000 requests a minute).
    """

    store: Store
    clock: Clock
    service: Service
    freshness: Freshness = field(default_factory=Freshness)
    at_once: int = 50
    _closed_until: datetime | None = None
    _failures: int = 0

    async def step(self) -> int:
        """Ask about some that are wanted; return how many answered."""
        now = self.clock.now()
        if self._closed_until is not None and now < self._closed_until:
            return 0
        wanted = await self.store.read(lambda tx: self._wanted(tx, now))
        answered = 0
        for number in wanted[: self.at_once]:
            try:
                answers = await self._ask(number)
            except (RetriableError, RejectedError) as error:
                await self._failed(error, now)
                break
            await self.store.write(lambda tx, n=number, a=answers: self._keep(tx, n, a))  # type: ignore[misc]
            self._failures, answered = 0, answered + 1
        if answered:
            await release_waiting(self.store, self.clock)
        return answered

    async def _ask(self, number: str) -> list[Entry]:
        is_person = len(number) == 11
        ask = self.service.professional if is_person else self.service.structure
        return await ask(number)

    def _wanted(self, tx: Transaction, now: datetime) -> list[str]:
        """Return the numbers mails wait for that were not asked about for a day."""
        numbers = sorted(_waited_for(tx))
        if not numbers:
            return []
        known = listed(tx, numbers)
        oldest = now - self.freshness.answers
        return [
            number
            for number in numbers
            if not any(
                one.origin == _SERVICE and one.seen_at is not None and one.seen_at > oldest
                for one in known.get(number, ())
            )
        ]

    def _keep(self, tx: Transaction, number: str, answers: Sequence[Entry]) -> None:
        if len(number) == 11:
            tx.directory.forget_answers(_SERVICE, [number])
        tx.directory.put(answers)
        now = self.clock.now()
        known = {one.origin: one for one in tx.directory.states()}
        count = known[_SERVICE].entries if _SERVICE in known else 0
        tx.directory.note(SourceState(_SERVICE, now, now, count + 1))

    async def _failed(self, error: RetriableError | RejectedError, now: datetime) -> None:
        """Leave the service alone for a minute, then twice as long, half an hour at most."""
        self._failures += 1
        wait = min(30.0, 2.0 ** (self._failures - 1))
        self._closed_until = now + timedelta(minutes=wait)
        code = error.issues[0].code
        _log.warning("directory_not_asked", code=code)

        def note(tx: Transaction) -> None:
            known = {one.origin: one for one in tx.directory.states()}
            state = known.get(_SERVICE) or SourceState(_SERVICE, None, now, 0)
            since = state.failing_since or now
            tx.directory.note(replace(state, loaded_at=now, failing_since=since, failure=code))

        await self.store.write(note)


def _waited_for(tx: Transaction) -> Iterable[str]:
    """Yield the number of each recipient a mail waits for an address of."""
    after = 0
    while True:
        rows = tx.outbox.page([DeliveryStatus.HELD], after, _PAGE, CONNECTOR)
        for row in rows:
            number = str((row.item.details.get("waiting") or {}).get("id", ""))
            if number and row.note.startswith(_WORDS):
                yield number
        if len(rows) < _PAGE:
            return
        after = rows[-1].id


def stale(states: Sequence[SourceState], freshness: Freshness, now: datetime) -> Mapping[str, bool]:
    """Return for each source whether it is old or cannot be read."""
    return {state.origin: freshness.is_stale(state, now) for state in states}


def _older() -> Issue:
    return Issue(
        code="RLS-DIR-020",
        severity=Severity.ERROR,
        where="directory",
        what="the extract is older than the one that is kept.",
        fix="Import the newest extract.",
    )


def _shorter(given: int, known: int) -> Issue:
    return Issue(
        code="RLS-DIR-021",
        severity=Severity.ERROR,
        where="directory",
        what=f"the extract has {given} lines where the one before had {known}: it may be cut.",
        fix="Fetch the extract again; what is kept serves meanwhile.",
    )
