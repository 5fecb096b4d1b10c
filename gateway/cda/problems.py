"""Problems and allergies: what is known, how certain it is, whether it is still so.

CI-SIS content templates FR-Liste-des-problèmes, FR-Problème, FR-Allergie-ou-hypersensibilité,
FR-Sévérité, FR-Statut-du-problème, FR-Certitude, FR-Criticité.
"""

from typing import Any

from gateway.cda.codes import ABSENT_UNKNOWN, concept
from gateway.cda.contacts import date_time
from gateway.cda.context import Context
from gateway.cda.faults import negated_reaction
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.cda.remarks import READ, attribute, attributes_of
from gateway.core.contributions import Json
from gateway.mapping.converters import Flawed

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_CLINICAL = f"{_TERMINOLOGY}/condition-clinical"
_VERIFICATION = f"{_TERMINOLOGY}/condition-ver-status"
_ALLERGY_CLINICAL = f"{_TERMINOLOGY}/allergyintolerance-clinical"
_ALLERGY_VERIFICATION = f"{_TERMINOLOGY}/allergyintolerance-verification"
#: Codes of the French value sets, which are those of FHIR.
_CONDITION_STATES = ("active", "recurrence", "relapse", "inactive", "remission", "resolved")
_ALLERGY_STATES = ("active", "inactive", "resolved")
_CERTAINTIES = ("confirmed", "unconfirmed", "provisional", "differential", "refuted")
_ENDED = ("inactive", "remission", "resolved")
_ACTIVE_CONCERNS = ("active", "suspended")
_REACTIONS = "cda:entryRelationship[@typeCode='MFST']/cda:observation"
_STATUS, _CERTAINTY, _CRITICALITY, _SEVERITY = "33999-4", "66455-7", "82606-5", "SEV"
#: Sections whose very title says that a problem is active, and those of a stay, which do not say
#: whether it is over.
_ACTIVE_PROBLEMS = "11450-4"
_DIAGNOSES = ("11535-2", "46241-6")


def is_negated(node: Node) -> bool:
    """Tell whether a statement says that something is not so; `false` is often written out.

    "No known problem" is said by its code; a negation beside it says the same once more.

    Spec: CDA R2 negationInd; JDV_AbsentOrUnknownProblem.
    """
    if node.get("negationInd") != "true":
        return False
    value = node.child("value")
    return value is None or value.get("codeSystem") != ABSENT_UNKNOWN


def beside(node: Node, code: str) -> Node | None:
    """Return an observation about a statement, found by its code."""
    found = node.select(f"cda:entryRelationship/cda:observation[cda:code/@code='{code}']")
    return found[0] if found else None


def said_beside(node: Node, code: str) -> Node | None:
    """Return the value of an observation about a statement."""
    found = beside(node, code)
    return found.child("value") if found is not None else None


def _code_beside(node: Node, code: str, known: tuple[str, ...]) -> str:
    value = said_beside(node, code)
    said = value.get("code") if value is not None else ""
    return said if said in known else ""


def _section_code(node: Node) -> str:
    section = node.above("section")
    code = section.child("code") if section is not None else None
    return code.get("code") if code is not None else ""


# --- problems ---------------------------------------------------------------------------------


@converter("condition_id")
def condition_id(node: Node, context: Context) -> str | None:
    """Give the id of the Condition of a problem."""
    return context.making("Condition", node)


@converter("condition_clinical_status")
def condition_clinical_status(node: Node, _context: Context) -> Json | None:
    """Give whether a problem is active; nothing for a refuted one (FHIR R4 con-4).

    What is said of the problem itself comes first. A date of its end says that it is over; then
    the section speaks for it, then the status of the concern, whose `completed` may as well mean
    that the entry is complete: a diagnosis of a stay is not said to be over by it.

    Spec: CI-SIS FR-Statut-du-problème 33999-4; FR-Liste-des-problèmes, statusCode of the act.
    """
    code = _clinical_code(node)
    return {"coding": [{"system": _CLINICAL, "code": code}]} if code else None


def _clinical_code(node: Node) -> str:
    if is_negated(node):
        return ""
    value = node.child("value")
    if value is not None and value.get("codeSystem") == ABSENT_UNKNOWN:
        # "No known problem" is so now, as the international summary writes it.
        return "active"
    said = _code_beside(node, _STATUS, _CONDITION_STATES)
    if said:
        return said
    times = node.child("effectiveTime")
    high = times.child("high") if times is not None else None
    if high is not None and high.get("value"):
        return "resolved"
    concern = node.above("act")
    status = concern.child("statusCode") if concern is not None else None
    state = status.get("code") if status is not None else ""
    if state in _ACTIVE_CONCERNS:
        return "active"
    section = _section_code(node)
    if section == _ACTIVE_PROBLEMS and state != "aborted":
        return "active"
    return "" if section in _DIAGNOSES or not state else "resolved"


@converter("abatement")
def abatement(node: Node, context: Context) -> Any:
    """Give when a problem ended; nothing for one that is said to be active (FHIR R4 con-4).

    Spec: CI-SIS FR-Problème, effectiveTime/high.
    """
    times = node.child("effectiveTime")
    high = times.child("high") if times is not None else None
    if high is None or _clinical_code(node) not in _ENDED:
        return None
    return date_time(high, context)


@converter("condition_verification")
def condition_verification(node: Node, _context: Context) -> Json:
    """Give `refuted` for a negated problem, so that it is never read as present.

    Spec: CI-SIS FR-Problème, negationInd; FR-Certitude 66455-7.
    """
    code = _code_beside(node, _CERTAINTY, _CERTAINTIES) or "confirmed"
    code = "refuted" if is_negated(node) else code
    return {"coding": [{"system": _VERIFICATION, "code": code}]}


