"""The second opinion: FHIR models of `fhir.resources`, and the element table taken from them.

The only module that imports `fhir.resources`, lazily, because the import takes most of a second.
The library has no plain R4: R4B (4.3.0) has the same elements for the resource types used here.
Codes that its models leave out or cut short are completed from the value sets of R4 4.0.1.
"""

import re
import typing
from collections.abc import Iterator
from typing import Any

import orjson
from pydantic import ValidationError

from gateway.core.issues import Issue, Severity

Json = dict[str, Any]

#: Resource types Relais reads or writes.
RESOURCES = (
    "Account",
    "AllergyIntolerance",
    "Appointment",
    "AuditEvent",
    "Binary",
    "Bundle",
    "CapabilityStatement",
    "CarePlan",
    "CareTeam",
    "Communication",
    "CommunicationRequest",
    "Composition",
    "Condition",
    "Consent",
    "DetectedIssue",
    "Device",
    "DeviceRequest",
    "DeviceUseStatement",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "EpisodeOfCare",
    "FamilyMemberHistory",
    "Flag",
    "Goal",
    "HealthcareService",
    "Immunization",
    "List",
    "Location",
    "Medication",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "OperationOutcome",
    "Organization",
    "Parameters",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "RelatedPerson",
    "ServiceRequest",
    "Specimen",
    "Subscription",
    "Task",
)

#: Required bindings, value sets of FHIR R4 4.0.1.
_CODES: dict[str, str] = {
    "AuditEvent.action": "C R U D E",
    "AuditEvent.outcome": "0 4 8 12",
    "AuditEventAgentNetwork.type": "1 2 3 4 5",
    "Composition.confidentiality": "U L M N R V",
    "DetectedIssue.status": (
        "registered preliminary final amended corrected cancelled entered-in-error unknown"
    ),
    "DeviceUdiCarrier.entryType": "barcode rfid manual card self-reported unknown",
    "DeviceUseStatement.status": "active completed entered-in-error intended stopped on-hold",
    "DiagnosticReport.status": (
        "registered partial preliminary final amended corrected appended cancelled "
        "entered-in-error unknown"
    ),
    "Encounter.status": (
        "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown"
    ),
    "EncounterStatusHistory.status": (
        "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown"
    ),
    "Observation.status": (
        "registered preliminary final amended corrected cancelled entered-in-error unknown"
    ),
    "OperationOutcomeIssue.code": (
        "invalid structure required value invariant security login unknown expired forbidden "
        "suppressed processing not-supported duplicate multiple-matches not-found deleted too-long "
        "code-invalid extension too-costly business-rule conflict transient lock-error no-store "
        "exception timeout incomplete throttled informational"
    ),
    "Task.status": (
        "draft requested received accepted rejected ready cancelled in-progress on-hold failed "
        "completed entered-in-error"
    ),
    "TimingRepeat.when": (
        "MORN MORN.early MORN.late NOON AFT AFT.early AFT.late EVE EVE.early EVE.late NIGHT PHS "
        "HS WAKE C CM CD CV AC ACM ACD ACV PC PCM PCD PCV"
    ),
} | {
    f"{quantity}.comparator": "< <= >= >"
    for quantity in ("Quantity", "Age", "Count", "Distance", "Duration")
}

#: Required bindings on a CodeableConcept: system and codes.
_CONCEPTS: dict[str, tuple[str, str]] = {
    "AllergyIntolerance.clinicalStatus": (
        "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
        "active inactive resolved",
    ),
    "AllergyIntolerance.verificationStatus": (
        "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
        "unconfirmed confirmed refuted entered-in-error",
    ),
    "Condition.clinicalStatus": (
        "http://terminology.hl7.org/CodeSystem/condition-clinical",
        "active recurrence relapse inactive remission resolved",
    ),
    "Condition.verificationStatus": (
        "http://terminology.hl7.org/CodeSystem/condition-ver-status",
        "unconfirmed provisional differential confirmed refuted entered-in-error",
    ),
}

#: Not closed lists: the models took the words of a comment for codes.
_NOT_CODES = frozenset({"CapabilityStatement.format", "Expression.language"})

_PRIMITIVES = {
    "Base64Binary": "base64Binary",
    "Canonical": "canonical",
    "Code": "code",
    "Date": "date",
    "DateTime": "dateTime",
    "Decimal": "decimal",
    "Id": "id",
    "Instant": "instant",
    "Integer": "integer",
    "Markdown": "markdown",
    "Oid": "oid",
    "PositiveInt": "positiveInt",
    "String": "string",
    "Time": "time",
    "UnsignedInt": "unsignedInt",
    "Uri": "uri",
    "Url": "url",
    "UuidVersion": "uuid",
    "Xhtml": "xhtml",
}


def introspect() -> Json:
    """Build the element table of `RESOURCES` and of every datatype they can hold.

    The result is what `profiles/fhir/elements.json` holds; `write_table` gives its text.
    """
    from fhir.resources.R4B import get_fhir_model_class

    types: Json = {}
    waiting = list(RESOURCES)
    while waiting:
        name = waiting.pop()
        if name in types:
            continue
        model = get_fhir_model_class(name)
        fields = model.model_fields
        made = {
            field.alias: _element(name, field, f"{key}__ext" in fields)
            for key, field in fields.items()
            if not key.endswith("__ext") and key != "fhir_comments"
        }
        # The order of the definition is that of the XML (FHIR R4 2.6.1).
        order = {alias: place for place, alias in enumerate(model.elements_sequence())}
        ranked = sorted(made, key=lambda alias, o=order: (o.get(alias, len(o)), alias))  # type: ignore[misc]
        types[name] = {alias: made[alias] for alias in ranked}
        found = {element["type"] for element in types[name].values()}
        waiting.extend(t for t in found if t[0].isupper() and t != "Resource")
    # The type of `_name`, the companion of a primitive; no element names it.
    types["Element"] = {
        "id": {"type": "string", "companion": False},
        "extension": {"type": "Extension", "max": "*"},
    }
    return {
        "source": "FHIR R4 elements, from fhir.resources R4B; required codes of R4 4.0.1",
        "resources": sorted(RESOURCES),
        "types": {name: types[name] for name in sorted(types)},
    }


