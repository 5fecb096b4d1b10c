"""What becomes of the mails of a letter that is withdrawn: stopped, or followed by a word.

A mail that never left is stopped. One that left, or may have, is followed by a mail to the same
mailbox that says so, where the site asks for it (`withdrawal_mails`). Which mails there were is
told by the outbox, asked for by every message that carried the letter. CI-SIS volet on CDA
documents in HL7 v2, MDM T04 and OBX-11 D.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from gateway.cda.xds_metadata import unique_id
from gateway.core.contributions import Target
from gateway.core.deliveries import Delivery, DeliveryStatus, NewDelivery
from gateway.core.messages import InboxStatus
from gateway.core.ports import Transaction
from gateway.hl7v2.message import Message
from gateway.hl7v2.reader import read
from gateway.pipeline.carried import TYPES, carried
from gateway.pipeline.prepared import Prepared
from gateway.pipeline.route import Known, route
from gateway.pipeline.sendings import show_row
from gateway.pipeline.sends import unsay
from gateway.pipeline.withdrawn import STATUS
from gateway.sharing.reasons import WITHDRAWN, words
from gateway.sharing.routing import CONNECTOR, Decision, key

_STOPPED = frozenset({DeliveryStatus.HELD, DeliveryStatus.QUEUED, DeliveryStatus.RETRY_WAIT})
_LEFT = frozenset({DeliveryStatus.SENDING, DeliveryStatus.SENT, DeliveryStatus.CONFIRMED})
#: These leave open whether an attempt arrived.
_MAY_HAVE_LEFT = frozenset({DeliveryStatus.RETRY_WAIT, DeliveryStatus.GIVEN_UP})
_WORDS = words(WITHDRAWN)


def withdrawn_document(item: Prepared) -> Target | None:
    """Return the document that an input takes back, None when it takes none back."""
    return next(
        (
            part.target
            for part in item.contributions
            if part.target.type == "DocumentReference" and part.resource.get("status") == STATUS
        ),
        None,
    )


def stop_mails(
    tx: Transaction, item: Prepared, about: Target, known_now: Known, now: datetime
) -> Iterator[NewDelivery]:
    """Stop what has not left; yield the mails that tell the others.

    What no message asked for yet gets a row that sends nothing, so that the letter itself, should
    it come after its withdrawal, is not mailed.

    Args:
        tx: the transaction that folded the withdrawal.
        item: the withdrawal.
        about: the document.
        known_now: what is known of the patient as it stands.
        now: instant of the commit.
    """
    named = f"{about.type}/{about.id}"
    asked = {one.item.key: one.item for one in route(item, known_now, named, now)}
    own = set(asked)
    for earlier in _earlier(tx, item, about):
        for decision in _of_document(route(earlier, known_now, named, now), item):
            asked.setdefault(decision.item.key, decision.item)
    for name, wanted in asked.items():
        known = tx.outbox.by_key(CONNECTOR, name)
        if known is None:
            if name in own:
                _note(tx, wanted, now)
            continue
        if known.status in _STOPPED:
            tx.outbox.settle(known.id, DeliveryStatus.SKIPPED, now, note=_WORDS)
            # It waits for no INS any more.
            unsay(tx, known.id, now)
            show_row(tx, CONNECTOR, name, now)
        if item.opened.site.withdrawal_mails and _may_have_arrived(known):
            yield _word(known, wanted, now)


def _may_have_arrived(known: Delivery) -> bool:
    return known.status in _LEFT or (known.status in _MAY_HAVE_LEFT and known.attempts > 0)


def _word(known: Delivery, wanted: NewDelivery, now: datetime) -> NewDelivery:
    """Return the mail that says that the letter of another one does not count."""
    document = known.item.details["document_id"]
    kept = {name: known.item.details[name] for name in ("kind", "to", "recipient", "final")}
    return NewDelivery(
        connector=CONNECTOR,
        key=key(document, "withdrawal", known.item.key),
        due_at=now,
        content_type="text/xml",
        body=wanted.body,
        details={
            **kept,
            "document_id": document,
            "withdraws": known.item.key,
            "reply_to": wanted.details["reply_to"],
            "ins_trusted": wanted.details["ins_trusted"],
            "read_receipt": wanted.details["read_receipt"],
        },
        about=known.item.about,
    )


def _note(tx: Transaction, wanted: NewDelivery, now: datetime) -> None:
    [made] = tx.outbox.queue([wanted], now)
    if made is not None:
        tx.outbox.settle(made, DeliveryStatus.SKIPPED, now, note=_WORDS)
        show_row(tx, CONNECTOR, wanted.key, now)


def _earlier(tx: Transaction, item: Prepared, about: Target) -> Iterator[Prepared]:
    """Read again the messages that carried the document; recipients may differ between them."""
    for row_id in tx.contributions.inbox_ids(about):
        row = tx.inbox.get(row_id)
        if row is None or row.status is not InboxStatus.CONVERTED:
            continue
        if row.header.message_type.partition("^")[0] not in TYPES:
            continue
        message: Message = read(row.body)
        opened = replace(item.opened, parsed=message)
        documents = carried(message, lenient=True)
        yield Prepared(opened, InboxStatus.CONVERTED, documents=documents)


def _of_document(decisions: list[Decision], item: Prepared) -> Iterator[Decision]:
    """Give those about the document itself: others merely replace it."""
    ids = {unique_id(one.document.root.child("id")) for one in item.documents}
    return (one for one in decisions if one.item.details["document_id"] in ids)
