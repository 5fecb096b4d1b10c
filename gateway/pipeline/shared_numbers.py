"""Refuse an order whose number of the filler belongs to another order.

Two sides number one order; once a pair of numbers is known, neither goes with another one: which
of the two orders was meant would be a guess. Runs inside the transaction that would store the
input; what was accepted once stays accepted when it is replayed.
Standard: HL7 v2.5 4.5.1.2, 4.5.1.3 (ORC-2, ORC-3); table 0357, 205 (duplicate key identifier).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from gateway.core.contributions import Contribution, Target
from gateway.core.issues import Issue
from gateway.core.messages import InboxStatus
from gateway.core.ports import Transaction
from gateway.fhir.order_numbers import BESIDE, KIND, Numbers, numbers_of
from gateway.hl7v2 import order_refusals
from gateway.hl7v2.message import Message
from gateway.hl7v2.orders import heads_of, number_nodes
from gateway.pipeline.prepared import Prepared

_KINDS = frozenset({"ORM", "OMG", "OML", "ORU"})


def asked(item: Prepared) -> set[Target]:
    """Return what an input shares with others by its pairs of numbers; empty without any pair."""
    found: set[Target] = set()
    for part, numbers in _pairs(item):
        found |= {part.target, Target(KIND, numbers.filler)}
    return found


def judged(tx: Transaction, item: Prepared) -> Prepared:
    """Return an input as it may be stored: unchanged, or set aside with the reason.

    Args:
        tx: sees everything that was stored before.
        item: converted.
    """
    pairs = list(_pairs(item))
    if not pairs:
        return item
    # Another writer that gives the same number waits, and then sees this one.
    tx.contributions.lock([Target(KIND, numbers.filler) for _, numbers in pairs])
    held = tx.claims.held(sorted({part.target for part, _ in pairs}))
    sharing = tx.claims.sharing({(KIND, numbers.filler) for _, numbers in pairs})
    filler_of = {
        target: {claim.value for claim in claims if claim.kind == KIND and claim.content == BESIDE}
        for target, claims in held.items()
    }
    order_of = {
        filler: {claim.target for claim in claims if claim.content == BESIDE}
        for (_, filler), claims in sharing.items()
    }
    issue = next(_refusals(item, pairs, filler_of, order_of), None)
    if issue is None:
        return item
    return replace(
        item,
        status=InboxStatus.QUARANTINED,
        contributions=(),
        assertions=(),
        location="",
        issues=(issue,),
    )


def _pairs(item: Prepared) -> Iterator[tuple[Contribution, Numbers]]:
    """Yield what an input says of orders of which it gives both numbers."""
    message = item.opened.parsed
    if item.status is not InboxStatus.CONVERTED or not isinstance(message, Message):
        return
    if message.message_type not in _KINDS:
        return
    for part in item.contributions:
        if part.target.type == "ServiceRequest" and all(numbers := numbers_of(part.resource)):
            yield part, numbers


def _refusals(
    item: Prepared,
    pairs: list[tuple[Contribution, Numbers]],
    filler_of: Mapping[Target, set[str]],
    order_of: Mapping[str, set[Target]],
) -> Iterator[Issue]:
    """Say which pairs contradict a pair that is stored, or one told before in the input."""
    for part, numbers in pairs:
        fillers = filler_of.get(part.target, set()) | {n.filler for p, n in pairs if p is not part
                                                       and p.target == part.target}  # fmt: skip
        orders = order_of.get(numbers.filler, set()) | {p.target for p, n in pairs
                                                        if n.filler == numbers.filler}  # fmt: skip
        if fillers - {numbers.filler} or orders - {part.target}:
            yield order_refusals.number_of_another_order(_place(item.opened.parsed, numbers))


def _place(message: Message, numbers: Numbers) -> str:
    """Return where the message gives a number of the filler."""
    value = numbers.filler.rpartition("|")[2]
    for head in heads_of(message):
        node = number_nodes(head)[1]
        if node is not None and node.component(1) == value:
            return node.place
    return "ORC-3"
