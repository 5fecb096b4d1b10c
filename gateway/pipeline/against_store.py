"""What only the store can tell of an input: whether it may do what it asks, and what it lacks.

Joins the rules of documents, of their sets, of orders and of cancellations. Runs inside the
transaction that would store the input, so that two inputs of one commit are judged one after the
other. What was accepted once stays accepted, with the flags it got, when it is replayed; what was
refused is judged anew (`pipeline.replay`).
"""

from collections.abc import Iterator, Sequence

from gateway.core.contributions import Target
from gateway.core.ports import Transaction
from gateway.pipeline import cancellations, documents, shared_numbers, shared_sets
from gateway.pipeline.prepared import Prepared

#: Flags that tell what the store lacked when an input came: they stay, whatever comes later.
FLAGS = frozenset({cancellations.FLAG, documents.FLAG_PARENT_UNKNOWN})


def judged(tx: Transaction, item: Prepared) -> Prepared:
    """Return an input as it may be stored: unchanged, flagged, or set aside with the reason.

    Args:
        tx: sees everything that was stored before.
        item: converted.
    """
    judges = (documents.judged, shared_sets.judged, shared_numbers.judged, cancellations.judged)
    for judge in judges:
        item = judge(tx, item)
    return item


def in_turns(batch: Sequence[Prepared]) -> Iterator[Sequence[Prepared]]:
    """Cut a batch where an input must see what one before it in the batch stores.

    A batch without such a pair, as nearly every one, stays whole.
    """
    asking = [_asked(item) for item in batch]
    if not any(asking):
        yield batch
        return
    start = 0
    told: set[Target] = set()
    for position, (item, asked) in enumerate(zip(batch, asking, strict=True)):
        if told & asked:
            yield batch[start:position]
            start, told = position, set()
        told |= asked | {part.target for part in item.contributions}
    yield batch[start:]


def _asked(item: Prepared) -> set[Target]:
    asking = (documents.asked, shared_sets.asked, shared_numbers.asked, cancellations.asked)
    return set[Target]().union(*(ask(item) for ask in asking))
