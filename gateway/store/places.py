"""Places in the order of a listing, as opaque texts a client hands back (keyset paging).

A page starts behind a place and not after a number of rows, so rows that come meanwhile neither
push others onto the next page nor hide them.
"""

import base64
from collections.abc import Sequence

import orjson

from gateway.core.ports import StoredResource
from gateway.store.codec import instant_text, read_cursor, read_instant, storable
from gateway.store.problems import bad_cursor

#: A version in the order of changes: instant, type, id, number.
ChangePlace = tuple[str, str, str, int]


def write_place(values: Sequence[str]) -> str:
    """Return the place of a row in an order of its own: values of the keys, then its id."""
    return base64.urlsafe_b64encode(orjson.dumps(list(values))).decode().rstrip("=")


def read_place(cursor: str, keys: int) -> tuple[str, ...]:
    """Read back a place in the order of a search, `keys` of which were chosen.

    Raises:
        RejectedError: another text was given (RLS-STO-005).
    """
    return _values(cursor, keys + 1) if keys else read_cursor(cursor)


def write_change(row: StoredResource) -> str:
    """Return the place of a version among all changes."""
    *texts, version = change_place(row)
    return write_place([*map(str, texts), str(version)])


def read_change(cursor: str) -> ChangePlace:
    """Read back what `write_change` wrote.

    Raises:
        RejectedError: another text was given (RLS-STO-005).
    """
    updated, type_, id_, version = _values(cursor, 4)
    try:
        canonical = instant_text(read_instant(updated)) == updated
    except ValueError as error:
        raise bad_cursor() from error
    if not (canonical and version.isascii() and version.isdigit() and len(version) < 10):
        raise bad_cursor()
    return updated, type_, id_, int(version)


def change_place(row: StoredResource) -> ChangePlace:
    """Return the place of a version among all changes."""
    return instant_text(row.last_updated), row.type, row.id, row.version


def is_older(here: ChangePlace, place: ChangePlace) -> bool:
    """Tell whether a version is listed behind a place: newest first, then type, id, number."""
    if here[0] != place[0]:
        return here[0] < place[0]
    if here[1:3] != place[1:3]:
        return here[1:3] > place[1:3]
    return here[3] < place[3]


def _values(cursor: str, count: int) -> tuple[str, ...]:
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        values = orjson.loads(base64.b64decode(padded, b"-_", True))
    except ValueError as error:
        raise bad_cursor() from error
    if not isinstance(values, list) or len(values) != count:
        raise bad_cursor()
    if not all(isinstance(text, str) and text == storable(text) for text in values):
        raise bad_cursor()
    return tuple(values)
