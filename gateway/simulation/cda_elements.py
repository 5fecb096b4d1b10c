"""Build CDA R2 elements: values are given as values, lxml escapes them."""

from datetime import date, datetime
from uuid import NAMESPACE_OID, uuid5

from lxml import etree

from gateway.simulation.people import Professional

NS = "urn:hl7-org:v3"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XSI_TYPE = f"{{{XSI}}}type"
#: The empty prefix is the default namespace; the stubs of lxml do not know it.
_NAMESPACES: dict[str, str] = {None: NS, "xsi": XSI}  # type: ignore[dict-item]

LOINC = "2.16.840.1.113883.6.1"
SNOMED = "2.16.840.1.113883.6.96"
TA = "1.2.250.1.213.1.1.4.322"
ACT_CODE = "2.16.840.1.113883.5.4"
PS_ID = "1.2.250.1.71.4.2.1"
STRUCTURE_ID = "1.2.250.1.71.4.2.2"


def el(
    tag: str, *children: etree._Element | str, xsi_type: str = "", **attributes: str
) -> etree._Element:
    """Return an element of the CDA namespace with its attributes, text and children."""
    element = etree.Element(f"{{{NS}}}{tag}", attrib=attributes, nsmap=_NAMESPACES)
    if xsi_type:
        element.set(_XSI_TYPE, xsi_type)
    for child in children:
        if isinstance(child, str):
            element.text = child
        else:
            element.append(child)
    return element


def code(
    value: str, system: str, label: str, tag: str = "code", *children: etree._Element
) -> etree._Element:
    """Return a coded element."""
    return el(tag, *children, code=value, codeSystem=system, displayName=label)


def templates(*roots: str) -> list[etree._Element]:
    """Return one templateId per OID, in order."""
    return [el("templateId", root=root) for root in roots]


def ts(at: datetime) -> str:
    """Return a TS with its offset."""
    return at.strftime("%Y%m%d%H%M%S%z")


def day(at: date | None, tag: str = "effectiveTime") -> etree._Element:
    """Return a time of day precision, or one that says it is unknown."""
    if at is None:
        return el(tag, nullFlavor="UNK")
    return el(tag, value=f"{at:%Y%m%d}")


def period(low: datetime, high: datetime) -> etree._Element:
    """Return an effectiveTime with both ends."""
    return el("effectiveTime", el("low", value=ts(low)), el("high", value=ts(high)))


def entry_id(document: str, *name: str | int) -> etree._Element:
    """Return the id of an entry, the same in each rendering of the same document."""
    return el("id", root=str(uuid5(NAMESPACE_OID, "|".join([document, *map(str, name)]))).upper())


def see(name: str) -> etree._Element:
    """Return a `text` that points at a marked place of the narrative."""
    return el("text", el("reference", value=f"#{name}"))


def doctor_name(doctor: Professional) -> etree._Element:
    """Return the name of a professional with its title."""
    return el(
        "name", el("family", doctor.family), el("given", doctor.given), el("suffix", "DR")
    )  # fmt: skip


def doctor_id(doctor: Professional) -> etree._Element:
    """Return the national identifier of a professional."""
    return el("id", root=PS_ID, extension=doctor.national_id)


def doctor_code(doctor: Professional) -> etree._Element:
    """Return profession and specialty (CI-SIS JDV_J01)."""
    return code(doctor.specialty, "1.2.250.1.213.1.1.4.5", doctor.specialty_label)
