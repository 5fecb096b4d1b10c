"""Documents that stored messages ask to feed to the shared record, and what is known of each.

Called at the end of a commit, before a row is sent, and after each change of one, in that
transaction. Deciding is `sharing.routing_dmp`, sending `pipeline.deliver`. Rows of other
connectors are handed on to `pipeline.outgoing`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.core.contributions import Target
from gateway.core.deliveries import SETTLED, Delivery, DeliveryStatus, NewDelivery
from gateway.core.messages import InboxStatus
from gateway.core.ports import Transaction
from gateway.hl7v2.message import Message
from gateway.pipeline import outgoing
from gateway.pipeline.business_acks import send_key, tell_record, tell_refused, wanted
from gateway.pipeline.mailed import mailed
from gateway.pipeline.prepared import Prepared
from gateway.pipeline.route import asks_for_record, outgoing_documents
from gateway.pipeline.sendings import show, show_row
from gateway.pipeline.sends import HELD, Word, hold_word, store_word, unsay
from gateway.pipeline.standing import known_of
from gateway.pipeline.withdrawn_mails import withdrawn_document
from gateway.sharing.outgoing import Outgoing
from gateway.sharing.reasons import (
    NO_NEW_VERSION,
    REPLACED,
    WAITS_FOR_IDENTITY,
    WITHDRAWN,
    Reason,
    words,
)
from gateway.sharing.routing import Decision
from gateway.sharing.routing_dmp import (
    CONNECTOR,
    decide,
    deletion,
    is_visibility,
    key_of,
    masked_again,
)

_OK, _KO = "SND.DMP_OK", "SND.DMP_KO"
_DUE, _DONE = "SND.WITHDRAWAL_DUE", "SND.WITHDRAWN"
_DELETE = "dmp-delete"
_CHANNEL = "dmp"
#: Rows of one document that are looked at.
_ROWS = 200
_NOT_LEFT = frozenset({DeliveryStatus.HELD, DeliveryStatus.QUEUED, DeliveryStatus.RETRY_WAIT})
_ENDED_BADLY = frozenset({DeliveryStatus.REFUSED, DeliveryStatus.GIVEN_UP, DeliveryStatus.SKIPPED})
_CODE = re.compile(r"\b(?:XDS|DMP)[A-Z]\w+|\bRLS-DMP-\d{3}")
#: What is asserted of submissions, with its attributes; for the list of rules nobody can answer.
ASSERTS = {
    _OK: frozenset({"estab", "doc", "about", "channel"}),
    _KO: frozenset({"estab", "doc", "about", "channel", "code"}),
    HELD: frozenset({"estab", "doc", "about", "channel"}),
    _DUE: frozenset({"estab", "doc", "about", "channel"}),
    _DONE: frozenset({"estab", "doc", "about", "channel"}),
}


def queue_submissions(
    tx: Transaction, stored: Sequence[tuple[int, Prepared]], now: datetime
) -> int:
    """Queue what the documents of new messages ask for; return how many rows leave or wait.

    Args:
        tx: the transaction that folded the same rows.
        stored: row id and input.
        now: instant of the commit.
    """
    return sum(_queue_all(tx, item, now) for _, item in stored)


def settled(
    tx: Transaction,
    delivery: Delivery,
    now: datetime,
    tells_reading: Callable[[str], bool] = outgoing.tells_nothing,
) -> None:
    """Show the state of a row, and assert what it proves; what it proved before is taken back.

    Args:
        tx: the transaction that wrote the state.
        delivery: with its new state.
        now: instant of that write.
        tells_reading: whether the domain of a mailbox tells that a mail was read.
    """
    if delivery.item.connector != CONNECTOR:
        outgoing.settled(tx, delivery, now, tells_reading)
        return
    show(tx, delivery, now)
    if delivery.status not in SETTLED:
        return
    said = delivery.item.details.get("pathway")
    if not isinstance(said, dict):
        return
    is_confirmed = delivery.status is DeliveryStatus.CONFIRMED
    if delivery.item.details.get("kind") == _DELETE:
        if is_confirmed:
            store_word(tx, delivery.id, _word(_DONE, said, now), said, now)
        return
    if is_confirmed:
        store_word(tx, delivery.id, _word(_OK, said, now), said, now)
        tx.audit.append([mailed(tx, delivery, now)])
    elif delivery.status in _ENDED_BADLY:
        word = _word(_KO, said, now, {"code": code_of(delivery)})
        store_word(tx, delivery.id, word, said, now)
    tell_record(tx, delivery, code_of(delivery), now)


def code_of(delivery: Delivery) -> str:
    """Return the code a row ended with, as the registry said it where it did."""
    told = str(delivery.receipt.get("code", "")) if delivery.receipt else ""
    found = _CODE.findall(delivery.note)
    theirs = [code for code in found if not code.startswith("RLS-")]
    return told or next(iter((*theirs, *found)), "")


def _queue_all(tx: Transaction, item: Prepared, now: datetime) -> int:
    message = item.opened.parsed
    if not item.documents or item.status is not InboxStatus.CONVERTED:
        return 0
    if not isinstance(message, Message):
        return 0
    patient = outgoing.target_of(item, "Patient")
    withdrawn = withdrawn_document(item)
    about = withdrawn or outgoing.target_of(item, "DocumentReference")
    if patient is None or about is None:
        return 0
    if withdrawn is None and not asks_for_record(item):
        return 0
    queued = 0
    known = known_of(tx, patient, now)
    for document in outgoing_documents(item, known, f"{about.type}/{about.id}"):
        decision = decide(document, now)
        if document.withdrawn:
            queued += _withdraw(tx, item, document, patient, decision, now)
        elif decision is not None:
            said = outgoing.pathway_of(item, patient, decision)
            _give_way(tx, document.replaced, now)
            decision = _of_visibility(tx, document, decision, now)
            queued += _queue(tx, item, decision, said, now)
    return queued


def _queue(
    tx: Transaction, item: Prepared, decision: Decision, said: dict[str, Any], now: datetime
) -> int:
    details = {**decision.item.details, "pathway": said}
    # Versions of one document leave one after the other.
    made = replace(decision.item, details=details, lane=f"{CONNECTOR}|{said['doc']}")
    made = outgoing.telling(made, wanted(item.opened.parsed, item.opened.site))
    [delivery_id] = tx.outbox.queue([made], now)
    if delivery_id is None:
        return 0
    if decision.status is not DeliveryStatus.QUEUED:
        tx.outbox.settle(delivery_id, decision.status, now, note=words(decision.reason))
        row = tx.outbox.by_key(CONNECTOR, decision.item.key)
        if row is not None:
            tell_refused(tx, row, decision.reason, now)
        if decision.reason in WAITS_FOR_IDENTITY:
            hold_word(tx, delivery_id, _CHANNEL, said, now)
        known = tx.outbox.by_key(CONNECTOR, made.key)
        if known is not None and decision.reason is NO_NEW_VERSION:
            tell_record(tx, known, decision.reason.word, now)
    show_row(tx, CONNECTOR, made.key, now)
    return 1


def _of_visibility(
    tx: Transaction, document: Outgoing, decision: Decision, now: datetime
) -> Decision:
    """Decide on other masks for a document under the identifier it has.

    What has not left leaves with the new masks. What has, or may have, cannot be changed by us:
    a person is told (TD3.3a and b are closed to indirect authentication).
    """
    known = _fed(tx, document) if is_visibility(document) else None
    if known is None:
        return decision
    again = masked_again(decision, document)
    if known.status in _NOT_LEFT and not known.attempts:
        if known.item.key != again.item.key:
            _stop(tx, known, REPLACED, now)
        return again
    return replace(again, status=DeliveryStatus.REFUSED, reason=NO_NEW_VERSION)


def _fed(tx: Transaction, document: Outgoing) -> Delivery | None:
    """Return the row that feeds a document: the first, or one with other masks since."""
    rows = [
        row
        for row in tx.outbox.of_document(document.about, _ROWS)
        if row.item.connector == CONNECTOR
        and row.item.details.get("kind") != _DELETE
        and row.item.details.get("document_id") == document.document_id
        and NO_NEW_VERSION.word not in row.note
    ]
    # With its body, which lists leave out.
    return tx.outbox.by_key(CONNECTOR, rows[-1].item.key) if rows else None


def _give_way(tx: Transaction, replaced: str, now: datetime) -> None:
    """Let a newer version take the place of one that waits for an INS."""
    known = tx.outbox.by_key(CONNECTOR, key_of(replaced)) if replaced else None
    if known is not None and known.status is DeliveryStatus.HELD:
        _stop(tx, known, REPLACED, now)


def _withdraw(
    tx: Transaction,
    item: Prepared,
    document: Outgoing,
    patient: Target,
    decision: Decision | None,
    now: datetime,
) -> int:
    """Stop what has not left, take back what has, or may have."""
    known = _fed(tx, document)
    if known is None:
        if decision is not None:
            # Should the letter come after its withdrawal, it is not fed.
            said = outgoing.pathway_of(item, patient, decision)
            _queue(tx, item, decision, said, now)
        return 0
    may_be_there = known.status not in _ENDED_BADLY and known.attempts > 0
    if known.status in _NOT_LEFT:
        _stop(tx, known, WITHDRAWN, now)
    if not may_be_there and known.status is not DeliveryStatus.GIVEN_UP:
        return 0
    return _take_back(tx, known, deletion(document, now), now)


def _take_back(tx: Transaction, known: Delivery, made: NewDelivery, now: datetime) -> int:
    said = known.item.details.get("pathway") or {}
    kept = {name: known.item.details[name] for name in ("ins", "ins_trusted", "author")}
    item = replace(
        made,
        details={**made.details, **kept, "pathway": said},
        body=known.item.body or made.body,
        lane=known.item.lane,
        about=known.item.about,
    )
    [delivery_id] = tx.outbox.queue([item], now)
    if delivery_id is None:
        return 0
    if said:
        store_word(tx, delivery_id, _word(_DUE, said, now), said, now)
    show_row(tx, CONNECTOR, item.key, now)
    return 1


def _stop(tx: Transaction, known: Delivery, reason: Reason, now: datetime) -> None:
    tx.outbox.settle(known.id, DeliveryStatus.SKIPPED, now, note=words(reason))
    # It waits for no INS any more.
    unsay(tx, known.id, now)
    show_row(tx, CONNECTOR, known.item.key, now)


def _word(
    event: str, said: Mapping[str, Any], now: datetime, attributes: Mapping[str, Any] | None = None
) -> Word:
    doc = str(said["doc"])
    keys = {
        _DUE: f"SND|{doc}|{_CHANNEL}-due|",
        _DONE: f"SND|{doc}|{_CHANNEL}-withdrawn|",
    }
    key = keys.get(event) or send_key(doc, event, "")
    return Word(event, key, _CHANNEL, now, attributes or {})
