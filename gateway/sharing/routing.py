"""Which secure mails a document asks for, and which of them leave: decided here only.

Pure: gets values, gives outbox items, each with its reason and what the reason rests on. Does not
read messages (`pipeline.route`), nor build mails (`connectors`). The same checks are made again
before a mail leaves (`again`): identity, opposition, death and directory change meanwhile.
Standards: CI-SIS volet on CDA documents in HL7 v2, flags, PRT and rules of management for
MSSanté; CSP L1110-4 (opposition to sharing).
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.core.deliveries import DeliveryStatus, NewDelivery
from gateway.core.directory import Entry
from gateway.sharing import reasons as why
from gateway.sharing.addressing import choose
from gateway.sharing.flag_matrix import is_allowed
from gateway.sharing.outgoing import Outgoing, Recipient, Standing
from gateway.sharing.reasons import Reason

CONNECTOR = "mssante"
#: Domain of the mailboxes of patients; the local part is the matricule.
PATIENT_DOMAIN = "patient.mssante.fr"
#: Confidentiality (HL7 v3) of documents that go to nobody but whom the sender names.
_RESTRICTED = frozenset({"R", "V"})
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one sending.

    Attributes:
        status: queued, held or skipped.
        rests_on: the field or rule the reason comes from.
        to: mailbox that is written to; empty when there is none (yet).
    """

    status: DeliveryStatus
    reason: Reason
    rests_on: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """One sending, decided.

    Attributes:
        item: what is queued; for `skipped` and `held` too, so that the decision can be seen.
        status: queued, held or skipped.
        rests_on: the field or rule the reason comes from.
    """

    item: NewDelivery
    status: DeliveryStatus
    reason: Reason
    rests_on: str = ""

    @property
    def is_wanted(self) -> bool:
        """Tell whether anybody asks for it; what nobody asks for is only explained."""
        return self.reason not in why.UNWANTED


def decide(document: Outgoing, now: datetime) -> list[Decision]:
    """Return one decision per mailbox or person somebody wants written to, in their order.

    Args:
        document: what may leave.
        now: instant of the decision, due time of the first attempt.
    """
    return [one for one in explain(document, now) if one.is_wanted]


def explain(document: Outgoing, now: datetime) -> list[Decision]:
    """Return one decision per recipient that is named anywhere, and one for the patient.

    The most restrictive word wins where two contradict each other. Whoever is named twice, by
    address or by number, is decided about once, where they are named first.
    """
    return [*_professionals(document, now), _patient(document, now)]


def _professionals(document: Outgoing, now: datetime) -> Iterator[Decision]:
    seen = set[str]()
    named = [one for one in document.recipients if not is_patient_mailbox(one.address)]
    # Whoever is wanted by any word is decided about by that one.
    for recipient in sorted(named, key=lambda one: _unwanted(document, one) is not None):
        verdict = _professional(document, recipient)
        names = {_name(recipient, "professional").lower(), verdict.to.lower()} - {""}
        # Two mailboxes the sender names for one person are two mails.
        if not is_address(recipient.address) and recipient.id:
            names.add(recipient.id)
        if seen.isdisjoint(names):
            yield _decision(document, verdict, recipient, now)
        seen |= names | ({recipient.id} - {""})


def _professional(document: Outgoing, recipient: Recipient) -> Verdict:
    skipped = _unwanted(document, recipient) or _kept_back(document, "mssante")
    if skipped:
        return Verdict(DeliveryStatus.SKIPPED, *skipped)
    if document.flags.get("MASQUE_PS"):
        return Verdict(DeliveryStatus.SKIPPED, why.MASKED_PROFESSIONALS, "OBX MetaDMPMSS MASQUE_PS")
    if recipient.by != "message" and document.confidentiality in _RESTRICTED:
        return Verdict(DeliveryStatus.SKIPPED, why.RESTRICTED, why.RESTRICTED.rests_on)
    waiting = Waiting.of(document, recipient)
    return again(waiting, document.standing, recipient.listed)


def _unwanted(document: Outgoing, recipient: Recipient) -> tuple[Reason, str] | None:
    """Say why nobody wants a recipient written to, None when somebody does.

    A site rule speaks where the sender says nothing; a flag that says no wins.
    """
    flag = document.flags.get("DESTMSSANTEPS")
    if recipient.by == "message":
        return None if flag else (why.NOT_ASKED, _flag("DESTMSSANTEPS", flag))
    types = document.rules.to_doctor if recipient.by == "file" else document.rules.to_document
    if document.type_code not in types:
        return why.NO_RULE, document.rules.source
    return (why.NOT_ASKED, _flag("DESTMSSANTEPS", flag)) if flag is False else None


