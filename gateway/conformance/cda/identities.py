"""Judges who a document is about and who made it: INS and traits, one number for several people.

Does not decide whether an INS is used (`gateway.cda.identity`). HDR patientRole; Référentiel INS;
CI-SIS PS_IdNat and Struct_IdNat.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import replace

from gateway.cda import faults
from gateway.cda.reader import Document, Node
from gateway.conformance.cda import kinds
from gateway.conformance.finding import Finding, Layer
from gateway.conformance.identity_rules import traits_against
from gateway.core.envelope import INS_ROOTS
from gateway.core.identity import ins_key_is_right
from gateway.core.issues import Severity
from gateway.hl7v2.faults import wrong_ins_key

_ROLE = "cda:recordTarget/cda:patientRole"
_PERSON = f"{_ROLE}/cda:patient"
_NAME = f"{_PERSON}/cda:name"
_PROFESSIONALS, _STRUCTURES = "1.2.250.1.71.4.2.1", "1.2.250.1.71.4.2.2"
#: NIR of production, test and demonstration tell sex and birth; a NIA begins as one.
_TRAITS = (
    (f"{_NAME}/cda:family[@qualifier='BR']", "birth name"),
    (f"{_NAME}/cda:given[@qualifier='BR']", "first given name"),
    (f"{_NAME}/cda:given[not(@qualifier)]", "list of given names"),
    (f"{_PERSON}/cda:birthTime/@value", "birth date"),
    (f"{_PERSON}/cda:administrativeGenderCode/@code", "sex"),
    (f"{_PERSON}/cda:birthplace/cda:place/cda:addr/cda:county", "code of the birth place"),
)
_PEOPLE = ("assignedPerson", "associatedPerson", "informationRecipient", "guardianPerson")


def identity_findings(document: Document) -> Iterator[Finding]:
    """Yield what contradicts itself in the identities of a document."""
    yield from _ins(document)
    yield from _people(document)
    yield from _structures(document)


def _ins(document: Document) -> Iterator[Finding]:
    """Judge the INS: its key, its traits, that it is one.

    Spec: HDR patientRole: an INS comes with its traits.
    """
    seen: dict[str, str] = {}
    for node in document.select(f"{_ROLE}/cda:id"):
        root, value = node.get("root"), node.get("extension")
        if root not in INS_ROOTS or not value:
            continue
        if seen.setdefault(root, value) != value:
            yield kinds.INS_TWICE.at(node.place)
        if not ins_key_is_right(value):
            issue = replace(wrong_ins_key(node.place), severity=Severity.ERROR)
            yield Finding(issue, "INS, key of the matricule", Layer.COHERENCE)
        else:
            yield from _against_traits(document, value)
    if seen:
        for path, trait in _TRAITS:
            if not any(node.text() for node in document.select(path)):
                place = _missing_place(document, path)
                yield kinds.TRAIT_MISSING.at(place, trait=trait)


def _against_traits(document: Document, matricule: str) -> Iterator[Finding]:
    sex = _first(document, f"{_PERSON}/cda:administrativeGenderCode/@code")
    birth = _first(document, f"{_PERSON}/cda:birthTime/@value")
    places = {"sex": "administrativeGenderCode/@code", "birth date": "birthTime/@value"}
    for trait in traits_against(matricule, sex, birth):
        for holder in document.select(_PERSON):
            yield kinds.INS_CONTRADICTS.at(f"{holder.place}/{places[trait]}")


def _people(document: Document) -> Iterator[Finding]:
    """Compare the names that one professional identifier is given with."""
    first: dict[str, str] = {}
    for node in _identified(document, _PROFESSIONALS):
        entity = node.parent
        family = _family(entity) if entity is not None else ""
        if family and first.setdefault(node.get("extension"), family) != family:
            yield Finding(faults.name_conflict(node.place), "CI-SIS PS_IdNat", Layer.COHERENCE)


def _structures(document: Document) -> Iterator[Finding]:
    """Compare the names that one identifier of a structure is given with."""
    first: dict[str, str] = {}
    for node in _identified(document, _STRUCTURES):
        holder = node.parent
        name = holder.child("name") if holder is not None else None
        said = _folded(name.text()) if name is not None else ""
        if said and first.setdefault(node.get("extension"), said) != said:
            yield kinds.STRUCTURE_NAMES.at(node.place)


def _identified(document: Document, root: str) -> list[Node]:
    found = document.select(f"descendant::cda:id[@root='{root}']")
    return [node for node in found if node.get("extension")]


def _family(entity: Node) -> str:
    for name in _PEOPLE:
        found = entity.down(name, "name")
        if found is not None:
            family = found.child("family")
            return _folded(family.text() if family is not None else found.text())
    return ""


def _folded(text: str) -> str:
    """Return letters and digits only, so that accents, case and hyphens tell nobody apart."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(sign for sign in plain if sign.isalnum())


def _first(document: Document, path: str) -> str:
    return next((text for node in document.select(path) if (text := node.text())), "")


def _missing_place(document: Document, path: str) -> str:
    below = path.removeprefix(f"{_ROLE}/").replace("cda:", "")
    holder = next(iter(document.select(_ROLE)), None)
    return f"{holder.place if holder is not None else document.place}/{below}"
