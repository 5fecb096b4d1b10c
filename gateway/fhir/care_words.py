"""Code systems of pathways and what is planned in them, with the French words that are shown.

The same tables are published as CodeSystem resources in `profiles/fhir`.
"""

from gateway.core.care import Phase, Progress
from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE

PHASE = f"{FHIR_BASE}/CodeSystem/pathway-phase"
PROGRESS = f"{FHIR_BASE}/CodeSystem/activity-progress"
PATHWAY = f"{FHIR_BASE}/CodeSystem/pathway"
CANCER_CARE = f"{FHIR_BASE}/CodeSystem/cancer-care"

_PHASE = {
    Phase.SUSPICION.value: "Suspicion",
    Phase.ANNOUNCED.value: "Annonce",
    Phase.TREATMENT.value: "Traitement",
    Phase.FOLLOW_UP.value: "Surveillance",
    Phase.PALLIATIVE.value: "Soins palliatifs",
}
_PROGRESS = {
    Progress.DONE.value: "Fait",
    Progress.CANCELLED.value: "Annulé",
    Progress.NO_SHOW.value: "Patient absent",
    Progress.REFUSED.value: "Refusé",
    Progress.OVERDUE.value: "En retard",
    Progress.BOOKED.value: "Rendez-vous pris",
    Progress.ACCEPTED.value: "Accepté",
    Progress.PLANNED.value: "Prévu",
}
_PATHWAY = {"cancer": "Parcours de cancérologie"}

#: Codes and words of the systems of our own, by canonical address.
SYSTEMS: dict[str, dict[str, str]] = {PHASE: _PHASE, PROGRESS: _PROGRESS, PATHWAY: _PATHWAY}


def told(system: str, code: str) -> Json:
    """Return a concept of a system of our own, with its words."""
    return {"coding": [{"system": system, "code": code}], "text": SYSTEMS[system][code]}
