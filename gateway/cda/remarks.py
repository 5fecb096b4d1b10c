"""What is said beside a statement: comments, and small observations about it.

CI-SIS FR-Commentaire; FR-Simple-Observation in entryRelationship COMP or SUBJ.
"""

from typing import Any

from gateway.cda.codes import concept, quantity, referenced_text
from gateway.cda.contacts import date_time, stamp
from gateway.cda.context import Context
from gateway.cda.entries import parts_of
from gateway.cda.narrative import lines
from gateway.cda.professionals import person_entity
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE
from gateway.mapping.converters import Flawed

_COMMENT = "48767-8"
_TEMPLATE = "1.2.250.1.213.1.1.3.32"
#: Written in an empty cell of a table.
_NOTHING = ("", "-", "--", "/")
_URL = f"{FHIR_BASE}/StructureDefinition/stated-attribute"
#: Read by converters of their own: severity, status, certainty, criticality, rank of a
#: vaccination; planned dates, rhythm, mode and side effects of an act; stages of a tumour.
READ = frozenset(
    {"SEV", "33999-4", "66455-7", "82606-5", "30973-2", "GEN-177", "ORG-004", "ORG-006", "MED-565"}
    | {"75620-5", "21918-8"}
)


@converter("notes")
def notes(node: Node, context: Context) -> list[Json]:
    """Give the narrative of an entry, then the comments on it, each once.

    Spec: CI-SIS FR-Commentaire, act 48767-8 in entryRelationship SUBJ; CDA R2 text/reference.
    """
    text = node.child("text")
    words = (referenced_text(text) or lines(text)) if text is not None else ""
    found = [{"text": words}] if words not in _NOTHING else []
    return found + [note for note in comments(node, context) if note not in found]


@converter("comments")
def comments(node: Node, context: Context) -> list[Json]:
    """Give the comments on an entry, with who made them and when.

    Spec: CI-SIS FR-Commentaire, act 48767-8.
    """
    found = [comment(act, context) for act in parts_of(node) if act.name == "act"]
    return [note for note in found if note]


@converter("comment")
def comment(node: Node, context: Context) -> Json | None:
    """Give an Annotation of a comment, with its author and date; nothing without words.

    Spec: CI-SIS FR-Commentaire, LOINC 48767-8, text/reference.
    """
    code, text = node.child("code"), node.child("text")
    coded = code is not None and code.get("code") == _COMMENT
    if text is None or not (coded or node.has_template(_TEMPLATE)):
        return None
    words = referenced_text(text) or lines(text)
    if words in _NOTHING:
        return None
    author = node.child("author")
    who = author.child("assignedAuthor") if author is not None else None
    said = person_entity(who, context) if who is not None else None
    when = stamp(author.child("time") if author is not None else None)
    when = when or stamp(node.child("effectiveTime"))
    note: Json = {}
    if said:
        shown = "authorReference" if "reference" in said else "authorString"
        note[shown] = said if "reference" in said else said["display"]
    if when is not None:
        note["time"] = when.text_fhir
    return note | {"text": words}


@converter("attributes")
def attributes(node: Node, context: Context) -> list[Json]:
    """Give small observations about a statement that FHIR has no element for, as coded.

    Such are `in connection with a long-term illness` of a prescription (MED-574), an accident at
    work (GEN-180), the reason a treatment was stopped (MED-052), the health status of a problem.

    Spec: CI-SIS FR-Simple-Observation in entryRelationship COMP, SUBJ or REFR.
    """
    return attributes_of(node, context)


def attributes_of(
    node: Node, context: Context, read_elsewhere: frozenset[str] = READ
) -> list[Json]:
    """Return the attributes of a statement but those whose code is read elsewhere."""
    found = []
    for part in parts_of(node):
        code = part.child("code") if part.name == "observation" else None
        if code is None or code.get("code") in read_elsewhere or _is_cause(part):
            continue
        made = attribute(part, context)
        if made is not None:
            found.append(made)
    return found


def attribute(part: Node, context: Context) -> Json | None:
    """Return one observation as an extension, None when it lacks its code or value."""
    code, value = part.child("code"), part.child("value")
    said = value_of(value, context) if value is not None else None
    named = _plain(concept(code, context)) if code is not None else None
    if said is None or named is None:
        return None
    parts = [{"url": "code", "valueCodeableConcept": named}, {"url": "value", **said}]
    times = part.child("effectiveTime")
    when = _plain(date_time(times, context)) if times is not None else None
    if when:
        parts.append({"url": "time", "valueDateTime": when})
    return {"url": _URL, "extension": parts}


@converter("stated")
def stated(node: Node, context: Context) -> Json | None:
    """Give an observation as an extension: its code, its value, its date.

    Spec: CI-SIS FR-Simple-Observation.
    """
    return attribute(node, context)


def _is_cause(part: Node) -> bool:
    """Tell whether an observation is a manifestation, a reaction or a reason, told elsewhere."""
    link = part.parent
    return link is not None and link.get("typeCode") in ("MFST", "CAUS", "RSON")


def value_of(node: Node, context: Context) -> Json | None:
    """Return `value[x]` of an extension for a CDA value of any simple type."""
    if node.type == "BL":
        truth = {"true": True, "false": False}.get(node.get("value"))
        return None if truth is None else {"valueBoolean": truth}
    if node.type == "PQ":
        measured = quantity(node, context)
        return {"valueQuantity": measured} if measured else None
    if node.type in ("TS", "EIVL_TS", "IVL_TS"):
        when = stamp(node)
        return {"valueDateTime": when.text_fhir} if when else None
    if node.type in ("ST", "ED") and not node.get("code"):
        return {"valueString": node.text()} if node.text() else None
    coded = _plain(concept(node, context))
    return {"valueCodeableConcept": coded} if coded else None


def _plain(made: Any) -> Any:
    return made.value if isinstance(made, Flawed) else made
