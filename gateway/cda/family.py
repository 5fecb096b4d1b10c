"""What relatives of the patient have or had.

CI-SIS content templates FR-Antécédents-familiaux (organizer), FR-Antécédent-familial-observé;
IHE PCC 1.3.6.1.4.1.19376.1.5.3.1.4.15.
"""

from typing import Any

from gateway.cda.codes import concept
from gateway.cda.contacts import stamp
from gateway.cda.context import Context
from gateway.cda.entries import parts_of
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.cda.remarks import comments
from gateway.core.contributions import Json
from gateway.core.timestamps import Precision
from gateway.mapping.converters import Flawed

_RELATIVE = ("subject", "relatedSubject")


@converter("family_history_id")
def family_history_id(node: Node, context: Context) -> str | None:
    """Give the id of the FamilyMemberHistory of a relative whose tie is told."""
    return context.making("FamilyMemberHistory", node) if relationship_of(node, context) else None


@converter("family_relationship")
def family_relationship(node: Node, context: Context) -> Any:
    """Give how a relative is related to the patient.

    Spec: CI-SIS FR-Sujet-antécédent-familial, relatedSubject/code; HL7 RoleCode.
    """
    return relationship_of(node, context)


def relationship_of(node: Node, context: Context) -> Any:
    """Return the tie to the patient as a concept, None when it is not told."""
    code = node.down(*_RELATIVE, "code")
    return concept(code, context) if code is not None else None


@converter("family_conditions")
def family_conditions(node: Node, context: Context) -> list[Json]:
    """Give what a relative has or had; nothing that is said not to be so.

    Spec: CI-SIS FR-Antécédent-familial-observé, value, effectiveTime.
    """
    found = []
    for part in parts_of(node):
        value = part.child("value") if part.name == "observation" else None
        made = _plain(concept(value, context)) if value is not None else None
        if not made or part.get("negationInd") == "true":
            continue
        entry: Json = {"code": made}
        onset = _onset(part)
        if onset:
            entry["onsetPeriod"] = {"start": onset}
        said = comments(part, context)
        if said:
            entry["note"] = said
        found.append(entry)
    return found


def _onset(part: Node) -> str | None:
    times = part.child("effectiveTime")
    when = stamp(times.child("low")) or stamp(times) if times is not None else None
    return None if when is None else when.text_fhir


@converter("relative_birth_date")
def relative_birth_date(node: Node, _context: Context) -> str | None:
    """Give when a relative was born, as a full date (FHIR R4 FamilyMemberHistory.born[x])."""
    when = stamp(node.down(*_RELATIVE, "subject", "birthTime"))
    return when.date_fhir if when is not None and when.precision >= Precision.YEAR else None


def _plain(made: Any) -> Any:
    return made.value if isinstance(made, Flawed) else made
