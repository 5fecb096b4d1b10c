"""How much of a treatment, how often, where and on which condition: FHIR R4 Dosage.

Does not name the product (`cda.treatments`). CI-SIS FR-Traitement and its five forms: normal,
tapered, split, conditional, combination (IHE PCC 6.3.4.16, 1.3.6.1.4.1.19376.1.5.3.1.4.7.1 and
1.3.6.1.4.1.19376.1.5.3.1.4.8 to .11); CI-SIS FR-Prescription.
"""

from gateway.cda.codes import concept, quantity_range, ratio, referenced_text
from gateway.cda.context import Context
from gateway.cda.entries import parts_of
from gateway.cda.narrative import lines
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.cda.timing import timing
from gateway.core.contributions import Json
from gateway.mapping.converters import Flawed

#: Several products given together; each is a treatment of its own.
COMBINED = "1.3.6.1.4.1.19376.1.5.3.1.4.11"
_PATIENT = "1.2.250.1.213.1.1.3.33"
_BOUNDS = frozenset({"boundsPeriod", "boundsDuration"})
#: Written in an empty cell of a table.
_NOTHING = ("", "-", "--", "/")


@converter("dosage")
def dosage(node: Node, context: Context) -> list[Json]:
    """Give the dosage of a treatment that is or was taken, step by step.

    Spec: CI-SIS FR-Traitement; FHIR R4 Dosage.
    """
    return _dosages(node, context, with_bounds=False)


@converter("dosage_instruction")
def dosage_instruction(node: Node, context: Context) -> list[Json]:
    """Give the dosage of a treatment that is ordered, with the period of each step.

    Spec: CI-SIS FR-Traitement, FR-Prescription, effectiveTime; FHIR R4 Dosage.
    """
    return _dosages(node, context, with_bounds=True)


def _dosages(node: Node, context: Context, *, with_bounds: bool) -> list[Json]:
    """Return one Dosage, or one a step of a tapered, split or conditional treatment.

    A step says what differs; route, site and maximum are those of the whole treatment.

    Spec: IHE PCC 6.3.4.16.12: entryRelationship COMP with a sequenceNumber.
    """
    whole = _dosage(node, context, with_bounds=with_bounds)
    steps = [] if node.has_template(COMBINED) else _steps(node)
    found = []
    for number, step in enumerate(steps, start=1):
        own = _dosage(step, context, with_bounds=True)
        if own:
            shared = {k: v for k, v in whole.items() if k not in ("timing", "doseAndRate", "text")}
            found.append({"sequence": number, **shared, **own})
    if not found:
        return [whole] if whole else []
    if "doseAndRate" in whole or _is_repeated(whole):
        return [whole, *({**step, "sequence": step["sequence"] + 1} for step in found)]
    return found


def _is_repeated(dose: Json) -> bool:
    """Tell whether a dosage says how often; from when to when is said by its steps too."""
    times = dose.get("timing", {})
    return bool(times.get("code") or set(times.get("repeat", ())) - _BOUNDS)


def _steps(node: Node) -> list[Node]:
    return [part for part in parts_of(node) if part.name == "substanceAdministration"]


def _dosage(node: Node, context: Context, *, with_bounds: bool) -> Json:
    found: Json = {}
    text = referenced_text(node.child("text"))
    if text:
        found["text"] = text
    instruction = patient_instruction(node)
    if instruction:
        found["patientInstruction"] = instruction
    times = timing(node, context, with_bounds=with_bounds)
    if times:
        found["timing"] = times
    condition = _condition(node)
    if condition:
        found["asNeededCodeableConcept"] = {"text": condition}
    for name, element in (("site", "approachSiteCode"), ("route", "routeCode")):
        coded = node.child(element)
        made = concept(coded, context) if coded is not None else None
        said = made.value if isinstance(made, Flawed) else made
        if said:
            found[name] = said
    dose = _dose_and_rate(node, context)
    if dose:
        found["doseAndRate"] = [dose]
    most = node.child("maxDoseQuantity")
    limit = ratio(most, context) if most is not None else None
    if limit:
        found["maxDosePerPeriod"] = limit
    return found


def patient_instruction(node: Node) -> str:
    """Return what the patient is told about a treatment.

    Spec: CI-SIS FR-Instructions-au-patient, code PINSTRUCT.
    """
    return "\n".join(told_in(node, _PATIENT))


def told_in(node: Node, template: str) -> list[str]:
    """Return the words of the acts of one template inside a statement; a dash says nothing."""
    texts = []
    for act in parts_of(node):
        text = act.child("text") if act.name == "act" and act.has_template(template) else None
        words = (referenced_text(text) or lines(text)) if text is not None else ""
        if words not in _NOTHING:
            texts.append(words)
    return texts


def _condition(node: Node) -> str:
    """Return on which condition a dose is taken.

    Spec: IHE PCC 6.3.4.16.14 conditional dosing, precondition/criterion.
    """
    texts = []
    for criterion in node.select("cda:precondition/cda:criterion"):
        text, value = criterion.child("text"), criterion.child("value")
        words = (referenced_text(text) or lines(text)) if text is not None else ""
        if not words and value is not None:
            words = value.get("displayName") or value.text()
        if words not in _NOTHING:
            texts.append(words)
    return "\n".join(texts)


def _dose_and_rate(node: Node, context: Context) -> Json:
    found: Json = {}
    for name, element in (("dose", "doseQuantity"), ("rate", "rateQuantity")):
        measure = node.child(element)
        if measure is None:
            continue
        exact, between = quantity_range(measure, context)
        if exact:
            found[f"{name}Quantity"] = exact
        elif between:
            found[f"{name}Range"] = between
    return found