def _element(owner: str, field: Any, has_companion: bool) -> Json:
    extra = field.json_schema_extra or {}
    place = f"{owner}.{field.alias}"
    kind, repeats = _type_of(field.annotation)
    element: Json = {"type": kind}
    if field.is_required() or extra.get("element_required"):
        element["min"] = 1
    if repeats:
        element["max"] = "*"
    if kind[0].islower() and not has_companion:
        element["companion"] = False
    if "one_of_many" in extra:
        element["choice"] = extra["one_of_many"]
        if extra["one_of_many_required"]:
            element["choice_min"] = 1
    if extra.get("summary_element_property"):
        element["summary"] = True
    if place in _CODES:
        element["codes"] = _CODES[place].split()
    elif place in _CONCEPTS:
        element["system"], codes = _CONCEPTS[place]
        element["codes"] = codes.split()
    elif "enum_values" in extra and place not in _NOT_CODES:
        element["codes"] = list(extra["enum_values"])
    targets = extra.get("enum_reference_types")
    if targets and kind == "Reference":
        element["targets"] = list(targets)
    return element


def _type_of(annotation: Any) -> tuple[str, bool]:
    """Return the FHIR type name and whether the element repeats."""
    parts = list(_parts(annotation))
    repeats = any(typing.get_origin(part) is list for part in parts)
    for part in parts:
        for constraint in getattr(part, "__metadata__", ()):
            name = type(constraint).__name__
            if name in _PRIMITIVES:
                return _PRIMITIVES[name], repeats
        name = getattr(part, "__name__", "")
        if part is bool:
            return "boolean", repeats
        if name.endswith("Type") and name != "NoneType":
            return name.removesuffix("Type"), repeats
    raise TypeError(f"no FHIR type in {annotation}")


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for argument in typing.get_args(annotation):
        yield from _parts(argument)


def full(resource: Json) -> list[Issue]:
    """Judge a resource with the models of `fhir.resources`; empty when they accept it."""
    from fhir.resources.R4B import get_fhir_model_class

    name = resource.get("resourceType")
    if name not in RESOURCES:
        return [_refused(str(name), "this resource type is not used here")]
    try:
        get_fhir_model_class(name).model_validate(resource)
    except ValidationError as error:
        # The texts of the library quote the values: only place and kind are kept.
        return [
            _refused(".".join([name, *map(str, fault["loc"])]), f"{fault['type']}")
            for fault in error.errors(include_url=False, include_input=False)
        ]
    return []


def to_xml(resource: Json) -> str:
    """Write a resource as FHIR XML.

    Raises:
        ValueError: the models refuse the resource, or it is of a type not used here.
    """
    from fhir.resources.R4B import get_fhir_model_class

    name = resource.get("resourceType")
    if name not in RESOURCES:
        raise ValueError(f"no XML for {name}")
    model = get_fhir_model_class(name).model_validate(resource)
    text = model.model_dump_xml()
    return text if isinstance(text, str) else text.decode("utf-8")


def from_xml(text: bytes) -> Json:
    """Read a resource from FHIR XML (FHIR R4 2.6.1).

    Raises:
        ValueError: it declares a document type, is not XML, or the models refuse it.
    """
    from fhir.resources.R4B import get_fhir_model_class

    # Entities are never expanded: a document that declares some is not read at all.
    if b"<!" in text.replace(b"<!--", b""):
        msg = "the XML declares a document type or holds CDATA"
        raise ValueError(msg)
    name = _root(text)
    if name not in RESOURCES:
        msg = "the root of the XML is no resource type of FHIR R4 that is handled"
        raise ValueError(msg)
    try:
        model = get_fhir_model_class(name).model_validate_xml(text)
    except ValidationError as error:
        places = ", ".join(
            sorted({".".join(str(part) for part in one["loc"]) for one in error.errors()})[:3]
        )
        raise ValueError(f"the XML is not a resource of FHIR R4 ({places})") from None
    except Exception as error:  # noqa: BLE001 - a reader of another, on bytes of another
        raise ValueError(f"the XML cannot be read ({type(error).__name__})") from None
    content: Json = orjson.loads(model.model_dump_json())
    return content


#: The root tag: a type in the namespace of FHIR, as the default or under a prefix.
_ROOT = re.compile(
    rb"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*"
    rb"<(?:[\w.-]+:)?([A-Za-z]+)\s[^>]*=\s*[\"']http://hl7\.org/fhir[\"']",
    re.DOTALL,
)


def _root(text: bytes) -> str:
    match = _ROOT.match(text)
    return match[1].decode("ascii") if match else ""


def _refused(where: str, kind: str) -> Issue:
    return Issue(
        code="RLS-FHR-020",
        severity=Severity.ERROR,
        where=where,
        what=f"the FHIR model refuses this place ({kind}).",
        fix="Correct the element to its FHIR R4 definition.",
    )
