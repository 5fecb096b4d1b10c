"""The mails that stored messages ask for, and what is known of each as facts.

Called at the end of a commit and after each change of an outbox row, in that transaction.
Deciding is `pipeline.route` and `sharing.routing`, sending `pipeline.deliver`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.core.contributions import Target
from gateway.core.deliveries import SETTLED, Delivery, DeliveryStatus, NewDelivery, Notice
from gateway.core.facts import Op
from gateway.core.messages import InboxStatus
from gateway.core.ports import Transaction
from gateway.pipeline.business_acks import (
    send_key,
    smtp_answer,
    tell_notice,
    tell_refused,
    tell_settled,
    wanted,
)
from gateway.pipeline.letter_receipts import tell_author
from gateway.pipeline.mailed import mailed
from gateway.pipeline.prepared import Prepared
from gateway.pipeline.route import asks_for_mail, route
from gateway.pipeline.sendings import show, show_row
from gateway.pipeline.sends import HELD, Word, hold_word, store_word
from gateway.pipeline.standing import known_of
from gateway.pipeline.to_hospital import CONNECTOR as HOSPITAL
from gateway.pipeline.withdrawn_mails import stop_mails, withdrawn_document
from gateway.sharing.reasons import WAITS_FOR_IDENTITY, words
from gateway.sharing.routing import CONNECTOR, Decision, is_patient_mailbox

#: What a mail proves, by where it stands.
_EVENTS = {
    DeliveryStatus.CONFIRMED: "SND.MSS_OK",
    DeliveryStatus.REFUSED: "SND.MSS_KO",
    DeliveryStatus.GIVEN_UP: "SND.MSS_KO",
}
#: A document left: what the journal keeps.
_HANDED_OVER = frozenset({DeliveryStatus.SENT, DeliveryStatus.CONFIRMED})
#: What is asserted of mails, with its attributes; for the list of rules nobody can answer.
_OF_SENDS = frozenset({"estab", "doc", "about", "channel", "recipient", "read_requested"})
ASSERTS = {
    "SND.MSS_OK": _OF_SENDS | {"address", "assumed", "domain_emits_mdn"},
    "SND.MSS_KO": _OF_SENDS | {"address", "code"},
    "SND.MSS_READ": _OF_SENDS,
    HELD: _OF_SENDS,
}


def queue_mails(tx: Transaction, stored: Sequence[tuple[int, Prepared]], now: datetime) -> int:
    """Queue what the documents of new messages ask for; return how many mails leave or wait.

    Args:
        tx: the transaction that folded the same rows.
        stored: row id and input.
        now: instant of the commit.
    """
    queued = 0
    for _, item in stored:
        message = item.opened.parsed
        if not item.documents or item.status is not InboxStatus.CONVERTED:
            continue
        patient = target_of(item, "Patient")
        withdrawn = withdrawn_document(item)
        about = withdrawn or target_of(item, "DocumentReference")
        if patient is None or about is None:
            continue
        if withdrawn is None and not asks_for_mail(item):
            continue
        known = known_of(tx, patient, now)
        acks = wanted(message, item.opened.site)
        if withdrawn is not None:
            mails = [telling(one, acks) for one in stop_mails(tx, item, about, known, now)]
            queued += sum(made is not None for made in tx.outbox.queue(mails, now))
            for mail in mails:
                show_row(tx, CONNECTOR, mail.key, now)
            continue
        for decision in route(item, known, f"{about.type}/{about.id}", now):
            queued += _queue(tx, decision, pathway_of(item, patient, decision), acks, now)
    return queued


def tells_nothing(_address: str) -> bool:
    """Tell of a mailbox that nobody hears whether its mails were read."""
    return False


def settled(
    tx: Transaction,
    delivery: Delivery,
    now: datetime,
    tells_reading: Callable[[str], bool] = tells_nothing,
) -> None:
    """Show the state of a mail, and assert what it proves; what it proved before is taken back.

    Args:
        tx: the transaction that wrote the state.
        delivery: with its new state.
        now: instant of that write.
        tells_reading: whether the domain of a mailbox tells that a mail was read.
    """
    show(tx, delivery, now)
    if delivery.status not in SETTLED:
        return
    tell_author(tx, delivery, HOSPITAL, now)
    said = delivery.item.details.get("pathway")
    event = _EVENTS.get(delivery.status)
    if delivery.item.connector == CONNECTOR and isinstance(said, dict) and event is not None:
        arrived = delivery.status is DeliveryStatus.CONFIRMED
        how = _arrived(delivery, tells_reading) if arrived else _failed(delivery)
        _assert(tx, delivery.id, event, said, now, now, how)
    if delivery.item.connector == CONNECTOR:
        tell_settled(tx, delivery, now)
        if delivery.status in _HANDED_OVER:
            tx.audit.append([mailed(tx, delivery, now)])


def noticed(tx: Transaction, delivery: Delivery, notice: Notice, now: datetime) -> None:
    """Assert that a mail was read, and tell the sender of its document who asked to know.

    Args:
        tx: the transaction that applied the notice.
        delivery: as it stands now.
        notice: what arrived.
        now: instant of that write.
    """
    said = delivery.item.details.get("pathway")
    if delivery.item.connector != CONNECTOR or not isinstance(said, dict):
        return
    if notice.receipt.get("evidence") in ("read", "integrated"):
        show(tx, replace(delivery, receipt={**delivery.receipt, **notice.receipt}), now)
        _assert(tx, delivery.id, "SND.MSS_READ", said, notice.at, now, {})
    tell_notice(tx, delivery, notice, now)


def _queue(
    tx: Transaction,
    decision: Decision,
    said: dict[str, Any],
    acks: dict[str, Any],
    now: datetime,
) -> int:
    details = {**decision.item.details, "pathway": said}
    item = telling(replace(decision.item, details=details), acks)
    [delivery_id] = tx.outbox.queue([item], now)
    if delivery_id is None:
        return 0
    if decision.status is not DeliveryStatus.QUEUED:
        tx.outbox.settle(delivery_id, decision.status, now, note=words(decision.reason))
        row = tx.outbox.by_key(CONNECTOR, decision.item.key)
        if row is not None:
            tell_refused(tx, row, decision.reason, now)
        if decision.reason in WAITS_FOR_IDENTITY:
            hold_word(tx, delivery_id, "mss", said, now)
    show_row(tx, CONNECTOR, decision.item.key, now)
    return 1


def telling(item: NewDelivery, acks: dict[str, Any]) -> NewDelivery:
    """Return an item whose end is told to the sender of its document, where it asks for that."""
    return replace(item, details={**item.details, "business_acks": acks}) if acks else item


def pathway_of(item: Prepared, patient: Target, decision: Decision) -> dict[str, Any]:
    """Return what the facts of a send need, kept with its outbox row."""
    documents = [
        one for one in item.assertions if one.event.startswith("DOC.") and one.op is Op.ASSERT
    ]
    letter = documents[0] if documents else None
    attributes = letter.attributes if letter else {}
    return {
        "patient": patient.id,
        "source": letter.source if letter else item.feed,
        "estab": attributes.get("estab", ""),
        "doc": attributes.get("setid") or decision.item.details["document_id"],
        "about": decision.item.about,
        "recipient": decision.item.details["recipient"],
        "read_requested": decision.item.details["read_receipt"],
    }


def _assert(
    tx: Transaction,
    delivery_id: int,
    event: str,
    said: dict[str, Any],
    happened: datetime,
    now: datetime,
    how: Mapping[str, Any],
) -> None:
    recipient = said["recipient"]
    key = send_key(said["doc"], event, recipient)
    attributes = {"recipient": recipient, "read_requested": said["read_requested"], **how}
    store_word(tx, delivery_id, Word(event, key, "mss", happened, attributes), said, now)


def _arrived(delivery: Delivery, tells_reading: Callable[[str], bool]) -> dict[str, Any]:
    """Return what an arrival says beside its event."""
    to = str(delivery.item.details.get("to", ""))
    return {
        "address": _shown(to),
        "domain_emits_mdn": tells_reading(to),
        # What is empty is not told.
        "assumed": delivery.receipt.get("assumed") is True or "",
    }


def _failed(delivery: Delivery) -> dict[str, Any]:
    """Return what a failure says beside its event."""
    answer = smtp_answer(delivery)
    to = str(delivery.item.details.get("to", ""))
    return {"address": _shown(to), "code": answer[0] if answer else ""}


def _shown(address: str) -> str:
    """Return a mailbox as it may stand in a gap: that of a patient is named by an INS."""
    return "" if is_patient_mailbox(address) else address


def target_of(item: Prepared, kind: str) -> Target | None:
    """Return the resource of a kind that an input makes, None when it makes none."""
    return next(
        (c.target for c in item.contributions if c.target.type == kind and not c.annotates), None
    )
