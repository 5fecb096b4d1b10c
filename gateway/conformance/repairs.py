"""What the reader repaired, each as a finding with its place.

Does not repair (`hl7v2.reader`, `hl7v2.zbe`).
"""

from collections.abc import Iterator

from gateway.conformance import kinds
from gateway.conformance.finding import Finding, Layer
from gateway.core.errors import RejectedError
from gateway.hl7v2.message import Message
from gateway.hl7v2.reader import read

#: Flags of the reader that have no refusal of their own: place, what was done, what to do.
_WORDS = {
    "bom": ("MSH", "a byte order mark was skipped", "Send no byte order mark before MSH."),
    "msh2-repair": (
        "MSH-2",
        "a doubled escape character was read as the sub-component separator",
        r"Send MSH|^~\& as the first eight characters.",
    ),
    "msh2-short": (
        "MSH-2",
        "separators that MSH-2 leaves out were taken as absent",
        r"Send the four characters ^~\& in MSH-2.",
    ),
    "msh18-repair": (
        "MSH-18",
        "the character set is misspelt, repeated or stands in a neighbour field",
        "Send one name of HL7 table 0211 in MSH-18: UNICODE UTF-8 or 8859/15.",
    ),
    "charset-undeclared": (
        "MSH-18",
        "no character set is declared; it was found from the bytes",
        "Declare the character set in MSH-18: UNICODE UTF-8 or 8859/15.",
    ),
    "charset-suspect": (
        "MSH-18",
        "letters look like signs: the bytes are probably ISO 8859-15",
        "Declare 8859/15 when the euro sign or the letter oe are sent.",
    ),
    "unescaped-delimiter": (
        "OBX-5",
        "a delimiter stands unescaped in a text field; the field was read whole",
        r"Escape delimiters in text: \S\ for the component separator.",
    ),
}
#: Told by the issues of a strict reading.
_TOLD = frozenset(
    (
        "control-char",
        "tilde-repair",
        "segment-name-repair",
        "segment-continuation",
        "charset_fallback",
        "msh18-unknown",
    )
)


def repair_findings(raw: bytes, message: Message) -> Iterator[Finding]:
    """Yield every repair that was needed to read a message.

    Args:
        raw: as received.
        message: as a lenient reader read it.
    """
    told = False
    if message.flags:
        try:
            read(raw, lenient=False)
        except RejectedError as error:
            told = True
            for issue in error.issues:
                yield Finding(issue, "HL7 v2.5 2.5", Layer.READER, repaired=True)
    for flag in message.flags:
        if flag in _TOLD and told:
            continue
        where, what, fix = _WORDS.get(
            flag, ("MSH", f"the flag {flag} was set", "See the page on repairs for this flag.")
        )
        yield kinds.REPAIRED.at(where, what=what, fix=fix)
