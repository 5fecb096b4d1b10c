"""Builders of small CDA documents; people, structures and numbers are invented."""

from typing import Any

from gateway.cda.reader import Document, Node, read
from gateway.core.contributions import Mapped

INS = '<id root="1.2.250.1.213.1.4.10" extension="248039999912341"/>'
IPP = '<id root="1.2.250.1.999.1.1" extension="IPP0000123"/>'
NAME = (
    '<name><family qualifier="BR">ESSAI-MARRON</family><given>ANNE MARGUERITE</given>'
    '<given qualifier="BR">ANNE</given><family qualifier="CL">ESSAI-TILLEUL</family></name>'
)
PERSON = (
    f'{NAME}<administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/>'
    '<birthTime value="19480317"/>'
    "<birthplace><place><addr><county>42218</county></addr></place></birthplace>"
)
AUTHOR = (
    '<author><time value="20260312164500+0100"/><assignedAuthor>'
    '<id root="1.2.250.1.71.4.2.1" extension="810999000010"/>'
    "<assignedPerson><name><given>Lucie</given><family>PRATICIENNE</family></name></assignedPerson>"
    '<representedOrganization><id root="1.2.250.1.71.4.2.2" extension="1990000010"/>'
    "<name>Centre hospitalier des Essais</name></representedOrganization>"
    "</assignedAuthor></author>"
)
CUSTODIAN = (
    "<custodian><assignedCustodian><representedCustodianOrganization>"
    '<id root="1.2.250.1.71.4.2.2" extension="1990000010"/>'
    "<name>Centre hospitalier des Essais</name></representedCustodianOrganization>"
    "</assignedCustodian></custodian>"
)
LEGAL = AUTHOR.replace("assignedAuthor", "assignedEntity").replace("author>", "legalAuthenticator>")
#: The act of a document that tells nothing of it but its setting.
ACT = (
    '<documentationOf><serviceEvent><effectiveTime><low value="20260302081500+0100"/>'
    '</effectiveTime><performer typeCode="PRF"><assignedEntity><representedOrganization>'
    '<standardIndustryClassCode code="ETABLISSEMENT" codeSystem="1.2.250.1.213.1.1.4.9"/>'
    "</representedOrganization></assignedEntity></performer></serviceEvent></documentationOf>"
)
FACILITY = (
    '<location><healthCareFacility><code code="SA01" codeSystem="1.2.250.1.71.4.2.4"/>'
    "</healthCareFacility></location>"
)
STAY = (
    "<componentOf><encompassingEncounter><effectiveTime>"
    '<low value="20260302081500+0100"/><high value="20260312150000+0100"/>'
    f"</effectiveTime>{FACILITY}</encompassingEncounter></componentOf>"
)
#: Local terminology of the CI-SIS.
TA = "1.2.250.1.213.1.1.4.322"
RPLC = (
    '<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.250.1.999.7.1"'
    ' extension="D0"/><versionNumber value="1"/></parentDocument></relatedDocument>'
)
#: A body that says something in words and nothing in codes.
WORDS = (
    "<structuredBody><component><section>"
    '<templateId root="1.2.250.1.213.1.1.2.127"/><title>Motif</title><text>Chute</text>'
    "</section></component></structuredBody>"
)
LDL = '<templateId root="1.2.250.1.213.1.1.1.29" extension="2022.01"/>'


def cda(
    *,
    template: str = LDL,
    own_id: str = '<id root="1.2.250.1.999.7.1" extension="D1"/>',
    code: str = '<code code="11490-0" codeSystem="2.16.840.1.113883.6.1"/>',
    time: str = '<effectiveTime value="20260312164500+0100"/>',
    set_id: str = '<setId root="1.2.250.1.999.7.1" extension="S1"/>',
    version: str = '<versionNumber value="1"/>',
    ids: str = IPP,
    role: str = "",
    person: str = PERSON,
    author: str = AUTHOR,
    legal: str = LEGAL,
    header: str = "",
    act: str = ACT,
    stay: str = STAY,
    body: str = WORDS,
) -> bytes:
    """Build the bytes of a document; every part can be replaced."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        '<realmCode code="FR"/><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>'
        '<templateId root="2.16.840.1.113883.2.8.2.1"/><templateId root="1.2.250.1.213.1.1.1.1"/>'
        f"{template}{own_id}{code}<title>Lettre d'essai</title>{time}"
        '<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/>'
        f'<languageCode code="fr-FR"/>{set_id}{version}'
        f"<recordTarget><patientRole>{ids}{role}<patient>{person}</patient></patientRole></recordTarget>"
        f"{author}{CUSTODIAN}{legal}{header}{act}{stay}<component>{body}</component></ClinicalDocument>"
    ).encode()


def sections(*parts: str) -> str:
    """Build a structured body."""
    inner = "".join(f"<component>{part}</component>" for part in parts)
    return f"<structuredBody>{inner}</structuredBody>"


def section(template: str, *entries: str, code: str = "", text: str = "") -> str:
    """Build a section of one CI-SIS template (its last part, such as `158`)."""
    coded = f'<code code="{code}" codeSystem="2.16.840.1.113883.6.1"/>' if code else ""
    inner = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return (
        f'<section><templateId root="1.2.250.1.213.1.1.2.{template}"/>{coded}'
        f"<text>{text}</text>{inner}</section>"
    )


def entry(name: str, mood: str, template: str, inner: str, attributes: str = "") -> str:
    """Build a clinical statement of one CI-SIS template (its last part, such as `3.62`)."""
    return (
        f'<{name} moodCode="{mood}" {attributes}>'
        f'<templateId root="1.2.250.1.213.1.1.3.{template}"/>{inner}</{name}>'
    )


def level_1(text: str, media_type: str = "application/pdf", representation: str = "B64") -> str:
    """Build an unstructured body."""
    return (
        f'<nonXMLBody><text mediaType="{media_type}" representation="{representation}">'
        f"{text}</text></nonXMLBody>"
    )


def document(**parts: str) -> Document:
    """Build and read a document."""
    return read(cda(**parts))


def node(inner: str, narrative: str = "") -> Node:
    """Return the element `inner` inside a section whose narrative is given."""
    body = sections(section("158", f"<act>{inner}</act>", text=narrative))
    root = document(body=body).root
    act = root.down("component", "structuredBody", "component", "section", "entry", "act")
    assert act is not None
    return act.elements()[0]


def mode(code: str, value: str) -> str:
    """Build the section on the course of the stay with one admission or discharge mode."""
    inner = f'<code code="{code}" codeSystem="{TA}"/><effectiveTime value="20260312"/>{value}'
    return sections(section("163.1", entry("observation", "EVN", "48", inner)))


def plan(*entries: str) -> str:
    """Build a body with the follow-up section alone."""
    text = '<content ID="t1">dit</content>'
    return sections(section("158", *entries, code="18776-5", text=text))


def resources(mapped: Mapped, type_: str) -> list[dict[str, Any]]:
    """Return what a document says of resources of one type."""
    return [part.resource for part in mapped.contributions if part.target.type == type_]


def only(mapped: Mapped, type_: str) -> dict[str, Any]:
    """Return the one resource of a type."""
    (found,) = resources(mapped, type_)
    return found
