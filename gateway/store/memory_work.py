"""What happens to open gaps, in memory: acts, mutes, digests."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from gateway.core.work import Act, DigestItem, Mute
from gateway.store.codec import instant_text, storable
from gateway.store.journal import Journal
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


class MemoryWork:
    """Acts, mutes and digests, kept as the columns the SQL stores write."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._acts: dict[str, dict[tuple[int, str, int], ActColumns]] = {}
        self._mutes: dict[tuple[str, int], MuteColumns] = {}
        self._items: dict[tuple[str, str, int, str], ItemColumns] = {}
        self._digests: dict[tuple[str, str], None] = {}

    def add(self, acts: Sequence[Act]) -> None:
        """Keep acts; one that is there already stays as it was."""
        for row in map(act_columns, acts):
            known = self._acts.setdefault(row.gap_id, {})
            key = (row.episode, row.did, row.number)
            if key not in known:
                self._journal.put(known, key, row)

    def acts(self, gap_ids: Iterable[str]) -> dict[str, list[Act]]:
        """Return the acts of each gap that has any, oldest first."""
        rows = (row for gap in set(gap_ids) for row in self._acts.get(gap, {}).values())
        return read_acts(rows)

    def mute(self, mute: Mute) -> None:
        """Keep a mute; the same one again changes nothing."""
        self._put(mute_columns(mute))

    def lift(self, mute_id: str, by: str, at: datetime) -> None:
        """Keep that a mute ended before its time."""
        known = self._mutes.get((mute_id, 0))
        if known is not None:
            self._put(lift_columns(mute_id, known.subject, by, at))

    def _put(self, row: MuteColumns) -> None:
        key = (row.id, row.lifted)
        if key not in self._mutes:
            self._journal.put(self._mutes, key, row)

    def muted(self, subjects: Iterable[str]) -> list[Mute]:
        """Return every mute of these subjects, past ones too, by id."""
        wanted = {storable(one) for one in subjects}
        return read_mutes(row for row in self._mutes.values() if row.subject in wanted)

    def mutes(self) -> list[Mute]:
        """Return every mute, past ones too, the newest first."""
        return newest_first(read_mutes(self._mutes.values()))

    def tell_later(self, items: Sequence[DigestItem]) -> None:
        """Keep what the next digest tells; what is there already stays as it was."""
        for row in map(item_columns, items):
            if row[:4] not in self._items:
                self._journal.put(self._items, row[:4], row)

    def untold(self, until: datetime) -> list[DigestItem]:
        """Return what no digest has told and was known by an instant."""
        end = instant_text(until)
        rows = (row for row in self._items.values() if not row.told and row.at <= end)
        return in_digest_order(map(read_item, rows))

    def told(self, owner: str, slot: datetime, items: Sequence[DigestItem]) -> bool:
        """Note the digest of an owner at a slot, and what it told."""
        at = instant_text(slot)
        key = (storable(owner), at)
        if key in self._digests:
            return False
        self._journal.put(self._digests, key, None)
        for row in map(item_columns, items):
            self._journal.put(self._items, row[:4], row._replace(told=at))
        return True
