"""What the header of every French document must hold, and what of it is missing.

Nothing here refuses: a document whose header lacks something is converted as far as it goes.
What it cannot do without is judged in `cda.adapter`. CI-SIS volet Structuration minimale; where
the guide and its executable rules differ, the looser of both.
"""

from typing import NamedTuple

from gateway.cda import faults
from gateway.cda.bodies import XDS_SD, model_of
from gateway.cda.contacts import is_unreadable
from gateway.cda.identity import traits_missing
from gateway.cda.reader import Document, Node
from gateway.core.issues import Issue


class _Rule(NamedTuple):
    """What each element at a place must hold.

    Attributes:
        above: where; every element there is looked at, the document itself when empty.
        wanted: what must be found below, an XPath.
        name: the missing element in words, a path below `above`.
    """

    above: str
    wanted: str
    name: str


_STAY = "cda:componentOf/cda:encompassingEncounter"
_ACT = "cda:documentationOf[1]/cda:serviceEvent"
_PERSON = "cda:recordTarget/cda:patientRole/cda:patient"
_RULES = (
    _Rule("", "cda:realmCode[@code]", "realmCode"),
    _Rule("", "cda:typeId[@root]", "typeId"),
    _Rule("", "cda:confidentialityCode[@code]", "confidentialityCode"),
    _Rule("", "cda:languageCode[@code]", "languageCode"),
    _Rule("", "cda:versionNumber[@value]", "versionNumber"),
    _Rule("", "cda:author[cda:assignedAuthor]", "author"),
    _Rule("", "cda:custodian/cda:assignedCustodian/cda:representedCustodianOrganization"
          "/cda:id[@root]", "custodian"),
    _Rule("", "cda:legalAuthenticator[cda:assignedEntity]", "legalAuthenticator"),
    _Rule("", "cda:documentationOf/cda:serviceEvent", "documentationOf/serviceEvent"),
    _Rule("", _STAY, "componentOf/encompassingEncounter"),
    _Rule(_PERSON, "cda:name", "name"),
    _Rule(_PERSON, "cda:administrativeGenderCode", "administrativeGenderCode"),
    _Rule(_PERSON, "cda:birthTime", "birthTime"),
    _Rule("cda:author", "cda:time[@value]", "time"),
    _Rule("cda:author/cda:assignedAuthor", "cda:id", "id"),
    _Rule("cda:legalAuthenticator", "cda:time[@value]", "time"),
    _Rule("cda:legalAuthenticator/cda:assignedEntity", "cda:id", "id"),
    _Rule(_ACT, "cda:effectiveTime/cda:low", "effectiveTime/low"),
    _Rule(_ACT, "cda:performer/cda:assignedEntity/cda:representedOrganization"
          "/cda:standardIndustryClassCode[@code]",
          "performer/assignedEntity/representedOrganization/standardIndustryClassCode"),
    _Rule(_STAY, "cda:effectiveTime", "effectiveTime"),
    _Rule(_STAY, "cda:location/cda:healthCareFacility/cda:code[@code]",
          "location/healthCareFacility/code"),
)  # fmt: skip


#: Elements of the header with a point in time, and what is judged elsewhere.
_TIMES = (
    "descendant::*[self::cda:time or self::cda:low or self::cda:high or self::cda:effectiveTime"
    " or self::cda:birthTime]"
)
_JUDGED = ("component", "effectiveTime")
#: How many places of one kind of fault are told; the rest says nothing new.
_TOLD = 50


def findings(document: Document, known: frozenset[str], *, strict: bool) -> list[Issue]:
    """Return what is wrong with a document beside what single values tell.

    Args:
        document: as read and converted.
        known: templateId of the models that have a plan.
        strict: its source is to be refused for what was repaired.
    """
    wrong = [(node, name) for node, names in document.mended.items() for name in names]
    found = [
        faults.wrong_case(node.attribute(name).place, strict=strict) for node, name in wrong[:_TOLD]
    ]
    untyped = list(document.untyped.items())[:_TOLD]
    found += [
        faults.value_without_type(element.place, type_, strict=strict) for element, type_ in untyped
    ]
    told = (unknown_model(document, known), empty_body(document))
    found += unreadable_times(document)
    return [*found, *missing_elements(document), *(one for one in told if one is not None)]


def unreadable_times(document: Document) -> list[Issue]:
    """Return a warning for each time of the header that cannot be read.

    A stay whose beginning cannot be read is not converted, so its dates must be told here.
    effectiveTime of the document is judged in `cda.adapter`.
    """
    parts = (node for node in document.root.elements() if node.name not in _JUDGED)
    times = (time for part in parts for time in part.select(_TIMES))
    return [faults.bad_time(time.place) for time in times if is_unreadable(time)]


def missing_elements(document: Document) -> list[Issue]:
    """Return a warning for each header element that is required and not there.

    Spec: CI-SIS volet Structuration minimale, cardinalities 1..1 and 1..*.
    """
    issues = [
        faults.header_element_expected(f"{node.place}/{rule.name}", rule.name)
        for rule in _RULES
        for node in _at(document, rule.above)
        # Nothing is asked of what is said to be absent as a whole.
        if not (node.has_null_flavor or node.select(rule.wanted))
    ]
    lacking = traits_missing(document)
    if lacking:
        place = f"{document.place}/recordTarget/patientRole/patient"
        issues.append(faults.traits_expected(place, lacking))
    return issues


def _at(document: Document, path: str) -> list[Node]:
    return document.select(path) if path else [document.root]


def unknown_model(document: Document, known: frozenset[str]) -> Issue | None:
    """Return what is to be told of a document whose model has no plan, None for any other.

    Args:
        document: as read.
        known: templateId of the models that have one.
    """
    model = model_of(document)
    if model in known or model == XDS_SD:
        return None
    place = next(
        (node.place for node in document.root.children("templateId") if node.get("root") == model),
        f"{document.place}/templateId",
    )
    return faults.unknown_model(place)


def empty_body(document: Document) -> Issue | None:
    """Return what is to be told of a document without any content, None for any other.

    Spec: CDA R2 component 1..1: structuredBody with sections, or nonXMLBody.
    """
    component = document.root.child("component")
    if component is None:
        return faults.empty_body(f"{document.place}/component")
    body = component.child("nonXMLBody")
    if body is not None:
        text = body.child("text")
        empty = text is None or not (text.raw_text().strip() or text.down("reference"))
        return faults.empty_body((text or body).place) if empty else None
    sections = component.select("cda:structuredBody/descendant::cda:section")
    if any(one.child("entry") is not None or _words(one) for one in sections):
        return None
    return faults.empty_body(component.place)


def _words(section: Node) -> bool:
    text = section.child("text")
    return text is not None and bool(text.text())
