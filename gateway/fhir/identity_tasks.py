"""The work of an identity-vigilance cell as Tasks: one for each doubt about a record.

The doubts are those the Patient shows as tags (`fhir.patient`). Relais opens a Task, and takes it
away when the doubt goes before anybody took it; what people made of one stays.
Spec: RNIV, management of identity anomalies; FHIR R4 Task.
"""

from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from gateway.core.contributions import Json
from gateway.core.systems import IDENTIFIER_BASE
from gateway.core.timestamps import utc_seconds
from gateway.fhir import gap_words as words
from gateway.fhir.patient import QUALITY

SYSTEM = f"{IDENTIFIER_BASE}/identity-task"
#: Doubts that somebody must settle, in the words of the person who does.
WORK = {
    "identity-discontinuity": (
        "Un même IPP a porté deux identités différentes : nom, date de naissance et sexe ont "
        "changé. L’INS et les rapprochements de ce dossier sont suspendus jusqu’à vérification."
    ),
    "identity-usurped": (
        "L’identité est déclarée usurpée. L’INS et les rapprochements de ce dossier sont "
        "suspendus jusqu’à vérification."
    ),
    "ins-traits-conflict": (
        "Deux dossiers portent la même INS avec des traits d’identité différents. L’INS n’est "
        "utilisée pour aucun des deux jusqu’à vérification."
    ),
}


def doubts_of(patient: Json | None) -> set[str]:
    """Return the doubts a Patient shows that ask for work."""
    tags = (patient or {}).get("meta", {}).get("tag", ())
    return {tag["code"] for tag in tags if tag.get("system") == QUALITY and tag["code"] in WORK}


def task_id(patient_id: str, doubt: str) -> str:
    """Return the id of the Task of a doubt; that of the Patient is of this installation alone."""
    return str(uuid5(NAMESPACE_URL, f"{SYSTEM}|{patient_id}#{doubt}"))


def opened(patient_id: str, doubt: str, at: datetime) -> Json:
    """Return the Task of a doubt that has arisen.

    Args:
        patient_id: of the record.
        doubt: a key of `WORK`.
        at: instant of the commit.
    """
    patient = {"reference": f"Patient/{patient_id}"}
    return {
        "resourceType": "Task",
        "id": task_id(patient_id, doubt),
        "identifier": [{"system": SYSTEM, "value": f"{patient_id}#{doubt}"}],
        "status": "requested",
        "businessStatus": words.business("a-traiter"),
        "intent": "order",
        "priority": "urgent",
        "code": {
            "coding": [
                {"system": words.FHIR_TASK_CODE, "code": "fulfill"},
                {"system": words.TASK_CODE, "code": "check-identity"},
            ]
        },
        "description": WORK[doubt],
        "focus": patient,
        "for": patient,
        "authoredOn": utc_seconds(at),
        "lastModified": utc_seconds(at),
        "requester": {"display": "Relais"},
        "reasonCode": {"coding": [{"system": QUALITY, "code": doubt}]},
    }


def is_untouched(task: Json) -> bool:
    """Tell whether nobody has taken a Task yet: it goes with its doubt, and comes back with it."""
    return bool(task["status"] == "requested" and "owner" not in task and "note" not in task)
