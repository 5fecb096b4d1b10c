"""How values look inside the store; the only place where bodies are turned to and from bytes.

The three stores share it, so that they keep and lose exactly the same things. Knows no database.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from gateway.core.contributions import Contribution, Kind, Target, Version
from gateway.core.decimals import ExactDecimal
from gateway.core.index_ports import IndexEntry
from gateway.core.issues import Issue, Severity
from gateway.core.messages import Channel, Header, InboxRow, InboxStatus, NewInboxRow
from gateway.store.problems import bad_cursor

#: PostgreSQL keeps neither NUL nor half of a surrogate pair in a text.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
#: A key part beyond this is kept as its start and its hash: an index row of PostgreSQL holds
#: 2,700 bytes, and a broken header can put anything in a key.
KEY_LIMIT = 160
#: The words beside a code are part of the key too; what does not fit is not searched.
_WORDS_LIMIT = 400
_SURROGATE = re.compile("[\ud800-\udfff]")


def storable(text: str) -> str:
    """Return text with each character no database keeps replaced by U+FFFD.

    The bytes as received stay whole in the body; this is for what is written beside them.
    """
    if text.isascii() and "\x00" not in text:
        return text
    return _UNSTORABLE.sub("\ufffd", text)


def key_text(text: str) -> str:
    """Return the storable text that stands for `text` in a key: equal texts, equal keys."""
    if len(text) <= KEY_LIMIT:
        plain = text.isascii() and "\x00" not in text
        return text if plain else _UNSTORABLE.sub("\ufffd", text)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{storable(text[: KEY_LIMIT - 70])}~{digest}"


def instant_text(instant: datetime) -> str:
    """Return an aware instant as UTC text of fixed width, which sorts as the instant does."""
    return _utc_text(instant if instant.tzinfo is UTC else instant.astimezone(UTC))


# A batch has one instant. Only UTC is remembered: elsewhere two instants can look equal.
@lru_cache(maxsize=256)
def _utc_text(instant: datetime) -> str:
    return instant.isoformat(timespec="microseconds")


def read_instant(text: str) -> datetime:
    """Read an instant from ISO 8601 text with an offset."""
    return datetime.fromisoformat(text)


def seal(body: bytes) -> bytes:
    """Return a body as it is written."""
    return body


def unseal(stored: bytes) -> bytes:
    """Return a body as it was before `seal`."""
    return stored


class InboxColumns(NamedTuple):
    """An inbox row as its columns, in the order of the table."""

    id: int
    received_at: str
    channel: str
    peer: str
    sender_app: str
    sender_facility: str
    control_id: str
    message_type: str
    raw_sha256: str
    canonical_sha256: str
    sent_at: str | None
    status: str
    answer: bytes
    issues: bytes
    flags: str
    attempts: int
    body: bytes


def inbox_columns(row_id: int, row: NewInboxRow) -> InboxColumns:
    """Return the columns of a new row."""
    header = row.header
    return InboxColumns(
        row_id,
        instant_text(row.received_at),
        row.channel.value,
        storable(row.peer),
        storable(header.sender[0]),
        storable(header.sender[1]),
        storable(header.control_id),
        storable(header.message_type),
        header.raw_sha256,
        header.canonical_sha256,
        None if header.sent_at is None else instant_text(header.sent_at),
        row.status.value,
        seal(row.answer),
        write_issues(row.issues),
        write_flags(row.flags),
        0,
        seal(row.body),
    )


def read_inbox(columns: Sequence[Any]) -> InboxRow:
    """Make an inbox row of its columns."""
    c = InboxColumns(*columns)
    return InboxRow(
        id=c.id,
        received_at=read_instant(c.received_at),
        channel=Channel(c.channel),
        peer=c.peer,
        header=Header(
            sender=(c.sender_app, c.sender_facility),
            control_id=c.control_id,
            message_type=c.message_type,
            raw_sha256=c.raw_sha256,
            canonical_sha256=c.canonical_sha256,
            sent_at=None if c.sent_at is None else read_instant(c.sent_at),
        ),
        body=unseal(c.body) if c.body else b"",
        status=InboxStatus(c.status),
        answer=unseal(c.answer) if c.answer else b"",
        issues=read_issues(c.issues),
        flags=read_flags(c.flags),
        attempts=c.attempts,
    )


def inbox_key(header: Header) -> tuple[str, str, str, str]:
    """Return what makes two inputs the same input."""
    app, facility = header.sender
    return key_text(app), key_text(facility), key_text(header.control_id), header.canonical_sha256


#: An index entry as its columns, in the order of the key of the table:
#: param, low, value, system, high. A plain tuple, of which every message makes dozens.
EntryColumns = tuple[str, str, str, str, str]


def entry_columns(entries: Iterable[IndexEntry]) -> list[EntryColumns]:
    """Return the columns of index entries, each once."""
    found: dict[EntryColumns, None] = {}
    for param, system, value, low, high in entries:
        # What is printable has none of the characters that no database keeps.
        if len(value) + len(system) > KEY_LIMIT or not (value + system).isprintable():
            value, system = key_text(value), key_text(system)
        if high and (len(high) > _WORDS_LIMIT or not high.isprintable()):
            high = storable(high[:_WORDS_LIMIT])
        found[param, low, value, system, high] = None
    return list(found)


def write_cursor(last_updated: str, id_: str) -> str:
    """Return the opaque place of a resource in the order of a search."""
    return base64.urlsafe_b64encode(f"{last_updated}|{id_}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[str, str]:
    """Read back what `write_cursor` wrote.

    Raises:
        RejectedError: another text was given (RLS-STO-005).
    """
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        last_updated, bar, id_ = base64.b64decode(padded, b"-_", True).decode().partition("|")
        canonical = instant_text(read_instant(last_updated)) == last_updated
    except (ValueError, TypeError) as error:
        raise bad_cursor() from error
    if not (bar and id_ and canonical):
        raise bad_cursor()
    return last_updated, id_


def target_text(target: Target) -> str:
    """Return `Type/id`."""
    return f"{target.type}/{target.id}"


def read_target(text: str) -> Target:
    """Read back what `target_text` wrote."""
    type_, _, id_ = text.partition("/")
    return Target(type_, id_)


def write_payload(part: Contribution) -> bytes:
    """Return what a contribution says, without its place in the order, as bytes.

    Contributions that say the same give the same bytes when they are shared.
    """
    option = orjson.OPT_SORT_KEYS if part.kind is Kind.SHARED else 0
    return seal(_payload_bytes(_content(part), option))


def write_own(part: Contribution) -> tuple[bytes, bool]:
    """Return the payload of a contribution that is not shared, and whether it says the same.

    It does not when characters that cannot be kept had to be replaced.
    """
    try:
        return seal(orjson.dumps(_content(part))), True
    except orjson.JSONEncodeError:
        return write_payload(part), False


def _content(part: Contribution) -> list[object]:
    """Return what is kept of a contribution; few belong to a document or are written by clients."""
    content: list[object] = [part.resource, part.removals, part.annotates, part.movement]
    if part.told_in:
        return [*content, part.document, part.writer, part.told_in]
    if part.writer:
        return [*content, part.document, part.writer]
    return [*content, part.document] if part.document else content


def read_payload(
    target: Target, version: str, ordinal: int, kind: Kind, stored: bytes
) -> Contribution:
    """Make a contribution again from its columns."""
    told = unseal(stored)
    read = _read_exact if told.startswith(_WITH_DIGITS) else orjson.loads
    resource, removals, annotates, movement, *more = read(told)
    return Contribution(
        target=target,
        version=Version.from_key(version),
        resource=resource,
        ordinal=ordinal,
        removals=tuple(removals),
        annotates=annotates,
        kind=kind,
        movement=movement,
        document=more[0] if more else "",
        writer=more[1] if len(more) > 1 else "",
        told_in=more[2] if len(more) > 2 else "",
    )


#: Before a payload whose numbers keep the digits they came with; others are read faster.
_WITH_DIGITS = b" "


def _payload_bytes(content: list[object], option: int) -> bytes:
    try:
        return orjson.dumps(content, option=option)
    except orjson.JSONEncodeError:
        # Decimals as they were written, or half a surrogate pair; anything else fails again.
        whole = _whole_characters(content)
        return _WITH_DIGITS + orjson.dumps(whole, _digits, option)


def _digits(value: object) -> orjson.Fragment:
    if not isinstance(value, Decimal):
        raise TypeError(type(value))
    return orjson.Fragment(str(value).encode())


def _read_exact(told: bytes) -> list[Any]:
    found: list[Any] = json.loads(told, parse_float=ExactDecimal)
    return found


def read_made(rows: Iterable[Sequence[Any]]) -> dict[int, list[Target]]:
    """Return by input what it makes or adds to: rows of inbox id, target and payload.

    What it only annotates is left out; a target is named once.
    """
    found: dict[int, dict[Target, None]] = {}
    for inbox_id, name, stored in rows:
        if not _annotates(stored):
            found.setdefault(inbox_id, {})[read_target(name)] = None
    return {inbox_id: list(targets) for inbox_id, targets in found.items()}


@lru_cache(maxsize=4096)
def _annotates(stored: bytes) -> bool:
    """Tell whether a contribution only adds to what another one makes."""
    _, _, annotates, *_ = orjson.loads(unseal(stored))
    return bool(annotates)


def payload_hash(payload: bytes) -> str:
    """Return the hash by which equal shared content is recognised."""
    return hashlib.sha256(payload).hexdigest()


def write_issues(issues: Sequence[Issue]) -> bytes:
    """Return issues as JSON bytes."""
    if not issues:
        return b"[]"
    return seal(
        json_bytes(
            [
                (i.code, i.severity.value, i.where, i.what, i.fix, i.hl7_code, i.hl7_user_code)
                for i in issues
            ]
        )
    )


def read_issues(stored: bytes) -> tuple[Issue, ...]:
    """Read back what `write_issues` wrote."""
    if stored == b"[]":
        return ()
    return tuple(
        Issue(code, Severity(severity), *rest)
        for code, severity, *rest in orjson.loads(unseal(stored))
    )


def write_flags(flags: Sequence[str]) -> str:
    """Return flags as JSON text, readable by an operator."""
    return json_bytes(flags).decode() if flags else "[]"


def read_flags(stored: str) -> tuple[str, ...]:
    """Read back what `write_flags` wrote."""
    return () if stored == "[]" else tuple(orjson.loads(stored))


def json_bytes(value: Any, option: int = 0) -> bytes:
    """Return JSON bytes; half of a surrogate pair becomes U+FFFD (NUL is written as an escape)."""
    try:
        return orjson.dumps(value, option=option)
    except orjson.JSONEncodeError:
        # Rare: half a surrogate pair somewhere. Anything else fails again here.
        return orjson.dumps(_whole_characters(value), option=option)


def _whole_characters(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_whole_characters(k): _whole_characters(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_whole_characters(member) for member in value]
    return value
