"""Whether a document is fed to the shared record of its patient, with the reason.

Pure; like `sharing.routing`, which decides on mails. Standards: CI-SIS volet on CDA documents in
HL7 v2 (flag DESTDMP: the identity must be qualified), PAM France ZFA-9 (opposition).
"""

from datetime import datetime

from gateway.core.deliveries import DeliveryStatus, NewDelivery
from gateway.sharing.routing import NO_INS, WITHDRAWN, Decision, Outgoing, Reason, key

CONNECTOR = "dmp"
#: The fact that closes the way: the patient is opposed to feeding.
OPPOSITION = "PAT.DMP_OPPOSED"
_KIND, _DELETE = "dmp", "dmp-delete"
ASKED = Reason(
    "asked",
    "L'expéditeur demande le dépôt au DMP.",
    "The sender asks for the document to be fed to the shared record.",
)
OPPOSED = Reason(
    "opposed",
    "Le patient s'oppose à l'alimentation de son DMP : rien n'est déposé.",
    "The patient is opposed to feeding the shared record: nothing is fed.",
)
REPLACED = Reason(
    "replaced",
    "Une version plus récente du document est déposée à la place.",
    "A newer version of the document is fed in its place.",
)


def decide(document: Outgoing, now: datetime, *, opposed: bool) -> Decision | None:
    """Return the decision about a document, None when no flag asks for the shared record.

    Args:
        document: what may leave.
        now: instant of the decision, due time of the first attempt.
        opposed: the patient is opposed to feeding; it wins over everything that is asked.
    """
    if not document.flags.get("DESTDMP"):
        return None
    item = submission(document, now)
    if document.withdrawn:
        return Decision(item, DeliveryStatus.SKIPPED, WITHDRAWN)
    if opposed:
        return Decision(item, DeliveryStatus.SKIPPED, OPPOSED)
    if not document.ins:
        return Decision(item, DeliveryStatus.HELD, NO_INS)
    return Decision(item, DeliveryStatus.QUEUED, ASKED)


def key_of(document_id: str) -> str:
    """Return the idempotency key of a submission: one version of a document."""
    return key(document_id, _KIND, CONNECTOR)


def submission(document: Outgoing, now: datetime) -> NewDelivery:
    """Return the item that feeds a document."""
    return _item(document, _KIND, key_of(document.document_id), now)


def deletion(document: Outgoing, now: datetime) -> NewDelivery:
    """Return the item that takes a document back."""
    return _item(document, _DELETE, key(document.document_id, _DELETE, CONNECTOR), now)


def _item(document: Outgoing, kind: str, name: str, now: datetime) -> NewDelivery:
    return NewDelivery(
        connector=CONNECTOR,
        key=name,
        due_at=now,
        content_type="text/xml",
        body=document.body,
        details={
            "kind": kind,
            "to": "DMP",
            "recipient": "",
            "document_id": document.document_id,
            "ins": document.ins,
            "ins_trusted": bool(document.ins),
            "labels": list(document.labels),
            "secret": bool(document.flags.get("CONNEXION_SECRETE")),
            "replaces": document.replaces,
            "read_receipt": False,
            "author": dict(document.author),
            "content_type_code": document.content_type_code,
        },
        about=document.about,
    )
