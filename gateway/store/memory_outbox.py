"""What leaves, in memory: the outbox, subscriptions and their events."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.core.deliveries import Delivery, DeliveryStatus, NewDelivery
from gateway.core.delivery_ports import BindingTicket, SubscriptionRow
from gateway.store import outboxrules as rules
from gateway.store.codec import instant_text, key_text, read_instant, storable
from gateway.store.journal import Journal
from gateway.store.subscriptions import read_subscription, subscription_columns
from gateway.store.watchproblems import unknown_delivery, unknown_subscription


class MemoryOutbox:
    """Rows kept as the columns the SQL stores write; whose turn it is in a lane is looked up."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._rows: dict[int, rules.OutboxColumns] = {}
        self._keys: dict[tuple[str, str], int] = {}
        self._lanes: dict[tuple[str, str], dict[int, None]] = {}

    def queue(self, items: Sequence[NewDelivery], now: datetime) -> list[int | None]:
        """Queue items; None where (connector, key) is there already."""
        ids: list[int | None] = []
        for item in items:
            key = rules.key_of(item)
            if key in self._keys:
                ids.append(None)
                continue
            row_id = len(self._rows) + 1
            self._journal.put(self._keys, key, row_id)
            self._put(rules.new_columns(row_id, item, now, head=True))
            ids.append(row_id)
        return ids

    def _put(self, row: rules.OutboxColumns) -> None:
        self._journal.put(self._rows, row.id, row)
        lane = self._lanes.setdefault((row.connector, row.lane), {})
        if row.lane and row.unsettled:
            self._journal.put(lane, row.id, None)
        else:
            self._journal.drop(lane, row.id)

    def claim(self, connectors: Sequence[str], now: datetime, limit: int) -> list[Delivery]:
        """Take due rows; the attempt counts, also when the worker dies in it."""
        instant, lease = instant_text(now), rules.lease_end(now)
        due = [
            row
            for row in self._rows.values()
            if row.connector in connectors
            and row.status in rules.WAITING
            and row.due_at <= instant
            and (not row.lane or row.id == min(self._lanes[row.connector, row.lane]))
        ]
        due.sort(key=lambda row: row.turn)
        for row in due[:limit]:
            self._put(rules.taken(row, lease))
        return [rules.claimed(row, lease) for row in due[:limit]]

    def hold(self, items: Sequence[NewDelivery]) -> None:
        """Keep other writers out; there is one at a time here anyway."""

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
        """Write how an attempt ended; a word that says less than what is known changes nothing."""
        row = self._rows.get(delivery_id)
        if row is None:
            raise unknown_delivery(delivery_id)
        if rules.counts_for(delivery_id, row.status, status):
            self._put(row._replace(**rules.settled_columns(status, now, note, receipt, due_at)))

    def put_back(self, delivery_id: int, due_at: datetime, note: str) -> None:
        """Put a row back that was taken and not tried."""
        row = self._rows.get(delivery_id)
        if row is not None and row.status == DeliveryStatus.SENDING:
            changed = rules.put_back_columns(due_at, note)
            self._put(row._replace(**changed, attempts=row.attempts - 1))

    def amend(
        self, delivery_id: int, details: Mapping[str, object], *, since: datetime | None = None
    ) -> None:
        """Change what a row leaves with."""
        row = self._rows.get(delivery_id)
        if row is None:
            raise unknown_delivery(delivery_id)
        self._put(row._replace(**rules.amended_columns(details, since)))

    def by_key(self, connector: str, key: str) -> Delivery | None:
        """Return one row."""
        row_id = self._keys.get((connector, key_text(key)))
        return None if row_id is None else rules.read_delivery(self._rows[row_id])

    def page(
        self,
        statuses: Sequence[DeliveryStatus],
        after_id: int,
        limit: int,
        connector: str = "",
        with_body: bool = False,
    ) -> list[Delivery]:
        """Return rows with id above `after_id`, in order of id."""
        found = [
            row
            for row in self._rows.values()
            if row.id > after_id
            and row.status in statuses
            and (not connector or row.connector == connector)
        ]
        found.sort(key=lambda row: row.id)
        shown = [row if with_body else row._replace(body=b"") for row in found[:limit]]
        return [rules.read_delivery(row) for row in shown]

    def newest(
        self, statuses: Sequence[DeliveryStatus], before_id: int, limit: int
    ) -> list[Delivery]:
        """Return rows with id below `before_id`, the highest id first."""
        found = [r for r in self._rows.values() if r.id < before_id and r.status in statuses]
        found.sort(key=lambda row: row.id, reverse=True)
        return [rules.read_delivery(row._replace(body=b"")) for row in found[:limit]]

    def of_document(self, about: str, limit: int) -> list[Delivery]:
        """Return the rows (body left empty) that leave with a document, in order of id."""
        found = [row for row in self._rows.values() if about and row.about == about]
        found.sort(key=lambda row: row.id)
        return [rules.read_delivery(row._replace(body=b"")) for row in found[:limit]]

    def counts(self) -> dict[tuple[str, DeliveryStatus], int]:
        """Return how many rows each connector has in each state."""
        counts: dict[tuple[str, DeliveryStatus], int] = {}
        for row in self._rows.values():
            key = (row.connector, DeliveryStatus(row.status))
            counts[key] = counts.get(key, 0) + 1
        return counts


