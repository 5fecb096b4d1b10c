"""Profiles that resources of this server claim in `meta.profile`, by type.

Mapping files and the makers of resources name them one by one; a test holds the two together.
"""

from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE

_FR = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-"
_OWN = f"{FHIR_BASE}/StructureDefinition/"

CLAIMED: dict[str, tuple[str, ...]] = {
    "Appointment": (f"{_FR}appointment",),
    "CarePlan": (f"{_OWN}document-care-plan", f"{_OWN}pathway-plan"),
    "CareTeam": (f"{_OWN}document-care-team",),
    "Communication": (f"{_OWN}document-sending", f"{_OWN}gap-alert"),
    "DetectedIssue": (f"{_OWN}handoff-gap",),
    "Encounter": (f"{_FR}encounter",),
    "EpisodeOfCare": (f"{_OWN}pathway-episode",),
    "Location": (f"{_FR}location",),
    "Organization": (
        f"{_FR}organization",
        f"{_FR}organization-etablissement",
        f"{_FR}organization-uf",
    ),
    "Patient": (f"{_FR}patient", f"{_FR}patient-ins"),
    "Practitioner": (f"{_FR}practitioner",),
    "PractitionerRole": (f"{_FR}practitioner-role",),
    "RelatedPerson": (f"{_FR}related-person",),
    "ServiceRequest": (f"{_OWN}planned-service",),
    "Task": (f"{_OWN}handoff-gap-task",),
}


def unversioned(resource: Json) -> Json:
    """Return a resource with that of its `meta` that stays with its next version."""
    kept = {name: value for name, value in resource.items() if name != "meta"}
    own = ("versionId", "lastUpdated")
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in own}
    return {**kept, "meta": meta} if meta else kept
