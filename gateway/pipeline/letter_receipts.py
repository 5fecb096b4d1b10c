"""The word of the hospital on a letter goes back to its author, once for each mail.

The notice waits in the outbox from the moment the mail is taken, with the mail itself, which is
kept nowhere else; the end of the last message about it lets it go. Building is
`connectors.mssante_receipts`. CI-SIS volet on CDA documents of a mail handed to an application;
RFC 8098.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime

from gateway.core.deliveries import SETTLED, Delivery, DeliveryStatus, NewDelivery
from gateway.core.letters import Letter
from gateway.core.ports import Transaction
from gateway.sharing.routing import CONNECTOR as MAIL

_WAITS = "waits-for-hospital"
_NO_WORD = "hospital-silent"
#: HL7 table 0533 in what is kept of a refusal.
_CODE = re.compile(r"\b(90[0-6])\b")
_OTHER = "906"


def receipt_key(letter: Letter) -> str:
    """Return the idempotency key of the notice about a mail."""
    name = f"receipt|{letter.message_id}|{letter.recipient.lower()}"
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def await_word(tx: Transaction, letter: Letter, answers: Sequence[str], now: datetime) -> None:
    """Keep the notice of a mail until the hospital has answered.

    Args:
        tx: the transaction that queued the messages.
        letter: asks for a notice.
        answers: MSH-10 of the messages about its documents.
        now: instant of the queueing.
    """
    item = NewDelivery(
        connector=MAIL,
        key=receipt_key(letter),
        due_at=now,
        content_type="message/rfc822",
        body=letter.raw,
        details={
            "kind": "receipt",
            "to": letter.receipt_to,
            "ours": letter.recipient,
            "mail": letter.message_id,
            "answers": list(answers),
        },
    )
    [made] = tx.outbox.queue([item], now)
    if made is not None:
        tx.outbox.settle(made, DeliveryStatus.HELD, now, note=_WAITS)


def tell_author(tx: Transaction, delivery: Delivery, connector: str, now: datetime) -> None:
    """Let the notice go once every message about its mail has ended; a refusal wins.

    A hospital that never answered said nothing, so nothing is told.

    Args:
        tx: the transaction that wrote the end of a message.
        delivery: that message; any but one about a letter is passed over.
        connector: of the messages to hospitals.
        now: instant of that write.
    """
    key = delivery.item.details.get("receipt")
    waiting = tx.outbox.by_key(MAIL, str(key)) if key else None
    if waiting is None or waiting.status is not DeliveryStatus.HELD:
        return
    rows = [tx.outbox.by_key(connector, name) for name in waiting.item.details["answers"]]
    ended = [row for row in rows if row is not None and row.status in SETTLED]
    if len(ended) < len(rows):
        return
    refused = [row for row in ended if row.status is DeliveryStatus.REFUSED]
    if refused:
        found = _CODE.search(refused[0].note)
        code = found[1] if found else _OTHER
        tx.outbox.settle(waiting.id, DeliveryStatus.QUEUED, now, receipt={"code": code})
    elif all(row.status is DeliveryStatus.CONFIRMED for row in ended):
        tx.outbox.settle(waiting.id, DeliveryStatus.QUEUED, now, receipt={})
    else:
        tx.outbox.settle(waiting.id, DeliveryStatus.SKIPPED, now, note=_NO_WORD)