def _kept_back(document: Outgoing, channel: str) -> tuple[Reason, str] | None:
    """Say what keeps a document from a channel whoever the recipient is."""
    if document.withdrawn:
        return why.WITHDRAWN, why.WITHDRAWN.rests_on
    if document.type_code in document.rules.never.get(channel, ()):
        return why.TYPE_BARRED, f"{document.rules.source} routing.never.{channel}"
    if document.rules.strict_matrix and not is_allowed(document.flags):
        return why.NOT_IN_MATRIX, "OBX MetaDMPMSS"
    return None


def _patient(document: Outgoing, now: datetime) -> Decision:
    """Decide on the mailbox of the patient, which only a trusted INS gives."""
    named = [r for r in document.recipients if is_patient_mailbox(r.address)]
    place = named[0].place if named else "Patient"
    recipient = Recipient(place, named[0].address if named else "")
    return _decision(document, _patient_verdict(document, recipient), recipient, now, "patient")


def _patient_verdict(document: Outgoing, recipient: Recipient) -> Verdict:
    flag = document.flags.get("DESTMSSANTEPAT")
    if not flag:
        return Verdict(DeliveryStatus.SKIPPED, why.NOT_ASKED, _flag("DESTMSSANTEPAT", flag))
    if skipped := _kept_back(document, "patient"):
        return Verdict(DeliveryStatus.SKIPPED, *skipped)
    if document.flags.get("INVISIBLE_PATIENT"):
        return Verdict(
            DeliveryStatus.SKIPPED, why.MASKED_PATIENT, "OBX MetaDMPMSS INVISIBLE_PATIENT"
        )
    return again(Waiting.of(document, recipient, "patient"), document.standing)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a mail that has not left must know to be decided about again; kept with its row.

    Attributes:
        kind: professional or patient.
        place: where its recipient is named.
        address: as the sender gave it.
        id: RPPS or FINESS of the recipient.
        finess: of the structure a professional is meant in.
        by: who names the recipient.
        needs_ins: it leaves under a trusted INS only.
        shown_ins: matricule in the document.
        site: source of the site's rules.
    """

    kind: str
    place: str
    address: str
    id: str
    finess: str
    by: str
    needs_ins: bool
    shown_ins: str
    site: str

    @classmethod
    def of(cls, document: Outgoing, recipient: Recipient, kind: str = "professional") -> "Waiting":
        """Return what is kept of a document and a recipient."""
        return cls(
            kind=kind,
            place=recipient.place,
            address=recipient.address,
            id=recipient.id,
            finess=recipient.finess,
            by=recipient.by,
            needs_ins=document.rules.require_ins or bool(document.shown_ins),
            shown_ins=document.shown_ins,
            site=document.rules.source,
        )


def again(waiting: Waiting, standing: Standing, listed: Sequence[Entry] = ()) -> Verdict:
    """Decide about a mail by what is known now of its patient and of its recipient.

    Args:
        waiting: what its message and document say.
        standing: of the patient now.
        listed: what the directory has of the recipient now.
    """
    if waiting.kind == "patient":
        return _to_patient(waiting, standing)
    for refusal in standing.refusals:
        if not refusal.organisations or waiting.finess in refusal.organisations:
            return Verdict(DeliveryStatus.SKIPPED, why.SHARING_OPPOSED, refusal.source)
    to, rests_on = waiting.address, waiting.place
    if not is_address(to):
        found = _listed(waiting, listed)
        if isinstance(found, Verdict):
            return found
        to, rests_on = found.address, _said_by(found)
    if not standing.ins and waiting.needs_ins:
        rests_on = why.NO_INS.rests_on if waiting.shown_ins else f"{waiting.site} require_ins"
        return Verdict(DeliveryStatus.HELD, why.NO_INS, rests_on, to)
    if _is_another(waiting, standing):
        return Verdict(DeliveryStatus.HELD, why.OTHER_INS, why.OTHER_INS.rests_on, to)
    if waiting.by == "message":
        return Verdict(DeliveryStatus.QUEUED, why.ASKED, rests_on, to)
    rule = "to_doctor" if waiting.by == "file" else "to_document_recipients"
    return Verdict(DeliveryStatus.QUEUED, why.BY_RULE, f"{waiting.site} routing.{rule}", to)


def _to_patient(waiting: Waiting, standing: Standing) -> Verdict:
    if standing.is_dead:
        return Verdict(DeliveryStatus.SKIPPED, why.DECEASED, why.DECEASED.rests_on)
    if not standing.ins:
        return Verdict(DeliveryStatus.HELD, why.NO_INS, why.NO_INS.rests_on)
    to = f"{standing.ins}@{PATIENT_DOMAIN}"
    if waiting.address and waiting.address.partition("@")[0] != standing.ins:
        return Verdict(DeliveryStatus.HELD, why.OTHER_PATIENT, waiting.place)
    if _is_another(waiting, standing):
        return Verdict(DeliveryStatus.HELD, why.OTHER_INS, why.OTHER_INS.rests_on)
    return Verdict(DeliveryStatus.QUEUED, why.ASKED, "OBX MetaDMPMSS DESTMSSANTEPAT", to)


def _listed(waiting: Waiting, listed: Sequence[Entry]) -> Entry | Verdict:
    """Return the mailbox the directory gives; one that is given and unusable is not replaced."""
    if waiting.address or not waiting.id:
        return Verdict(DeliveryStatus.HELD, why.NO_ADDRESS, waiting.place)
    found = choose(listed, waiting.finess)
    if isinstance(found, Reason):
        return Verdict(DeliveryStatus.HELD, found, f"directory, {waiting.place}")
    return found


def _said_by(entry: Entry) -> str:
    day = f" {entry.seen_at:%Y-%m-%d}" if entry.seen_at else ""
    return f"directory {entry.origin}{day}"


def _is_another(waiting: Waiting, standing: Standing) -> bool:
    """Tell whether the document is by its own word somebody else's (a merge, a moved dossier)."""
    return bool(waiting.shown_ins and standing.ins and waiting.shown_ins != standing.ins)


