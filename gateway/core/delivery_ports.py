"""What leaving needs of the store: the outbox, and subscriptions with their numbered events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.core.deliveries import Delivery, DeliveryStatus, NewDelivery


class OutboxQueries(Protocol):
    """What leaves."""

    def queue(self, items: Sequence[NewDelivery], now: datetime) -> list[int | None]:
        """Queue items; None where (connector, key) is there already."""
        ...

    def claim(self, connectors: Sequence[str], now: datetime, limit: int) -> list[Delivery]:
        """Take due rows (`queued`, `retry_wait`, or `sending` whose lease of 5 min ended).

        They become `sending` and the attempt is counted. Of a lane only its oldest unsettled
        row is taken.
        """
        ...

    def hold(self, items: Sequence[NewDelivery]) -> None:
        """Keep other writers out of the lanes of items until the transaction ends.

        Who settles rows of several lanes holds them first, so that two never wait for each other.
        """
        ...

    def settle(
        self,
        delivery_id: int,
        status: DeliveryStatus,
        now: datetime,
        *,
        note: str = "",
        receipt: Mapping[str, object] | None = None,
        due_at: datetime | None = None,
    ) -> None:
        """Write how an attempt ended; `due_at` with `retry_wait`, else due at once.

        A word that says less than what is known changes nothing: a worker whose lease ended, a
        handover written after its notice. Without `receipt` the known one stays.

        Raises:
            FatalError: no such row (RLS-STO-040), or `sending` (RLS-STO-041).
        """
        ...

    def put_back(self, delivery_id: int, due_at: datetime, note: str) -> None:
        """Put a row back that was taken and not tried: the attempt does not count.

        A row that is not `sending` any more stays as it is.
        """
        ...

    def amend(
        self, delivery_id: int, details: Mapping[str, object], *, since: datetime | None = None
    ) -> None:
        """Change what a row leaves with; `since` is when it could leave first, for its horizon.

        Raises:
            FatalError: no such row (RLS-STO-040).
        """
        ...

    def by_key(self, connector: str, key: str) -> Delivery | None:
        """Return one row."""
        ...

    def page(
        self,
        statuses: Sequence[DeliveryStatus],
        after_id: int,
        limit: int,
        connector: str = "",
        with_body: bool = False,
    ) -> list[Delivery]:
        """Return rows with id above `after_id`, in order of id."""
        ...

    def newest(
        self, statuses: Sequence[DeliveryStatus], before_id: int, limit: int
    ) -> list[Delivery]:
        """Return rows (body left empty) with id below `before_id`, the highest id first."""
        ...

    def of_document(self, about: str, limit: int) -> list[Delivery]:
        """Return the rows (body left empty) that leave with a document, in order of id.

        Args:
            about: `DocumentReference/id`.
            limit: rows at most.
        """
        ...

    def counts(self) -> dict[tuple[str, DeliveryStatus], int]:
        """Return how many rows each connector has in each state."""
        ...


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """The running side of a Subscription resource.

    Attributes:
        id: of the resource.
        client: who made it.
        topic: canonical address.
        status: requested, active, error or off.
        body: the Subscription as JSON bytes, without status.
        events: number of the last event.
        error: why it is in error, no patient data.
    """

    id: str
    client: str
    topic: str
    status: str
    body: bytes
    events: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class BindingTicket:
    """What a websocket is bound with, once.

    Attributes:
        digest: SHA-256 of the ticket, in hex; the ticket itself is never kept.
        client: whose it is.
        subscriptions: ids of those it binds.
        expires: UTC.
        since: number of the first event that is given again; 0 for none.
    """

    digest: str
    client: str
    subscriptions: tuple[str, ...]
    expires: datetime
    since: int = 0


class SubscriptionQueries(Protocol):
    """Subscriptions and the numbered events of each."""

    def put(self, row: SubscriptionRow) -> None:
        """Create or replace; `events` never goes back."""
        ...

    def get(self, subscription_id: str) -> SubscriptionRow | None:
        """Return one."""
        ...

    def of_topic(self, topic: str, statuses: Sequence[str]) -> list[SubscriptionRow]:
        """Return those of a topic in these states."""
        ...

    def topics(self, statuses: Sequence[str]) -> set[str]:
        """Return the topics that have a subscription in one of these states."""
        ...

    def all(self) -> list[SubscriptionRow]:
        """Return every subscription, by id."""
        ...

    def standing(self, ids: Sequence[str]) -> dict[str, tuple[str, int]]:
        """Return state and number of the last event of each that is there."""
        ...

    def add_event(self, subscription_id: str, key: str, focus: str, at: datetime) -> int | None:
        """Number a new event of a subscription; None when `key` has a number already.

        Args:
            subscription_id: of whom.
            key: what happened, such as `<gap_id>#<episode>#<ledger sequence>`.
            focus: `Type/id` it is about, with version when known.
            at: when it happened.

        Raises:
            FatalError: no such subscription (RLS-STO-042).
        """
        ...

    def events(self, subscription_id: str, low: int, high: int) -> list[tuple[int, str, datetime]]:
        """Return (number, focus, instant) of events numbered from `low` to `high`."""
        ...

    def keep_ticket(self, ticket: BindingTicket, now: datetime) -> None:
        """Keep a ticket; those that ended before `now` are forgotten."""
        ...

    def take_ticket(self, digest: str) -> BindingTicket | None:
        """Take a ticket away and return it; None when there is none (any more)."""
        ...

    def prune(self, keep: int) -> None:
        """Forget all but the newest `keep` events of each subscription; numbers go on."""
        ...
