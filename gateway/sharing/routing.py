"""Which secure mails a document asks for, decided from the flags of its message, with the reason.

Pure: gets values, gives outbox items. Does not read messages (`pipeline.route`) nor build mails
(`connectors`). First and thin: mailboxes the sender names; the directory comes later. Standards:
CI-SIS volet on CDA documents in HL7 v2, flags and rules of management for MSSanté.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.core.deliveries import DeliveryStatus, NewDelivery

CONNECTOR = "mssante"
#: Domain of the mailboxes of patients; the local part is the matricule.
PATIENT_DOMAIN = "patient.mssante.fr"
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient the sender names.

    Attributes:
        place: `PRT[2]`.
        address: as sent, empty when none.
        id: RPPS of a professional, FINESS of a structure; empty when not given.
    """

    place: str
    address: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A document that may leave, with everything its message says about where to.

    Attributes:
        document_id: unique id of this version.
        about: `DocumentReference/id`.
        body: the CDA document as received.
        flags: by name, as `hl7v2.envelope.flags` gives them.
        ins: trusted matricule that the Patient shows; empty when it shows none.
        require_ins: the site sends nothing without a trusted INS.
        shows_ins: the document itself names an INS, so it must be a trusted one.
        reply_to: address for answers.
        final: the patient may not answer (X-MSS-MES).
        texts: body of the mail by kind of recipient, `professional` and `patient`.
        labels: masks of the document.
        withdrawn: the message takes the document back (T04).
    """

    document_id: str
    about: str
    body: bytes
    flags: Mapping[str, bool]
    recipients: Sequence[Recipient]
    ins: str
    require_ins: bool = True
    shows_ins: bool = True
    reply_to: str = ""
    final: bool = False
    texts: Mapping[str, str] = field(default_factory=dict)
    labels: Sequence[str] = ()
    replaces: bool = False
    withdrawn: bool = False
    author: Mapping[str, str] = field(default_factory=dict)
    content_type_code: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a mail leaves, waits or is not sent: a word for machines, a sentence for people."""

    word: str
    fr: str
    en: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One mail, decided.

    Attributes:
        item: what is queued; for `skipped` and `held` too, so that the decision can be seen.
        status: queued, held or skipped.
    """

    item: NewDelivery
    status: DeliveryStatus
    reason: Reason


ASKED = Reason(
    "asked",
    "L'expéditeur demande l'envoi à cette boîte.",
    "The sender asks for a mail to this mailbox.",
)
NO_INS = Reason(
    "no-trusted-ins",
    "L'INS du patient n'est pas qualifiée : l'envoi attend.",
    "The INS of the patient is not qualified: the mail waits.",
)
NO_ADDRESS = Reason(
    "no-address",
    "Aucune adresse de messagerie sécurisée utilisable n'est donnée pour ce destinataire.",
    "No usable secure mail address is given for this recipient.",
)
MASKED_PROFESSIONALS = Reason(
    "masked-professionals",
    "Le document est masqué aux professionnels : le masque l'emporte sur l'envoi.",
    "The document is hidden from professionals: the mask wins over the sending.",
)
MASKED_PATIENT = Reason(
    "masked-patient",
    "Le document n'est pas visible par le patient : le masque l'emporte sur l'envoi.",
    "The document is not visible to the patient: the mask wins over the sending.",
)
OTHER_PATIENT = Reason(
    "other-patient-mailbox",
    "La boîte de patient nommée n'est pas celle de l'INS du patient.",
    "The patient mailbox that is named is not that of the patient's INS.",
)
WITHDRAWN = Reason(
    "withdrawn",
    "Le document est retiré : rien n'est envoyé.",
    "The document is withdrawn: nothing is sent.",
)


def decide(document: Outgoing, now: datetime) -> list[Decision]:
    """Return one decision per recipient, in the order of the message; empty when no flag asks.

    The most restrictive word wins where flags contradict each other. A mailbox named twice gets
    one mail, by the key of its item.

    Args:
        document: what may leave.
        now: instant of the decision, due time of the first attempt.
    """
    made: dict[str, Decision] = {}
    if document.flags.get("DESTMSSANTEPS"):
        for recipient in document.recipients:
            if not is_patient_mailbox(recipient.address):
                decision = _professional(document, recipient, now)
                made.setdefault(decision.item.key, decision)
    if document.flags.get("DESTMSSANTEPAT"):
        decision = _patient(document, now)
        made.setdefault(decision.item.key, decision)
    return list(made.values())


def is_patient_mailbox(address: str) -> bool:
    """Tell whether an address is that of a patient's own space."""
    return address.lower().rpartition("@")[2] == PATIENT_DOMAIN


