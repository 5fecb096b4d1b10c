"""The masks of documents follow to what they alone tell, in the transaction that tells it.

Joins `fhir.masked`, which knows what shares the labels of a document, with what is stored.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

import orjson

from gateway.core.contributions import Contribution, Json, Target, TraceLine
from gateway.core.ports import Condition, StoredResource, Transaction
from gateway.fhir.masked import DOCUMENT, labels_of, lines, share_masks, with_labels_of_documents
from gateway.pipeline import written


class Traced(Protocol):
    """What an input says, with where each value comes from."""

    @property
    def contributions(self) -> list[Contribution]:
        """Return what it says."""
        ...

    @property
    def trace(self) -> list[TraceLine]:
        """Return where each value comes from."""
        ...


T = TypeVar("T", bound=Traced)
#: Messages about one document; a document is sent again a few times at most.
_MESSAGES = 1000


def follow(
    tx: Transaction,
    parts: Mapping[Target, Sequence[Contribution]],
    folded: dict[Target, list[Json]],
) -> None:
    """Put the labels of documents on what they alone tell, and on their Provenance; in place.

    Args:
        tx: reads documents that are not folded.
        parts: everything that is said about each target.
        folded: what was made of it.
    """
    share_masks(parts, folded, lambda ids: _stored(tx, ids))


def explained(found: T) -> T:
    """Add to the trace of an input the lines of what shares the masks of its document."""
    found.trace.extend(lines(found.contributions))
    return found


def provenances(
    tx: Transaction, changes: Iterable[tuple[StoredResource | None, StoredResource]]
) -> dict[Target, list[Json]]:
    """Return what tells of documents whose masks have changed, as it is to be written.

    Args:
        tx: sees the changes.
        changes: versions that were written, each with the one it replaces.
    """
    found: dict[Target, list[Json]] = {}
    for id_ in [after.id for before, after in changes if _has_other_labels(before, after)]:
        about = Condition("target", "reference", ((DOCUMENT, id_),))
        for row in tx.resources.search("Provenance", [about], _MESSAGES, None).resources:
            told = written.read(row)
            if told is not None:
                made = with_labels_of_documents(told, lambda ids: _stored(tx, ids))
                found[row.owner] = [made]
    return found


def _stored(tx: Transaction, ids: Iterable[str]) -> dict[str, Sequence[Json]]:
    found = tx.resources.current([(DOCUMENT, one) for one in ids])
    return {id_: labels_of(written.read(row) or {}) for (_, id_), row in found.items()}


def _has_other_labels(before: StoredResource | None, after: StoredResource) -> bool:
    if after.type != DOCUMENT or before is None or before.deleted or after.deleted:
        return False
    was, is_ = (labels_of(orjson.loads(one.body)) for one in (before, after))
    return was != is_