@converter("onset")
def onset(node: Node, context: Context) -> Any:
    """Give the start of an IVL_TS, or the point itself."""
    low = node.child("low")
    return date_time(low if low is not None else node, context)


@converter("severity")
def severity(node: Node, context: Context) -> Any:
    """Give how severe a problem is.

    Spec: CI-SIS FR-Sévérité, code SEV; JDV_SeveriteObservation.
    """
    value = said_beside(node, _SEVERITY)
    return concept(value, context) if value is not None else None


# --- allergies --------------------------------------------------------------------------------


@converter("allergy_substance")
def allergy_substance(node: Node, context: Context) -> Any:
    """Give what the person reacts to: the substance, else the coded value, else the kind alone.

    An entry that says nothing but the kind, with a dangling or empty text, makes no resource:
    letters write "no allergy" that way.

    Spec: CI-SIS FR-Allergie-ou-hypersensibilité, participant CSM; JDV_AbsentOrUnknownAllergy.
    """
    substance = node.select(
        "cda:participant[@typeCode='CSM']/cda:participantRole/cda:playingEntity"
    )
    for entity in substance:
        code, name = entity.child("code"), entity.child("name")
        found = concept(code, context) if code is not None else None
        if name is not None and name.text():
            # The author's own word, beside the codes when there are some.
            return _named(found, name.text())
        if found is not None:
            return found
    value = node.child("value")
    return concept(value, context) if value is not None else None


@converter("allergy_id")
def allergy_id(node: Node, context: Context) -> str | None:
    """Give the id of an AllergyIntolerance that names its substance, else nothing."""
    made = allergy_substance(node, context)
    said = made.value if isinstance(made, Flawed) else made
    return context.making("AllergyIntolerance", node) if said else None


@converter("allergy_clinical_status")
def allergy_clinical_status(node: Node, _context: Context) -> Json | None:
    """Give whether an allergy is active, nothing when it is refuted (FHIR R4 ait-2).

    Spec: CI-SIS FR-Statut-du-problème 33999-4; statusCode of the concern act.
    """
    if is_negated(node):
        return None
    said = _code_beside(node, _STATUS, _ALLERGY_STATES)
    concern = node.above("act")
    status = concern.child("statusCode") if concern is not None else None
    # `completed` says that the entry is complete, not that the allergy is over.
    is_aborted = status is not None and status.get("code") == "aborted"
    code = said or ("inactive" if is_aborted else "active")
    return {"coding": [{"system": _ALLERGY_CLINICAL, "code": code}]}


@converter("allergy_verification")
def allergy_verification(node: Node, _context: Context) -> Json:
    """Give `refuted` for a negated allergy, else how certain it is.

    Spec: CI-SIS FR-Certitude 66455-7; FHIR R4 has no provisional or differential allergy.
    """
    said = _code_beside(node, _CERTAINTY, ("confirmed", "unconfirmed", "refuted"))
    code = "refuted" if is_negated(node) else said or "confirmed"
    return {"coding": [{"system": _ALLERGY_VERIFICATION, "code": code}]}


@converter("criticality")
def criticality(node: Node, _context: Context) -> str | None:
    """Give how dangerous a reaction could be.

    Spec: CI-SIS FR-Criticité 82606-5; JDV_HL7_allergy_intolerance_criticality.
    """
    return _code_beside(node, _CRITICALITY, ("low", "high", "unable-to-assess")) or None


@converter("reactions")
def reactions(node: Node, context: Context) -> Any:
    """Give the reactions the person had, one a manifestation, with its start and severity.

    One that is negated is said not to have happened: it is left out, with an issue.

    Spec: CI-SIS FR-Allergie-ou-hypersensibilité, entryRelationship MFST; FR-Sévérité inside a
    reaction, else beside the allergy.
    """
    found: list[Json] = []
    issues = []
    whole = beside(node, _SEVERITY)
    for reaction in node.select(_REACTIONS):
        value, times = reaction.child("value"), reaction.child("effectiveTime")
        made = _plain(concept(value, context)) if value is not None else None
        if is_negated(reaction):
            issues.append(negated_reaction(reaction.place))
        elif made:
            start = _plain(onset(times, context)) if times is not None else None
            said = {"manifestation": [made], **({"onset": start} if start else {})}
            found.append(said | _degree(beside(reaction, _SEVERITY) or whole, context))
    return Flawed(found, tuple(issues)) if issues else found


def _degree(observation: Node | None, context: Context) -> Json:
    """Return the severity of a reaction; one FHIR has no code for is kept as it was coded."""
    value = observation.child("value") if observation is not None else None
    if observation is None or value is None:
        return {}
    level = context.tables.severities.get(value.get("code"))
    if level:
        return {"severity": level}
    kept = attribute(observation, context)
    return {"extension": [kept]} if kept else {}


@converter("allergy_attributes")
def allergy_attributes(node: Node, context: Context) -> list[Json]:
    """Give what is said about an allergy and has no element: its severity without a reaction.

    Spec: CI-SIS FR-Sévérité beside FR-Allergie-ou-hypersensibilité; FR-Simple-Observation.
    """
    happened = any(not is_negated(reaction) for reaction in node.select(_REACTIONS))
    return attributes_of(node, context, read_elsewhere=READ if happened else READ - {_SEVERITY})


def _named(made: Any, text: str) -> Any:
    value = _plain(made)
    named = {**(value or {}), "text": text}
    return Flawed(named, made.issues) if isinstance(made, Flawed) else named


def _plain(made: Any) -> Any:
    return made.value if isinstance(made, Flawed) else made
