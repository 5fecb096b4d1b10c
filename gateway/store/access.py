"""Queries on clients, tokens and used assertions."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, literal_column, select

from gateway.core.access import Client, Glass, Grant, Mark, Permit
from gateway.store.accesscodec import (
    ClientColumns,
    GlassColumns,
    GrantColumns,
    PermitColumns,
    client_columns,
    glass_columns,
    grant_columns,
    permit_columns,
    read_client,
    read_glass,
    read_grant,
    read_permit,
)
from gateway.store.codec import instant_text, key_text, storable
from gateway.store.columns import TEXT
from gateway.store.sqltext import Compiler, Session, given
from gateway.store.tables import TABLES

_CLIENT, _GRANT = (TABLES[name].c for name in ("access_client", "access_grant"))
_MARK, _PERMIT = (TABLES[name].c for name in ("access_mark", "access_permit"))
_CIRCLE, _GLASS = (TABLES[name].c for name in ("access_circle", "access_glass"))


class AccessSql:
    """The statements of access control for one database."""

    def __init__(self, c: Compiler) -> None:
        grant, used = TABLES["access_grant"], TABLES["access_assertion"]
        self.put_client = c.upsert(TABLES["access_client"], ClientColumns._fields)
        self.client = c(select(*_CLIENT).where(_CLIENT.id == bindparam("of_client")), "of_client")
        self.clients = c(select(*_CLIENT).order_by(_CLIENT.id))
        self.put_circle = c.upsert(TABLES["access_circle"], ClientColumns._fields)
        self.circles = c(select(*_CIRCLE).order_by(_CIRCLE.id))
        self.put_glass = c.insert(TABLES["access_glass"], GlassColumns._fields)
        live = select(*_GLASS).where(
            c.among(_GLASS.patient, "patients"), _GLASS.until > bindparam("now")
        )
        self.glasses = c(live.order_by(_GLASS.since, _GLASS.id), "patients", "now")
        lately = select(*_GLASS).where(_GLASS.since >= bindparam("start"))
        newest = lately.order_by(_GLASS.since.desc(), _GLASS.id)
        self.glasses_since = c(c.limited(newest, "rows"), "start", "rows")
        self.use = c.insert(used, ("client", "jti", "until"), ignore=True)
        self.keep = c.insert(grant, GrantColumns._fields)
        self.grant = c(select(*_GRANT).where(_GRANT.digest == bindparam("of_digest")), "of_digest")
        self.drop = c(grant.delete().where(_GRANT.client == bindparam("of_client")), "of_client")
        self.forget = tuple(
            c(table.delete().where(column < bindparam("before")), "before")
            for table, column in ((grant, _GRANT.expires), (used, used.c.until))
        )
        mark, permit = TABLES["access_mark"], TABLES["access_permit"]
        self.mark = c.insert(mark, ("due", "patient"))
        resource = TABLES["resource"].c
        everybody = select(bindparam("due", type_=TEXT), resource.id).where(
            resource.type == literal_column("'Patient'"), resource.deleted == literal_column("0")
        )
        self.mark_everybody = c(mark.insert().from_select(["due", "patient"], everybody), "due")
        due = select(_MARK.number, _MARK.patient).where(_MARK.due <= bindparam("now"))
        self.marks = c(c.limited(due.order_by(_MARK.number), "rows"), "now", "rows")
        theirs = due.where(c.among(_MARK.patient, "patients"))
        self.marks_of = c(
            c.limited(theirs.order_by(_MARK.number), "rows"), "now", "patients", "rows"
        )
        self.unmark = c(mark.delete().where(_MARK.number == bindparam("of_number")), "of_number")
        self.put_permit = c.upsert(permit, PermitColumns._fields)
        self.drop_permits = c(
            permit.delete().where(_PERMIT.patient == bindparam("of_patient")), "of_patient"
        )
        held = select(*_PERMIT).where(
            _PERMIT.client.in_((bindparam("of_client"), bindparam("of_person"))),
            _PERMIT.until > bindparam("now"),
            c.among(_PERMIT.patient, "patients"),
        )
        self.permits = c(held, "of_client", "of_person", "now", "patients")


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

    def put_circle(self, circle: Client) -> None:
        """Keep what people who work for the same organisations may be shown."""
        self._session.run(self._sql.put_circle, client_columns(circle))

    def circles(self) -> list[Client]:
        """Return every circle of people, by id."""
        return [read_client(row) for row in self._session.rows(self._sql.circles)]

    def break_glass(self, glass: Glass) -> None:
        """Keep that somebody opened what they may not see, and have it decided anew."""
        self._session.run(self._sql.put_glass, glass_columns(glass))
        self.mark([glass.patient])

    def glasses(self, patient_ids: Iterable[str], now: datetime) -> list[Glass]:
        """Return what is open now of these Patients, the oldest first."""
        wanted = given([storable(one) for one in set(patient_ids)])
        rows = self._session.rows(self._sql.glasses, (wanted, instant_text(now)))
        return [read_glass(row) for row in rows]

    def glasses_since(self, since: datetime, limit: int) -> list[Glass]:
        """Return what was opened from an instant on, the newest first."""
        rows = self._session.rows(self._sql.glasses_since, (instant_text(since), limit))
        return [read_glass(row) for row in rows]

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

    def mark(self, patient_ids: Iterable[str], due: datetime | None = None) -> None:
        """Have it decided anew who may see the persons of these Patients."""
        at = "" if due is None else instant_text(due)
        rows = [(at, storable(one)) for one in sorted(set(patient_ids))]
        self._session.run_many(self._sql.mark, rows)

    def mark_everybody(self) -> None:
        """Have it decided anew about every Patient there is."""
        self._session.run(self._sql.mark_everybody, ("",))

    def marks(self, now: datetime, limit: int, patient_ids: Sequence[str] = ()) -> list[Mark]:
        """Return marks that are due, the oldest first."""
        at = instant_text(now)
        if patient_ids:
            wanted = given([storable(one) for one in patient_ids])
            rows = self._session.rows(self._sql.marks_of, (at, wanted, limit))
        else:
            rows = self._session.rows(self._sql.marks, (at, limit))
        return [Mark(*row) for row in rows]

    def settle(
        self, marks: Sequence[Mark], patient_ids: Sequence[str], permits: Sequence[Permit]
    ) -> None:
        """Take marks away, and make these the permits of these Patients."""
        self._session.run_many(self._sql.unmark, [(mark.number,) for mark in marks])
        gone = [(storable(one),) for one in sorted(set(patient_ids))]
        self._session.run_many(self._sql.drop_permits, gone)
        rows = sorted(permit_columns(one) for one in permits)
        self._session.run_many(self._sql.put_permit, rows)

    def permits(
        self, client_id: str, patient_ids: Iterable[str], now: datetime, person: str = ""
    ) -> dict[tuple[str, str], Permit]:
        """Return the permits that hold now, by (Patient, category)."""
        wanted = given([storable(one) for one in set(patient_ids)])
        names = (key_text(client_id), key_text(person or client_id))
        parameters = (*names, instant_text(now), wanted)
        found = [read_permit(row) for row in self._session.rows(self._sql.permits, parameters)]
        # What a circle may be shown needs no break-glass: the last one stands.
        found.sort(key=lambda one: one.client == client_id)
        return {(one.patient, one.category): one for one in found}
