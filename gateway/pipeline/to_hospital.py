"""Messages for applications of a hospital: queued once, settled by what comes back.

Joins the site table and the outbox; building is `hl7v2`, sending `connectors.mllp`. A message is
named by what it is about, and that name is its MSH-10: queued twice it leaves once, and a resend
after a kill carries the same number.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from gateway.core.deliveries import DeliveryStatus, NewDelivery
from gateway.core.messages import InboxStatus
from gateway.core.ports import Transaction
from gateway.hl7v2 import ack
from gateway.hl7v2.answers import Answer, answer_in
from gateway.hl7v2.message import Message
from gateway.pipeline.letter_receipts import tell_author
from gateway.pipeline.prepared import Prepared

CONNECTOR = "mllp"
#: MSH-10 holds 20 characters in HL7 v2.5 and v2.6.
_LENGTH = 20
_REFUSED = frozenset({InboxStatus.QUARANTINED, InboxStatus.FAILED})


def queue_message(
    tx: Transaction,
    destination: str,
    name: str,
    build: Callable[[str], bytes],
    now: datetime,
    **details: Any,
) -> int | None:
    """Queue a message; None when it was queued before.

    Args:
        tx: an open transaction.
        destination: `<site>/<name>`; its messages leave one by one in this order.
        name: what the message is about; one name, one message.
        build: makes the message of its MSH-10.
        now: instant of the queueing, due time of the first attempt.
        details: kept with the row, `kind` among them; never logged.
    """
    key = control_id(name)
    if tx.outbox.by_key(CONNECTOR, key) is not None:
        return None
    item = NewDelivery(
        connector=CONNECTOR,
        key=key,
        due_at=now,
        content_type="application/hl7-v2",
        body=build(key),
        lane=destination,
        details={"destination": destination, "control_id": key, **details},
    )
    [made] = tx.outbox.queue([item], now)
    return made


def control_id(name: str) -> str:
    """Return the MSH-10 of a message, of what it is about."""
    return sha256(name.encode()).hexdigest()[:_LENGTH].upper()


def queue_application_acks(
    tx: Transaction, stored: Sequence[tuple[int, Prepared]], now: datetime
) -> None:
    """Queue the word of the application on inputs whose senders asked for one (MSH-16).

    Nothing follows a negative commit that its sender was told: it knows.

    Spec: HL7 v2.5 2.9.3 (enhanced mode), IHE ITI TF-2 C.2.3.
    """
    for _, item in stored:
        site = item.opened.site
        if not site.acks_to or item.unanswered or item.status is InboxStatus.RECEIVED:
            continue
        message = item.opened.parsed
        source = message if isinstance(message, Message) else item.opened.raw.body
        is_refused = item.status in _REFUSED
        issues = item.issues if is_refused else ()
        code = ack.code_for(issues) if is_refused else "AA"
        if not ack.owes_application_ack(source, code, issues):
            continue
        header = item.opened.header
        name = "|".join(("ack", *header.sender, header.control_id, header.canonical_sha256))
        waits = site.destinations[site.acks_to].answers_acks

        def build(
            number: str,
            source: Message | bytes = source,
            code: str = code,
            item: Prepared = item,
            accept: str = "AL" if waits else "",
        ) -> bytes:
            return ack.build(
                source,
                code,
                item.issues if code != "AA" else (),
                now=now,
                control_id=number,
                msh9_short=item.opened.site.ack_msh9 == "short",
                err1=item.opened.site.err_style == "err1",
                as_told=True,
                accept=accept,
            )

        queue_message(tx, f"{site.name}/{site.acks_to}", name, build, now, kind="ack")


def settle_answers(tx: Transaction, stored: Sequence[tuple[int, Prepared]], now: datetime) -> None:
    """Settle what was sent by acknowledgements that came through a door of their own.

    Only the last word counts, and only about a message that left and waits: a commit says
    nothing new, and a refusal for the moment is answered by the next attempt.

    Spec: HL7 v2.5 2.9.3: the application acknowledgement is an exchange of its own.
    """
    for _, item in stored:
        message = item.opened.parsed
        answer = answer_in(message) if item.unanswered and isinstance(message, Message) else None
        if answer is None or not answer.is_final or answer.may_come_again:
            continue
        sent = tx.outbox.by_key(CONNECTOR, answer.control_id)
        if sent is None or not sent.attempts or sent.status not in _WAITS:
            continue
        tx.outbox.settle(
            sent.id, _status(answer), now, note=_note(answer), receipt={"code": answer.code}
        )
        tell_author(tx, sent, CONNECTOR, now)


_WAITS = frozenset(
    {
        DeliveryStatus.SENDING,
        DeliveryStatus.RETRY_WAIT,
        DeliveryStatus.SENT,
        DeliveryStatus.GIVEN_UP,
    }
)


def _status(answer: Answer) -> DeliveryStatus:
    return DeliveryStatus.CONFIRMED if answer.is_positive else DeliveryStatus.REFUSED


def _note(answer: Answer) -> str:
    return f"{answer.code} {answer.condition}".strip()
