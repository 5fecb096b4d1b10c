"""Code systems of gaps and their Tasks: codes with the French words that are shown.

The same tables are published as CodeSystem resources in `profiles/fhir`.
"""

from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE

GAP_TYPE = f"{FHIR_BASE}/CodeSystem/gap-type"
PATHWAY_RULE = f"{FHIR_BASE}/CodeSystem/pathway-rule"
TASK_STATUS = f"{FHIR_BASE}/CodeSystem/gap-task-status"
TASK_CODE = f"{FHIR_BASE}/CodeSystem/task-code"
TASK_OUTPUT = f"{FHIR_BASE}/CodeSystem/gap-task-output"
CLOSURE = f"{FHIR_BASE}/CodeSystem/gap-closure-reason"
ALERT = f"{FHIR_BASE}/CodeSystem/gap-alert"
MITIGATION = f"{FHIR_BASE}/CodeSystem/gap-mitigation"
FHIR_TASK_CODE = "http://hl7.org/fhir/CodeSystem/task-code"

_BUSINESS = {
    "a-traiter": "À traiter",
    "en-cours": "En cours",
    "attente-etablissement": "En attente de l’établissement",
    "attente-patient": "En attente du patient",
    "resolu-tardif": "Résolu : l’événement attendu est arrivé en retard",
    "signale-tardivement": "Résolu : fait à temps, signalé tardivement",
    "resolu-manuel": "Résolu par une personne",
    "sans-objet": "Sans objet",
    "reporte": "Reporté",
    "escalade": "Escaladé",
    "en-sourdine": "En sourdine",
}
_MITIGATION = {
    "late-event": "L’événement attendu est arrivé en retard",
    "reported-late": "Fait à temps, signalé tardivement",
    "in-time": "L’événement attendu est arrivé à temps",
    "deadline-moved": "Une correction a déplacé l’échéance",
    "moot": "L’étape attendue n’a plus d’objet",
    "resolved-by-person": "Réglé par une personne",
}
_OUTPUT = {"closing-event": "Événement qui a clos la rupture"}
_CLOSURE = {
    "done-elsewhere": "Fait, vu ailleurs",
    "patient-refusal": "Refus du patient",
    "not-applicable-clinically": "Sans objet clinique",
    "false-alarm": "Fausse alerte",
    "wrong-identity": "Identité erronée",
}
_ALERT = {
    "opening": "Rupture constatée",
    "escalation": "Rupture sans réponse, transmise à l’échelon suivant",
    "digest": "Point sur les ruptures",
}
_CODE = {
    "close-handoff-gap": "Clore une rupture de parcours",
    "check-identity": "Vérifier une identité",
    "choose-mailbox": "Choisir une boîte",
    "settle-sending": "Régler un envoi",
}

#: The gap is about another person: it was never one of this one.
WRONG_IDENTITY = "wrong-identity"
#: Reasons a person settles a gap for, in the order they are offered.
CLOSURES = tuple(_CLOSURE)

MOVED = "Une correction a déplacé l’échéance."
MOOT = "L’étape attendue n’a plus d’objet."
CANCELLED = "L’étape attendue a été annulée avant l’échéance."
RETRACTED = "L’événement déclencheur a été annulé par sa source."

#: Codes and words of the systems of our own, by canonical address.
SYSTEMS: dict[str, dict[str, str]] = {
    TASK_STATUS: _BUSINESS,
    MITIGATION: _MITIGATION,
    TASK_OUTPUT: _OUTPUT,
    CLOSURE: _CLOSURE,
    TASK_CODE: _CODE,
    ALERT: _ALERT,
}


def concept(system: str, code: str) -> Json:
    """Return a concept without words."""
    return {"coding": [{"system": system, "code": code}]}


def business(code: str) -> Json:
    """Return a business status of a Task."""
    return {**concept(TASK_STATUS, code), "text": _BUSINESS[code]}


def closure(code: str) -> Json:
    """Return why a person settled a gap, one of `CLOSURES`."""
    return {**concept(CLOSURE, code), "text": _CLOSURE[code]}


def mitigation(code: str) -> Json:
    """Return why a gap is not open any more."""
    return {**concept(MITIGATION, code), "text": _MITIGATION[code]}


def alert(code: str) -> Json:
    """Return what an alert is about."""
    return {**concept(ALERT, code), "text": _ALERT[code]}


def output(code: str) -> Json:
    """Return the kind of an output of a Task."""
    return {**concept(TASK_OUTPUT, code), "text": _OUTPUT[code]}
