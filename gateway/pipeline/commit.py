"""Store a batch of inputs with everything that follows from them, in one transaction.

The border of the transaction is the caller's (`pipeline.receive` groups inputs into one commit,
`pipeline.replay` runs row by row); nothing here answers a sender.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.core.contributions import Contribution, Kind, Target
from gateway.core.inbox_ports import InboxResult
from gateway.core.issues import Issue, Severity
from gateway.core.messages import InboxRow, InboxStatus, NewInboxRow, Outcome, Receipt
from gateway.core.ports import Transaction
from gateway.fhir.fold import Fold
from gateway.fhir.survivors import Links
from gateway.pipeline import cancellations
from gateway.pipeline.against_store import in_turns, judged
from gateway.pipeline.asserted import note_numbers, store_told
from gateway.pipeline.business_acks import assert_received
from gateway.pipeline.departures import release
from gateway.pipeline.dossiers import settle
from gateway.pipeline.outgoing import queue_mails
from gateway.pipeline.prepared import Opened, Prepared
from gateway.pipeline.refold import Refolded, refold
from gateway.pipeline.submissions import queue_submissions
from gateway.pipeline.to_hospital import queue_application_acks, settle_answers
from gateway.pipeline.vigilance import watch_identities

_OUTCOMES = {
    InboxStatus.CONVERTED: Outcome.ACCEPTED,
    InboxStatus.RECEIVED: Outcome.ACCEPTED,
    InboxStatus.IGNORED: Outcome.IGNORED,
    InboxStatus.QUARANTINED: Outcome.REJECTED,
    InboxStatus.FAILED: Outcome.REJECTED,
    InboxStatus.DISCARDED: Outcome.REJECTED,
}


@dataclass(frozen=True, slots=True)
class CommitRules:
    """Settings of the commit.

    Attributes:
        folds: the fold of each type that has rules of its own.
        control_id_window: how far back the same control id is looked for.
        mails: letters that ask for secure mails get them; False where no operator is named.
        record: letters that ask for the shared record are fed to it; False where none is named.
    """

    folds: Mapping[str, Fold]
    control_id_window: timedelta = timedelta(days=30)
    mails: bool = False
    record: bool = False


def commit(
    tx: Transaction, batch: Sequence[Prepared], now: datetime, rules: CommitRules
) -> list[Receipt]:
    """Store inputs, fold what they touch, and say what each sender is to be told.

    Args:
        tx: an open transaction.
        batch: inputs in the order of their arrival.
        now: instant of the commit, and so of the receipt of every new input (ADR 0008).
        rules: settings.

    Returns:
        One receipt per input, in order; valid once the transaction is durable.

    Raises:
        RejectedError: a folded resource breaks its FHIR shape; the caller finds the input.
    """
    note_numbers(tx, batch, now)
    return [receipt for turn in in_turns(batch) for receipt in _commit(tx, turn, now, rules)]


def _commit(
    tx: Transaction, batch: Sequence[Prepared], now: datetime, rules: CommitRules
) -> list[Receipt]:
    known = _earlier(tx, batch, now - rules.control_id_window)
    receipts: list[Receipt | None] = []
    fresh: list[tuple[int, Prepared, bytes]] = []
    for position, item in enumerate(batch):
        receipt, item_now = _against_earlier(item, known)
        receipts.append(receipt)
        if receipt is None:
            item_now = judged(tx, item_now)
            answer = _answer(item_now)
            fresh.append((position, item_now, answer))
            _remember(known, item_now, answer)
    ids = _store(tx, [(item, answer) for _, item, answer in fresh], now)
    stored = [(row_id, item) for row_id, (_, item, _) in zip(ids, fresh, strict=True)]
    folded = _contribute(tx, stored, now, rules)
    store_told(tx, stored, now)
    cancellations.note(tx, stored, now)
    if folded.links:
        settle(tx, folded.links, now)
    flags = watch_identities(tx, stored, *folded, now)
    if rules.mails:
        queue_mails(tx, stored, now)
    if rules.record:
        queue_submissions(tx, stored, now)
    if rules.mails or rules.record:
        release(tx, folded, now)
    assert_received(tx, stored, now)
    queue_application_acks(tx, stored, now)
    settle_answers(tx, stored, now)
    for row_id, (position, item, answer) in zip(ids, fresh, strict=True):
        if row_id in flags:
            item = replace(item, flags=(*item.flags, *flags[row_id]))
        receipts[position] = _receipt(item, row_id, answer)
    return [receipt for receipt in receipts if receipt is not None]


def _contribute(
    tx: Transaction, stored: Sequence[tuple[int, Prepared]], now: datetime, rules: CommitRules
) -> Refolded:
    kept: list[tuple[int, Sequence[Contribution]]] = []
    once: list[Contribution] = []
    touched: set[Target] = set()
    for row_id, item in stored:
        if item.status is not InboxStatus.CONVERTED:
            continue
        folded = [part for part in item.contributions if part.kind is not Kind.ONCE]
        once += [part for part in item.contributions if part.kind is Kind.ONCE]
        touched.update(part.target for part in folded if part.kind is Kind.OWN)
        kept.append((row_id, folded))
    if not kept:
        return Refolded([], Links())
    tx.contributions.lock(touched)
    changed = tx.contributions.replace(kept)
    return refold(tx, changed, once, now, rules.folds)


def _earlier(
    tx: Transaction, batch: Sequence[Prepared], since: datetime
) -> dict[tuple[str, ...], InboxRow | tuple[Prepared, bytes]]:
    """Index the earlier rows of the batch's control ids, by full key and by control key."""
    headers = [item.opened.header for item in batch if item.inbox_id is None]
    known: dict[tuple[str, ...], InboxRow | tuple[Prepared, bytes]] = {}
    for row in tx.inbox.find_same_control(headers, since):
        header = row.header
        known.setdefault((*header.sender, header.control_id, header.canonical_sha256), row)
        if header.control_id:
            known.setdefault((*header.sender, header.control_id), row)
    return known


