"""A document on its way, as Communication; and as Task where a person must settle something.

Pure: the caller reads the outbox and writes the versions (`pipeline.sendings`). A Communication
says no more than what the document itself may show: it bears the labels of the document, and no
mailbox of a patient, whose address is the matricule. FHIR R4 Communication and Task.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from gateway.core.contributions import Json
from gateway.core.deliveries import DeliveryStatus
from gateway.core.systems import FHIR_BASE, IDENTIFIER_BASE
from gateway.core.timestamps import utc_seconds
from gateway.fhir import gap_words as words
from gateway.fhir.gap_alerts import DELIVERY_SYSTEM
from gateway.fhir.identity import FINESS_SYSTEM, RPPS_SYSTEM

PROFILE = f"{FHIR_BASE}/StructureDefinition/document-sending"
SENDING = f"{FHIR_BASE}/CodeSystem/document-sending"
REASON = f"{FHIR_BASE}/CodeSystem/sending-reason"
TASK_SYSTEM = f"{IDENTIFIER_BASE}/sending-task"
_MODE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
_URI = "urn:ietf:rfc:3986"
#: Kinds of sendings, with what carries them (HL7 v3 ParticipationMode).
KINDS = {
    "mail": ("Courriel de messagerie sécurisée", "EMAILWRIT"),
    "mail-withdrawal": ("Courriel qui annule un document", "EMAILWRIT"),
    "record": ("Dépôt au dossier partagé", "ELECTRONIC"),
    "record-withdrawal": ("Retrait du dossier partagé", "ELECTRONIC"),
}
#: Work a sending may ask for, in the words of the person who does it.
WORK = {
    "choose-mailbox": (
        "Un document ne part pas : aucune boîte ne peut être choisie sans vous pour ce "
        "destinataire. Nommez la boîte dans le message (PRT-15) ou corrigez l’annuaire."
    ),
    "settle-sending": (
        "Un document demandé n’est pas parti, ou n’est pas arrivé. Décidez : corriger et "
        "renvoyer, prendre une autre voie, ou prévenir le destinataire."
    ),
}
_S = DeliveryStatus
_ENDED_BADLY = frozenset({_S.REFUSED, _S.GIVEN_UP, _S.SKIPPED})
#: How sure an arrival is, the surest last.
_EVIDENCE = {
    "assumed": "Remise supposée : ce domaine n’envoie pas d’accusé.",
    "delivered": "Remis.",
    "integrated": "Intégré par le logiciel du destinataire.",
    "read": "Lu par le destinataire.",
}


@dataclass(frozen=True, slots=True)
class Sending:
    """One document to one recipient, as it stands.

    Attributes:
        key: idempotency key of its outbox row; names it for ever.
        kind: of `KINDS`.
        document: `DocumentReference/id`.
        patient: `Patient/id`, empty when not known.
        to: mailbox; empty for the shared record and while there is none.
        number: RPPS or FINESS of the recipient, empty when not given.
        is_to_patient: the recipient is the patient.
        code: of the reason it waits or is not sent; empty when it has no code of ours.
        why: the same in words, without patient data.
        evidence: how sure its arrival is; empty when it has not arrived.
        labels: of the document, `DocumentReference.securityLabel`.
        withdraws: key of the sending that it takes back.
        work: of `WORK`, empty when nobody must do anything.
    """

    key: str
    kind: str
    status: DeliveryStatus
    document: str
    patient: str = ""
    to: str = ""
    number: str = ""
    is_to_patient: bool = False
    code: str = ""
    why: str = ""
    evidence: str = ""
    labels: Sequence[Json] = ()
    withdraws: str = ""
    work: str = ""


def communication_id(key: str) -> str:
    """Return the id of the Communication of an outbox row."""
    return str(uuid5(NAMESPACE_URL, f"{DELIVERY_SYSTEM}|{key}"))


def task_id(key: str) -> str:
    """Return the id of the Task of an outbox row."""
    return str(uuid5(NAMESPACE_URL, f"{TASK_SYSTEM}|{key}"))


def communication(sending: Sending, before: Json | None, at: datetime) -> Json:
    """Return the Communication of a sending.

    Args:
        sending: as it stands.
        before: the version before; when it was sent and received stays said.
        at: instant of the change.
    """
    told, carrier = KINDS[sending.kind]
    made: Json = {
        "resourceType": "Communication",
        "id": communication_id(sending.key),
        "meta": {
            "profile": [PROFILE],
            **({"security": [*sending.labels]} if sending.labels else {}),
        },
        "identifier": [{"system": DELIVERY_SYSTEM, "value": sending.key}],
        "status": _status(sending),
        "category": [{**words.concept(SENDING, sending.kind), "text": told}],
        "medium": [{"coding": [{"system": _MODE, "code": carrier}]}],
        "about": [{"reference": sending.document}],
        "recipient": [_recipient(sending)],
        "sender": {"display": "Relais"},
        "payload": [{"contentReference": {"reference": sending.document}}],
    }
    if sending.patient:
        made["subject"] = {"reference": sending.patient}
    if sending.withdraws:
        earlier = f"Communication/{communication_id(sending.withdraws)}"
        made["inResponseTo"] = [{"reference": earlier}]
    if made["status"] in ("on-hold", "not-done"):
        coding = [{"system": REASON, "code": sending.code}] if sending.code else []
        made["statusReason"] = {**({"coding": coding} if coding else {}), "text": sending.why}
    known = before or {}
    if sending.status in (_S.SENT, _S.CONFIRMED):
        made["sent"] = known.get("sent") or utc_seconds(at)
    elif known.get("sent") and made["status"] != "on-hold":
        made["sent"] = known["sent"]
    if sending.status is _S.CONFIRMED:
        said = _surest(known.get("note", ()), sending.evidence)
        arrived = said != _EVIDENCE["assumed"]
        made |= {"received": known.get("received") or utc_seconds(at)} if arrived else {}
        made |= {"note": [{"text": said}]} if said else {}
    return made


def task(sending: Sending, at: datetime) -> Json:
    """Return the Task of a sending that a person must settle.

    Args:
        sending: with `work`.
        at: instant of the decision.
    """
    made: Json = {
        "resourceType": "Task",
        "id": task_id(sending.key),
        "identifier": [{"system": TASK_SYSTEM, "value": sending.key}],
        "status": "requested",
        "businessStatus": words.business("a-traiter"),
        "intent": "order",
        "priority": "urgent",
        "code": {
            "coding": [
                {"system": words.FHIR_TASK_CODE, "code": "fulfill"},
                {"system": words.TASK_CODE, "code": sending.work},
            ]
        },
        "description": f"{WORK[sending.work]} {sending.why}".strip(),
        "focus": {"reference": f"Communication/{communication_id(sending.key)}"},
        "authoredOn": utc_seconds(at),
        "lastModified": utc_seconds(at),
        "requester": {"display": "Relais"},
    }
    if sending.labels:
        made["meta"] = {"security": [*sending.labels]}
    if sending.patient:
        made["for"] = {"reference": sending.patient}
    if sending.code:
        made["reasonCode"] = {"coding": [{"system": REASON, "code": sending.code}]}
    return made


def _status(sending: Sending) -> str:
    """Return the state of R4 event-status that goes with a state of the outbox."""
    if sending.status is _S.HELD:
        return "on-hold"
    if sending.status in _ENDED_BADLY:
        return "not-done"
    return "completed" if sending.status is _S.CONFIRMED else "in-progress"


def _surest(notes: Sequence[Json], evidence: str) -> str:
    """Return what is told of an arrival: it only gets surer. Empty when nothing is known."""
    words_ = list(_EVIDENCE.values())
    told = [_EVIDENCE[evidence]] if evidence in _EVIDENCE else []
    told += [one["text"] for one in notes if one.get("text") in words_]
    return max(told, key=words_.index, default="")


def _recipient(sending: Sending) -> Json:
    if sending.is_to_patient and sending.patient:
        return {"reference": sending.patient}
    if sending.is_to_patient:
        return {"display": "Patient"}
    if sending.kind.startswith("record"):
        return {"display": "Dossier médical partagé"}
    shown = {"display": sending.to} if sending.to else {}
    if len(sending.number) == 11:
        number = {"system": RPPS_SYSTEM, "value": sending.number}
        return {"type": "Practitioner", "identifier": number, **shown}
    if sending.number:
        number = {"system": FINESS_SYSTEM, "value": sending.number}
        return {"type": "Organization", "identifier": number, **shown}
    if not sending.to:
        return {"display": "Destinataire sans adresse"}
    return {"identifier": {"system": _URI, "value": f"mailto:{sending.to}"}, **shown}
