"""Queries on subscriptions and their numbered events."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import bindparam, select

from gateway.core.delivery_ports import BindingTicket, SubscriptionRow
from gateway.store.codec import instant_text, key_text, read_instant, seal, storable, unseal
from gateway.store.sqltext import Compiler, Session, given
from gateway.store.tables import TABLES
from gateway.store.watchproblems import unknown_subscription

_ROW, _EVENT = TABLES["subscription"].c, TABLES["subscription_event"].c
_COLUMNS = ("id", "client", "topic", "status", "body", "events", "error")
_TICKET_COLUMNS = ("digest", "client", "subscriptions", "expires", "since")


class SubscriptionSql:
    """The statements of subscriptions for one database."""

    def __init__(self, c: Compiler) -> None:
        row, event = TABLES["subscription"], TABLES["subscription_event"]
        columns = [_ROW[name] for name in _COLUMNS]
        one = _ROW.id == bindparam("row_id")
        self.put = c.upsert(row, _COLUMNS)
        self.get = c(select(*columns).where(one), "row_id")
        # Whoever numbers an event waits for the one before: no hole, no number twice.
        self.last = c(select(_ROW.events).where(one).with_for_update(), "row_id")
        self.of_topic = c(
            select(*columns)
            .where(_ROW.topic == bindparam("of_topic"), c.among(_ROW.status, "statuses"))
            .order_by(_ROW.id),
            "of_topic",
            "statuses",
        )
        self.topics = c(
            select(_ROW.topic).where(c.among(_ROW.status, "statuses")).distinct(), "statuses"
        )
        self.standing = c(
            select(_ROW.id, _ROW.status, _ROW.events).where(c.among(_ROW.id, "ids")), "ids"
        )
        self.all = c(select(*columns).order_by(_ROW.id))
        self.number_of = c(
            select(_EVENT.number).where(
                _EVENT.subscription_id == bindparam("row_id"), _EVENT.key == bindparam("of_key")
            ),
            "row_id",
            "of_key",
        )
        self.count_on = c(
            row.update().where(one).values(events=bindparam("events")), "events", "row_id"
        )
        self.add = c.insert(event, ("subscription_id", "number", "key", "focus", "at"))
        self.events = c(
            select(_EVENT.number, _EVENT.focus, _EVENT.at)
            .where(
                _EVENT.subscription_id == bindparam("row_id"),
                _EVENT.number >= bindparam("low"),
                _EVENT.number <= bindparam("high"),
            )
            .order_by(_EVENT.number),
            "row_id",
            "low",
            "high",
        )
        self.tickets = TicketSql(c)
        self.forget = c(
            event.delete().where(
                _EVENT.subscription_id == bindparam("row_id"), _EVENT.number <= bindparam("last")
            ),
            "row_id",
            "last",
        )


class TicketSql:
    """The statements of tickets for one database."""

    def __init__(self, c: Compiler) -> None:
        ticket = TABLES["binding_ticket"]
        self.keep = c.insert(ticket, _TICKET_COLUMNS)
        self.forget = c(ticket.delete().where(ticket.c.expires < bindparam("before")), "before")
        mine = ticket.c.digest == bindparam("of_digest")
        columns = [ticket.c[name] for name in _TICKET_COLUMNS]
        self.take = c(ticket.delete().where(mine).returning(*columns), "of_digest")


class SqlSubscriptions:
    """`core.delivery_ports.SubscriptionQueries` in a transaction."""

    __slots__ = ("_session", "_sql")

    def __init__(self, session: Session, sql: SubscriptionSql) -> None:
        self._session = session
        self._sql = sql

    def put(self, row: SubscriptionRow) -> None:
        """Create or replace; `events` never goes back."""
        found = self._session.rows(self._sql.last, (row.id,))
        events = max(row.events, found[0][0]) if found else row.events
        self._session.run(self._sql.put, subscription_columns(replace(row, events=events)))

    def get(self, subscription_id: str) -> SubscriptionRow | None:
        """Return one."""
        rows = self._session.rows(self._sql.get, (subscription_id,))
        return read_subscription(rows[0]) if rows else None

    def of_topic(self, topic: str, statuses: Sequence[str]) -> list[SubscriptionRow]:
        """Return those of a topic in these states, by id."""
        rows = self._session.rows(self._sql.of_topic, (storable(topic), given(list(statuses))))
        return [read_subscription(row) for row in rows]

    def topics(self, statuses: Sequence[str]) -> set[str]:
        """Return the topics that have a subscription in one of these states."""
        return {row[0] for row in self._session.rows(self._sql.topics, (given(list(statuses)),))}

    def all(self) -> list[SubscriptionRow]:
        """Return every subscription, by id."""
        return [read_subscription(row) for row in self._session.rows(self._sql.all)]

    def standing(self, ids: Sequence[str]) -> dict[str, tuple[str, int]]:
        """Return state and number of the last event of each that is there."""
        rows = self._session.rows(self._sql.standing, (given(list(ids)),))
        return {row[0]: (row[1], row[2]) for row in rows}

    def add_event(self, subscription_id: str, key: str, focus: str, at: datetime) -> int | None:
        """Number a new event of a subscription; None when `key` has a number already."""
        found = self._session.rows(self._sql.last, (subscription_id,))
        if not found:
            raise unknown_subscription()
        short = key_text(key)
        if self._session.rows(self._sql.number_of, (subscription_id, short)):
            return None
        number: int = found[0][0] + 1
        self._session.run(self._sql.count_on, (number, subscription_id))
        event = (subscription_id, number, short, storable(focus), instant_text(at))
        self._session.run(self._sql.add, event)
        return number

    def events(self, subscription_id: str, low: int, high: int) -> list[tuple[int, str, datetime]]:
        """Return (number, focus, instant) of events numbered from `low` to `high`."""
        rows = self._session.rows(self._sql.events, (subscription_id, low, high))
        return [(number, focus, read_instant(at)) for number, focus, at in rows]

    def keep_ticket(self, ticket: BindingTicket, now: datetime) -> None:
        """Keep a ticket; those that ended before `now` are forgotten."""
        self._session.run(self._sql.tickets.forget, (instant_text(now),))
        row = (
            storable(ticket.digest),
            storable(ticket.client),
            given(list(ticket.subscriptions)),
            instant_text(ticket.expires),
            ticket.since,
        )
        self._session.run(self._sql.tickets.keep, row)

    def take_ticket(self, digest: str) -> BindingTicket | None:
        """Take a ticket away and return it; None when there is none (any more)."""
        rows = self._session.rows(self._sql.tickets.take, (storable(digest),))
        if not rows:
            return None
        found, client, ids, expires, since = rows[0]
        subscriptions = tuple(orjson.loads(ids))
        return BindingTicket(found, client, subscriptions, read_instant(expires), since)

    def prune(self, keep: int) -> None:
        """Forget all but the newest `keep` events of each subscription."""
        ends = [(row.id, row.events - keep) for row in self.all() if row.events > keep]
        self._session.run_many(self._sql.forget, ends)


def subscription_columns(row: SubscriptionRow) -> tuple[Any, ...]:
    """Return the columns of a subscription, in the order of the table."""
    return (
        storable(row.id),
        storable(row.client),
        storable(row.topic),
        row.status,
        seal(row.body),
        row.events,
        storable(row.error),
    )


def read_subscription(columns: Sequence[Any]) -> SubscriptionRow:
    """Make a subscription of its columns."""
    id_, client, topic, status, body, events, error = columns
    return SubscriptionRow(id_, client, topic, status, unseal(body), events, error)
