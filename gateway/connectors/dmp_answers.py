"""What the shared record says: its record of a patient, the word of its registry, its faults.

Reads trees that were judged before (`connectors.dmp_soap`); of texts only codes are taken out.
Standards: HL7 v3 PRPA_IN201308UV02, OASIS ebXML RegRep 3.0 (RegistryResponse), IHE ITI TF-3
4.2.4 (error codes), W3C SOAP 1.2 5.4 (Fault).
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

from gateway.connectors.dmp_messages import HL7
from gateway.connectors.dmp_soap import SOAP, AnswerError
from gateway.connectors.ebrim import RIM

_NAMES = {"h": HL7, "rim": RIM, "soap": SOAP}
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{1,63}")
_KNOWN = re.compile(r"\b(?:XDS|DMP)[A-Z][A-Za-z]+|\bUnresolvedReferenceException\b")
#: Attributes an error may point at; nothing else of its words is quoted.
_PLACES = re.compile(
    r"\b(uniqueId|patientId|sourcePatientId|sourcePatientInfo|creationTime|languageCode|hash|size|"
    r"serviceStartTime|serviceStopTime|legalAuthenticator|author\w*|classCode|typeCode|formatCode|"
    r"confidentialityCode|healthcareFacilityTypeCode|practiceSettingCode|eventCodeList|"
    r"contentTypeCode|sourceId|submissionTime|referenceIdList|mimeType|title)\b"
)


class Record(StrEnum):
    """Whether a patient has a shared record."""

    OPEN = "open"
    CLOSED = "closed"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Told:
    """The word of the registry.

    Attributes:
        is_success: it said Success; nothing else counts as one.
        codes: of errors, in order.
        places: attributes the errors name.
        warnings: codes of warnings.
    """

    is_success: bool
    codes: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the registry: its id, and its status when it was asked for."""

    id: str
    status: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault: the most specific code, and whose fault it is."""

    code: str
    is_ours: bool


def record(body: etree._Element) -> Record:
    """Read whether a record exists and is open (TD0.2); demographics are not looked at.

    Raises:
        AnswerError: it does not say.
    """
    if _first(body, "//h:acknowledgement/@typeCode") != "AA":
        code = _first(body, "//h:acknowledgementDetail/h:code/@code")
        if code == "DMPClosed":
            return Record.CLOSED
        msg = "the existence test was not accepted"
        raise AnswerError(msg)
    found = _first(body, "//h:queryAck/h:queryResponseCode/@code")
    if found == "NF":
        return Record.ABSENT
    status = _first(body, "//h:registrationEvent//h:patient/h:statusCode/@code")
    if found == "OK" and status in ("active", "terminated"):
        return Record.OPEN if status == "active" else Record.CLOSED
    msg = "no answer about the record"
    raise AnswerError(msg)


def registry(body: etree._Element) -> Told:
    """Read the word of the registry; forms seen in the field are understood by their ends.

    Raises:
        AnswerError: it is none.
    """
    status = body.get("status", "")
    if etree.QName(body).localname not in ("RegistryResponse", "AdhocQueryResponse") or not status:
        msg = "no word of the registry"
        raise AnswerError(msg)
    errors = [one for one in body.iter() if etree.QName(one).localname == "RegistryError"]
    serious = [one for one in errors if not one.get("severity", "").endswith("Warning")]
    named = [_PLACES.findall(f"{one.get('location', '')} {one.get('codeContext', '')}")
             for one in serious]  # fmt: skip
    return Told(
        status.rpartition(":")[2] == "Success" and not serious,
        tuple(_code(one) for one in serious),
        tuple(dict.fromkeys(place for places in named for place in places)),
        tuple(_code(one) for one in errors if one not in serious),
    )


def entries(body: etree._Element) -> list[Entry]:
    """Read the entries a stored query found, as ids alone or with their status."""
    found = [
        Entry(str(one.get("id", "")), "")
        for one in body.findall(".//rim:ObjectRef", _NAMES)
        if one.get("id", "").startswith("urn:uuid:")
    ]
    found += [
        Entry(one.get("id", ""), one.get("status", "").rpartition(":")[2])
        for one in body.findall(".//rim:ExtrinsicObject", _NAMES)
    ]
    return [one for one in found if one.id]


def fault(body: etree._Element) -> Fault | None:
    """Read a fault; None when it is none."""
    if body.tag != f"{{{SOAP}}}Fault":
        return None
    said = body.find("soap:Code", _NAMES)
    found = said.iter(f"{{{SOAP}}}Value") if said is not None else ()
    values = [(one.text or "").rpartition(":")[2].strip() for one in found]
    codes = [value for value in values if _TOKEN.fullmatch(value)]
    return Fault(codes[-1] if codes else "fault", not codes or codes[0] != "Receiver")


def _code(error: etree._Element) -> str:
    """Return the code, which some registries write into the context."""
    given = error.get("errorCode", "")
    if _KNOWN.fullmatch(given):
        return given
    inside = _KNOWN.search(error.get("codeContext", ""))
    if inside is not None:
        return inside[0]
    return given if _TOKEN.fullmatch(given) else "unnamed"


def _first(body: etree._Element, path: str) -> str:
    found = body.xpath(path, namespaces=_NAMES)
    return str(found[0]) if isinstance(found, list) and found else ""
