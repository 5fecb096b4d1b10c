"""The store as the person at a page may be shown it.

Pages read through this and know nothing of rights: the gate of the pages says who looks, and what
that person may not be shown is absent. What they may be shown is decided as for software
(`sharing.decision`), for the circle of those who work for the same organisations.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from gateway.core.access import Audience, Client, Sight, person_permits
from gateway.core.ports import Store, Transaction
from gateway.pipeline import seen

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a page.

    Attributes:
        who: national identifier; empty: nobody is known, and nobody is shown.
        circle: what those who work for the same organisations may be shown; its territory is
            None for somebody without a perimeter.
        at: instant of the request, UTC.
    """

    who: str
    circle: Client
    at: datetime

    @property
    def sight(self) -> Sight | None:
        """Return what the viewer may be shown; None: everything."""
        if self.circle.territory is None:
            return None
        own = person_permits(self.who)
        return Sight(self.circle.id, True, Audience.PROFESSIONAL, self.at, own)


#: Who looks, of the request that is being answered.
VIEWER: ContextVar[Viewer | None] = ContextVar("viewer", default=None)


class ViewedStore:
    """A `core.ports.Store` whose reads are held to what the viewer may be shown.

    Writes are not: what is done about a gap or a person is checked by reading it here first.
    """

    def __init__(self, store: Store, has_accounts: bool) -> None:
        """Wrap a store.

        Args:
            store: of the installation.
            has_accounts: people log in; without accounts whoever is at the pages sees everything.
        """
        self._store = store
        self._has_accounts = has_accounts
        self._known: dict[str, Client] = {}

    async def open(self) -> None:
        """Open the store."""
        await self._store.open()

    async def close(self) -> None:
        """Close the store."""
        await self._store.close()

    async def healthy(self) -> bool:
        """Tell whether a trivial read answers in time."""
        return await self._store.healthy()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a transaction that sees everything."""
        return await self._store.write(work)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` on what the viewer may be shown.

        Raises:
            RetriableError: it is not decided yet what that is (RLS-SEC-040).
        """
        if not self._has_accounts:
            return await self._store.read(work)
        viewer = VIEWER.get()
        if viewer is None:
            msg = "a page was read before its gate said who looks"
            raise RuntimeError(msg)
        if viewer.sight is not None:
            await self._make_known(viewer.circle)
        return await seen.read(self._store, viewer.sight, work)

    async def _make_known(self, circle: Client) -> None:
        """Have it decided what a circle may be shown, the first time somebody of it looks."""
        if self._known.get(circle.id) == circle:
            return

        def put(tx: Transaction) -> None:
            if circle not in tx.access.circles():
                tx.access.put_circle(circle)
                tx.access.mark_everybody()

        await self._store.write(put)
        self._known[circle.id] = replace(circle)
