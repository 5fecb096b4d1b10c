"""How a cancellation of something nobody told looks in a store. Knows no database."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from gateway.core.contributions import Target
from gateway.core.feed_ports import CancelledAlone
from gateway.store.codec import instant_text, key_text, read_instant


class OrphanColumns(NamedTuple):
    """A row of `feed_orphan`, in the order of the table.

    Attributes:
        targets: pairs of type and id, as JSON.
    """

    inbox_id: int
    feed: str
    at: str
    digest: str
    targets: str


def orphan_columns(one: CancelledAlone) -> OrphanColumns:
    """Return the row of a note."""
    targets = orjson.dumps([list(target) for target in one.targets]).decode()
    return OrphanColumns(
        one.inbox_id, key_text(one.feed), instant_text(one.at), one.digest, targets
    )


def read_orphan(columns: Sequence[Any]) -> CancelledAlone:
    """Read a row back."""
    row = OrphanColumns(*columns)
    targets = tuple(Target(*target) for target in orjson.loads(row.targets))
    return CancelledAlone(int(row.inbox_id), row.feed, read_instant(row.at), row.digest, targets)
