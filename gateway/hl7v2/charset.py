"""Which character set a message is in: MSH-18, what the bytes say, and repairs with a flag.

Does not cut the message into segments (`hl7v2.reader`). Standard: HL7 table 0211 and HL7 v2.5
2.14.9.18; PAM France 2.11 6.1 makes ISO 8859-15 the default of the country.
"""

import re
from dataclasses import dataclass

from gateway.core.issues import Issue, Severity

#: HL7 table 0211, exact spelling, to the Python codec.
TABLE_0211 = {
    "UNICODE UTF-8": "utf-8",
    "8859/15": "iso8859-15",
    "8859/1": "iso8859-1",
    "ASCII": "ascii",
    "8859/2": "iso8859-2",
    "8859/9": "iso8859-9",
}

#: Spellings seen instead of those of table 0211, folded to upper-case letters and digits.
_ALIASES = {
    "UNICODEUTF8": "utf-8",
    "UTF8": "utf-8",
    "UNICODE": "utf-8",
    "ISO885915": "iso8859-15",
    "885915": "iso8859-15",
    "LATIN9": "iso8859-15",
    "ISO88591": "iso8859-1",
    "88591": "iso8859-1",
    "LATIN1": "iso8859-1",
    "USASCII": "ascii",
    "ASCII": "ascii",
    "88592": "iso8859-2",
    "ISO88592": "iso8859-2",
    "88599": "iso8859-9",
    "ISO88599": "iso8859-9",
    "CP1252": "cp1252",
    "WINDOWS1252": "cp1252",
    "ANSI": "cp1252",
}

#: Bytes outside of ASCII came without any declaration.
FLAG_UNDECLARED = "charset-undeclared"

