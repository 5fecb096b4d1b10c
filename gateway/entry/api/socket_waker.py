"""One look at the store for every socket of a process: who has something to be told is woken.

A socket that nothing concerns asks nothing: how many events each subscription has, whether it is
active and whether its client may still listen is read once for all of them. What is remembered is
where each socket stands, so nothing is lost between two looks. It sends nothing itself.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from gateway.core.clock import Clock
from gateway.core.errors import RetriableError
from gateway.core.ports import Store, Transaction
from gateway.pipeline import bound
from gateway.pipeline.bound import Binding

_log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class Listening:
    """One open socket.

    Attributes:
        wake: called when there may be something to be told.
        client: whose it is; empty until it is bound.
        bindings: where it stands, by subscription.
        due_at: when something has to be said though nothing happened; None: never.
    """

    wake: Callable[[], None]
    client: str = ""
    bindings: dict[str, Binding] = field(default_factory=dict)
    due_at: datetime | None = None


class Waker:
    """Looks while somebody listens."""

    def __init__(self, store: Store, clock: Clock, every_s: float) -> None:
        """Prepare; nothing runs until a socket is bound."""
        self._store, self._clock, self._every_s = store, clock, every_s
        self._open: dict[int, Listening] = {}
        self._looking: asyncio.Task[None] | None = None

    def add(self, one: Listening) -> None:
        """Wake a socket from now on."""
        self._open[id(one)] = one
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on())

    def remove(self, one: Listening) -> None:
        """Forget a socket that closed."""
        self._open.pop(id(one), None)
        if not self._open and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self._look()
            except RetriableError as error:
                _log.warning("socket_postponed", code=error.issues[0].code)

    async def _look(self) -> None:
        listening = list(self._open.values())
        ids = {id_ for one in listening for id_ in one.bindings}
        clients = {one.client for one in listening}

        def work(tx: Transaction) -> tuple[dict[str, tuple[str, int]], set[str]]:
            may = {client for client in clients if bound.may_listen(tx, client)}
            return tx.subscriptions.standing(sorted(ids)), may

        standing, may = await self._store.read(work)
        now = self._clock.now()
        for one in listening:
            is_due = one.due_at is not None and one.due_at <= now
            if is_due or one.client not in may or bound.is_news(one.bindings.values(), standing):
                one.wake()
