"""Break-glass: a person opens, for a while and with a reason, a patient they may not see.

For persons only, one patient at a time; told in the journal in the same transaction, and to the
auditors. Law: CSP L1111-17, by analogy. Whether it permits anything is `sharing.decision`'s rule;
that it ends is kept in the permit itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from gateway.core.access import Glass
from gateway.core.audit import Trace
from gateway.core.deliveries import NewDelivery
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Condition, Transaction

#: Connector of the mails to auditors.
MAIL = "alert_mail"
#: Why somebody looks (v3-ActReason): break the glass.
PURPOSE = "BTG"
_LEAST, _WORDS = 20, 3
_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class Asked:
    """Who wants to open what, and why.

    Attributes:
        who: national identifier.
        details: of the person, for the journal: `user`, `role`, `finess`, `address`.
        patient: id of a Patient, or an INS.
        reason: in their words.
    """

    who: str
    details: dict[str, str]
    patient: str
    reason: str


def open_glass(
    tx: Transaction, asked: Asked, now: datetime, lasts: timedelta, auditors: Sequence[str]
) -> Glass:
    """Let a person see a patient for a while, and tell the journal and the auditors.

    Args:
        tx: a transaction that writes and sees everything.
        asked: who wants what.
        now: instant of the act.
        lasts: how long.
        auditors: mailboxes that are told.

    Raises:
        RejectedError: the reason says too little (RLS-SEC-051), or there is no such patient
            (RLS-SEC-053).
    """
    reason = " ".join(asked.reason.split())[:_LIMIT]
    if len(reason) < _LEAST or len(set(reason.lower().split())) < _WORDS:
        raise RejectedError([_no_reason()])
    patient = _patient(tx, asked.patient.strip())
    if not patient:
        raise RejectedError([_no_patient()])
    glass = Glass(str(uuid4()), asked.who, patient, reason, now, now + lasts)
    tx.access.break_glass(glass)
    details = {**asked.details, "why": reason, "purpose": PURPOSE, "target": f"Patient/{patient}"}
    tx.audit.append([Trace(glass.id, now, "break-glass", "0", asked.who, patient, details)])
    mails = [
        NewDelivery(MAIL, f"{glass.id}:{number}", now, details={"to": to, "entry": glass.id})
        for number, to in enumerate(auditors)
    ]
    if mails:
        tx.outbox.queue(mails, now)
    return glass


def refused(asked: Asked, now: datetime, code: str) -> Trace:
    """Return the entry of the journal about somebody who may not, or said too little."""
    details = {**asked.details, "why": code, "purpose": PURPOSE}
    return Trace(str(uuid4()), now, "break-glass", "4", asked.who, "", details)


def _patient(tx: Transaction, said: str) -> str:
    """Return the Patient of an id or of an INS that one person has; empty when there is none."""
    known = tx.resources.current([("Patient", said)]).get(("Patient", said))
    if known is not None and not known.deleted:
        return said
    plain = said.replace(" ", "")
    if not (plain.isascii() and plain.isalnum() and len(plain) in (13, 15)):
        return ""
    # Without its key, which is no part of the identifier (INS, ANS).
    condition = Condition("identifier", "token", ((None, plain[:13]), (None, plain)))
    found = tx.resources.search("Patient", [condition], 10, None).resources
    persons = tx.facts.persons([one.id for one in found])
    return found[0].id if len(set(persons.values())) == 1 else ""


def _no_reason() -> Issue:
    return Issue(
        code="RLS-SEC-051",
        severity=Severity.ERROR,
        where="http.body reason",
        what="the reason says too little for somebody who reviews it.",
        fix=f"Say in a sentence, of {_LEAST} characters or more, why this patient is opened now.",
    )


def _no_patient() -> Issue:
    return Issue(
        code="RLS-SEC-053",
        severity=Severity.ERROR,
        where="http.body patient",
        what="no patient, or more than one person, is known under this.",
        fix="Give the INS of the patient, or the address of their page.",
    )