_FOLD = re.compile(r"[^A-Z0-9]")
_C1 = re.compile(rb"[\x80-\x9f]")
_ASCII = bytes(range(128))
#: The eight characters of ISO 8859-15 that are others in 8859-1.
_LATIN_9 = [
    (chr(code), bytes([code]).decode("iso8859-15"))
    for code in (0xA4, 0xA6, 0xA8, 0xB4, 0xB8, 0xBC, 0xBD, 0xBE)
]
#: What `surrogateescape` makes of a byte that is not UTF-8.
_STRAY = re.compile("[\udc80-\udcff]")
#: In ISO 8859-1 these eight bytes are signs, in 8859-15 letters and the euro: beside a letter
#: (`C¼UR` for `CŒUR`) the declaration is probably wrong.
_SIGN_IN_WORD = re.compile(
    rb"[A-Za-z\xc0-\xff][\xa6\xa8\xb4\xb8\xbc\xbd\xbe]"
    rb"|[\xa6\xa8\xb4\xb8\xbc\xbd\xbe][A-Za-z\xc0-\xff]"
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the header says of the character set.

    Attributes:
        text: MSH-18 as sent.
        codecs: the Python codecs named, in order; empty when none is known.
        repaired: the value was misspelt, repeated or in a neighbour field.
    """

    text: str
    codecs: tuple[str, ...]
    repaired: bool


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of a message, the codec that read it, and what was noticed."""

    text: str
    codec: str
    flags: tuple[str, ...] = ()
    issues: tuple[Issue, ...] = ()


def codec_of(name: str) -> str | None:
    """Return the Python codec of a character set name, None when it is not known."""
    return TABLE_0211.get(name) or _ALIASES.get(_FOLD.sub("", name.upper()))


def declaration(msh: list[str], repetition: str) -> Declaration:
    """Read MSH-18, or a known name that landed in MSH-17, 19 or 20.

    Args:
        msh: fields of the header, index = HL7 number.
        repetition: repetition separator.
    """
    text = msh[18].strip() if len(msh) > 18 else ""
    if text in TABLE_0211:
        return Declaration(text, (TABLE_0211[text],), repaired=False)
    for place in (18, 17, 19, 20):
        value = msh[place].strip() if len(msh) > place else ""
        # A country or language code must not be taken for a character set name.
        if value:
            found = [codec_of(name) for name in value.split(repetition)]
            codecs = tuple(codec for codec in found if codec)
            if codecs:
                return Declaration(text, codecs, repaired=True)
    return Declaration(text, (), repaired=False)


def decode_mixed(raw: bytes, codec: str) -> str:
    """Decode bytes that may contradict their codec; no byte is lost, none becomes U+FFFD.

    Bytes that are not valid UTF-8 are read as ISO 8859-15, or as Windows-1252 when one of them
    is a control character there.
    """
    if codec != "utf-8":
        try:
            return _latin_9(raw) if codec == "iso8859-15" else raw.decode(codec)
        except UnicodeDecodeError:
            return _single_byte(raw)
    text = raw.decode("utf-8", "surrogateescape")
    strays = sorted(set(_STRAY.findall(text)))
    if not strays:
        return text
    replacements = _single_byte(bytes(ord(stray) - 0xDC00 for stray in strays))
    return text.translate(dict(zip(map(ord, strays), replacements, strict=True)))


def decode(raw: bytes, said: Declaration, http_charset: str | None, *, lenient: bool) -> Decoded:
    """Decode a message, strictly as declared when its bytes allow it.

    Args:
        raw: the message without byte-order mark and control characters.
        said: from MSH-18.
        http_charset: charset parameter of an HTTP Content-Type, used when MSH-18 is of no use.
        lenient: repair with a flag; otherwise a contradiction is an issue.
    """
    codecs = said.codecs or tuple(filter(None, [codec_of(http_charset or "")]))
    flags = ("msh18-repair",) if said.repaired else ()
    issues: tuple[Issue, ...] = ()
    if said.text and not said.codecs:
        flags = (*flags, "msh18-unknown")
    if flags and not lenient:
        issues = (_unknown_charset(),)
    if raw.isascii():
        return Decoded(raw.decode("ascii"), codecs[0] if codecs else "utf-8", flags, issues)
    if not codecs:
        # Nothing declared means ASCII (IHE ITI TF-2 C.2.2), which these bytes are not.
        issues = issues if lenient or issues else (_contradiction(),)
        return _undeclared(raw, flags, issues)
    text, codec, seen = _as_declared(raw, codecs)
    if "charset_fallback" in seen and not lenient:
        issues = (*issues, _contradiction())
    return Decoded(text, codec, flags + seen, issues)


def _undeclared(raw: bytes, flags: tuple[str, ...], issues: tuple[Issue, ...]) -> Decoded:
    """Read bytes nobody declared: UTF-8 when valid, else the national default."""
    flags = (*flags, FLAG_UNDECLARED)
    try:
        return Decoded(raw.decode("utf-8"), "utf-8", flags, issues)
    except UnicodeDecodeError:
        codec = "cp1252" if _has_c1(raw) else "iso8859-15"
        return Decoded(_single_byte(raw), codec, (*flags, "charset_fallback"), issues)


def _as_declared(raw: bytes, codecs: tuple[str, ...]) -> tuple[str, str, tuple[str, ...]]:
    """Return text, codec and flags for non-ASCII bytes under a declaration."""
    codec = codecs[0]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        if codec in ("utf-8", "ascii"):
            text = decode_mixed(raw, "utf-8")
            return text, "utf-8" if codec == "utf-8" else "iso8859-15", ("charset_fallback",)
        if codec != "cp1252" and _has_c1(raw):
            return _single_byte(raw), "cp1252", ("charset_fallback",)
        suspect = codec == "iso8859-1" and _SIGN_IN_WORD.search(raw)
        return decode_mixed(raw, codec), codec, ("charset-suspect",) if suspect else ()
    # Valid UTF-8 with a sequence of several bytes is practically never anything else.
    return text, "utf-8", () if "utf-8" in codecs else ("charset_fallback",)


def _single_byte(raw: bytes) -> str:
    """Read as ISO 8859-15, or as Windows-1252 when the bytes fit only there."""
    if _has_c1(raw):
        try:
            return raw.decode("cp1252")
        except UnicodeDecodeError:
            return _latin_9(raw)
    return _latin_9(raw)


def _has_c1(raw: bytes) -> bool:
    """Tell whether a byte is a control character in ISO 8859 and a letter in Windows-1252."""
    # What is not ASCII are few bytes; to look through a whole document takes milliseconds.
    return _C1.search(raw.translate(None, _ASCII)) is not None


def _latin_9(raw: bytes) -> str:
    """Read ISO 8859-15: fifty times faster than its codec on a document of many kilobytes."""
    text = raw.decode("latin-1")
    for sign, letter in _LATIN_9:
        text = text.replace(sign, letter)
    return text


def _contradiction() -> Issue:
    return Issue(
        code="RLS-HL7-008",
        severity=Severity.ERROR,
        where="MSH-18",
        what="The bytes of the message are not in the declared character set.",
        fix="Declare in MSH-18 the character set that is really sent (HL7 table 0211).",
        hl7_code=102,
    )


def _unknown_charset() -> Issue:
    return Issue(
        code="RLS-HL7-009",
        severity=Severity.ERROR,
        where="MSH-18",
        what="The declared character set is not one of HL7 table 0211 that is read here.",
        fix="Send UNICODE UTF-8, 8859/15 or 8859/1 in MSH-18.",
        hl7_code=103,
    )
