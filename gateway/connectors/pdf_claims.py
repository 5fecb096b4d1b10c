"""What a PDF says of itself: its level of PDF/A, and what would break the promise.

A look at the file, not a validator: objects are read one by one, streams stay closed but those
that hold objects or the metadata. ISO 19005-1 6.1.3 (encryption), 6.2.2 (output intent), 6.3.4
(fonts embedded), 6.6.1 (actions), 6.7.11 (level in XMP); ISO 32000-1 7.5.7 (object streams).
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_OBJECT = re.compile(rb"\b\d+\s+\d+\s+obj\b(.*?)\bendobj\b", re.DOTALL)
_STREAM = re.compile(rb"\bstream\r?\n(.*?)\r?\n?endstream", re.DOTALL)
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_PART = re.compile(rb"pdfaid:part(?:\s*=\s*[\"']|>)\s*(\d)")
_LEVEL = re.compile(rb"pdfaid:conformance(?:\s*=\s*[\"']|>)\s*([A-Za-z])")
_SCRIPT = re.compile(rb"/(?:JavaScript|JS)\b")
_LAUNCH = re.compile(rb"/(?:Launch|SubmitForm|ImportData|Movie|Sound|RichMedia)\b")
_FONT = re.compile(rb"/Type\s*/Font\b(?!Descriptor)")
#: Fonts of these kinds point to a descriptor that holds, or does not hold, the font itself.
_DESCRIBED = re.compile(rb"/Subtype\s*/(?:Type1|TrueType|MMType1|CIDFontType[02])\b")
_DESCRIPTOR = re.compile(rb"/Type\s*/FontDescriptor\b")
_EMBEDDED = re.compile(rb"/FontFile[23]?\b")
_INTENT = re.compile(rb"/S\s*/GTS_PDFA1\b")
#: What is inflated of one file at most.
_LARGEST = 32 * 2**20


@dataclass(frozen=True, slots=True)
class Claims:
    """What was found.

    Attributes:
        level: `1B`, `3A`, ...; empty when the file claims none.
        breaks: words for what PDF/A does not allow, sorted; empty when nothing was seen.
    """

    level: str
    breaks: tuple[str, ...]

    @property
    def is_kept(self) -> bool:
        """Tell whether a level is claimed and nothing that was looked at breaks it."""
        return bool(self.level) and not self.breaks


def claims(data: bytes) -> Claims:
    """Return what a PDF claims, and what contradicts it."""
    room = [_LARGEST]
    objects: list[bytes] = []
    packet = b""
    for body in _OBJECT.findall(data):
        head, stream = _parted(body)
        objects.append(head)
        if b"/ObjStm" in head:
            objects += _inside(head, _plain(head, stream, room))
        elif b"/Metadata" in head and b"/XML" in head:
            packet = packet or _plain(head, stream, room)
    part, level = _PART.search(packet), _LEVEL.search(packet)
    trailers = b"".join(_OBJECT.sub(b"", data).split(b"trailer")[1:])
    found = sorted(set(_breaks(objects, trailers)))
    named = (part[1] + (level[1].upper() if level else b"")).decode() if part else ""
    return Claims(named, tuple(found))


def _parted(body: bytes) -> tuple[bytes, bytes]:
    """Return the dictionary of an object, names unescaped, and its closed stream."""
    found = _STREAM.search(body)
    head = body[: found.start()] if found else body
    plain = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), head)
    return plain, found[1] if found else b""


def _plain(head: bytes, stream: bytes, room: list[int]) -> bytes:
    """Open a stream, as far as there is room; one that cannot be opened is empty."""
    if b"/Filter" not in head:
        return stream
    if b"/FlateDecode" not in head:
        return b""
    try:
        opened = zlib.decompressobj().decompress(stream, max(room[0], 1))
    except zlib.error:
        return b""
    room[0] -= len(opened)
    return opened


def _inside(head: bytes, content: bytes) -> Iterator[bytes]:
    """Yield the objects of an object stream."""
    first = re.search(rb"/First\s+(\d+)", head)
    if first is None:
        return
    start = int(first[1])
    numbers = [int(one) for one in re.findall(rb"\d+", content[:start])]
    places = [start + one for one in numbers[1::2]]
    for begin, end in zip(places, [*places[1:], len(content)], strict=True):
        yield _parted(content[begin:end])[0]


def _breaks(objects: list[bytes], trailers: bytes) -> Iterator[str]:
    if b"/Encrypt" in trailers or any(b"/Encrypt" in one and b"/XRef" in one for one in objects):
        yield "encrypted"
    if not any(_INTENT.search(one) for one in objects):
        yield "no output intent"
    for one in objects:
        if _SCRIPT.search(one):
            yield "script"
        if _LAUNCH.search(one):
            yield "action"
        if _DESCRIPTOR.search(one) and not _EMBEDDED.search(one):
            yield "font not embedded"
        is_font = _FONT.search(one) and _DESCRIBED.search(one)
        if is_font and b"/FontDescriptor" not in one:
            yield "font not embedded"