def _remember(
    known: dict[tuple[str, ...], InboxRow | tuple[Prepared, bytes]],
    item: Prepared,
    answer: bytes,
) -> None:
    header = item.opened.header
    known.setdefault((*header.sender, header.control_id, header.canonical_sha256), (item, answer))
    if header.control_id:
        known.setdefault((*header.sender, header.control_id), (item, answer))


def _against_earlier(
    item: Prepared, known: Mapping[tuple[str, ...], InboxRow | tuple[Prepared, bytes]]
) -> tuple[Receipt | None, Prepared]:
    """Settle a duplicate, or refuse a control id used again for other content."""
    header = item.opened.header
    if item.inbox_id is not None:
        return None, item
    same = known.get((*header.sender, header.control_id, header.canonical_sha256))
    if same is not None:
        return _duplicate(item, same), item
    reused = bool(header.control_id) and (*header.sender, header.control_id) in known
    if not reused or item.unanswered:
        return None, item
    if not item.opened.policy.reuse_refused:
        return None, replace(item, flags=(*item.flags, "control-id-reused"))
    refused = replace(
        item,
        status=InboxStatus.QUARANTINED,
        contributions=(),
        location="",
        issues=(_control_id_reused(),),
    )
    return None, refused


def _duplicate(item: Prepared, same: InboxRow | tuple[Prepared, bytes]) -> Receipt:
    if isinstance(same, InboxRow):
        status, answer, row_id, issues = same.status, same.answer, same.id, same.issues
    else:
        first, answer = same
        status, row_id, issues = first.status, None, first.issues
    refused = _OUTCOMES[status] is Outcome.REJECTED
    # A row whose conversion is still to come has no answer of its own yet: it is kept, so AA.
    ack = answer or item.opened.answer("AA", ())
    return Receipt(
        outcome=Outcome.REJECTED if refused else Outcome.DUPLICATE,
        issues=issues if refused else (),
        ack=b"" if item.unanswered else ack,
        inbox_id=row_id,
        location=item.location,
        flags=("duplicate",),
    )


def _answer(item: Prepared) -> bytes:
    if item.unanswered:
        return b""
    refused = _OUTCOMES[item.status] is Outcome.REJECTED
    told = item.issues if refused else ()
    return item.opened.answer("refuse" if refused else "AA", told)


def _store(tx: Transaction, items: Sequence[tuple[Prepared, bytes]], now: datetime) -> list[int]:
    """Insert new rows, finish rows stored before; return the row ids in order."""
    new = [_row(item, answer, now) for item, answer in items if item.inbox_id is None]
    inserted = iter(tx.inbox.insert(new) if new else ())
    ids: list[int] = []
    results: list[InboxResult] = []
    for item, answer in items:
        if item.inbox_id is None:
            row_id = next(inserted)
            if row_id is None:
                # Another process stored the same input between our look and our insert.
                raise ConflictError
            ids.append(row_id)
        else:
            ids.append(item.inbox_id)
            if item.status is not InboxStatus.RECEIVED:
                results.append(
                    InboxResult(item.inbox_id, item.status, answer, item.issues, item.flags)
                )
    if results:
        tx.inbox.set_results(results)
    return ids


class ConflictError(Exception):
    """The same input was stored by another process meanwhile; run the commit again."""


def _row(item: Prepared, answer: bytes, now: datetime) -> NewInboxRow:
    raw = item.opened.raw
    return NewInboxRow(
        received_at=now,
        channel=raw.channel,
        peer=raw.peer.address if raw.peer else "",
        header=item.opened.header,
        body=raw.body,
        status=item.status,
        answer=answer,
        issues=item.issues,
        flags=tuple(dict.fromkeys((*raw.flags, *item.flags))),
    )


def _receipt(item: Prepared, row_id: int, answer: bytes) -> Receipt:
    outcome = Outcome.UNANSWERED if item.unanswered else _OUTCOMES[item.status]
    return Receipt(
        outcome=outcome,
        issues=item.issues,
        ack=answer,
        inbox_id=row_id,
        location=item.location,
        flags=item.flags,
    )


def store_bytes(tx: Transaction, opened: Opened, now: datetime) -> int | None:
    """Keep an input before its conversion ends; None when the same input is there already."""
    item = Prepared(opened, InboxStatus.RECEIVED, flags=opened.flags)
    return tx.inbox.insert([_row(item, b"", now)])[0]


def _control_id_reused() -> Issue:
    return Issue(
        code="RLS-HL7-205",
        severity=Severity.ERROR,
        where="MSH-10",
        what="this control id was already used by this sender for another message.",
        fix="Give each new message its own MSH-10 and send again.",
        hl7_code=205,
    )
