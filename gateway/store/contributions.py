"""Queries on what each input says about each resource, and on claims."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from operator import itemgetter

from sqlalchemy import bindparam, literal_column, not_, select, tuple_, union
from sqlalchemy.sql import ColumnElement

from gateway.core.contributions import Claim, Contribution, Kind, Target
from gateway.store import codec, shared
from gateway.store.problems import conflict
from gateway.store.shared import Said, SharedKey, SharedRow
from gateway.store.sqltext import Compiler, Session, Sql, given
from gateway.store.tables import TABLES

_OWN, _SHARED, _CLAIM = (
    TABLES[name].c for name in ("contribution", "shared_contribution", "claim")
)
_OWN_COLUMNS = tuple(_OWN.keys())
_SHARED_COLUMNS = tuple(_SHARED.keys())
_CLAIM_COLUMNS = tuple(_CLAIM.keys())
#: A transaction that locks more targets takes one lock on all of them: the lock table of a
#: PostgreSQL server with default settings holds 6,400 locks.
_MANY_TARGETS = 500
_ALL_TARGETS = 1


#: Version, ordinal, inbox id, place in the input, contribution.
_Loaded = tuple[str, int, int, int, Contribution]
_SORTED = itemgetter(0, 1, 2, 3)


class ContributionSql:
    """The statements of contributions for one database."""

    def __init__(self, c: Compiler) -> None:
        own, shared_table = TABLES["contribution"], TABLES["shared_contribution"]
        self.lock_each = Sql(
            "SELECT pg_advisory_xact_lock(k::bigint)"
            " FROM jsonb_array_elements_text(%s::jsonb) AS k",
            ("keys",),
        )
        self.lock_all = Sql(f"SELECT pg_advisory_xact_lock({_ALL_TARGETS})", ())
        self.share_all = Sql(f"SELECT pg_advisory_xact_lock_shared({_ALL_TARGETS})", ())
        own_of = c.among(_OWN.target, "targets")
        self.load_own = c(
            select(_OWN.target, _OWN.version, _OWN.ordinal, _OWN.inbox_id, _OWN.payload)
            .where(own_of, not_(c.among(_OWN.inbox_id, "ids")))
            .order_by(_OWN.version, _OWN.ordinal, _OWN.inbox_id, _OWN.position),
            "targets",
            "ids",
        )
        newest = (_SHARED.newest_version, _SHARED.newest_ordinal, _SHARED.newest_inbox_id)
        shared_of = c.among(_SHARED.target, "targets")
        self.load_shared = c(
            select(_SHARED.target, *newest, _SHARED.payload).where(shared_of).order_by(*newest),
            "targets",
        )
        of_inboxes = c.among(_OWN.inbox_id, "ids")
        self.own_of_inboxes = c(select(*_OWN).where(of_inboxes), "ids")
        self.said_by = c(
            select(_OWN.inbox_id, _OWN.target, _OWN.payload)
            .where(of_inboxes)
            .order_by(_OWN.inbox_id, _OWN.position),
            "ids",
        )
        self.delete_own = c(own.delete().where(of_inboxes), "ids")
        self.insert_own = c.insert(own, _OWN_COLUMNS)
        self.shared_rows = self._shared_rows(c)
        key = (_SHARED.target == bindparam("of_target")) & (
            _SHARED.content_hash == bindparam("of_hash")
        )
        said = _SHARED_COLUMNS[2:8]
        self.update_shared = c(
            shared_table.update().where(key).values({name: bindparam(name) for name in said}),
            *said,
            "of_target",
            "of_hash",
        )
        self.insert_shared = c.insert(shared_table, _SHARED_COLUMNS, ignore=True)
        self.delete_shared = c(shared_table.delete().where(key), "of_target", "of_hash")
        self.inbox_ids = c(
            union(
                select(_OWN.inbox_id).where(_OWN.target == bindparam("a")),
                select(_SHARED.newest_inbox_id).where(_SHARED.target == bindparam("b")),
                select(_SHARED.oldest_inbox_id).where(_SHARED.target == bindparam("c")),
            ).order_by(literal_column("1")),
            "a",
            "b",
            "c",
        )

    @staticmethod
    def _shared_rows(c: Compiler) -> Sql:
        columns = [_SHARED[name] for name in _SHARED_COLUMNS[:8]]
        speaks: ColumnElement[bool] = (
            c.among(_SHARED.target, "targets")
            | c.among(_SHARED.newest_inbox_id, "ids")
            | c.among(_SHARED.oldest_inbox_id, "same_ids")
        )
        statement = select(*columns).where(speaks).order_by(*columns[:2])
        # Locked in one order by every writer: what is read here is written back.
        return c(statement.with_for_update(), "targets", "ids", "same_ids")


class SqlContributions:
    """`core.ports.ContributionQueries` in a transaction."""

    __slots__ = ("_session", "_shares_all", "_sql", "_written")

    def __init__(self, session: Session, sql: ContributionSql) -> None:
        self._session = session
        self._sql = sql
        self._shares_all = False
        # What this transaction wrote need not be read back.
        self._written: dict[int, list[_Loaded]] = {}

    def lock(self, targets: Iterable[Target]) -> None:
        """Keep other writers away; SQLite has one writer, there is nothing to do."""
        if self._session.compiler.is_sqlite:
            return
        keys = sorted({_lock_key(target) for target in targets})
        if len(keys) > _MANY_TARGETS:
            self._session.rows(self._sql.lock_all)
        elif keys:
            if not self._shares_all:
                self._session.rows(self._sql.share_all)
                self._shares_all = True
            self._session.rows(self._sql.lock_each, (given(keys),))

    def load(self, targets: Sequence[Target]) -> dict[Target, list[Contribution]]:
        """Return all contributions of these targets, oldest first."""
        if not targets:
            return {}
        wanted = set(targets)
        names = {codec.storable(codec.target_text(target)): target for target in targets}
        given_names = (given(list(names)),)
        not_written = (*given_names, given(list(self._written)))
        rows: list[_Loaded] = [
            row for words in self._written.values() for row in words if row[4].target in wanted
        ]
        for kind, sql, parameters in (
            (Kind.OWN, self._sql.load_own, not_written),
            (Kind.SHARED, self._sql.load_shared, given_names),
        ):
            for name, version, ordinal, inbox_id, payload in self._session.rows(sql, parameters):
                part = codec.read_payload(names[name], version, ordinal, kind, payload)
                rows.append((version, ordinal, inbox_id, len(rows), part))
        rows.sort(key=_SORTED)
        found: dict[Target, list[Contribution]] = {}
        for row in rows:
            found.setdefault(row[4].target, []).append(row[4])
        return found

    def replace(self, by_inbox: Sequence[tuple[int, Sequence[Contribution]]]) -> set[Target]:
        """Make these the contributions of each inbox row; return targets that lost or gained."""
        if not by_inbox:
            return set()
        versions: dict[int, str] = {}

        def version_of(part: Contribution) -> str:
            # An input has one version; its text is made once.
            text = versions.get(id(part.version))
            if text is None:
                text = versions[id(part.version)] = part.version.key()
            return text

        payloads: dict[SharedKey, bytes] = {}
        own: list[tuple[int, int, str, str, int, bytes]] = []
        spoken: dict[int, list[tuple[SharedKey, str, int]]] = {}
        for inbox_id, parts in by_inbox:
            spoken[inbox_id] = shared.spoken(parts, payloads, version_of)
            own += self._own_rows(inbox_id, parts, version_of)
        changed = self._replace_own(list(spoken), own)
        changed |= self._replace_shared(spoken, payloads)
        return {codec.read_target(name) for name in changed}

    def _own_rows(
        self,
        inbox_id: int,
        parts: Sequence[Contribution],
        version_of: Callable[[Contribution], str],
    ) -> list[tuple[int, int, str, str, int, bytes]]:
        """Return the rows of what an input says alone, and remember what they say."""
        rows: list[tuple[int, int, str, str, int, bytes]] = []
        said: list[_Loaded] = []
        is_exact = True
        for position, part in enumerate(parts):
            if part.kind is Kind.OWN:
                target, version = codec.target_text(part.target), version_of(part)
                payload, exact = codec.write_own(part)
                is_exact = is_exact and exact
                rows.append((inbox_id, position, target, version, part.ordinal, payload))
                said.append((version, part.ordinal, inbox_id, position, part))
        if is_exact:
            self._written[inbox_id] = said
        else:
            self._written.pop(inbox_id, None)
        return rows

    def _replace_own(
        self, inbox_ids: Sequence[int], rows: Sequence[tuple[int, int, str, str, int, bytes]]
    ) -> set[str]:
        ids = (given(inbox_ids),)
        before = {tuple(row) for row in self._session.rows(self._sql.own_of_inboxes, ids)}
        if before:
            different = before.symmetric_difference(rows)
            if not different:
                return set()
            self._session.run(self._sql.delete_own, ids)
            self._session.run_many(self._sql.insert_own, rows)
            return _moved(before, rows)
        self._session.run_many(self._sql.insert_own, rows)
        return {row[2] for row in rows}

    def _replace_shared(
        self,
        spoken: Mapping[int, Sequence[tuple[SharedKey, str, int]]],
        payloads: Mapping[SharedKey, bytes],
    ) -> set[str]:
        ids = given(list(spoken))
        targets = given(sorted({target for target, _ in payloads}))
        before: dict[SharedKey, SharedRow] = {}
        for row in self._session.rows(self._sql.shared_rows, (targets, ids, ids)):
            before[row[0], row[1]] = SharedRow(row[0], row[1], Said(*row[2:5]), Said(*row[5:8]))
        change = shared.change(before, spoken)
        known = [row for row in change.written if (row.target, row.content_hash) in before]
        new = [row for row in change.written if (row.target, row.content_hash) not in before]
        self._session.run_many(self._sql.delete_shared, change.deleted)
        self._session.run_many(
            self._sql.update_shared,
            [(*row.newest, *row.oldest, row.target, row.content_hash) for row in known],
        )
        inserted = self._session.run_many(
            self._sql.insert_shared,
            [
                (*row[:2], *row.newest, *row.oldest, payloads[row.target, row.content_hash])
                for row in sorted(new)
            ],
        )
        if inserted != len(new):
            raise conflict()
        return change.targets

    def inbox_ids(self, target: Target) -> list[int]:
        """Return the inputs that contribute to a target, oldest first.

        Of shared content, the first and the last input that said it.
        """
        name = codec.storable(codec.target_text(target))
        return [row[0] for row in self._session.rows(self._sql.inbox_ids, (name, name, name))]

    def made_by(self, inbox_ids: Iterable[int]) -> dict[int, list[Target]]:
        """Return the targets each input makes or adds to, in its own order."""
        ids = given(sorted(set(inbox_ids)))
        return codec.read_made(self._session.rows(self._sql.said_by, (ids,)))


def _moved(
    before: Iterable[tuple[object, ...]], rows: Sequence[tuple[int, int, str, str, int, bytes]]
) -> set[str]:
    """Return targets said differently; the place of a contribution in its input says nothing."""
    old = {(row[0], *row[2:]) for row in before}
    new = {(row[0], *row[2:]) for row in rows}
    return {str(row[1]) for row in old ^ new}


def _lock_key(target: Target) -> int:
    digest = blake2b(codec.target_text(target).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


class ClaimSql:
    """The statements of claims for one database."""

    def __init__(self, c: Compiler) -> None:
        claim = TABLES["claim"]
        columns = [_CLAIM[name] for name in ("kind", "value", "target", "content")]
        of_targets = c.among(_CLAIM.target, "targets")
        in_order = (_CLAIM.target, _CLAIM.kind, _CLAIM.value, _CLAIM.content)
        self.of_targets = c(select(*columns).where(of_targets).order_by(*in_order), "targets")
        self.delete = c(claim.delete().where(of_targets), "targets")
        self.insert = c.insert(claim, _CLAIM_COLUMNS)
        members = c.rows("kind", "value")
        wanted = tuple_(_CLAIM.kind, _CLAIM.value).in_(select(members.c.kind, members.c.value))
        self.sharing = c(
            select(*columns).where(wanted).order_by(_CLAIM.target, _CLAIM.content),
            "given",
        )


class SqlClaims:
    """`core.ports.ClaimQueries` in a transaction."""

    __slots__ = ("_session", "_sql")

    def __init__(self, session: Session, sql: ClaimSql) -> None:
        self._session = session
        self._sql = sql

    def replace(self, claims: Mapping[Target, Sequence[Claim]]) -> set[tuple[str, str]]:
        """Make these the claims of each target; return the (kind, value) pairs that changed."""
        if not claims:
            return set()
        names = given([codec.target_text(target) for target in claims])
        before = {tuple(row) for row in self._session.rows(self._sql.of_targets, (names,))}
        after = {
            (c.kind, codec.key_text(c.value), codec.target_text(target), codec.storable(c.content))
            for target, wanted in claims.items()
            for c in wanted
        }
        different = before ^ after
        if not different:
            return set()
        targets = {row[2] for row in different}
        self._session.run(self._sql.delete, (given(sorted(targets)),))
        self._session.run_many(
            self._sql.insert,
            [
                (target, position, kind, value, content)
                for position, (kind, value, target, content) in enumerate(sorted(after))
                if target in targets
            ],
        )
        return {(kind, value) for kind, value, _, _ in different}

    def sharing(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Claim]]:
        """Return every claim on each (kind, value)."""
        wanted = sorted({(kind, codec.key_text(value)) for kind, value in pairs})
        if not wanted:
            return {}
        found: dict[tuple[str, str], list[Claim]] = {}
        for kind, value, target, content in self._session.rows(self._sql.sharing, (given(wanted),)):
            claim = Claim(kind, value, codec.read_target(target), content)
            found.setdefault((kind, value), []).append(claim)
        return found

    def held(self, targets: Sequence[Target]) -> dict[Target, list[Claim]]:
        """Return the claims of each target that has any."""
        names = given([codec.target_text(target) for target in targets])
        found: dict[Target, list[Claim]] = {}
        for kind, value, name, content in self._session.rows(self._sql.of_targets, (names,)):
            target = codec.read_target(name)
            found.setdefault(target, []).append(Claim(kind, value, target, content))
        return found
