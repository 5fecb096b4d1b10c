"""How acts on gaps, mutes and digest items look inside the store; shared by the three stores."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from gateway.core.work import PEOPLES, Act, Did, DigestItem, Mute, Reason, Scope
from gateway.store.codec import instant_text, json_bytes, read_instant, seal, storable, unseal


class ActColumns(NamedTuple):
    """A row of `gap_act`, in the order of the table."""

    gap_id: str
    episode: int
    did: str
    number: int
    at: str
    content: bytes


class MuteColumns(NamedTuple):
    """A row of `mute`, in the order of the table."""

    id: str
    lifted: int
    subject: str
    at: str
    content: bytes


class ItemColumns(NamedTuple):
    """A row of `digest_item`, in the order of the table."""

    owner: str
    gap_id: str
    episode: int
    news: str
    at: str
    told: str = ""


def act_columns(act: Act) -> ActColumns:
    """Return the columns of an act."""
    content = seal(json_bytes(act.details, orjson.OPT_SORT_KEYS))
    at = instant_text(act.at)
    return ActColumns(storable(act.gap_id), act.episode, act.did.value, act.number, at, content)


def read_acts(rows: Iterable[Sequence[Any]]) -> dict[str, list[Act]]:
    """Return acts by gap, oldest first.

    Of one instant: by kind and number, then what people did by the version of the Task.
    """
    found: dict[str, list[Act]] = {}
    for row in sorted((ActColumns(*row) for row in rows), key=_when):
        details = orjson.loads(unseal(row.content))
        act = Act(row.gap_id, row.episode, Did(row.did), row.number, read_instant(row.at), details)
        found.setdefault(row.gap_id, []).append(act)
    return found


def _when(row: ActColumns) -> tuple[str, int, bool, str, int]:
    is_peoples = Did(row.did) in PEOPLES
    return row.at, row.episode, is_peoples, "" if is_peoples else row.did, row.number


def mute_columns(mute: Mute) -> MuteColumns:
    """Return the columns of a mute."""
    content = [
        mute.scope.value,
        mute.reason.value,
        mute.author,
        instant_text(mute.until),
        mute.note,
    ]
    return MuteColumns(
        storable(mute.id),
        0,
        storable(mute.subject),
        instant_text(mute.since),
        seal(json_bytes(content)),
    )


def lift_columns(mute_id: str, subject: str, by: str, at: datetime) -> MuteColumns:
    """Return the columns of the end of a mute before its time."""
    return MuteColumns(mute_id, 1, subject, instant_text(at), seal(json_bytes([by])))


def read_mutes(rows: Iterable[Sequence[Any]]) -> list[Mute]:
    """Return mutes with their ends, by id."""
    found: dict[str, Mute] = {}
    # The mute before its end: column 1.
    for row in sorted((MuteColumns(*row) for row in rows), key=lambda row: row[:2]):
        content = orjson.loads(unseal(row.content))
        if row.lifted:
            ended = replace(found[row.id], lifted_at=read_instant(row.at), lifted_by=content[0])
            found[row.id] = ended
            continue
        scope, reason, author, until, note = content
        found[row.id] = Mute(
            id=row.id,
            scope=Scope(scope),
            subject=row.subject,
            reason=Reason(reason),
            author=author,
            since=read_instant(row.at),
            until=read_instant(until),
            note=note,
        )
    return list(found.values())


def newest_first(mutes: Iterable[Mute]) -> list[Mute]:
    """Return mutes as people list them."""
    return sorted(mutes, key=lambda mute: (mute.since, mute.id), reverse=True)


def item_columns(item: DigestItem) -> ItemColumns:
    """Return the columns of a digest item that no digest has told."""
    return ItemColumns(
        storable(item.owner),
        storable(item.gap_id),
        item.episode,
        item.news,
        instant_text(item.at),
    )


def read_item(columns: Sequence[Any]) -> DigestItem:
    """Make a digest item of its columns."""
    row = ItemColumns(*columns)
    return DigestItem(row.owner, row.gap_id, row.episode, row.news, read_instant(row.at))


def in_digest_order(items: Iterable[DigestItem]) -> list[DigestItem]:
    """Return items by owner, then as they became known."""
    return sorted(items, key=lambda one: (one.owner, one.at, one.gap_id, one.episode, one.news))
