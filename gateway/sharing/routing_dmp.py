"""Whether a document is fed to the shared record of its patient, with the reason.

Pure; like `sharing.routing`, which decides on mails. Standards: CI-SIS volet on CDA documents in
HL7 v2 (flag DESTDMP: the identity must be qualified), PAM France ZFA-9 (opposition).
"""

from dataclasses import replace
from datetime import datetime

from gateway.core.deliveries import DeliveryStatus, NewDelivery
from gateway.sharing import reasons as why
from gateway.sharing.outgoing import Outgoing, Standing
from gateway.sharing.routing import Decision, Verdict, key

CONNECTOR = "dmp"
#: The fact that closes the way: the patient is opposed to feeding.
OPPOSITION = "PAT.DMP_OPPOSED"
_KIND, _DELETE = "dmp", "dmp-delete"
#: Confidentiality (HL7 v3) of documents that are not shared.
_RESTRICTED = frozenset({"R", "V"})


def decide(document: Outgoing, now: datetime) -> Decision | None:
    """Return the decision about a document, None when no flag asks for the shared record."""
    decision = explain(document, now)
    return decision if decision.is_wanted else None


def explain(document: Outgoing, now: datetime) -> Decision:
    """Return the decision about a document, also when nobody asks for the shared record.

    Args:
        document: what may leave.
        now: instant of the decision, due time of the first attempt.
    """
    verdict = _verdict(document)
    item = submission(document, now)
    return Decision(item, verdict.status, verdict.reason, verdict.rests_on)


def _verdict(document: Outgoing) -> Verdict:
    flag = document.flags.get("DESTDMP")
    if not flag:
        named = f"OBX MetaDMPMSS DESTDMP{'' if flag is None else ' N'}"
        return Verdict(DeliveryStatus.SKIPPED, why.NOT_ASKED, named)
    if document.withdrawn:
        return Verdict(DeliveryStatus.SKIPPED, why.WITHDRAWN, why.WITHDRAWN.rests_on)
    if document.type_code in document.rules.never.get(CONNECTOR, ()):
        return Verdict(
            DeliveryStatus.SKIPPED, why.TYPE_BARRED, f"{document.rules.source} routing.never.dmp"
        )
    if document.confidentiality in _RESTRICTED:
        return Verdict(DeliveryStatus.SKIPPED, why.RESTRICTED, why.RESTRICTED.rests_on)
    verdict = again(document.standing, document.shown_ins)
    if verdict.reason is why.RECORD_ASKED and is_visibility(document):
        return replace(verdict, reason=why.VISIBILITY, rests_on=why.VISIBILITY.rests_on)
    return verdict


def is_visibility(document: Outgoing) -> bool:
    """Tell whether the message changes who may see a document (MODIF_CONF_CODE)."""
    return bool(document.flags.get("MODIF_CONF_CODE"))


def masked_again(decision: Decision, document: Outgoing) -> Decision:
    """Return a decision about a document under its own identifier, with other masks.

    Its key names the masks, so that the same change asked for twice is one row.
    """
    name = key(document.document_id, f"{_KIND}-masks:{','.join(document.labels)}", CONNECTOR)
    return replace(decision, item=replace(decision.item, key=name))


def again(standing: Standing, shown_ins: str) -> Verdict:
    """Decide by what is known of the patient now.

    Opposition wins over everything that is asked; the identity must be qualified, and the
    document must be that patient's by its own word.

    Args:
        standing: of the patient.
        shown_ins: matricule in the document, empty when it shows none.
    """
    if standing.record_opposition:
        return Verdict(DeliveryStatus.SKIPPED, why.OPPOSED, standing.record_opposition)
    if not standing.ins:
        return Verdict(DeliveryStatus.HELD, why.NO_INS, why.NO_INS.rests_on)
    if shown_ins and shown_ins != standing.ins:
        return Verdict(DeliveryStatus.HELD, why.OTHER_INS, why.OTHER_INS.rests_on)
    return Verdict(DeliveryStatus.QUEUED, why.RECORD_ASKED, "OBX MetaDMPMSS DESTDMP")


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
            "ins": document.standing.ins,
            "ins_trusted": bool(document.standing.ins),
            "shown_ins": document.shown_ins,
            "labels": list(document.labels),
            "secret": bool(document.flags.get("CONNEXION_SECRETE")),
            "replaces": document.replaces,
            "replaced": document.replaced,
            "read_receipt": False,
            "author": dict(document.author),
            "content_type_code": document.content_type_code,
        },
        about=document.about,
    )
