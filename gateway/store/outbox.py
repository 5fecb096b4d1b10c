"""Queries on what leaves.

A row with a lane has `head` 1 when it is the oldest unsettled row of its lane: whoever looks for
due rows then never walks through a lane that is held up.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from heapq import merge
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, func, literal_column, select, text

from gateway.core.deliveries import SETTLED, Delivery, DeliveryStatus, NewDelivery
from gateway.store import outboxrules as rules
from gateway.store.codec import instant_text, key_text
from gateway.store.outbox_tables import IN_LANE, NAMED, WAITING
from gateway.store.sqltext import Compiler, Session, Sql, given
from gateway.store.tables import TABLES
from gateway.store.watchproblems import unknown_delivery

_ROW = TABLES["outbox"].c
_COLUMNS = rules.OutboxColumns._fields
_ONE: ColumnElement[int] = literal_column("1")


class OutboxSql:
    """The statements of the outbox for one database."""

    def __init__(self, c: Compiler) -> None:
        outbox = TABLES["outbox"]
        self.insert = c.insert(outbox, _COLUMNS[1:], ignore=True, returning=_ROW.id)
        self.lock_lanes = Sql(
            "SELECT pg_advisory_xact_lock(k::bigint)"
            " FROM jsonb_array_elements_text(%s::jsonb) AS k",
            ("keys",),
        )
        # The conditions of partial indexes are written out as the indexes have them.
        in_lane = (
            _ROW.connector == bindparam("of_connector"),
            _ROW.lane == bindparam("of_lane"),
            text(IN_LANE),
        )
        self.oldest = c(select(func.min(_ROW.id)).where(*in_lane), "of_connector", "of_lane")
        due = (
            select(*_ROW)
            .where(_ROW.connector == bindparam("of_connector"), _ROW.due_at <= bindparam("now"))
            .where(text(WAITING))
            .order_by(_ROW.due_at, _ROW.id)
            .with_for_update(skip_locked=True)
        )
        self.due = c(c.limited(due, "rows"), "of_connector", "now", "rows")
        self.take = c(
            outbox.update()
            .where(c.among(_ROW.id, "ids"))
            .values(
                status=literal_column("'sending'"),
                attempts=_ROW.attempts + _ONE,
                due_at=bindparam("lease"),
            ),
            "lease",
            "ids",
        )
        one = _ROW.id == bindparam("row_id")
        self.place = c(select(_ROW.connector, _ROW.lane).where(one), "row_id")
        self.state = c(select(_ROW.status).where(one).with_for_update(), "row_id")
        changed = ("status", "due_at", "note")
        row = outbox.update().where(one)
        self.settle = c(row.values({n: bindparam(n) for n in changed}), *changed, "row_id")
        told = (*changed, "receipt")
        self.settle_told = c(row.values({n: bindparam(n) for n in told}), *told, "row_id")
        back = {**{n: bindparam(n) for n in changed}, "attempts": _ROW.attempts - _ONE}
        taken = _ROW.status == literal_column("'sending'")
        self.put_back = c(outbox.update().where(one, taken).values(back), *changed, "row_id")
        self.amend = c(row.values(details=bindparam("details")), "details", "row_id")
        begun = ("not_before", "details")
        self.amend_since = c(row.values({n: bindparam(n) for n in begun}), *begun, "row_id")
        self.promote = c(row.values(head=literal_column("1")), "row_id")
        first = case(
            (_ROW.id == bindparam("first"), literal_column("1")), else_=literal_column("0")
        )
        self.reorder = c(
            outbox.update().where(*in_lane).values(head=first), "first", "of_connector", "of_lane"
        )
        self.by_key = c(
            select(*_ROW).where(
                _ROW.connector == bindparam("of_connector"), _ROW.key == bindparam("of_key")
            ),
            "of_connector",
            "of_key",
        )
        self.pages = {
            (by_connector, with_body): _page(c, by_connector, with_body)
            for by_connector in (False, True)
            for with_body in (False, True)
        }
        newest = select(*(_ROW[name] for name in _COLUMNS[:-1])).where(
            _ROW.status == bindparam("in_status"), _ROW.id < bindparam("before_id")
        )
        self.newest = c(
            c.limited(newest.order_by(_ROW.id.desc()), "rows"), "in_status", "before_id", "rows"
        )
        of_one = select(*(_ROW[name] for name in _COLUMNS[:-1])).where(
            _ROW.about == bindparam("is_about"), text(NAMED)
        )
        self.of_document = c(c.limited(of_one.order_by(_ROW.id), "rows"), "is_about", "rows")
        self.counts = c(
            select(_ROW.connector, _ROW.status, func.count()).group_by(_ROW.connector, _ROW.status)
        )


def _page(c: Compiler, by_connector: bool, with_body: bool) -> Sql:
    names = _COLUMNS if with_body else _COLUMNS[:-1]
    statement = select(*(_ROW[name] for name in names)).where(
        _ROW.status == bindparam("in_status"), _ROW.id > bindparam("after_id")
    )
    parameters = ["in_status", "after_id"]
    if by_connector:
        statement = statement.where(_ROW.connector == bindparam("of_connector"))
        parameters.append("of_connector")
    return c(c.limited(statement.order_by(_ROW.id), "rows"), *parameters, "rows")


class SqlOutbox:
    """`core.delivery_ports.OutboxQueries` in a transaction."""

    __slots__ = ("_session", "_sql")

    def __init__(self, session: Session, sql: OutboxSql) -> None:
        self._session = session
        self._sql = sql

    def queue(self, items: Sequence[NewDelivery], now: datetime) -> list[int | None]:
        """Queue items; None where (connector, key) is there already."""
        lanes = {rules.lane_of(item) for item in items if item.lane}
        self._lock(lanes)
        free = {lane for lane in sorted(lanes) if self._oldest(lane) is None}
        ids: list[int | None] = []
        for item in items:
            lane = rules.lane_of(item)
            head = not item.lane or lane in free
            columns = rules.new_columns(0, item, now, head)
            found = self._session.rows(self._sql.insert, columns[1:])
            ids.append(found[0][0] if found else None)
            if found:
                free.discard(lane)
        return ids

    def _lock(self, lanes: Iterable[tuple[str, str]]) -> None:
        """Keep other writers out of lanes: ids of a lane are then given in the order of commits.

        SQLite has one writer, there is nothing to do.
        """
        keys = sorted(_lock_key(lane) for lane in lanes)
        if keys and not self._session.compiler.is_sqlite:
            self._session.rows(self._sql.lock_lanes, (given(keys),))

    def hold(self, items: Sequence[NewDelivery]) -> None:
        """Keep other writers out of the lanes of items until the transaction ends."""
        self._lock({rules.lane_of(item) for item in items if item.lane})

    def _oldest(self, lane: tuple[str, str]) -> int | None:
        found: int | None = self._session.rows(self._sql.oldest, lane)[0][0]
        return found

    def claim(self, connectors: Sequence[str], now: datetime, limit: int) -> list[Delivery]:
        """Take due rows; the attempt counts, also when the worker dies in it."""
        instant = instant_text(now)
        due: list[rules.OutboxColumns] = []
        for connector in sorted(set(connectors)):
            rows = self._session.rows(self._sql.due, (connector, instant, limit))
            due += [rules.OutboxColumns(*row) for row in rows]
        taken = sorted(due, key=lambda row: row.turn)[:limit]
        if not taken:
            return []
        lease = rules.lease_end(now)
        self._session.run(self._sql.take, (lease, given([row.id for row in taken])))
        return [rules.claimed(row, lease) for row in taken]

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
        places = self._session.rows(self._sql.place, (delivery_id,))
        if not places:
            raise unknown_delivery(delivery_id)
        lane: tuple[str, str] = tuple(places[0])
        if lane[1]:
            self._lock([lane])
        known = self._session.rows(self._sql.state, (delivery_id,))[0][0]
        if not rules.counts_for(delivery_id, known, status):
            return
        changed = rules.settled_columns(status, now, note, receipt, due_at)
        statement = self._sql.settle if receipt is None else self._sql.settle_told
        self._session.run(statement, (*changed.values(), delivery_id))
        if lane[1] and (known in SETTLED) != (status in SETTLED):
            self._give_way(lane, reopened=known in SETTLED)

    def _give_way(self, lane: tuple[str, str], reopened: bool) -> None:
        """Let the oldest unsettled row of a lane be the next that leaves."""
        oldest = self._oldest(lane)
        if oldest is None:
            return
        if reopened:
            self._session.run(self._sql.reorder, (oldest, *lane))
        else:
            self._session.run(self._sql.promote, (oldest,))

    def put_back(self, delivery_id: int, due_at: datetime, note: str) -> None:
        """Put a row back that was taken and not tried."""
        changed = rules.put_back_columns(due_at, note)
        self._session.run(self._sql.put_back, (*changed.values(), delivery_id))

    def amend(
        self, delivery_id: int, details: Mapping[str, object], *, since: datetime | None = None
    ) -> None:
        """Change what a row leaves with."""
        if not self._session.rows(self._sql.place, (delivery_id,)):
            raise unknown_delivery(delivery_id)
        changed = rules.amended_columns(details, since)
        statement = self._sql.amend if since is None else self._sql.amend_since
        self._session.run(statement, (*changed.values(), delivery_id))

    def by_key(self, connector: str, key: str) -> Delivery | None:
        """Return one row."""
        rows = self._session.rows(self._sql.by_key, (connector, key_text(key)))
        return rules.read_delivery(rows[0]) if rows else None

    def page(
        self,
        statuses: Sequence[DeliveryStatus],
        after_id: int,
        limit: int,
        connector: str = "",
        with_body: bool = False,
    ) -> list[Delivery]:
        """Return rows with id above `after_id`, in order of id."""
        statement = self._sql.pages[bool(connector), with_body]
        more = (connector, limit) if connector else (limit,)
        rest = () if with_body else (b"",)
        ranges = [
            self._session.rows(statement, (status.value, after_id, *more))
            for status in sorted(set(statuses))
        ]
        rows: Iterable[Any] = merge(*ranges, key=lambda row: row[0])
        return [rules.read_delivery((*row, *rest)) for row in islice(rows, limit)]

    def newest(
        self, statuses: Sequence[DeliveryStatus], before_id: int, limit: int
    ) -> list[Delivery]:
        """Return rows with id below `before_id`, the highest id first."""
        ranges = [
            self._session.rows(self._sql.newest, (status.value, before_id, limit))
            for status in sorted(set(statuses))
        ]
        rows: Iterable[Any] = merge(*ranges, key=lambda row: row[0], reverse=True)
        return [rules.read_delivery((*row, b"")) for row in islice(rows, limit)]

    def of_document(self, about: str, limit: int) -> list[Delivery]:
        """Return the rows (body left empty) that leave with a document, in order of id."""
        rows = self._session.rows(self._sql.of_document, (about, limit)) if about else []
        return [rules.read_delivery((*row, b"")) for row in rows]

    def counts(self) -> dict[tuple[str, DeliveryStatus], int]:
        """Return how many rows each connector has in each state."""
        rows = self._session.rows(self._sql.counts)
        return {(connector, DeliveryStatus(status)): n for connector, status, n in rows}


def _lock_key(lane: tuple[str, str]) -> int:
    digest = blake2b("\n".join(("lane", *lane)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
