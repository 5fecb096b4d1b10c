"""Write HL7 v2 messages: values in, escaped ER7 bytes out (HL7 v2.5 2.5.3, 2.7.1).

Only builds; reading is `gateway.hl7v2`. A field is a text, a tuple of components or a list of
repetitions; a component is a text or a tuple of sub-components. Texts are values, never ER7.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

Component = str | tuple[str, ...]
Single = str | tuple[Component, ...]
Field = Single | Sequence[Single]

#: Python codec of each MSH-18 the region uses (HL7 table 0211).
CODECS = {"UNICODE UTF-8": "utf-8", "8859/15": "iso8859-15"}
#: The value that tells a receiver to delete what it knows (HL7 v2.5 2.5.3).
DELETE = '""'

_ESCAPES = str.maketrans(
    {
        "\\": "\\E\\",
        "|": "\\F\\",
        "^": "\\S\\",
        "&": "\\T\\",
        "~": "\\R\\",
        "\r": "\\X0D\\",
        "\n": "\\.br\\",
    }
)


def stamp(moment: datetime, *, offset: bool = False) -> str:
    """Return a TS with seconds, local time of the sender, with its offset when asked."""
    return moment.strftime("%Y%m%d%H%M%S%z" if offset else "%Y%m%d%H%M%S")


def segment(name: str, fields: Mapping[int, Field]) -> str:
    """Return one segment without its terminator; numbering as in the standard, MSH included.

    MSH-1 and MSH-2 are written here, so the fields of an MSH start at 3.
    """
    first = 3 if name == "MSH" else 1
    texts = [_field(fields.get(number, "")) for number in range(first, max(fields) + 1)]
    head = "MSH|^~\\&" if name == "MSH" else name
    return "|".join([head, *texts]).rstrip("|")


def message(segments: Iterable[str], charset: str) -> bytes:
    """Return the bytes of a message, each segment ended by CR, in the charset named by MSH-18."""
    return ("\r".join(segments) + "\r").encode(CODECS[charset])


def _field(value: Field) -> str:
    if isinstance(value, (str, tuple)):
        return _single(value)
    return "~".join(_single(repetition) for repetition in value)


def _single(value: Single) -> str:
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    return "^".join(_component(part) for part in value).rstrip("^")


def _component(value: Component) -> str:
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    return "&".join(part.translate(_ESCAPES) for part in value).rstrip("&")
