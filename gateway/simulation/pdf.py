"""Write a small, valid PDF by hand (ISO 32000-1 7.5): one page of text, nothing else."""

from collections.abc import Sequence

_WIDTH, _HEIGHT, _MARGIN, _LEADING = 595, 842, 56, 16


def document(lines: Sequence[str], *, at_least: int = 0) -> bytes:
    """Return a one-page A4 PDF with these lines in Helvetica.

    Args:
        lines: text; characters outside Windows-1252 become `?`.
        at_least: pad with an unused stream object to this size, for load tests.
    """
    content = _text(lines)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] "
        b"/Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R >>" % (_WIDTH, _HEIGHT),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        _stream(content),
    ]
    missing = at_least - len(_assemble(objects))
    if missing > 0:
        objects.append(_stream(b"%" + b"0123456789abcdef" * (missing // 16 + 1)))
    return _assemble(objects)


def _text(lines: Sequence[str]) -> bytes:
    shown = [b"BT /F1 11 Tf %d TL %d %d Td" % (_LEADING, _MARGIN, _HEIGHT - _MARGIN)]
    for line in lines:
        raw = line.encode("cp1252", "replace")
        safe = raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
        shown.append(b"(%b) Tj T*" % safe)
    return b"\n".join([*shown, b"ET"])


def _stream(data: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%b\nendstream" % (len(data), data)


def _assemble(objects: Sequence[bytes]) -> bytes:
    """Join numbered objects with the cross-reference table of their byte offsets."""
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
