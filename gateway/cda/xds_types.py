"""HL7 v2 data types inside XDS metadata: patients, professionals and structures as one text.

IHE ITI TF-3 4.2.3.1.7 (CX, XCN, XON); CI-SIS for the authorities of professionals and structures.
"""

import re

PERSON_ROOT = "1.2.250.1.71.4.2.1"
STRUCTURE_ROOT = "1.2.250.1.71.4.2.2"
_ESCAPES = {"\\": "\\E\\", "^": "\\S\\", "&": "\\T\\", "|": "\\F\\", "~": "\\R\\"}
_PLAIN = {written: char for char, written in _ESCAPES.items()}
_ESCAPE = re.compile(r"\\[ESTFR]\\")


def cx(number: str, root: str, kind: str) -> str:
    """Return a patient identifier as XDS writes it (IHE ITI TF-3 4.2.3.1.7, CX)."""
    return f"{escaped(number)}^^^&{root}&ISO^{kind}"


def xcn(number: str, family: str, given: str, id_type: str = "IDNPS") -> str:
    """Return a professional as XDS writes them (IHE ITI TF-3 4.2.3.1.7, XCN)."""
    names = f"{escaped(number)}^{escaped(family)}^{escaped(given)}"
    return f"{names}^^^^^^&{PERSON_ROOT}&ISO^D^^^{id_type}"


def xon(name: str, number: str) -> str:
    """Return a structure as XDS writes it (IHE ITI TF-3 4.2.3.1.7, XON)."""
    if not number:
        return escaped(name)
    return f"{escaped(name)}^^^^^&{STRUCTURE_ROOT}&ISO^IDNST^^^{escaped(number)}"


def escaped(text: str) -> str:
    """Write HL7 v2 delimiters inside a value as escapes (HL7 v2.5 2.7.1)."""
    return "".join(_ESCAPES.get(char, char) for char in text)


def plain(text: str) -> str:
    """Read back what `escaped` wrote."""
    return _ESCAPE.sub(lambda match: _PLAIN[match[0]], text)
