"""The page a recipient can read without any software: the PDF of the document, or its text as one.

A level-1 document that holds a PDF gives that PDF. For others the narrative is set as plain text
in an own small PDF (ISO 32000-1 7.5, standard font, Windows-1252); it is not PDF/A.
"""

from collections.abc import Sequence
from textwrap import wrap

from gateway.cda import narrative
from gateway.cda.reader import Document
from gateway.cda.xds_metadata import DocumentEntry

_WIDTH, _HEIGHT, _MARGIN, _LEADING = 595, 842, 56, 14
_COLUMNS, _ROWS = 92, (842 - 2 * 56) // 14


def rendering(document: Document, entry: DocumentEntry) -> bytes:
    """Return a PDF of the document, the same bytes each time."""
    if entry.body is not None and entry.body.content_type == "application/pdf":
        return entry.body.data
    lines = [entry.title, "", *_heading(entry), "", *_narrative(document)]
    wrapped = [part for line in lines for part in (wrap(line, _COLUMNS) or [""])]
    pages = [wrapped[at : at + _ROWS] for at in range(0, len(wrapped), _ROWS)]
    return _assemble(pages)


def _heading(entry: DocumentEntry) -> list[str]:
    who = entry.traits
    born = f"{who.born[6:8]}/{who.born[4:6]}/{who.born[:4]}" if len(who.born) == 8 else who.born
    return [f"{who.family} {who.given}  {born}  {who.sex}".strip()]


def _narrative(document: Document) -> list[str]:
    lines: list[str] = []
    for section in document.select("cda:component/cda:structuredBody/cda:component/cda:section"):
        for node in section.elements():
            if node.name == "title":
                lines += [node.text().upper(), ""]
            elif node.name == "text":
                lines += [*narrative.lines(node).splitlines(), ""]
    return lines


def _assemble(pages: Sequence[Sequence[str]]) -> bytes:
    """Join numbered objects with the cross-reference table of their byte offsets."""
    first = 4
    kids = " ".join(f"{first + 2 * number} 0 R" for number in range(len(pages))).encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (fr-FR) >>",
        b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, len(pages)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, lines in enumerate(pages):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (_WIDTH, _HEIGHT, first + 2 * number + 1)
        )
        text = _content(lines)
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(text), text))
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for offset in offsets:
        out += b"%010d 00000 n \n" % offset
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1)
    out += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(out)


def _content(lines: Sequence[str]) -> bytes:
    shown = [b"BT /F1 10 Tf %d TL %d %d Td" % (_LEADING, _MARGIN, _HEIGHT - _MARGIN)]
    for line in lines:
        raw = line.encode("cp1252", "replace")
        safe = raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
        shown.append(b"(%b) Tj T*" % safe)
    return b"\n".join([*shown, b"ET"])
