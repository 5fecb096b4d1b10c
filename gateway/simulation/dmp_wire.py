"""What the doubles of the shared record read from and write to the wire.

Multipart is split by the mail library of Python, so that what our connector writes is read by code
nobody here wrote. Standards: W3C SOAP 1.2, MTOM, XOP; WS-Addressing 1.0; ebXML RegRep 3.0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from lxml import etree

from gateway.cda.safety import Limits, parse
from gateway.core.errors import RejectedError

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
XDS = "urn:ihe:iti:xds-b:2007"
XOP = "http://www.w3.org/2004/08/xop/include"
RS = "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0"
RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
HL7 = "urn:hl7-org:v3"
_QUERY = "urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"
_SUCCESS = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
_FAILURE = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure"
_ERROR = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:"


class RefusedError(ValueError):
    """A request is answered by a SOAP fault.

    Attributes:
        code: last word of its code.
    """

    def __init__(self, code: str, why: str, *, is_ours: bool = False) -> None:
        super().__init__(why)
        self.code = code
        self.is_ours = is_ours


@dataclass(frozen=True, slots=True)
class Request:
    """A request as read.

    Attributes:
        action: WS-Addressing action.
        body: what is asked.
        security: children of the security header.
        parts: bytes by Content-ID, the root left out.
        is_mtom: it came as multipart.
    """

    action: str
    message_id: str
    body: etree._Element
    security: Sequence[etree._Element]
    parts: dict[str, bytes]
    is_mtom: bool


def read_request(kind: str, data: bytes) -> Request:
    """Read a request.

    Raises:
        RefusedError: it is no SOAP 1.2 request, with the cause in words.
    """
    parts: dict[str, bytes] = {}
    is_mtom = kind.lower().startswith("multipart/related")
    if is_mtom:
        data, parts = _split(kind, data)
    elif not kind.lower().startswith("application/soap+xml"):
        code = "VersionMismatch"
        raise RefusedError(code, "the content type is neither SOAP 1.2 nor MTOM")
    try:
        root, _ = parse(data, Limits())
    except RejectedError:
        code = "Sender"
        raise RefusedError(code, "the envelope is no XML that may be read") from None
    header, body = root.find(f"{{{SOAP}}}Header"), root.find(f"{{{SOAP}}}Body")
    if root.tag != f"{{{SOAP}}}Envelope" or header is None or body is None or len(body) != 1:
        code = "VersionMismatch"
        raise RefusedError(code, "it is no SOAP 1.2 envelope with one body")
    security = header.find(f"{{{WSSE}}}Security")
    return Request(
        (header.findtext(f"{{{WSA}}}Action") or "").strip(),
        (header.findtext(f"{{{WSA}}}MessageID") or "").strip(),
        body[0],
        list(security) if security is not None else [],
        parts,
        is_mtom,
    )


def _split(kind: str, data: bytes) -> tuple[bytes, dict[str, bytes]]:
    head = f"Content-Type: {kind}\r\nMIME-Version: 1.0\r\n\r\n".encode("latin-1")
    message = message_from_bytes(head + data, policy=policy.HTTP)
    if message.defects or not message.is_multipart():
        code = "Sender"
        raise RefusedError(code, "the multipart cannot be read")
    found = {
        str(part["Content-ID"] or "").strip().strip("<>"): _bytes(part)
        for part in message.iter_parts()
    }
    start = str(message.get_param("start") or "").strip("<>")
    if start not in found:
        code = "Sender"
        raise RefusedError(code, "the multipart has no root part")
    return found.pop(start), found


def _bytes(part: "Message[Any, Any]") -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def documents(request: Request) -> dict[str, bytes | None]:
    """Return the bytes of each document by the id of its entry; None where there are none.

    Raises:
        RefusedError: a part that nothing refers to.
    """
    found: dict[str, bytes | None] = {}
    used = set()
    for one in request.body.findall(f"{{{XDS}}}Document"):
        include = one.find(f"{{{XOP}}}Include")
        name = unquote(
            (include.get("href", "") if include is not None else "").removeprefix("cid:")
        )
        used.add(name)
        found[one.get("id", "")] = request.parts.get(name)
    if set(request.parts) - used:
        code = "Sender"
        raise RefusedError(code, "a part is not referred to")
    return found


def registry_answer(errors: Sequence[tuple[str, str]] = (), warnings: Sequence[str] = ()) -> bytes:
    """Write the word of the registry: errors as (code, attribute)."""
    root = etree.Element(f"{{{RS}}}RegistryResponse", nsmap={"rs": RS})
    _judged(root, errors, warnings)
    return etree.tostring(root)


def query_answer(ids: Sequence[str], entries: Sequence[tuple[str, str]] = ()) -> bytes:
    """Write what a stored query found: ids alone, or (id, status)."""
    root = etree.Element(f"{{{_QUERY}}}AdhocQueryResponse", nsmap={"query": _QUERY, "rim": RIM})
    _judged(root, (), ())
    listed = etree.SubElement(root, f"{{{RIM}}}RegistryObjectList")
    for one in ids:
        etree.SubElement(listed, f"{{{RIM}}}ObjectRef", {"id": one})
    for one, status in entries:
        full = f"urn:oasis:names:tc:ebxml-regrep:StatusType:{status}"
        etree.SubElement(listed, f"{{{RIM}}}ExtrinsicObject", {"id": one, "status": full})
    return etree.tostring(root)


def existence_answer(code: str, status: str = "") -> bytes:
    """Write what the existence test says: `OK` with a status, or `NF`."""
    root = etree.Element(f"{{{HL7}}}PRPA_IN201308UV02", nsmap={"h": HL7})
    etree.SubElement(root, f"{{{HL7}}}acknowledgement", {"typeCode": "AA"})
    control = etree.SubElement(root, f"{{{HL7}}}controlActProcess")
    if status:
        event = etree.SubElement(etree.SubElement(control, f"{{{HL7}}}subject"),
                                 f"{{{HL7}}}registrationEvent")  # fmt: skip
        holder = etree.SubElement(event, f"{{{HL7}}}subject1")
        patient = etree.SubElement(holder, f"{{{HL7}}}patient")
        etree.SubElement(patient, f"{{{HL7}}}statusCode", {"code": status})
    acked = etree.SubElement(control, f"{{{HL7}}}queryAck")
    etree.SubElement(acked, f"{{{HL7}}}queryResponseCode", {"code": code})
    return etree.tostring(root)


def fault(code: str, why: str, *, is_ours: bool) -> bytes:
    """Write a fault; the words name causes, never values."""
    root = etree.Element(f"{{{SOAP}}}Fault", nsmap={"soap": SOAP, "wsse": WSSE})
    held = etree.SubElement(root, f"{{{SOAP}}}Code")
    etree.SubElement(held, f"{{{SOAP}}}Value").text = f"soap:{'Receiver' if is_ours else 'Sender'}"
    inner = etree.SubElement(held, f"{{{SOAP}}}Subcode")
    etree.SubElement(inner, f"{{{SOAP}}}Value").text = f"wsse:{code}"
    reason = etree.SubElement(root, f"{{{SOAP}}}Reason")
    text = etree.SubElement(reason, f"{{{SOAP}}}Text")
    text.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
    text.text = why
    return etree.tostring(root)


def answer(body: bytes, message_id: str, action: str) -> bytes:
    """Put an answer into its envelope."""
    root = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP, "wsa": WSA})
    header = etree.SubElement(root, f"{{{SOAP}}}Header")
    etree.SubElement(header, f"{{{WSA}}}Action").text = f"{action}Response"
    etree.SubElement(header, f"{{{WSA}}}RelatesTo").text = message_id
    etree.SubElement(root, f"{{{SOAP}}}Body").append(etree.fromstring(body))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def as_multipart(envelope: bytes) -> tuple[str, bytes]:
    """Return Content-Type and body of an answer in MTOM of one part, as some servers answer."""
    boundary = uuid4().hex
    kind = f'multipart/related; type="application/xop+xml"; start="<answer>"; boundary="{boundary}"'
    head = (
        f'--{boundary}\r\nContent-Type: application/xop+xml; type="application/soap+xml"\r\n'
        "Content-ID: <answer>\r\n\r\n"
    )
    return kind, head.encode() + envelope + f"\r\n--{boundary}--\r\n".encode()


def _judged(
    root: etree._Element, errors: Sequence[tuple[str, str]], warnings: Sequence[str]
) -> None:
    root.set("status", _FAILURE if errors else _SUCCESS)
    if not errors and not warnings:
        return
    listed = etree.SubElement(root, f"{{{RS}}}RegistryErrorList")
    told = [(code, place, "Error") for code, place in errors]
    told += [(code, "", "Warning") for code in warnings]
    for code, place, severity in told:
        attributes = {
            "errorCode": code,
            "codeContext": "see location",
            "severity": f"{_ERROR}{severity}",
            "location": place,
        }
        etree.SubElement(listed, f"{{{RS}}}RegistryError", attributes)
