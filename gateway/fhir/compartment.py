"""Whose a resource is, and who may not be shown it, read from its index entries.

Spec: FHIR R4 CompartmentDefinition/patient; CI-SIS volet Transmission d'un document (visibility
masks). Does not decide who may see a Patient (`sharing.decision`).
"""

from collections.abc import Iterable

from gateway.core.access import UNKNOWN_PATIENT, Audience
from gateway.core.index_ports import IndexEntry

#: Types that are of nobody when they name no Patient.
OPEN = frozenset(
    {
        "AuditEvent", "Basic", "CodeSystem", "Device", "Endpoint", "HealthcareService",
        "Location", "Medication", "Organization", "Practitioner", "PractitionerRole",
        "StructureDefinition", "Subscription", "ValueSet",
    }
)  # fmt: skip
#: What is needed to hand a person over; the rest is of the category `document`.
HANDOFF = frozenset(
    {
        "Account", "Appointment", "CarePlan", "CareTeam", "Communication", "Consent",
        "DetectedIssue", "Encounter", "EpisodeOfCare", "Flag", "Goal", "Patient", "Provenance",
        "RelatedPerson", "ServiceRequest", "Task",
    }
)  # fmt: skip
#: Search parameters that name the Patient a resource is of.
_NAMING = frozenset({"patient", "subject", "target"})
#: What a decision about a person rests on: by type, the parameters whose change counts; None: any.
_DECIDING: dict[str, frozenset[str] | None] = {
    "CareTeam": None,
    "Consent": None,
    "Encounter": frozenset({"patient", "subject", "service-provider", "status"}),
    "EpisodeOfCare": frozenset({"patient", "organization", "status"}),
}
#: Codes of confidentiality and visibility, with whom they hide a resource from.
_HIDDEN: dict[str, frozenset[Audience]] = {
    "V": frozenset({Audience.PROFESSIONAL}),
    "MASQUE_PS": frozenset({Audience.PROFESSIONAL}),
    "INVISIBLE_PATIENT": frozenset({Audience.PATIENT, Audience.REPRESENTATIVE}),
    "INVISIBLE_REPRESENTANTS_LEGAUX": frozenset({Audience.REPRESENTATIVE}),
}
_LABELS = frozenset({"security-label", "confidentiality", "_security"})


def patient_of(type_: str, id_: str, index: Iterable[IndexEntry]) -> str:
    """Return the id of the Patient a resource is of.

    Returns:
        Empty when it is of nobody; `core.access.UNKNOWN_PATIENT` when it is of somebody who is
        not named, or of several: nobody with a territory sees it.
    """
    if type_ == "Patient":
        return id_
    named = {e.value for e in index if e.system == "Patient" and e.param in _NAMING and e.value}
    if len(named) == 1:
        return named.pop()
    return "" if not named and type_ in OPEN else UNKNOWN_PATIENT


def masks_of(index: Iterable[IndexEntry]) -> str:
    """Return whom a resource is hidden from: letters of `core.access.Audience`, sorted."""
    found: set[Audience] = set()
    for entry in index:
        if entry.param in _LABELS:
            found |= _HIDDEN.get(entry.value, frozenset())
    return "".join(sorted(found))


def hides(code: str) -> bool:
    """Tell whether a code of confidentiality or visibility hides from somebody."""
    return code in _HIDDEN


def category_of(type_: str) -> str:
    """Return the category of sharing of a type: `handoff` or `document`."""
    return "handoff" if type_ in HANDOFF else "document"


def decides(type_: str, changed: Iterable[str]) -> bool:
    """Tell whether a change of a resource can change who may see its Patient.

    Args:
        type_: of the resource.
        changed: search parameters whose values changed.
    """
    if type_ not in _DECIDING:
        return False
    wanted = _DECIDING[type_]
    return wanted is None or not wanted.isdisjoint(changed)
