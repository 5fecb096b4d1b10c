"""Everything that happened with one document, in order: from the message to the closed gap.

Reads the store and changes nothing. What is not known is not told: a mail without notice is sent,
and never more.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.audit import Wanted
from gateway.core.contributions import Target
from gateway.core.deliveries import Delivery, DeliveryStatus
from gateway.core.facts import ExpectationRow, Op, Received
from gateway.core.ports import Transaction
from gateway.hl7v2 import zam
from gateway.pipeline.dossiers import told_under
from gateway.pipeline.to_hospital import CONNECTOR as HOSPITAL
from gateway.pipeline.to_hospital import control_id

#: A document has a row for each recipient and version; more are not shown.
_ROWS = 200
_ENTRIES = 500
_KIND = "DocumentReference"
_TRIGGERS = (zam.DMP, zam.RECEPTION, zam.READING)
_FACTS = {
    "SND.MSS_OK": "delivered",
    "SND.DMP_OK": "delivered",
    "SND.MSS_READ": "read",
    "SND.WITHDRAWAL_DUE": "withdrawal_due",
    "SND.WITHDRAWN": "withdrawn_there",
}
#: Ends of a row that are told by the row itself.
_STATES = {
    DeliveryStatus.HELD: "held",
    DeliveryStatus.SKIPPED: "not_sent",
    DeliveryStatus.RETRY_WAIT: "waits",
    DeliveryStatus.REFUSED: "refused",
    DeliveryStatus.GIVEN_UP: "given_up",
}
_REQUESTS = {"MDM^T10": "replaced", "MDM^T04": "withdrawn"}
#: What comes first of the things that happen within one second.
_STEPS = (
    *("gap_opened", "received", "replaced", "withdrawn", "converted", "routed", "held"),
    *("not_sent", "waits", "sent", "delivered", "read", "withdrawal_due", "withdrawn_there"),
    *("refused", "given_up", "told", "gap_closed"),
)
_CHANNELS = {"dmp": "dmp", "mssante": "mss"}


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened.

    Attributes:
        at: instant, UTC.
        what: received, replaced, withdrawn, converted, routed, held, not_sent, waits, sent,
            delivered, read, withdrawal_due, withdrawn_there, refused, given_up, told, gap_opened
            or gap_closed.
        channel: mss or dmp, empty when it is of none.
        to: domain of a mailbox, destination of an acknowledgement, or rule of a gap.
        words: reason, answer or message type, as it is kept; names nobody.
        link: page or resource that shows more, without leading slash; empty when none does.
    """

    at: datetime
    what: str
    channel: str = ""
    to: str = ""
    words: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class DocumentTimeline:
    """A document and its moments.

    Attributes:
        id: of the DocumentReference.
        patient: id of its Patient, empty when nobody's.
        body: the DocumentReference as it is stored now, JSON.
        moments: the oldest first.
    """

    id: str
    patient: str
    body: bytes
    moments: tuple[Moment, ...]


def document_timeline(tx: Transaction, document_id: str) -> DocumentTimeline | None:
    """Return the timeline of a document; None when there is none of that id.

    Args:
        tx: an open transaction; it is only read.
        document_id: id of the DocumentReference.
    """
    stored = tx.resources.current([(_KIND, document_id)]).get((_KIND, document_id))
    if stored is None:
        return None
    about = f"{_KIND}/{document_id}"
    first = tx.resources.version(_KIND, document_id, 1) or stored
    rows = tx.outbox.of_document(about, _ROWS)
    facts = told_under(tx, stored.patient) if stored.patient else []
    ours = [one for one in facts if _is_about(one, about, rows)]
    moments = [
        *_inputs(tx, document_id, replaces=b'"replaces"' in stored.body),
        Moment(first.last_updated, "converted", link=f"fhir/{about}"),
        *_rows(rows),
        *_handed_over(tx, stored.patient, about, rows),
        *_known(ours),
        *_told(tx, rows),
        *_gaps(tx, stored.patient, {one.assertion.key for one in ours}),
    ]
    moments.sort(key=_order)
    return DocumentTimeline(document_id, stored.patient, stored.body, tuple(moments))


def _order(one: Moment) -> tuple[datetime, int, datetime]:
    """Order moments; what happened within one second, as facts tell it, has an order too."""
    return one.at.replace(microsecond=0), _STEPS.index(one.what), one.at


