"""What the ladder, mutes and digests need of the store; rows are added, never changed."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from gateway.core.work import Act, DigestItem, Mute


class WorkQueries(Protocol):
    """What was done about gaps, what is muted, what digests told."""

    def add(self, acts: Sequence[Act]) -> None:
        """Keep acts; one whose (gap, episode, kind, number) is there already stays as it was."""
        ...

    def acts(self, gap_ids: Iterable[str]) -> dict[str, list[Act]]:
        """Return the acts of each gap that has any, of every episode, oldest first."""
        ...

    def mute(self, mute: Mute) -> None:
        """Keep a mute; the same one again changes nothing."""
        ...

    def lift(self, mute_id: str, by: str, at: datetime) -> None:
        """Keep that a mute ended before its time; the first word counts."""
        ...

    def muted(self, subjects: Iterable[str]) -> list[Mute]:
        """Return every mute of these subjects, past ones too, by id."""
        ...

    def mutes(self) -> list[Mute]:
        """Return every mute, past ones too, the newest first."""
        ...

    def tell_later(self, items: Sequence[DigestItem]) -> None:
        """Keep what the next digest tells; what is there already stays as it was."""
        ...

    def untold(self, until: datetime) -> list[DigestItem]:
        """Return what no digest has told and was known by an instant, by owner and time."""
        ...

    def told(self, owner: str, slot: datetime, items: Sequence[DigestItem]) -> bool:
        """Note the digest of an owner at a slot, and what it told.

        Returns:
            False when that digest was made already; nothing is noted then.
        """
        ...
