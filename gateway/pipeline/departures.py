"""What waits, and what is about to leave, is decided about once more by what is known by then.

A document that waits for a qualified identity leaves in the transaction that makes it qualified
(A28, A31, A40, A47, ...), by mail and to the shared record, once: its row is let go, no new one
made. Each row is looked at again when it is due, so that an opposition, a removed INS or a death
that was told meanwhile stops it. Deciding is `sharing.routing` and `sharing.routing_dmp`.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.core.deliveries import Delivery, DeliveryStatus, Stay
from gateway.core.envelope import INS_ROOTS
from gateway.core.facts import told_of
from gateway.core.ports import Transaction
from gateway.pipeline import written
from gateway.pipeline.business_acks import tell_refused
from gateway.pipeline.dossiers import told_under
from gateway.pipeline.refold import Change, Refolded
from gateway.pipeline.route import trusted_ins
from gateway.pipeline.sendings import follow, show, show_row
from gateway.pipeline.sends import HELD, hold_word, unsay
from gateway.pipeline.standing import listed, patient_of, standing_of
from gateway.sharing import reasons, routing, routing_dmp
from gateway.sharing.outgoing import Standing
from gateway.sharing.routing import Verdict, Waiting

_ROOTS = tuple(f"urn:oid:{root}".encode() for root in sorted(INS_ROOTS))
#: Kinds of rows that are decided about; a receipt and a withdrawal follow what happened.
_DECIDED = frozenset({"professional", "patient", "dmp"})
_PAGE = 500


def release(tx: Transaction, folded: Refolded, now: datetime) -> int:
    """Decide again about what waits for the identities a fold has changed; return how many left.

    Args:
        tx: the transaction of the fold, after facts and dossiers followed it.
        folded: what it changed.
        now: instant of the commit.
    """
    patients = {one.after.id for one in folded.changes if _may_change_minds(one)}
    patients |= folded.links.turned
    follow(tx, folded.changes, now)
    return sum(_reconsider(tx, row, now) for row in _waiting(tx, patients))


def release_all(tx: Transaction, after_id: int, now: datetime) -> tuple[int, int]:
    """Decide again about one page of everything that waits, such as after a new directory.

    Returns:
        Id of the last row that was looked at (0: there are no more), and how many left.
    """
    rows = tx.outbox.page([DeliveryStatus.HELD], after_id, _PAGE, with_body=True)
    left = sum(_reconsider(tx, row, now) for row in rows)
    return (rows[-1].id if len(rows) == _PAGE else 0), left


def guard(tx: Transaction, delivery: Delivery, now: datetime) -> Delivery | Stay:
    """Return a row that is due as it leaves, or why it does not.

    Args:
        tx: the transaction that claimed it.
        delivery: due.
        now: instant of the claim.
    """
    looked = _look(tx, delivery, now)
    if looked is None:
        return delivery
    verdict, standing = looked
    if verdict.status is not DeliveryStatus.QUEUED:
        _say(tx, delivery, verdict, now)
        note = reasons.words(verdict.reason)
        show(tx, replace(delivery, status=verdict.status, note=note), now)
        return Stay(verdict.status, note)
    details = _doubted(tx, _details(delivery, verdict, standing))
    if details == delivery.item.details:
        return delivery
    tx.outbox.amend(delivery.id, details)
    return replace(delivery, item=replace(delivery.item, details=details))


def _may_change_minds(change: Change) -> bool:
    """Tell whether a version may let something go: a Patient that shows an INS it did not show.

    Of a new Patient nothing waits yet.
    """
    before, after = change.before, change.after
    if after.type != "Patient" or before is None or not any(one in after.body for one in _ROOTS):
        return False
    shown = trusted_ins(written.read(after) or {})
    return bool(shown) and shown != trusted_ins(written.read(before) or {})


def _waiting(tx: Transaction, patients: Iterable[str]) -> list[Delivery]:
    """Return the rows that say that they wait for the identity of these Patients."""
    numbers = {
        -one.order
        for patient in sorted(patients)
        for one in told_under(tx, told_of(patient)[0])
        if one.order < 0 and one.assertion.event == HELD
    }
    found: list[Delivery] = []
    for number in sorted(numbers):
        page = tx.outbox.page([DeliveryStatus.HELD], number - 1, 1, with_body=True)
        found += [row for row in page if row.id == number]
    return found


def _reconsider(tx: Transaction, row: Delivery, now: datetime) -> bool:
    """Let a row that waits go, or stop it; tell whether it was let go."""
    looked = _look(tx, row, now)
    if looked is None:
        return False
    verdict, standing = looked
    note = reasons.words(verdict.reason)
    if verdict.status is DeliveryStatus.QUEUED:
        tx.outbox.amend(row.id, _details(row, verdict, standing), since=now)
        # That it waited stays told: what was missing is what ends the gap, not its undoing.
        tx.outbox.settle(row.id, DeliveryStatus.QUEUED, now)
        show_row(tx, row.item.connector, row.item.key, now)
        return True
    if note != row.note:
        tx.outbox.settle(row.id, verdict.status, now, note=note)
        show_row(tx, row.item.connector, row.item.key, now)
        _say(tx, row, verdict, now)
    return False


def _look(tx: Transaction, row: Delivery, now: datetime) -> tuple[Verdict, Standing] | None:
    """Decide about a row by what is known now; None where nobody decides again."""
    details = row.item.details
    patient = patient_of(tx, row)
    if patient is None or details.get("kind") not in _DECIDED or details.get("withdraws"):
        return None
    if row.item.connector == routing_dmp.CONNECTOR:
        standing = standing_of(tx, patient, now)
        return routing_dmp.again(standing, str(details.get("shown_ins", ""))), standing
    if "waiting" not in details:
        # Queued before rows kept what they wait for.
        return None
    waiting = Waiting(**details["waiting"])
    standing = standing_of(tx, patient, now)
    known = listed(tx, [waiting.id]) if waiting.id and not waiting.address else {}
    verdict = routing.again(waiting, standing, known.get(waiting.id, ()))
    if known and verdict.to and _has_own_row(tx, row, verdict.to):
        verdict = Verdict(DeliveryStatus.SKIPPED, reasons.SENT_ALREADY, verdict.to)
    return verdict, standing


def _has_own_row(tx: Transaction, row: Delivery, address: str) -> bool:
    """Tell whether the message named a mailbox that the directory gives as well."""
    document = str(row.item.details["document_id"])
    named = routing.key(document, "professional", address)
    return tx.outbox.by_key(routing.CONNECTOR, named) is not None


def _details(row: Delivery, verdict: Verdict, standing: Standing) -> dict[str, Any]:
    """Return what a row leaves with: the mailbox and the identity as they are known now."""
    details = {**row.item.details, "ins_trusted": bool(standing.ins)}
    if row.item.connector == routing_dmp.CONNECTOR:
        return {**details, "ins": standing.ins}
    return {**details, "to": verdict.to}


def _doubted(tx: Transaction, details: dict[str, Any]) -> dict[str, Any]:
    """Note that the directory knows a person by other mailboxes than the one the sender names.

    The sender's word wins; who reads the delivery is told that it may be an old one.
    """
    said = details.get("waiting") or {}
    number, address = str(said.get("id", "")), str(said.get("address", "")).lower()
    if not number or not address:
        return details
    known = {one.address.lower() for one in listed(tx, [number]).get(number, ()) if one.address}
    is_doubted = bool(known) and address not in known
    return (
        details
        if is_doubted == bool(details.get("doubted"))
        else {**details, "doubted": is_doubted}
    )


def _say(tx: Transaction, row: Delivery, verdict: Verdict, now: datetime) -> None:
    """Tell the pathway what became of a row: it waits for an identity, or for nothing any more."""
    said = row.item.details.get("pathway")
    waits = verdict.status is DeliveryStatus.HELD and verdict.reason in reasons.WAITS_FOR_IDENTITY
    if waits and isinstance(said, dict):
        channel = "dmp" if row.item.connector == routing_dmp.CONNECTOR else "mss"
        hold_word(tx, row.id, channel, said, now)
    else:
        unsay(tx, row.id, now)
        tell_refused(tx, row, verdict.reason, now)