class MemorySubscriptions:
    """Subscriptions and the numbered events of each."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._rows: dict[str, SubscriptionRow] = {}
        self._events: dict[tuple[str, int], tuple[str, str]] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._tickets: dict[str, BindingTicket] = {}

    def put(self, row: SubscriptionRow) -> None:
        """Create or replace; `events` never goes back."""
        kept = read_subscription(subscription_columns(row))
        known = self._rows.get(kept.id)
        if known is not None:
            kept = replace(kept, events=max(kept.events, known.events))
        self._journal.put(self._rows, kept.id, kept)

    def get(self, subscription_id: str) -> SubscriptionRow | None:
        """Return one."""
        return self._rows.get(subscription_id)

    def of_topic(self, topic: str, statuses: Sequence[str]) -> list[SubscriptionRow]:
        """Return those of a topic in these states, by id."""
        return [row for row in self.all() if row.topic == topic and row.status in statuses]

    def topics(self, statuses: Sequence[str]) -> set[str]:
        """Return the topics that have a subscription in one of these states."""
        return {row.topic for row in self._rows.values() if row.status in statuses}

    def all(self) -> list[SubscriptionRow]:
        """Return every subscription, by id."""
        return [self._rows[id_] for id_ in sorted(self._rows)]

    def standing(self, ids: Sequence[str]) -> dict[str, tuple[str, int]]:
        """Return state and number of the last event of each that is there."""
        found = {id_: self._rows[id_] for id_ in ids if id_ in self._rows}
        return {id_: (row.status, row.events) for id_, row in found.items()}

    def add_event(self, subscription_id: str, key: str, focus: str, at: datetime) -> int | None:
        """Number a new event of a subscription; None when `key` has a number already."""
        row = self._rows.get(subscription_id)
        if row is None:
            raise unknown_subscription()
        place = (subscription_id, key_text(key))
        if place in self._numbers:
            return None
        number = row.events + 1
        self._journal.put(self._rows, subscription_id, replace(row, events=number))
        self._journal.put(self._numbers, place, number)
        event = (storable(focus), instant_text(at))
        self._journal.put(self._events, (subscription_id, number), event)
        return number

    def events(self, subscription_id: str, low: int, high: int) -> list[tuple[int, str, datetime]]:
        """Return (number, focus, instant) of events numbered from `low` to `high`."""
        return [
            (number, focus, read_instant(at))
            for (id_, number), (focus, at) in sorted(self._events.items())
            if id_ == subscription_id and low <= number <= high
        ]

    def keep_ticket(self, ticket: BindingTicket, now: datetime) -> None:
        """Keep a ticket; those that ended before `now` are forgotten."""
        for digest in [d for d, one in self._tickets.items() if one.expires < now]:
            self._journal.drop(self._tickets, digest)
        self._journal.put(self._tickets, ticket.digest, ticket)

    def take_ticket(self, digest: str) -> BindingTicket | None:
        """Take a ticket away and return it; None when there is none (any more)."""
        found = self._tickets.get(digest)
        if found is not None:
            self._journal.drop(self._tickets, digest)
        return found

    def prune(self, keep: int) -> None:
        """Forget all but the newest `keep` events of each subscription."""
        last = {row.id: row.events - keep for row in self._rows.values()}
        for id_, number in [key for key in self._events if key[1] <= last[key[0]]]:
            self._journal.drop(self._events, (id_, number))
        for place in [p for p, number in self._numbers.items() if number <= last[p[0]]]:
            self._journal.drop(self._numbers, place)