def _is_about(one: Received, about: str, rows: Sequence[Delivery]) -> bool:
    """Tell whether a fact is about the document: by itself, or as the letter its rows carry."""
    said = one.assertion
    if said.attributes.get("about") == about:
        return True
    docs = {str(row.item.details.get("pathway", {}).get("doc", "")) for row in rows} - {""}
    return said.event.startswith("DOC.") and said.attributes.get("setid") in docs


def _inputs(tx: Transaction, document_id: str, *, replaces: bool) -> Iterator[Moment]:
    """Tell the messages that spoke of the document.

    A request to replace stands with both versions: it made the newer one, the older gave way.
    """
    numbers = sorted(tx.contributions.inbox_ids(Target(_KIND, document_id)))
    made = not replaces
    for row in filter(None, map(tx.inbox.get, numbers)):
        kind = row.header.message_type
        what = next((word for begin, word in _REQUESTS.items() if kind.startswith(begin)), "")
        if what == "replaced" and not made:
            what, made = "", True
        yield Moment(row.received_at, what or "received", words=kind, link=f"messages/{row.id}")


def _rows(rows: Iterable[Delivery]) -> Iterator[Moment]:
    for row in rows:
        channel, to = _CHANNELS.get(row.item.connector, row.item.connector), _to(row)
        kind = str(row.item.details.get("kind", ""))
        yield Moment(row.created_at, "routed", channel, to, kind if kind != "dmp" else "")
        what = _STATES.get(row.status, "")
        if what:
            at = row.created_at if what in ("held", "not_sent") and not row.attempts else row.due_at
            yield Moment(at, what, channel, to, row.note)


def _handed_over(
    tx: Transaction, patient: str, about: str, rows: Sequence[Delivery]
) -> Iterator[Moment]:
    """Tell when mails and submissions left, from the journal: a row keeps its last state only."""
    by_id = {row.id: row for row in rows}
    if not patient or not by_id:
        return
    found = tx.audit.find(Wanted(patients=(patient,), kinds=("mail",)), _ENTRIES)
    seen = set[int]()
    for entry in reversed(found):
        details = entry.trace.details
        number = int(details.get("number", 0))
        row = by_id.get(number)
        if details.get("target") != about or row is None or number in seen:
            continue
        seen.add(number)
        channel = _CHANNELS.get(row.item.connector, "")
        link = f"fhir/AuditEvent/{entry.trace.id}"
        yield Moment(entry.trace.at, "sent", channel, _to(row), link=link)


def _known(facts: Iterable[Received]) -> Iterator[Moment]:
    for one in facts:
        said = one.assertion
        what = _FACTS.get(said.event)
        if what is None or said.op is not Op.ASSERT:
            continue
        words = (
            "assumed" if said.attributes.get("assumed") else str(said.attributes.get("code", ""))
        )
        yield Moment(said.when.low, what, str(said.attributes.get("channel", "")), words=words)


def _told(tx: Transaction, rows: Iterable[Delivery]) -> Iterator[Moment]:
    """Tell the acknowledgements that went back to the sender (ZAM)."""
    for row in rows:
        for trigger in _TRIGGERS:
            for answer in "YN":
                key = control_id(f"zam|{trigger}|{row.item.key}|{answer}")
                told = tx.outbox.by_key(HOSPITAL, key)
                if told is not None:
                    channel = _CHANNELS.get(row.item.connector, "")
                    to = str(told.item.details.get("destination", ""))
                    words = f"ZAM^{trigger} {answer}, {told.status.value}"
                    yield Moment(told.created_at, "told", channel, to, words)


def _gaps(tx: Transaction, patient: str, keys: set[str]) -> Iterator[Moment]:
    """Tell the gaps that this document opened or closed."""
    if not patient or not keys:
        return
    holders = [patient, *tx.facts.parts([patient])]
    for person in sorted(set(tx.facts.persons(holders).values())):
        for row in tx.watch.expectations(person):
            if keys & {row.trigger, row.closer, *row.evidence}:
                yield from _gap(row)


def _gap(row: ExpectationRow) -> Iterator[Moment]:
    link = f"gaps/{row.gap_id}"
    if row.opened_at is not None:
        yield Moment(row.opened_at, "gap_opened", to=row.rule, words=row.status.value, link=link)
    if row.opened_at is not None and row.closed_at is not None:
        yield Moment(row.closed_at, "gap_closed", to=row.rule, words=row.status.value, link=link)


def _to(row: Delivery) -> str:
    """Return where a row goes; of a mailbox the domain: the rest may name a person."""
    address = str(row.item.details.get("to") or "")
    return f"…@{address.rpartition('@')[2]}" if "@" in address else address
