"""Decides whether received bytes may be given to the XML parser, and parses them safely.

Does not know what a ClinicalDocument is (`cda.reader`). CDA needs no DTD, so a document type
declaration is refused before any entity could be read (XML 1.0 2.8, 4.4; CI-SIS volet
Structuration minimale, XML without DTD).
"""

import re
import threading
from dataclasses import dataclass

from lxml import etree

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity

#: libxml2 keeps its own limits (text node 10^7 bytes, depth 256) unless a tree is declared huge.
_LIBXML_TEXT = 10_000_000
_parsers = threading.local()

#: Encodings that are read, all supersets of ASCII but UTF-16, which needs its byte-order mark.
#: Anything else (UTF-7, EBCDIC, UTF-32) could hide markup from the scan below.
_ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "utf-16": "utf-16",
}
_DECLARED = re.compile(rb"""^<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._\-]{1,40})["']""")
_MAGIC = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a zip archive"),
    (b"{\\rtf", "an RTF text"),
    (b"MZ", "a program"),
    (b"MSH|", "an HL7 v2 message"),
    (b"{", "JSON"),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document may cost before it is refused.

    Attributes:
        size_bytes: of the whole document; a 40 MB base64 letter passes.
        tags: opening and closing tags, comments included.
        attributes: over the whole document.
        depth: nested elements; libxml2 itself stops at 256 for documents below 10 MB.
        header: children of ClinicalDocument; real headers have less than a hundred.
        statements: entries and what is nested in them; the largest real reports have thousands.
    """

    size_bytes: int = 64 * 1024 * 1024
    tags: int = 500_000
    attributes: int = 500_000
    depth: int = 200
    header: int = 2_000
    statements: int = 20_000


@dataclass(frozen=True, slots=True)
class Judged:
    """Bytes that may be given to a parser.

    Attributes:
        text: in which markup is plain ASCII.
        encoding: of the text, as Python and Expat know it, whatever its prolog says.
        flags: `bom`, `xml-encoding` (not UTF-8), `xml-utf-16` (written again as UTF-8).
    """

    text: bytes
    encoding: str
    flags: tuple[str, ...]


def judge(body: bytes, limits: Limits) -> Judged:
    """Decide whether untrusted bytes may be parsed.

    Raises:
        RejectedError: not XML, a DTD, over a limit (RLS-CDA-001 to 005).
    """
    if len(body) > limits.size_bytes:
        raise RejectedError([too_big(f"the document has more than {limits.size_bytes} bytes")])
    flags: list[str] = []
    text = _as_ascii_superset(body, flags)
    _refuse_what_is_not_xml(text)
    _refuse_doctype(text)
    _refuse_excess(text, limits)
    encoding = "utf-8" if "xml-utf-16" in flags else _ENCODINGS[_declared(text)]
    return Judged(text, encoding, tuple(flags))


def parse(body: bytes, limits: Limits) -> tuple[etree._Element, tuple[str, ...]]:
    """Parse untrusted bytes into an lxml tree without DTD, comments and instructions.

    Returns:
        The root element, and the flags (`Judged`).

    Raises:
        RejectedError: not XML, not well-formed, a DTD, over a limit (RLS-CDA-001 to 006).
    """
    judged = judge(body, limits)
    root = _parse(judged.text, limits, "utf-8" if "xml-utf-16" in judged.flags else None)
    # Second lock: whatever the scan may have missed, a tree with a DTD is not used.
    if root.getroottree().docinfo.internalDTD is not None:
        raise RejectedError([doctype()])
    return root, judged.flags


def _declared(text: bytes) -> str:
    """Return the encoding that the prolog declares; UTF-8 when none."""
    found = _DECLARED.match(text)
    return found.group(1).decode("ascii").lower() if found else "utf-8"


def _as_ascii_superset(body: bytes, flags: list[str]) -> bytes:
    """Return bytes in which markup is plain ASCII; UTF-16 is written again as UTF-8."""
    if body.startswith(b"\xef\xbb\xbf"):
        flags.append("bom")
        body = body[3:]
    elif body.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        raise RejectedError([_encoding("byte 1", "the document is in UTF-32")])
    elif body.startswith((b"\xff\xfe", b"\xfe\xff")):
        flags += ["bom", "xml-utf-16"]
        try:
            return body.decode("utf-16").encode("utf-8")
        except (UnicodeDecodeError, UnicodeEncodeError) as error:
            where = f"byte {error.start + 1}"
            raise RejectedError(
                [_encoding(where, "UTF-16 announced by the mark is broken")]
            ) from error
    name = _declared(body)
    if _ENCODINGS.get(name, "utf-16") == "utf-16":
        raise RejectedError([_encoding("line 1", "the declared encoding is not read")])
    if _ENCODINGS[name] not in ("utf-8", "ascii"):
        flags.append("xml-encoding")
    return body


def _refuse_what_is_not_xml(text: bytes) -> None:
    head = text[:64].lstrip()
    if head.startswith(b"<"):
        return
    kind = next((name for magic, name in _MAGIC if head.startswith(magic)), "plain text")
    if not head:
        kind = "nothing"
    raise RejectedError(
        [
            Issue(
                code="RLS-CDA-001",
                severity=Severity.ERROR,
                where="byte 1",
                what=f"The document is not XML: it holds {kind}.",
                fix="Send a CDA R2 document: XML with the root ClinicalDocument of urn:hl7-org:v3.",
                hl7_code=207,
            )
        ]
    )


def _refuse_doctype(text: bytes) -> None:
    """Walk the prolog up to the root element; only comments and instructions may stand there."""
    at = 0
    while (at := text.find(b"<", at)) >= 0:
        if text.startswith(b"<!--", at):
            end = text.find(b"-->", at + 4)
        elif text.startswith(b"<?", at):
            end = text.find(b"?>", at + 2)
        elif text.startswith(b"<!", at):
            raise RejectedError([doctype()])
        else:
            return
        if end < 0:
            # Unfinished: the parser says so with line and column.
            return
        at = end


def _refuse_excess(text: bytes, limits: Limits) -> None:
    # Neither fits more often than once every four bytes, so most documents are not counted.
    if len(text) < 4 * min(limits.tags, limits.attributes):
        return
    if text.count(b"<") > limits.tags:
        raise RejectedError([too_big(f"the document has more than {limits.tags} tags")])
    if text.count(b'="') + text.count(b"='") > limits.attributes:
        raise RejectedError([too_big(f"the document has more than {limits.attributes} attributes")])


def _parse(text: bytes, limits: Limits, encoding: str | None) -> etree._Element:
    huge = len(text) >= _LIBXML_TEXT
    try:
        root = etree.fromstring(text, _parser(encoding, huge))
    except etree.XMLSyntaxError as error:
        raise RejectedError([unreadable(text, error.lineno or 0, error.offset or 0)]) from error
    except ValueError as error:
        # lxml: a prolog whose encoding it cannot honour.
        raise RejectedError([_malformed("line 1")]) from error
    # Below that size libxml2 stopped at its own depth, which is near ours.
    if huge and _depth(root) > limits.depth:
        raise RejectedError([too_deep(limits.depth)])
    return root


def _parser(encoding: str | None, huge: bool) -> etree.XMLParser:
    """Return a parser of the calling thread: making one leaves circles behind."""
    name = f"{encoding} {huge}"
    found: etree.XMLParser | None = getattr(_parsers, name, None)
    if found is None:
        found = etree.XMLParser(
            encoding=encoding,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            attribute_defaults=False,
            huge_tree=huge,
            remove_comments=True,
            remove_pis=True,
            collect_ids=False,
            recover=False,
        )
        setattr(_parsers, name, found)
    return found


def _depth(root: etree._Element) -> int:
    deepest = depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def unreadable(text: bytes, at_line: int, at_column: int) -> Issue:
    """Name the fault of a text that is not well-formed; the words of a parser may quote it."""
    where = f"line {at_line}, column {at_column}"
    try:
        text.decode(_ENCODINGS.get(_declared(text), "utf-8"))
    except UnicodeDecodeError as wrong:
        line = text.count(b"\n", 0, wrong.start) + 1
        column = wrong.start - text.rfind(b"\n", 0, wrong.start)
        return _encoding(
            f"line {line}, column {column}", "a byte does not exist in the declared encoding"
        )
    return _malformed(where)


def _malformed(where: str) -> Issue:
    return Issue(
        code="RLS-CDA-002",
        severity=Severity.ERROR,
        where=where,
        what="The document is not well-formed XML.",
        fix="Send the whole document with every element closed and characters escaped (XML 1.0).",
    )


def doctype() -> Issue:
    """Say that there is a document type declaration."""
    return Issue(
        code="RLS-CDA-003",
        severity=Severity.ERROR,
        where="prolog",
        what="The document has a document type declaration, which CDA does not use.",
        fix="Remove <!DOCTYPE ...>; entities are never expanded.",
    )


def too_deep(limit: int) -> Issue:
    """Say that elements are nested deeper than anybody reads."""
    return too_big(f"elements are nested deeper than {limit}")


def too_big(what: str) -> Issue:
    """Say that a limit of a document is passed."""
    return Issue(
        code="RLS-CDA-004",
        severity=Severity.ERROR,
        where="document",
        what=f"A limit is passed: {what}.",
        fix="Send a smaller document, or ask the operator to raise the limit of this source.",
    )


def _encoding(where: str, what: str) -> Issue:
    return Issue(
        code="RLS-CDA-005",
        severity=Severity.ERROR,
        where=where,
        what=f"The characters cannot be read: {what}.",
        fix="Send UTF-8, or declare the real encoding (windows-1252, ISO-8859-1) in the prolog.",
    )