def is_patient_mailbox(address: str) -> bool:
    """Tell whether an address is that of a patient's own space."""
    return address.lower().rpartition("@")[2] == PATIENT_DOMAIN


def is_address(text: str) -> bool:
    """Tell whether a text is a mail address that may be used."""
    return bool(_ADDRESS.fullmatch(text))


def key(document_id: str, kind: str, to: str) -> str:
    """Return the idempotency key of a mail: one version of a document to one mailbox."""
    # 32 digits: with the domain, Message-ID stays on one line.
    named = f"{CONNECTOR}|{document_id}|{kind}|{to.lower()}"
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def _flag(name: str, given: bool | None) -> str:
    return f"OBX MetaDMPMSS {name}{'' if given is None else ' N'}"


def _name(recipient: Recipient, kind: str) -> str:
    """Return what the key of a mail names.

    It must not depend on what is known later: a held mail and the one that leaves are one.
    """
    if kind == "patient":
        return "patient"
    if is_address(recipient.address):
        return recipient.address
    return f"directory:{recipient.id}" if recipient.id else recipient.place


def _decision(
    document: Outgoing,
    verdict: Verdict,
    recipient: Recipient,
    now: datetime,
    kind: str = "professional",
) -> Decision:
    waiting = Waiting.of(document, recipient, kind)
    details: dict[str, Any] = {
        "kind": kind,
        "to": verdict.to,
        "recipient": recipient.id,
        "document_id": document.document_id,
        "ins_trusted": bool(document.standing.ins),
        "labels": list(document.labels),
        "replaces": document.replaces,
        "reply_to": document.reply_to if is_address(document.reply_to) else "",
        "final": document.final,
        "read_receipt": bool(document.flags.get("ACK_LECTURE_MSS")),
        "text": document.texts.get(kind, ""),
        "author": dict(document.author),
        "content_type_code": document.content_type_code,
        "waiting": as_details(waiting),
    }
    item = NewDelivery(
        connector=CONNECTOR,
        key=key(document.document_id, kind, _name(recipient, kind)),
        due_at=now,
        content_type="text/xml",
        body=document.body,
        details=details,
        about=document.about,
    )
    return Decision(item, verdict.status, verdict.reason, verdict.rests_on)


def as_details(waiting: Waiting) -> dict[str, Any]:
    """Return what is kept, JSON-able; `Waiting(**details)` reads it."""
    return {name: getattr(waiting, name) for name in Waiting.__slots__}
