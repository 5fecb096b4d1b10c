"""Notice the cancellation of something nobody told: of a movement, an order, an appointment.

It is kept as a tombstone that also ends what comes later under the same number, and never matched
with something that merely resembles it. Runs inside the transaction that would store the input.
An original that has not come after a day is lost, or was never sent: the watch over feeds looks
again (`settled`), and what is left is shown to operators.
Standard: PAM France 2.11 6.13 (ZBE-1, ZBE-4), HL7 v2.5 4.5.1.1 (ORC-1), 10.4 (S15 to S17) and
11.5 (I14); table 0357, 204 (unknown key identifier).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.core.contributions import Contribution, Json, Target
from gateway.core.feed_ports import CancelledAlone
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
#: Operators are told of those whose original has not come after so long (hl7v2-fr 5.9.4).
LATE = timedelta(days=1)
#: After so long nobody waits for it any more; the flag stays on the row.
FORGOTTEN = timedelta(days=30)
#: What is cancelled, by the type of its resource: where the message names it.
_PLACES = {"Encounter": "ZBE-1", "ServiceRequest": "ORC-2", "Appointment": "SCH-1"}
_REFERRAL = "RF1-6"
_ENDED = frozenset({"cancelled", "entered-in-error"})
_CANCELLING = frozenset({"S15", "S16", "S17"})


def asked(item: Prepared) -> set[Target]:
    """Return what an input cancels, by target and by number; empty for nearly every input."""
    parts = _cancelling(item)
    fillers = order_numbers.near((), {part.target: [part] for part in parts})
    return {part.target for part in parts} | {Target(order_numbers.KIND, f) for f in fillers}


def judged(tx: Transaction, item: Prepared) -> Prepared:
    """Return an input as it may be stored: a cancellation without original flagged, or refused.

    Args:
        tx: sees everything that was stored before.
        item: converted.
    """
    cancelling = _cancelling(item)
    if not cancelling:
        return item
    message: Message = item.opened.parsed
    stored = _stored(tx, cancelling)
    unknown = [
        part
        for part in cancelling
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


def note(tx: Transaction, stored: Sequence[tuple[int, Prepared]], now: datetime) -> None:
    """Note the inputs that were flagged, so that they can be looked at again.

    Args:
        tx: the transaction that stores them.
        stored: row id and what became of it.
        now: instant of the commit.
    """
    found = [
        CancelledAlone(
            row_id,
            item.feed,
            now,
            item.opened.header.canonical_sha256,
            tuple(sorted({part.target for part in _cancelling(item)})),
        )
        for row_id, item in stored
        if FLAG in item.flags
    ]
    if found:
        tx.feeds.cancel_alone(found)


def settled(tx: Transaction, now: datetime) -> list[int]:
    """Return the rows whose original came meanwhile, and those nobody waits for any more.

    Args:
        tx: an open transaction.
        now: instant of the look.
    """
    return [
        one.inbox_id
        for one in tx.feeds.cancelled_alone(now)
        if one.at <= now - FORGOTTEN or _has_come(tx, one)
    ]


def _has_come(tx: Transaction, alone: CancelledAlone) -> bool:
    """Tell whether everything an input cancels is there, or the input cancels nothing any more."""
    said = tx.contributions.load(alone.targets)
    cancelling = [
        part
        for target in alone.targets
        for part in said.get(target, ())
        if part.version.digest == alone.digest and _ends(part)
    ]
    stored = _stored(tx, cancelling)
    return all(any(_is_original(one, part) for one in stored[part.target]) for part in cancelling)


def _cancelling(item: Prepared) -> list[Contribution]:
    """Return what an input says that ends something."""
    message = item.opened.parsed
    if item.status is not InboxStatus.CONVERTED or not isinstance(message, Message):
        return []
    return [part for part in item.contributions if _cancels(part, message)]


def _cancels(part: Contribution, message: Message) -> bool:
    if part.target.type == "Appointment":
        return message.trigger_event in _CANCELLING
    return _ends(part)


def _ends(part: Contribution) -> bool:
    """Tell whether a word ends what it is about."""
    type_ = part.target.type
    if type_ == "Encounter":
        return bool(part.movement) and (part.movement or {})["action"] == CANCEL
    if type_ == "ServiceRequest":
        return not part.annotates and is_withdrawal(part.resource)
    return type_ == "Appointment" and part.resource.get("status") in _ENDED


def _stored(
    tx: Transaction, cancelling: Sequence[Contribution]
) -> dict[Target, list[Contribution]]:
    """Return what is stored about what is cancelled, of an order under either of its numbers."""
    targets = sorted({part.target for part in cancelling})
    found = tx.contributions.load(targets)
    stored = {target: list(found.get(target, ())) for target in targets}
    for part in cancelling:
        if part.target.type != "ServiceRequest":
            continue
        held = tx.claims.held([part.target]).get(part.target, ())
        fillers = order_numbers.near(held, {part.target: [part]})
        sharing = tx.claims.sharing({(order_numbers.KIND, filler) for filler in fillers})
        others = {claim.target for claims in sharing.values() for claim in claims}
        for parts in tx.contributions.load(sorted(others - {part.target})).values():
            stored[part.target] += parts
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
