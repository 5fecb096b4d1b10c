"""Notice the cancellation of something nobody told: of a movement, an order, an appointment.

It is kept as a tombstone that also ends what comes later under the same number, and never matched
with something that merely resembles it. Runs inside the transaction that would store the input.
Standard: PAM France 2.11 6.13 (ZBE-1, ZBE-4), HL7 v2.5 4.5.1.1 (ORC-1), 10.4 (S15 to S17) and
11.5 (I14); table 0357, 204 (unknown key identifier).
"""

from collections.abc import Iterator
from dataclasses import replace

from gateway.core.contributions import Contribution, Json, Target
from gateway.core.messages import InboxStatus
from gateway.core.ports import Transaction
from gateway.fhir import order_numbers
from gateway.fhir.requests import is_withdrawal
from gateway.hl7v2 import order_refusals
from gateway.hl7v2.events import CANCEL
from gateway.hl7v2.ledger import Movement
from gateway.hl7v2.message import Message
from gateway.pipeline.prepared import Prepared

#: On the row of a cancellation whose original was not known when it came.
FLAG = "cancel-without-original"
#: What is cancelled, by the type of its resource: where the message names it.
_PLACES = {"Encounter": "ZBE-1", "ServiceRequest": "ORC-2", "Appointment": "SCH-1"}
_REFERRAL = "RF1-6"
_ENDED = frozenset({"cancelled", "entered-in-error"})
_CANCELLING = frozenset({"S15", "S16", "S17"})


def asked(item: Prepared) -> set[Target]:
    """Return the targets an input cancels; empty for nearly every input."""
    message = item.opened.parsed
    if item.status is not InboxStatus.CONVERTED or not isinstance(message, Message):
        return set()
    return {part.target for part in _cancelling(item, message)}


def judged(tx: Transaction, item: Prepared) -> Prepared:
    """Return an input as it may be stored: a cancellation without original flagged, or refused.

    Args:
        tx: sees everything that was stored before.
        item: converted.
    """
    targets = asked(item)
    if not targets:
        return item
    message: Message = item.opened.parsed
    stored = _stored(tx, targets)
    unknown = [
        part
        for part in _cancelling(item, message)
        if not any(_is_original(one, part) for one in (*stored[part.target], *_own(item, part)))
    ]
    if not unknown:
        return item
    place = _place(message, unknown[0])
    if item.opened.site.is_lenient:
        issues = (*item.issues, order_refusals.nothing_to_cancel(place, is_refused=False))
        return replace(item, flags=(*item.flags, FLAG), issues=issues)
    return replace(
        item,
        status=InboxStatus.QUARANTINED,
        contributions=(),
        assertions=(),
        issues=(order_refusals.nothing_to_cancel(place, is_refused=True),),
    )


def _cancelling(item: Prepared, message: Message) -> Iterator[Contribution]:
    """Yield what an input says that ends something."""
    for part in item.contributions:
        type_ = part.target.type
        if type_ == "Encounter":
            # The visit a class change leaves behind has no movement of its own to cancel.
            if part.movement and part.movement["action"] == CANCEL and "trigger" in part.movement:
                yield part
        elif type_ == "ServiceRequest":
            if not part.annotates and is_withdrawal(part.resource):
                yield part
        elif type_ == "Appointment" and message.trigger_event in _CANCELLING:
            yield part


def _stored(tx: Transaction, targets: set[Target]) -> dict[Target, list[Contribution]]:
    """Return what is stored about these targets, of an order under either of its numbers."""
    found = tx.contributions.load(sorted(targets))
    stored = {target: list(found.get(target, ())) for target in targets}
    requests = {t: parts for t, parts in stored.items() if t.type == "ServiceRequest"}
    for target in requests:
        held = tx.claims.held([target]).get(target, ())
        fillers = order_numbers.near(held, {target: stored[target]})
        sharing = tx.claims.sharing({(order_numbers.KIND, filler) for filler in fillers})
        others = sorted({claim.target for claims in sharing.values() for claim in claims})
        for parts in tx.contributions.load([one for one in others if one != target]).values():
            stored[target] += parts
    return stored


def _own(item: Prepared, part: Contribution) -> list[Contribution]:
    """Return what the input itself says about what it cancels, in another group."""
    return [one for one in item.contributions if one.target == part.target and one is not part]


def _is_original(one: Contribution, cancelling: Contribution) -> bool:
    """Tell whether a word is about the same thing and did not only end it."""
    type_ = cancelling.target.type
    if type_ == "ServiceRequest":
        return not one.annotates and not is_withdrawal(one.resource)
    if type_ == "Appointment":
        return one.resource.get("status") not in _ENDED
    return _is_movement(one.movement, cancelling.movement)


def _is_movement(told: Json | None, cancelled: Json | None) -> bool:
    if not told or not cancelled or told["action"] == CANCEL:
        return False
    one, other = Movement.from_json(told), Movement.from_json(cancelled)
    return bool({one.key, *one.aliases} & {other.key, *other.aliases})


def _place(message: Message, part: Contribution) -> str:
    if part.target.type == "ServiceRequest" and message.has("RF1"):
        return _REFERRAL
    place = _PLACES[part.target.type]
    segment, _, field = place.partition("-")
    found = message.first(segment)
    # The other side's number may be the only one that is given.
    if found is not None and not found.holds(int(field)) and segment in ("ORC", "SCH"):
        return f"{segment}-{int(field) + 1}"
    return place
