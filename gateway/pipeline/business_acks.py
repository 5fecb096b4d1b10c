"""Business acknowledgements: what others tell of a document as facts, and what we tell its sender.

A ZAM names its request by MSH-10 only; it is joined to the message that carried the document,
whichever of the two comes first. Building and reading is `hl7v2.zam`. CI-SIS volet on CDA
documents in HL7 v2, ZAM and flags ACK_RECEPTION, ACK_LECTURE_MSS.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from gateway.core.contributions import Contribution, Target
from gateway.core.deliveries import Delivery, DeliveryStatus, Notice
from gateway.core.facts import Assertion, Op, Span
from gateway.core.messages import Header, InboxStatus
from gateway.core.ports import Transaction
from gateway.hl7v2 import envelope, zam
from gateway.hl7v2.keys import recorded_at, version_of
from gateway.hl7v2.message import Message
from gateway.hl7v2.reader import read
from gateway.mapping.sites import Site
from gateway.pipeline.dossiers import told_under
from gateway.pipeline.prepared import Opened, Prepared
from gateway.pipeline.to_hospital import queue_message
from gateway.sharing.reasons import REFUSALS, Reason
from gateway.sharing.routing_dmp import CONNECTOR as RECORD

_REQUESTS = frozenset({"MDM", "ORU"})
_EVENTS = {
    (zam.DMP, True): "SND.DMP_OK",
    (zam.DMP, False): "SND.DMP_KO",
    (zam.RECEPTION, True): "SND.MSS_OK",
    (zam.RECEPTION, False): "SND.MSS_KO",
    (zam.READING, True): "SND.MSS_READ",
    (zam.READING, False): "SND.MSS_KO",
}
#: What is asserted of acknowledgements, with its attributes.
ASSERTS = dict.fromkeys(
    _EVENTS.values(),
    frozenset({"estab", "doc", "about", "channel", "recipient", "address", "code"}),
)
#: How long a request is looked back for.
_REACH = timedelta(days=400)
_RPPS = re.compile(r"8?(\d{11})")
_SMTP = re.compile(r"\b([45]\d\d)\b ?([a-z][a-z ,-]*)?")
_INTEGRATION = re.compile(r"(90[0-6])\b ?(.*)")
_SETTLED = {DeliveryStatus.REFUSED, DeliveryStatus.GIVEN_UP}


# --- received -----------------------------------------------------------------------------------


def prepared(opened: Opened, message: Message, feed: str) -> Prepared:
    """Convert a ZAM: nothing but a trace that lets its request find it later.

    Raises:
        RejectedError: it cannot be understood (RLS-HL7-020, 077).
    """
    told = zam.read(message)
    receiver = (message.value("MSH-5.1"), message.value("MSH-6.1"))
    target = _waiting_for(receiver, told.request)
    version = version_of(recorded_at(message), opened.header)
    resource = {"resourceType": target.type, "id": target.id, "status": "completed"}
    trace = Contribution(target, version, resource, annotates=True)
    return Prepared(
        opened, InboxStatus.CONVERTED, contributions=(trace,), flags=message.flags, feed=feed
    )


def _waiting_for(sender: tuple[str, str], request: str) -> Target:
    """Return where ZAM of a request are found; it becomes no resource."""
    return Target("Communication", str(uuid5(NAMESPACE_URL, "|".join(("zam", *sender, request)))))


def assert_received(tx: Transaction, stored: Sequence[tuple[int, Prepared]], now: datetime) -> None:
    """Assert what ZAM prove, in the transaction that stored them or their requests.

    Args:
        tx: holds facts and contributions of the same rows.
        stored: row id and input.
        now: instant of the commit.
    """
    for row_id, item in stored:
        message = item.opened.parsed
        if not isinstance(message, Message) or item.status is not InboxStatus.CONVERTED:
            continue
        if message.message_type == "ZAM":
            receiver = (message.value("MSH-5.1"), message.value("MSH-6.1"))
            _assert_one(tx, row_id, message, receiver, now)
        elif message.message_type in _REQUESTS:
            header = item.opened.header
            waiting = _waiting_for(header.sender, header.control_id)
            for earlier in tx.contributions.inbox_ids(waiting):
                _assert_stored(tx, earlier, header.sender, now)


def _assert_stored(tx: Transaction, row_id: int, sender: tuple[str, str], now: datetime) -> None:
    row = tx.inbox.get(row_id)
    if row is not None and row.status is InboxStatus.CONVERTED:
        _assert_one(tx, row_id, read(row.body), sender, now)


def _assert_one(
    tx: Transaction, row_id: int, message: Message, sender: tuple[str, str], now: datetime
) -> None:
    told = zam.read(message)
    letter = _letter(tx, sender, told.request, now)
    if letter is None:
        return
    said, about = letter
    happened = recorded_at(message)
    event = _EVENTS[told.trigger, told.positive]
    assertion = _fact(event, told, said, about, happened, f"{row_id:012d}")
    patients = tx.facts.replace([(row_id, now, [assertion])])
    persons = tx.facts.persons(patients)
    tx.watch.touch(dict.fromkeys(persons.values(), now))


def _letter(
    tx: Transaction, sender: tuple[str, str], request: str, now: datetime
) -> tuple[Assertion, str] | None:
    """Return what the document of a request asserts and its `Type/id`, None while not known."""
    asked = Header(sender, request, "", "", "")
    rows = [
        row
        for row in tx.inbox.find_same_control([asked], now - _REACH)
        if row.status is InboxStatus.CONVERTED and row.header.message_type[:3] in _REQUESTS
    ]
    if not rows:
        return None
    made = tx.contributions.made_by([rows[0].id]).get(rows[0].id, [])
    patient = next((one for one in made if one.type == "Patient"), None)
    if patient is None:
        return None
    shown = next((f"{one.type}/{one.id}" for one in made if one.type == "DocumentReference"), "")
    return next(
        (
            (one.assertion, shown)
            for one in told_under(tx, patient.id)
            if one.order == rows[0].id and one.assertion.event.startswith("DOC.")
        ),
        None,
    )


def _fact(
    event: str,
    told: zam.BusinessAck,
    letter: Assertion,
    about: str,
    happened: datetime,
    order: str,
) -> Assertion:
    instant = happened.astimezone(UTC).replace(microsecond=0)
    number = _RPPS.fullmatch(told.person)
    recipient = number[1] if number else told.person
    doc = str(letter.attributes.get("setid", ""))
    key = send_key(doc, event, recipient or told.address)
    revision = f"{instant:%Y-%m-%dT%H:%M:%SZ}|{order}"
    attributes = {
        "estab": letter.attributes.get("estab", ""),
        "doc": doc,
        "about": about,
        "channel": "dmp" if told.trigger == zam.DMP else "mss",
        "recipient": recipient,
        "address": told.address,
        "code": told.error,
    }
    return Assertion(
        aid=hashlib.sha256(f"{event}|{key}|{revision}".encode()).hexdigest(),
        event=event,
        key=key,
        op=Op.ASSERT,
        revision=revision,
        when=Span(instant, instant),
        sent_at=instant,
        patient=letter.patient,
        source=letter.source,
        attributes={name: value for name, value in attributes.items() if value != ""},
    )


def send_key(doc: str, event: str, recipient: str) -> str:
    """Return the key of what is known of a send: arrival and reading are two facts."""
    if event == "SND.MSS_READ":
        return f"SND|{doc}|read|{recipient}"
    channel = "dmp" if event.startswith("SND.DMP") else "mss"
    return f"SND|{doc}|{channel}|{recipient if channel == 'mss' else ''}"


# --- emitted ------------------------------------------------------------------------------------


def wanted(message: Message, site: Site) -> dict[str, Any]:
    """Return what the sender of a document wants to hear, to be kept with each mail.

    Empty when it asks for nothing, or the site names nobody to tell.
    """
    flags = envelope.flags(message)
    if not site.acks_to or not (flags.get("ACK_RECEPTION") or flags.get("ACK_LECTURE_MSS")):
        return {}
    parties = zam.Parties.of(message)
    return {
        "destination": f"{site.name}/{site.acks_to}",
        "request": message.control_id,
        "reception": bool(flags.get("ACK_RECEPTION")),
        "reading": bool(flags.get("ACK_LECTURE_MSS")),
        "ours": list(parties.ours),
        "theirs": list(parties.theirs),
        "processing": parties.processing,
        "charset": parties.charset,
    }


def smtp_answer(delivery: Delivery) -> tuple[str, str] | None:
    """Return code and word of the mail server that refused a mail; None when it gave none."""
    found = _SMTP.search(delivery.note)
    return (found[1], (found[2] or "").strip()) if found else None


def tell_settled(tx: Transaction, delivery: Delivery, now: datetime) -> None:
    """Queue what the end of a mail is to its sender; an arrival that is only assumed is none."""
    evidence = str(delivery.receipt.get("evidence", ""))
    if delivery.status in _SETTLED and evidence != "not integrated":
        code, text = smtp_answer(delivery) or ("554", "not delivered")
        _tell(tx, delivery, zam.RECEPTION, (code, text), now, now)
    elif delivery.status is DeliveryStatus.CONFIRMED and evidence and evidence != "assumed":
        _tell(tx, delivery, zam.RECEPTION, None, now, now)


def tell_record(tx: Transaction, delivery: Delivery, code: str, now: datetime) -> None:
    """Queue what the end of a submission to the shared record is to the document's sender.

    Args:
        tx: an open transaction.
        delivery: with its new state.
        code: what the registry said, or ours.
        now: instant of the transaction.

    Spec: CI-SIS volet on CDA documents in HL7 v2, ZAM^Z01.
    """
    if delivery.status is DeliveryStatus.CONFIRMED:
        _tell(tx, delivery, zam.DMP, None, now, now)
    elif delivery.status in _SETTLED or delivery.status is DeliveryStatus.SKIPPED:
        _tell(tx, delivery, zam.DMP, (code or "DMP", "not fed"), now, now)


def tell_refused(tx: Transaction, delivery: Delivery, reason: Reason, now: datetime) -> None:
    """Queue the word that a document is not sent, by a decision of ours, to who sent it.

    Args:
        tx: an open transaction.
        delivery: the row that is skipped.
        reason: other reasons than a refusal are told to nobody.
        now: instant of the transaction.

    Spec: CI-SIS volet on CDA documents in HL7 v2, ZAM^Z01 and Z02; 554: definitive failure.
    """
    if reason in REFUSALS:
        is_record = delivery.item.connector == RECORD
        trigger, code = (zam.DMP, "DMP") if is_record else (zam.RECEPTION, "554")
        _tell(tx, delivery, trigger, (code, reason.word), now, now)


def tell_notice(tx: Transaction, delivery: Delivery, notice: Notice, now: datetime) -> None:
    """Queue what a notice of reading is to the sender of the document."""
    evidence = notice.receipt.get("evidence")
    if evidence in ("read", "integrated"):
        _tell(tx, delivery, zam.READING, None, notice.at, now)
    elif evidence == "not integrated":
        found = _INTEGRATION.match(notice.note)
        code, text = (found[1], found[2]) if found else ("906", "not integrated")
        _tell(tx, delivery, zam.READING, (code, text), notice.at, now)


def _tell(
    tx: Transaction,
    delivery: Delivery,
    trigger: str,
    error: tuple[str, str] | None,
    happened: datetime,
    now: datetime,
) -> None:
    asked = delivery.item.details.get("business_acks") or {}
    if not asked.get("reading" if trigger == zam.READING else "reception"):
        return
    code, text = error or ("", "")
    told = zam.BusinessAck(
        trigger=trigger,
        request=str(asked["request"]),
        positive=error is None,
        address=str(delivery.item.details.get("to", "")),
        person=str(asked.get("person", "")) or str(delivery.item.details.get("recipient", "")),
        error=code,
        error_text=text,
    )
    ours, theirs = asked["ours"], asked["theirs"]
    parties = zam.Parties(
        (ours[0], ours[1]), (theirs[0], theirs[1]), asked["processing"], asked["charset"]
    )

    def build(number: str) -> bytes:
        return zam.build(told, parties, happened=happened, now=now, control_id=number)

    name = f"zam|{trigger}|{delivery.item.key}|{'Y' if told.positive else 'N'}"
    queue_message(
        tx, str(asked["destination"]), name, build, now, kind="zam", mail=delivery.item.key
    )
