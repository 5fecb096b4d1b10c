"""Each sending of a document shows as a Communication that follows its outbox row.

Called with every state a row of the mails or of the shared record takes, in the transaction that
writes it. What must be settled by a person gets a Task, which goes when the row moves on before
anybody took it. What is in them is `fhir.sendings`.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from gateway.core.contributions import Json, Target
from gateway.core.deliveries import Delivery, DeliveryStatus
from gateway.core.ports import Transaction
from gateway.fhir import sendings
from gateway.fhir.identity_tasks import is_untouched
from gateway.fhir.masked import labels_of
from gateway.fhir.sendings import Sending
from gateway.pipeline import written
from gateway.pipeline.refold import Change
from gateway.pipeline.standing import patient_of
from gateway.sharing import reasons, routing, routing_dmp
from gateway.sharing.reasons import BY_WORD

_KINDS = {
    "professional": "mail", "patient": "mail", "dmp": "record", "dmp-delete": "record-withdrawal",
}  # fmt: skip
_CHANNELS = frozenset({routing.CONNECTOR, routing_dmp.CONNECTOR})
_NO_MAILBOX = {
    one.word for one in (reasons.SEVERAL_MAILBOXES, reasons.UNLISTED, reasons.NO_ADDRESS)
}
#: Decisions that follow from what patient or law say: nobody is asked to do anything.
_FINAL = {reasons.DECEASED.word, reasons.OPPOSED.word}
_SETTLED_BY_PEOPLE = {one.word for one in reasons.REFUSALS} - _FINAL
_IDENTITIES = {reasons.OTHER_PATIENT.word, reasons.OTHER_INS.word}
#: Sendings of one document that follow it.
_MOST = 200


def show(tx: Transaction, delivery: Delivery, now: datetime) -> None:
    """Write the Communication of a row, and open or take away its Task.

    Args:
        tx: the transaction that writes the state.
        delivery: as it stands then; rows that carry no document are passed over.
        now: instant of that write.
    """
    sending = _sending(tx, delivery)
    if sending is None:
        return
    ids = ("Communication", sendings.communication_id(sending.key))
    work = ("Task", sendings.task_id(sending.key))
    current = tx.resources.current([ids, work])
    before = written.read(current.get(ids))
    made = sendings.communication(sending, before, now)
    if made != before:
        written.write(tx, Target(*ids), made, current.get(ids), now)
    task = written.read(current.get(work))
    if sending.work and task is None:
        written.write(tx, Target(*work), sendings.task(sending, now), current.get(work), now)
    elif not sending.work and task is not None and is_untouched(task):
        written.delete(tx, current[work], now)


def show_row(tx: Transaction, connector: str, key: str, now: datetime) -> None:
    """Write the Communication of the row with a key; nothing without such a row."""
    row = tx.outbox.by_key(connector, key)
    if row is not None:
        show(tx, row, now)


def follow(tx: Transaction, changes: Iterable[Change], now: datetime) -> None:
    """Let the sendings of a document follow its patient and its labels.

    Args:
        tx: the transaction of the fold.
        changes: what it changed.
        now: instant of the commit.
    """
    for change in changes:
        if change.after.type != "DocumentReference" or change.before is None:
            continue
        was, is_ = written.read(change.before) or {}, written.read(change.after) or {}
        if all(was.get(name) == is_.get(name) for name in ("subject", "securityLabel")):
            continue
        for row in tx.outbox.of_document(f"DocumentReference/{change.after.id}", _MOST):
            show(tx, row, now)


def _sending(tx: Transaction, delivery: Delivery) -> Sending | None:
    """Return what a row shows; None when it carries no document to anybody."""
    item = delivery.item
    kind = _KINDS.get(str(item.details.get("kind", "")))
    if item.connector not in _CHANNELS or kind is None or not item.about:
        return None
    withdraws = str(item.details.get("withdraws") or "")
    word = delivery.note.partition(":")[0].strip()
    reason = BY_WORD.get(word)
    patient = patient_of(tx, delivery)
    sending = Sending(
        key=item.key,
        kind="mail-withdrawal" if withdraws else kind,
        status=delivery.status,
        document=item.about,
        patient=f"{patient.type}/{patient.id}" if patient is not None else "",
        to=str(item.details.get("to", "")) if kind == "mail" else "",
        number=str(item.details.get("recipient", "")),
        is_to_patient=item.details.get("kind") == "patient",
        code=reason.word if reason else "",
        why=reason.fr if reason else delivery.note or "Sans réponse.",
        evidence=str(delivery.receipt.get("evidence", "")),
        labels=_labels(tx, item.about),
        withdraws=withdraws,
    )
    return replace(sending, work=_work(delivery.status, word))


def _work(status: DeliveryStatus, word: str) -> str:
    """Return the work a state asks for, empty when it passes or is as it should be."""
    if status is DeliveryStatus.HELD:
        if word in _NO_MAILBOX:
            return "choose-mailbox"
        return "settle-sending" if word in _IDENTITIES else ""
    if status is DeliveryStatus.SKIPPED:
        return "settle-sending" if word in _SETTLED_BY_PEOPLE else ""
    ended = status in (DeliveryStatus.REFUSED, DeliveryStatus.GIVEN_UP)
    return "settle-sending" if ended else ""


def _labels(tx: Transaction, about: str) -> list[Json]:
    """Return the labels of a document that hide it from somebody."""
    type_, _, id_ = about.partition("/")
    stored = tx.resources.current([(type_, id_)]).get((type_, id_))
    return [*labels_of(written.read(stored) or {})]
