"""Tokens of further pages: a place in a listing, tied to what was asked and to an instant.

A token that was cut, or moved to another search, is noticed; one that is old has expired. It hides
nothing and protects nothing: rights are checked on every page.
"""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from gateway.core.errors import RejectedError
from gateway.fhir.search_faults import bad_cursor, expired_page

#: How long the next page can be asked for.
PAGE_LIFE = timedelta(hours=24)
_EPOCH = datetime.fromtimestamp(0, UTC)


class Opened(NamedTuple):
    """A token as it was given out.

    Attributes:
        cursor: place in the listing, as the store understands it.
        issued: when it was given out.
    """

    cursor: str
    issued: datetime


def write(asked: str, cursor: str, issued: datetime | None) -> str:
    """Return the token of the page that starts at a cursor.

    Args:
        asked: everything that makes the listing what it is.
        cursor: place in it.
        issued: when it is given out; None where nothing expires.
    """
    moment = f"{int((issued or _EPOCH).timestamp()):x}"
    text = f"{asked}\n{moment}\n{cursor}".encode("utf-8", "surrogatepass")
    return f"{blake2b(text, digest_size=8).hexdigest()}.{moment}.{cursor}"


def read(asked: str, token: str, now: datetime | None) -> Opened:
    """Read back what `write` wrote for the same listing.

    Raises:
        RejectedError: it belongs to another one (RLS-FHR-065) or has expired (RLS-FHR-072).
    """
    _seal, _, rest = token.partition(".")
    moment, _, cursor = rest.partition(".")
    try:
        issued = datetime.fromtimestamp(int(moment[:9], 16), UTC)
    except (ValueError, OverflowError, OSError):
        raise RejectedError([bad_cursor()]) from None
    if not cursor or write(asked, cursor, issued) != token:
        raise RejectedError([bad_cursor()])
    if now is not None and now - issued > PAGE_LIFE:
        raise RejectedError([expired_page()])
    return Opened(cursor, issued)
