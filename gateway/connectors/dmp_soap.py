"""SOAP 1.2 with WS-Addressing: an envelope written, an answer read with suspicion.

Knows neither bodies nor what they mean (`connectors.dmp_messages`, `connectors.dmp_answers`).
Standards: W3C SOAP 1.2, WS-Addressing 1.0, OASIS WS-Security 1.0 (SAML token inside the header).
"""

from lxml import etree

from gateway.cda.safety import Limits, parse
from gateway.connectors import dmp_mtom as mtom
from gateway.core.errors import RejectedError

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_ANONYMOUS = "http://www.w3.org/2005/08/addressing/anonymous"
#: An answer holds codes and ids, never documents.
ANSWER_LIMIT = 4 * 2**20


class AnswerError(ValueError):
    """An answer cannot be believed; the text says why and quotes nothing."""


def envelope(
    body: etree._Element, action: str, to: str, message_id: str, security: etree._Element
) -> bytes:
    """Write a request.

    Args:
        body: what is asked.
        action: WS-Addressing action.
        to: address of the service.
        message_id: `urn:uuid:…`, new for each call.
        security: the signed assertion; it goes in as it is, and is serialised here only, once.
    """
    root = etree.Element(_soap("Envelope"), nsmap={"soap": SOAP, "wsa": WSA, "wsse": WSSE})
    header = etree.SubElement(root, _soap("Header"))
    etree.SubElement(header, _wsa("MessageID")).text = message_id
    etree.SubElement(header, _wsa("To")).text = to
    reply = etree.SubElement(header, _wsa("ReplyTo"), {_soap("mustUnderstand"): "true"})
    etree.SubElement(reply, _wsa("Address")).text = _ANONYMOUS
    named = etree.SubElement(header, _wsa("Action"), {_soap("mustUnderstand"): "true"})
    named.text = action
    etree.SubElement(header, f"{{{WSSE}}}Security").append(security)
    etree.SubElement(root, _soap("Body")).append(body)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def read_answer(kind: str, data: bytes, message_id: str) -> etree._Element:
    """Return the only child of the body of an answer: what was asked for, or a Fault.

    Args:
        kind: Content-Type of the answer, multipart or not.
        data: its bytes.
        message_id: of the request; an answer to another one is no answer.

    Raises:
        AnswerError: no XML, a DTD, too large, no SOAP, or about another message.
    """
    if len(data) >= ANSWER_LIMIT:
        msg = "too large"
        raise AnswerError(msg)
    try:
        root, _ = parse(mtom.envelope_of(kind, data), Limits(size_bytes=ANSWER_LIMIT))
    except (RejectedError, mtom.MultipartError):
        msg = "no XML that may be read"
        raise AnswerError(msg) from None
    body = root.find(_soap("Body"))
    if root.tag != _soap("Envelope") or body is None or len(body) != 1:
        msg = "no SOAP 1.2 envelope"
        raise AnswerError(msg)
    related = root.findtext(f"{_soap('Header')}/{_wsa('RelatesTo')}")
    is_fault = body[0].tag == _soap("Fault")
    # A fault of the transport may know no message; one that names another is not ours.
    if (related or "").strip() != message_id and not (is_fault and related is None):
        msg = "about another message"
        raise AnswerError(msg)
    return body[0]


def _soap(name: str) -> str:
    return f"{{{SOAP}}}{name}"


def _wsa(name: str) -> str:
    return f"{{{WSA}}}{name}"
