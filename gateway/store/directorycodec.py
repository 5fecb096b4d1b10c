"""How entries of the directory and states of its sources look as columns; for every store."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple
from unicodedata import combining, normalize

import orjson

from gateway.core.directory import Asked, Entry, SourceState
from gateway.store.codec import instant_text, json_bytes, key_text, read_instant


class EntryColumns(NamedTuple):
    """A row of `directory_entry`, in the order of the table."""

    origin: str
    rpps: str
    finess: str
    address: str
    words: str
    town: str
    seen_at: str
    body: bytes


class SourceColumns(NamedTuple):
    """A row of `directory_source`, in the order of the table."""

    origin: str
    as_of: str
    loaded_at: str
    entries: int
    failing_since: str
    failure: str


def folded(text: str) -> str:
    """Return a text without accents, case and punctuation, words parted by one space."""
    plain = "".join(c for c in normalize("NFKD", text) if not combining(c))
    return " ".join(re.sub(r"[^0-9a-z]+", " ", plain.casefold()).split())


def entry_columns(entry: Entry) -> EntryColumns:
    """Return the columns of an entry; an address is kept as written and found in lower case."""
    told = asdict(entry)
    told["seen_at"] = instant_text(entry.seen_at) if entry.seen_at else ""
    return EntryColumns(
        origin=key_text(entry.origin),
        rpps=key_text(entry.rpps),
        finess=key_text(entry.finess),
        address=key_text(entry.address.lower()),
        words=f" {folded(f'{entry.family} {entry.given} {entry.structure}')}",
        town=f" {folded(entry.place)} {folded(entry.postcode)}",
        seen_at=told["seen_at"],
        body=json_bytes(told),
    )


def read_entry(body: bytes) -> Entry:
    """Read an entry."""
    told: dict[str, Any] = orjson.loads(body)
    told["seen_at"] = _instant(told["seen_at"])
    return Entry(**told)


def is_meant(columns: EntryColumns, asked: Asked) -> bool:
    """Tell whether an entry is what is looked for; the SQL stores ask the same in SQL."""
    rpps, finess, address, words, town = question(asked)
    return (
        rpps in ("", columns.rpps)
        and finess in ("", columns.finess)
        and address in ("", columns.address)
        and all(f" {word}" in columns.words for word in words)
        and all(f" {word}" in columns.town for word in town)
    )


def question(asked: Asked) -> tuple[str, str, str, list[str], list[str]]:
    """Return what is looked for as the columns are written: three keys, words of name and town."""
    return (
        key_text(asked.rpps),
        key_text(asked.finess.upper()),
        key_text(asked.address.lower()),
        folded(asked.name).split(),
        folded(asked.place).split(),
    )


def in_order(entries: Sequence[Entry]) -> list[Entry]:
    """Return entries by name, then address, then source."""
    return sorted(
        entries, key=lambda e: (folded(f"{e.family} {e.given} {e.structure}"), e.address, e.origin)
    )


def source_columns(state: SourceState) -> SourceColumns:
    """Return the columns of a state."""
    return SourceColumns(
        key_text(state.origin),
        instant_text(state.as_of) if state.as_of else "",
        instant_text(state.loaded_at),
        state.entries,
        instant_text(state.failing_since) if state.failing_since else "",
        state.failure,
    )


def read_source(columns: Sequence[Any]) -> SourceState:
    """Read a state."""
    c = SourceColumns(*columns)
    return SourceState(
        c.origin,
        _instant(c.as_of),
        read_instant(c.loaded_at),
        c.entries,
        _instant(c.failing_since),
        c.failure,
    )


def _instant(text: str) -> datetime | None:
    return read_instant(text) if text else None
