"""Queries on clients, tokens and used assertions."""

from datetime import datetime

from sqlalchemy import bindparam, select

from gateway.core.access import Client, Grant
from gateway.store.accesscodec import (
    ClientColumns,
    GrantColumns,
    client_columns,
    grant_columns,
    read_client,
    read_grant,
)
from gateway.store.codec import instant_text, key_text, storable
from gateway.store.sqltext import Compiler, Session
from gateway.store.tables import TABLES

_CLIENT, _GRANT = (TABLES[name].c for name in ("access_client", "access_grant"))


class AccessSql:
    """The statements of access control for one database."""

    def __init__(self, c: Compiler) -> None:
        grant, used = TABLES["access_grant"], TABLES["access_assertion"]
        self.put_client = c.upsert(TABLES["access_client"], ClientColumns._fields)
        self.client = c(select(*_CLIENT).where(_CLIENT.id == bindparam("of_client")), "of_client")
        self.clients = c(select(*_CLIENT).order_by(_CLIENT.id))
        self.use = c.insert(used, ("client", "jti", "until"), ignore=True)
        self.keep = c.insert(grant, GrantColumns._fields)
        self.grant = c(select(*_GRANT).where(_GRANT.digest == bindparam("of_digest")), "of_digest")
        self.drop = c(grant.delete().where(_GRANT.client == bindparam("of_client")), "of_client")
        self.forget = tuple(
            c(table.delete().where(column < bindparam("before")), "before")
            for table, column in ((grant, _GRANT.expires), (used, used.c.until))
        )


class SqlAccess:
    """`core.access_ports.AccessQueries` in a transaction."""

    __slots__ = ("_session", "_sql")

    def __init__(self, session: Session, sql: AccessSql) -> None:
        self._session = session
        self._sql = sql

    def put_client(self, client: Client) -> None:
        """Keep a client, in the place of one with the same id."""
        self._session.run(self._sql.put_client, client_columns(client))

    def client(self, client_id: str) -> Client | None:
        """Return a client, active or not."""
        rows = self._session.rows(self._sql.client, (key_text(client_id),))
        return read_client(rows[0]) if rows else None

    def clients(self) -> list[Client]:
        """Return every client, by id."""
        return [read_client(row) for row in self._session.rows(self._sql.clients)]

    def use_once(self, client_id: str, jti: str, until: datetime) -> bool:
        """Note that a client used an assertion; False when it did before."""
        row = (storable(client_id), storable(jti), instant_text(until))
        return self._session.run(self._sql.use, row) == 1

    def keep_grant(self, grant: Grant) -> None:
        """Keep a token that is given."""
        self._session.run(self._sql.keep, grant_columns(grant))

    def grant(self, digest: str) -> Grant | None:
        """Return the token with this hash, expired or not."""
        rows = self._session.rows(self._sql.grant, (key_text(digest),))
        return read_grant(rows[0]) if rows else None

    def drop_grants(self, client_id: str) -> int:
        """Take back every token of a client."""
        return self._session.run(self._sql.drop, (key_text(client_id),))

    def forget(self, before: datetime) -> int:
        """Forget what ended before an instant."""
        at = instant_text(before)
        return sum(self._session.run(one, (at,)) for one in self._sql.forget)
