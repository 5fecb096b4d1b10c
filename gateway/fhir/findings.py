"""What can be wrong with the shape of a resource, each kind under its code."""

from dataclasses import dataclass

from gateway.core.issues import Issue, Severity


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding.

    Attributes:
        code: `RLS-FHR-nnn`.
        what: sentence after the place.
        fix: what to do.
    """

    code: str
    what: str
    fix: str


#: Places, relative to the value that was tested (`.name[0]`), with what is wrong there.
Findings = tuple[tuple[str, Kind], ...]

RESOURCE = Kind(
    code="RLS-FHR-001",
    what="this resource type is not one Relais handles.",
    fix="Send one of the types of the CapabilityStatement.",
)
UNKNOWN = Kind(
    code="RLS-FHR-002",
    what="FHIR R4 has no such element here.",
    fix="Remove the element or correct its name.",
)
TYPE = Kind(
    code="RLS-FHR-003",
    what="the JSON value is not of the kind the element asks for (object, list, text, number).",
    fix="Write the element as its FHIR R4 definition says.",
)
MISSING = Kind(
    code="RLS-FHR-004",
    what="a required element is missing.",
    fix="Give the element a value.",
)
FORMAT = Kind(
    code="RLS-FHR-005",
    what="the value is not written as its FHIR type asks.",
    fix="Correct the format; a dateTime with a time needs seconds and a time zone.",
)
CODE = Kind(
    code="RLS-FHR-006",
    what="the code is not in the closed list of this element.",
    fix="Use a code of the required value set.",
)
REFERENCE = Kind(
    code="RLS-FHR-007",
    what="the reference is not well formed or points to a type not allowed here.",
    fix="Write Type/id, an absolute URL, a urn or #id, to an allowed type.",
)
EMPTY = Kind(
    code="RLS-FHR-008",
    what="an empty object, list or text.",
    fix="Leave the element out.",
)
CHOICE = Kind(
    code="RLS-FHR-009",
    what="more than one form of a choice element, or both value and extensions of an extension.",
    fix="Keep one form.",
)
DEPTH = Kind(
    code="RLS-FHR-010",
    what="the resource is nested too deeply.",
    fix="Send a resource without endless nesting.",
)


def issue(where: str, kind: Kind) -> Issue:
    """Turn a finding into an issue."""
    return Issue(code=kind.code, severity=Severity.ERROR, where=where, what=kind.what, fix=kind.fix)
