"""What is known now of the patient and the recipients of a document that may leave.

Reads the store; decides nothing (`sharing.routing`, `sharing.routing_dmp`).
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from gateway.core.contributions import Json, Target
from gateway.core.deliveries import Delivery
from gateway.core.directory import Entry
from gateway.core.ports import Transaction
from gateway.pathway.facts import reduce
from gateway.pipeline import written
from gateway.pipeline.dossiers import told_under
from gateway.pipeline.rights import patients_of, words
from gateway.pipeline.route import Known, trusted_ins
from gateway.sharing.outgoing import Refusal, Standing
from gateway.sharing.routing_dmp import OPPOSITION

_RPPS_SYSTEM = "https://rpps.esante.gouv.fr"
_ZFA = "ZFA-9"
#: Category of sharing a mail with a document is.
_DOCUMENT = "document"


def known_of(tx: Transaction, patient: Target, now: datetime) -> Known:
    """Return what is known of a Patient and of whoever may be written to about them."""
    shown = _read(tx, f"{patient.type}/{patient.id}")
    return Known(
        standing_of(tx, patient, now), doctor_of(shown, partial(_read, tx)), partial(listed, tx)
    )


def listed(tx: Transaction, numbers: Sequence[str]) -> dict[str, Sequence[Entry]]:
    """Return what the directory has of professionals and structures, by RPPS or FINESS."""
    return {**tx.directory.of_structures(numbers), **tx.directory.of_professionals(numbers)}


def standing_of(tx: Transaction, patient: Target, now: datetime) -> Standing:
    """Return what is known of a Patient: identity, oppositions, death.

    Spec: PAM France 2.11 6.14 (ZFA-9); CSP L1110-4 (opposition to sharing).
    """
    return standing_in(
        _read(tx, f"{patient.type}/{patient.id}"),
        record_opposition=_ZFA if _is_opposed(tx, patient.id) else "",
        refusals=_refusals(tx, patient.id, now),
    )


def standing_in(
    shown: Json, record_opposition: str = "", refusals: tuple[Refusal, ...] = ()
) -> Standing:
    """Return what a Patient resource says, beside what is known elsewhere."""
    is_dead = bool(shown.get("deceasedBoolean") or shown.get("deceasedDateTime"))
    return Standing(trusted_ins(shown), record_opposition, refusals, is_dead)


def patient_of(tx: Transaction, delivery: Delivery) -> Target | None:
    """Return the Patient a document is about now, after merges and moves; None when unknown."""
    subject = _read(tx, delivery.item.about).get("subject", {}).get("reference", "")
    said = delivery.item.details.get("pathway") or {}
    id_ = str(subject).removeprefix("Patient/") or str(said.get("patient", ""))
    return Target("Patient", id_) if id_ else None


def _is_opposed(tx: Transaction, patient_id: str) -> bool:
    facts = reduce(told_under(tx, patient_id))
    return any(fact.event == OPPOSITION for fact in facts.values())


def _refusals(tx: Transaction, patient_id: str, now: datetime) -> tuple[Refusal, ...]:
    found = patients_of(tx, [patient_id])
    patients = sorted({one for group in found.values() for one in group})
    return tuple(
        Refusal(word.source, word.organisations)
        for word in words(tx, patients)
        if not word.permits
        and word.is_live
        and word.term.holds(now)
        and _DOCUMENT in word.categories
    )


def doctor_of(shown: Json, read: Callable[[str], Json]) -> str:
    """Return the RPPS of the family doctor on file, empty when none is or has none.

    Args:
        shown: the Patient.
        read: gives the resource behind a reference, empty when it is not there.
    """
    for one in shown.get("generalPractitioner", ()):
        named = read(str(one.get("reference", "")))
        if named.get("resourceType") == "PractitionerRole":
            reference = named.get("practitioner", {}).get("reference", "")
            named = read(str(reference)) or named
        for said in (*named.get("identifier", ()), one.get("identifier", {})):
            if said.get("system") == _RPPS_SYSTEM:
                return str(said.get("value", ""))
    return ""


def _read(tx: Transaction, reference: str) -> Json:
    type_, _, id_ = reference.partition("/")
    if not id_:
        return {}
    stored = tx.resources.current([(type_, id_)]).get((type_, id_))
    return (written.read(stored) or {}) if stored is not None else {}
