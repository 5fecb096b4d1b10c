"""Queries on what happens to open gaps: acts, mutes, digests."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, literal_column, select

from gateway.core.work import Act, DigestItem, Mute
from gateway.store.codec import instant_text, key_text, storable
from gateway.store.sqltext import Compiler, Session, given
from gateway.store.tables import TABLES
from gateway.store.workcodec import (
    ActColumns,
    ItemColumns,
    MuteColumns,
    act_columns,
    in_digest_order,
    item_columns,
    lift_columns,
    mute_columns,
    newest_first,
    read_acts,
    read_item,
    read_mutes,
)

_ACT, _MUTE, _ITEM = (TABLES[name].c for name in ("gap_act", "mute", "digest_item"))


class WorkSql:
    """The statements of acts, mutes and digests for one database."""

    def __init__(self, c: Compiler) -> None:
        item = TABLES["digest_item"]
        self.act = c.insert(TABLES["gap_act"], ActColumns._fields, ignore=True)
        self.acts = c(select(*_ACT).where(c.among(_ACT.gap_id, "gaps")), "gaps")
        self.mute = c.insert(TABLES["mute"], MuteColumns._fields, ignore=True)
        self.muted = c(select(*_MUTE).where(c.among(_MUTE.subject, "subjects")), "subjects")
        self.subject = c(
            select(_MUTE.subject).where(
                _MUTE.id == bindparam("of_mute"), _MUTE.lifted == literal_column("0")
            ),
            "of_mute",
        )
        self.mutes = c(select(*_MUTE))
        self.item = c.insert(item, ItemColumns._fields, ignore=True)
        # Written out, as its index has it, so that the index serves.
        untold = _ITEM.told == literal_column("''")
        self.untold = c(select(*_ITEM).where(untold, _ITEM.at <= bindparam("until")), "until")
        self.digest = c.insert(TABLES["digest"], ("owner", "slot"), ignore=True)
        one = (
            _ITEM.owner == bindparam("of_owner"),
            _ITEM.gap_id == bindparam("of_gap"),
            _ITEM.episode == bindparam("of_episode"),
            _ITEM.news == bindparam("of_news"),
        )
        names = ("slot", "of_owner", "of_gap", "of_episode", "of_news")
        self.told = c(item.update().where(*one).values(told=bindparam("slot")), *names)


class SqlWork:
    """`core.work_ports.WorkQueries` in a transaction."""

    __slots__ = ("_session", "_sql")

    def __init__(self, session: Session, sql: WorkSql) -> None:
        self._session = session
        self._sql = sql

    def add(self, acts: Sequence[Act]) -> None:
        """Keep acts; one that is there already stays as it was."""
        self._session.run_many(self._sql.act, [act_columns(act) for act in acts])

    def acts(self, gap_ids: Iterable[str]) -> dict[str, list[Act]]:
        """Return the acts of each gap that has any, oldest first."""
        wanted = (given(sorted(set(gap_ids))),)
        return read_acts(self._session.rows(self._sql.acts, wanted))

    def mute(self, mute: Mute) -> None:
        """Keep a mute; the same one again changes nothing."""
        self._session.run_many(self._sql.mute, [mute_columns(mute)])

    def lift(self, mute_id: str, by: str, at: datetime) -> None:
        """Keep that a mute ended before its time."""
        found = self._session.rows(self._sql.subject, (key_text(mute_id),))
        rows = [lift_columns(mute_id, row[0], by, at) for row in found]
        self._session.run_many(self._sql.mute, rows)

    def muted(self, subjects: Iterable[str]) -> list[Mute]:
        """Return every mute of these subjects, past ones too, by id."""
        wanted = (given(sorted({storable(one) for one in subjects})),)
        return read_mutes(self._session.rows(self._sql.muted, wanted))

    def mutes(self) -> list[Mute]:
        """Return every mute, past ones too, the newest first."""
        return newest_first(read_mutes(self._session.rows(self._sql.mutes)))

    def tell_later(self, items: Sequence[DigestItem]) -> None:
        """Keep what the next digest tells; what is there already stays as it was."""
        rows = [item_columns(item) for item in sorted(items)]
        self._session.run_many(self._sql.item, rows)

    def untold(self, until: datetime) -> list[DigestItem]:
        """Return what no digest has told and was known by an instant."""
        rows = self._session.rows(self._sql.untold, (instant_text(until),))
        return in_digest_order(map(read_item, rows))

    def told(self, owner: str, slot: datetime, items: Sequence[DigestItem]) -> bool:
        """Note the digest of an owner at a slot, and what it told."""
        at = instant_text(slot)
        if not self._session.run_many(self._sql.digest, [(storable(owner), at)]):
            return False
        rows = [(at, *item_columns(item)[:4]) for item in items]
        self._session.run_many(self._sql.told, rows)
        return True