def key(document_id: str, kind: str, to: str) -> str:
    """Return the idempotency key of a mail: one version of a document to one mailbox."""
    # 32 digits: with the domain, Message-ID stays on one line.
    named = f"{CONNECTOR}|{document_id}|{kind}|{to.lower()}"
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def _professional(document: Outgoing, recipient: Recipient, now: datetime) -> Decision:
    usable = bool(_ADDRESS.fullmatch(recipient.address))
    to = recipient.address if usable else ""
    item = _item(document, "professional", to or recipient.place, now, to, recipient.id)
    if document.withdrawn:
        return Decision(item, DeliveryStatus.SKIPPED, WITHDRAWN)
    if document.flags.get("MASQUE_PS"):
        return Decision(item, DeliveryStatus.SKIPPED, MASKED_PROFESSIONALS)
    if not usable:
        return Decision(item, DeliveryStatus.HELD, NO_ADDRESS)
    if not document.ins and (document.require_ins or document.shows_ins):
        return Decision(item, DeliveryStatus.HELD, NO_INS)
    return Decision(item, DeliveryStatus.QUEUED, ASKED)


def _patient(document: Outgoing, now: datetime) -> Decision:
    """Decide on the mailbox of the patient, which only a trusted INS gives."""
    named = [r.address for r in document.recipients if is_patient_mailbox(r.address)]
    to = f"{document.ins}@{PATIENT_DOMAIN}" if document.ins else ""
    # The key must not depend on whether the INS is known yet: a held mail and the one that
    # leaves later are one.
    item = _item(document, "patient", "patient", now, to, "")
    if document.withdrawn:
        return Decision(item, DeliveryStatus.SKIPPED, WITHDRAWN)
    if document.flags.get("INVISIBLE_PATIENT"):
        return Decision(item, DeliveryStatus.SKIPPED, MASKED_PATIENT)
    if not to:
        return Decision(item, DeliveryStatus.HELD, NO_INS)
    if any(address.partition("@")[0] != document.ins for address in named):
        return Decision(item, DeliveryStatus.HELD, OTHER_PATIENT)
    return Decision(item, DeliveryStatus.QUEUED, ASKED)


def _item(
    document: Outgoing, kind: str, name: str, now: datetime, to: str, recipient: str
) -> NewDelivery:
    details: dict[str, Any] = {
        "kind": kind,
        "to": to,
        "recipient": recipient,
        "document_id": document.document_id,
        "ins_trusted": bool(document.ins),
        "labels": list(document.labels),
        "replaces": document.replaces,
        "reply_to": document.reply_to if _ADDRESS.fullmatch(document.reply_to) else "",
        "final": document.final,
        "read_receipt": bool(document.flags.get("ACK_LECTURE_MSS")),
        "text": document.texts.get(kind, ""),
        "author": dict(document.author),
        "content_type_code": document.content_type_code,
    }
    return NewDelivery(
        connector=CONNECTOR,
        key=key(document.document_id, kind, name),
        due_at=now,
        content_type="text/xml",
        body=document.body,
        details=details,
        about=document.about,
    )
