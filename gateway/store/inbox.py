"""Queries on the received inputs."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Text, bindparam, func, literal_column, or_, select, tuple_
from sqlalchemy.sql import ColumnElement

from gateway.core.inbox_ports import SENDERS, InboxResult
from gateway.core.messages import Header, InboxRow, InboxStatus, Incident, NewInboxRow
from gateway.store import codec
from gateway.store.inboxrules import check_reopen, check_result
from gateway.store.problems import conflict
from gateway.store.sqltext import Compiler, Session, Sql, given
from gateway.store.tables import TABLES

_INBOX, _KEY = TABLES["inbox"].c, TABLES["inbox_key"].c
_KEY_COLUMNS = ("sender_app", "sender_facility", "control_id", "canonical_sha256")
_INCIDENT_COLUMNS = ("at", "kind", "peer", "size", "excerpt", "details")


def _columns(with_body: bool) -> list[ColumnElement[Any]]:
    names = codec.InboxColumns._fields if with_body else codec.InboxColumns._fields[:-1]
    return [_INBOX[name] for name in names]


class InboxSql:
    """The statements of the inbox for one database."""

    def __init__(self, c: Compiler) -> None:
        self.insert = c.insert(TABLES["inbox"], codec.InboxColumns._fields)
        self.insert_key = c.insert(TABLES["inbox_key"], (*_KEY_COLUMNS, "inbox_id"), ignore=True)
        self.insert_incident = c.insert(TABLES["incident"], _INCIDENT_COLUMNS)
        self.known = _known(c)
        self.same_input = _same(c, _KEY_COLUMNS)
        self.same_control = _same(c, _KEY_COLUMNS[:3])
        self.get = c(select(*_columns(True)).where(_INBOX.id == bindparam("row_id")), "row_id")
        self.some = c(
            select(*_columns(False)).where(c.among(_INBOX.id, "ids")).order_by(_INBOX.id.desc()),
            "ids",
        )
        self.next_sender = _next_sender(c)
        self.with_control = _with_control(c)
        self.states = c(
            select(_INBOX.id, _INBOX.status)
            .where(c.among(_INBOX.id, "ids"))
            .order_by(_INBOX.id)
            .with_for_update(),
            "ids",
        )
        row = TABLES["inbox"].update().where(_INBOX.id == bindparam("row_id"))
        results = ("status", "answer", "issues", "flags")
        self.set_result = c(
            row.values({name: bindparam(name) for name in results}), *results, "row_id"
        )
        self.set_flags = c(row.values(flags=bindparam("flags")), "flags", "row_id")
        attempts = _INBOX.attempts + literal_column("1")
        self.reopen = c(
            row.values(status=bindparam("status"), attempts=attempts), "status", "row_id"
        )
        self.claim = _claim(c)
        self.pages = {
            (by_status, with_body): _page(c, by_status, with_body)
            for by_status in (True, False)
            for with_body in (True, False)
        }
        self.newest = {by_status: _newest(c, by_status) for by_status in (True, False)}
        self.last = c(select(func.max(_INBOX.id)))
        self.counts = c(select(_INBOX.status, func.count()).group_by(_INBOX.status))
        # A row gets its id before it is written, so that its key can be written first.
        self.next_ids = (
            Sql("SELECT seq FROM sqlite_sequence WHERE name = 'inbox'", ())
            if c.is_sqlite
            else Sql(
                "SELECT nextval(pg_get_serial_sequence('inbox', 'id'))"
                " FROM generate_series(1, %s::int)",
                ("count",),
            )
        )


def _known(c: Compiler) -> Sql:
    members = c.rows(*_KEY_COLUMNS)
    wanted = select(*(members.c[name] for name in _KEY_COLUMNS))
    key = [_KEY[name] for name in _KEY_COLUMNS]
    return c(select(*key).where(tuple_(*key).in_(wanted)), "given")


def _same(c: Compiler, columns: tuple[str, ...]) -> Sql:
    """Build the query of rows with the same key, or with the same start of a key."""
    members = c.rows(*columns)
    wanted = select(*(members.c[name] for name in columns))
    statement = (
        select(*_columns(False))
        .join_from(TABLES["inbox_key"], TABLES["inbox"], _KEY.inbox_id == _INBOX.id)
        .where(tuple_(*(_KEY[name] for name in columns)).in_(wanted))
    )
    if len(columns) == len(_KEY_COLUMNS):
        return c(statement, "given")
    recent = _INBOX.received_at >= bindparam("since")
    either = or_(recent, c.among(_KEY.canonical_sha256, "canonical"))
    return c(statement.where(either), "given", "since", "canonical")


def _next_sender(c: Compiler) -> Sql:
    """Build the query of the sender behind one, by the key: a seek, however many inputs it has."""
    sender = (_KEY.sender_app, _KEY.sender_facility)
    behind = tuple_(*sender) > tuple_(bindparam("app"), bindparam("facility"))
    statement = select(*sender).where(behind).order_by(*sender)
    return c(c.limited(statement, "rows"), "app", "facility", "rows")


def _with_control(c: Compiler) -> Sql:
    # Of one sender: of many at once PostgreSQL may prefer to read the whole table up to a limit.
    names = _KEY_COLUMNS[:3]
    same = (_KEY[name] == bindparam(name) for name in names)
    return c(c.limited(select(_KEY.inbox_id).where(*same), "rows"), *names, "rows")


def _claim(c: Compiler) -> Sql:
    # The status is a literal so that the partial index serves the query.
    waiting = (
        select(*_columns(True))
        .where(_INBOX.status == literal_column("'received'"))
        .where(_INBOX.received_at < bindparam("end"))
        .order_by(_INBOX.received_at, _INBOX.id)
        .with_for_update(skip_locked=True)
    )
    return c(c.limited(waiting, "rows"), "end", "rows")


def _page(c: Compiler, by_status: bool, with_body: bool) -> Sql:
    statement = select(*_columns(with_body)).where(_INBOX.id > bindparam("after_id"))
    statement = c.limited(statement.order_by(_INBOX.id), "rows")
    if not by_status:
        return c(statement, "after_id", "rows")
    return c(
        statement.where(_INBOX.status == bindparam("in_status")), "after_id", "in_status", "rows"
    )


def _newest(c: Compiler, by_status: bool) -> Sql:
    begins = func.substr(
        _INBOX.message_type, literal_column("1"), bindparam("size", type_=Integer())
    )
    statement = select(*_columns(False)).where(
        _INBOX.id < bindparam("before_id"),
        _INBOX.id > bindparam("after_id"),
        begins == bindparam("kind", type_=Text()),
    )
    names = ["before_id", "after_id", "size", "kind"]
    if by_status:
        statement = statement.where(_INBOX.status == bindparam("in_status"))
        names.append("in_status")
    return c(c.limited(statement.order_by(_INBOX.id.desc()), "rows"), *names, "rows")


class SqlInbox:
    """`core.ports.InboxQueries` in a transaction."""

    __slots__ = ("_session", "_sql")

    def __init__(self, session: Session, sql: InboxSql) -> None:
        self._session = session
        self._sql = sql

    def insert(self, rows: Sequence[NewInboxRow]) -> list[int | None]:
        """Store rows; None where the same input is there already."""
        if not rows:
            return []
        keys = [codec.inbox_key(row.header) for row in rows]
        stored = self._session.rows(self._sql.known, (given(keys),))
        known = {tuple(found) for found in stored}
        first: dict[tuple[str, ...], int] = {}
        for place, key in enumerate(keys):
            if key not in known:
                first.setdefault(key, place)
        ids: list[int | None] = [None] * len(rows)
        for row_id, place in zip(self._next_ids(len(first)), first.values(), strict=True):
            ids[place] = row_id
        self._write([(row_id, row, key) for row_id, row, key in zip(ids, rows, keys, strict=True)])
        return ids

    def _write(self, placed: Sequence[tuple[int | None, NewInboxRow, tuple[str, ...]]]) -> None:
        key_rows = [(*key, row_id) for row_id, _, key in placed if row_id is not None]
        if not key_rows:
            return
        # In the order of the keys: two writers then wait for each other, never in a circle.
        if self._session.run_many(self._sql.insert_key, sorted(key_rows)) != len(key_rows):
            raise conflict()
        self._session.run_many(
            self._sql.insert,
            [codec.inbox_columns(row_id, row) for row_id, row, _ in placed if row_id is not None],
        )

    def _next_ids(self, count: int) -> list[int]:
        if not count:
            return []
        if not self._session.compiler.is_sqlite:
            return sorted(row[0] for row in self._session.rows(self._sql.next_ids, (count,)))
        found = self._session.rows(self._sql.next_ids)
        start = found[0][0] + 1 if found else 1
        return list(range(start, start + count))

    def find_same_control(self, headers: Sequence[Header], since: datetime) -> list[InboxRow]:
        """Return rows, without body, of one of the control ids, newest first."""
        found = {}
        keys = {codec.inbox_key(header) for header in headers}
        nameless = [key for key in keys if not key[2]]
        named = [key for key in keys if key[2]]
        if nameless:
            same = self._session.rows(self._sql.same_input, (given(nameless),))
            found.update({row[0]: row for row in same})
        if named:
            parameters = (
                given([key[:3] for key in named]),
                codec.instant_text(since),
                given([key[3] for key in named]),
            )
            reused = self._session.rows(self._sql.same_control, parameters)
            found.update({row[0]: row for row in reused})
        # Columns 1 and 0: received_at and id.
        newest = sorted(found.values(), key=lambda row: (row[1], row[0]), reverse=True)
        return [codec.read_inbox((*row, b"")) for row in newest]

    def get(self, row_id: int) -> InboxRow | None:
        """Return one row with its bytes."""
        found = self._session.rows(self._sql.get, (row_id,))
        return codec.read_inbox(found[0]) if found else None

    def some(self, row_ids: Iterable[int]) -> list[InboxRow]:
        """Return rows, without body, the highest id first."""
        rows = self._session.rows(self._sql.some, (given(sorted(set(row_ids))),))
        return [codec.read_inbox((*row, b"")) for row in rows]

    def with_control(self, control_id: str, limit: int) -> list[int]:
        """Return rows of any sender with a control id."""
        wanted = codec.key_text(control_id)
        found: list[int] = []
        for sender in self._senders() if wanted else ():
            rows = self._session.rows(self._sql.with_control, (*sender, wanted, limit - len(found)))
            found += (row[0] for row in rows)
            if len(found) >= limit:
                break
        return found

    def _senders(self) -> list[tuple[str, str]]:
        # The key begins with the sender: one seek for each, and no index of its own to write.
        found = [("", "")]
        while len(found) <= SENDERS:
            rows = self._session.rows(self._sql.next_sender, (*found[-1], 1))
            if not rows:
                break
            found.append((rows[0][0], rows[0][1]))
        return found[: SENDERS + 1]

    def set_results(self, results: Sequence[InboxResult]) -> None:
        """Write how rows ended."""
        states = self._states([result.id for result in results])
        for result in results:
            check_result(result, states.get(result.id))
            states[result.id] = result.status
        self._session.run_many(
            self._sql.set_result,
            [
                (
                    result.status.value,
                    codec.seal(result.answer),
                    codec.write_issues(result.issues),
                    codec.write_flags(result.flags),
                    result.id,
                )
                for result in results
            ],
        )

    def set_flags(self, flags: Mapping[int, Sequence[str]]) -> None:
        """Write the flags of rows anew."""
        rows = [(codec.write_flags(tuple(found)), row_id) for row_id, found in flags.items()]
        self._session.run_many(self._sql.set_flags, rows)

    def reopen(self, row_id: int) -> None:
        """Put a row back to `received`, counting the attempt."""
        check_reopen(row_id, self._states([row_id]).get(row_id))
        self._session.run(self._sql.reopen, (InboxStatus.RECEIVED.value, row_id))

    def _states(self, ids: Sequence[int]) -> dict[int, InboxStatus]:
        rows = self._session.rows(self._sql.states, (given(ids),)) if ids else ()
        return {row_id: InboxStatus(status) for row_id, status in rows}

    def claim_received(self, limit: int, older_than: datetime) -> list[InboxRow]:
        """Take rows in state `received`, oldest first, passing over rows others hold."""
        parameters = (codec.instant_text(older_than), limit)
        return [codec.read_inbox(row) for row in self._session.rows(self._sql.claim, parameters)]

    def page(
        self, status: InboxStatus | None, after_id: int, limit: int, with_body: bool = False
    ) -> list[InboxRow]:
        """Return rows with id > `after_id` in order of id."""
        statement = self._sql.pages[status is not None, with_body]
        middle = () if status is None else (status.value,)
        rows = self._session.rows(statement, (after_id, *middle, limit))
        rest = () if with_body else (b"",)
        return [codec.read_inbox((*row, *rest)) for row in rows]

    def newest(
        self, status: InboxStatus | None, before_id: int, after_id: int, limit: int, kind: str = ""
    ) -> list[InboxRow]:
        """Return rows between two ids, the highest first."""
        begins = codec.storable(kind)
        middle = () if status is None else (status.value,)
        rows = self._session.rows(
            self._sql.newest[status is not None],
            (before_id, after_id, len(begins), begins, *middle, limit),
        )
        return [codec.read_inbox((*row, b"")) for row in rows]

    def last_id(self) -> int:
        """Return the highest id given so far."""
        found: int | None = self._session.rows(self._sql.last)[0][0]
        return found or 0

    def add_incidents(self, incidents: Sequence[Incident]) -> None:
        """Keep what a door survived that is not a message."""
        self._session.run_many(
            self._sql.insert_incident,
            [
                (
                    codec.instant_text(incident.at),
                    codec.storable(incident.kind),
                    codec.storable(incident.peer),
                    incident.size,
                    codec.seal(incident.excerpt),
                    codec.seal(codec.json_bytes(incident.details)),
                )
                for incident in incidents
            ],
        )

    def counts(self) -> dict[InboxStatus, int]:
        """Return how many rows are in each state."""
        return {InboxStatus(status): n for status, n in self._session.rows(self._sql.counts)}
