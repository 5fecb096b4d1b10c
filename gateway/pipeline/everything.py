"""Run `$everything`: shelf after shelf until a page is full, with what its resources point to."""

from typing import NamedTuple

from gateway.core.errors import RejectedError
from gateway.core.ports import StoredResource, Transaction
from gateway.fhir.everything import EverythingQuery
from gateway.fhir.search_faults import bad_cursor
from gateway.pipeline.searching import referenced


class Whole(NamedTuple):
    """One page.

    Attributes:
        resources: what belongs to the whole.
        pointed_to: what these point to beside them: professionals, places, organizations.
        next_cursor: where the next page starts; None on the last.
    """

    resources: list[StoredResource]
    pointed_to: list[StoredResource]
    next_cursor: str | None


def run(tx: Transaction, query: EverythingQuery) -> Whole:
    """Return the page that is asked for."""
    shelves = query.shelves()
    number, cursor = _place(query.cursor, len(shelves))
    found: list[StoredResource] = []
    following = None
    while number < len(shelves):
        if len(found) == query.count:
            following = f"{number}~{cursor or ''}"
            break
        shelf, room = shelves[number], query.count - len(found)
        page = tx.resources.search(shelf.type, shelf.conditions, room, cursor)
        found += page.resources
        cursor = page.next_cursor
        if cursor is None:
            number += 1
    own = {shelf.type for shelf in shelves}
    beside = [r for r in referenced(tx, found) if r.type not in own and query.wants(r.type)]
    return Whole(found, beside, following)


def _place(cursor: str | None, shelves: int) -> tuple[int, str | None]:
    if cursor is None:
        return 0, None
    number, _, rest = cursor.partition("~")
    if not (number.isascii() and number.isdigit() and int(number[:4]) < shelves):
        raise RejectedError([bad_cursor()])
    return int(number), rest or None
