"""Forms that the text of a field, element or attribute may have to have.

Does not know what has which (`profiles/hl7v2`, `profiles/cda`). Standards: HL7 v2.5 2.A, CDA R2
data types, CI-SIS PS_IdNat and Struct_IdNat.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from gateway.core.timestamps import TimestampError, parse_timestamp

_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+")
_FINESS = re.compile(r"[0-9][0-9AB][0-9]{7}")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_DOCUMENT_ID = re.compile(r"[0-9A-Za-z.\-:_]{1,128}")


@dataclass(frozen=True, slots=True)
class Form:
    """One form.

    Attributes:
        title: as a finding names it.
        fits: tells whether a decoded text has the form.
    """

    title: str
    fits: Callable[[str], bool]


def _is_timestamp(text: str) -> bool:
    try:
        parse_timestamp(text, lenient=False)
    except TimestampError:
        return False
    return True


def _is_day(text: str) -> bool:
    return len(text) in (4, 6, 8) and _is_timestamp(text)


def _like(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: compiled.fullmatch(text) is not None


#: By the name a profile uses.
FORMS = {
    "TS": Form("a date and time that exists (YYYY[MM[DD[HHMM[SS]]]])", _is_timestamp),
    "DT": Form("a date that exists (YYYY[MM[DD]])", _is_day),
    "SI": Form("a whole number from 0", _like(r"[0-9]{1,4}")),
    "NM": Form("a number", _like(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")),
    "OID": Form("an OID", lambda text: _OID.fullmatch(text) is not None),
    "FINESS": Form("a FINESS of nine characters", lambda text: _FINESS.fullmatch(text) is not None),
    "YN": Form("Y or N", _like("[YN]")),
    "MAIL": Form("a mail address", _like(r"[^@\s]+@[^@\s]+\.[^@\s.]+")),
    "DOCUMENT": Form("an OID or UUID", lambda text: _DOCUMENT_ID.fullmatch(text) is not None),
    "COUNTRY": Form("an ISO 3166 code of three letters", _like("[A-Z]{3}")),
    "UID": Form("an OID or UUID", lambda text: bool(_OID.fullmatch(text) or _UUID.fullmatch(text))),
    "TIME": Form("a date and time that exists (YYYY[MM[DD[HHMM[SS]]]][+ZZZZ])", _is_timestamp),
    "LANGUAGE": Form("a language and a country, such as fr-FR", _like("[a-z]{2}-[A-Z]{2}")),
    "POSITIVE": Form("a whole number from 1", _like("[1-9][0-9]*")),
    "URL": Form(
        "an address with tel:, fax:, mailto:, http:, ftp: or mllp:",
        _like(r"(?:tel|fax|mailto|https?|ftp|mllp):\S.*"),
    ),
    "IDNPS": Form(
        "a national number of a professional (8 and the RPPS, or another known prefix)",
        _like(r"8[0-9]{11}|0[0-9A-Z]{9}|[3456][^/]+/.+"),
    ),
    "IDNST": Form(
        "a national number of a structure (1 and the FINESS, or another known prefix)",
        _like(r"0[0-9A-Z]{9}|1[0-9][0-9AB][0-9]{7}|2[0-9]{9}|3[0-9]{14}|4[0-9]{12,}"),
    ),
    "COG": Form("a geographic code of five characters", _like(r"[0-9][0-9AB][0-9]{3}")),
}
