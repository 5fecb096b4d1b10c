"""Which kind of care a service is by its codes of the ROR; what they do not say is not guessed.

Pure. The type of the offer and the mode of care name a kind sharply; the field of activity decides
where they name none. Which code is which kind is data (`mappings/conceptmaps/ror-*.yaml`).
Standard: ANS, ROR 3, profile ror-healthcareservice; NOS TRE_R244, TRE_R213, TRE_R227.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.core.contributions import Json
from gateway.mapping.conceptmaps import ConceptMap

_TABLE = re.compile(r"/(TRE_R\d+)-[^/]*/FHIR/")
_SHARP = {"TRE_R244": "ror-offer-type", "TRE_R213": "ror-care-mode"}
_BROAD = {"TRE_R227": "ror-activity-field"}
_ORDER = ("TRE_R244", "TRE_R227", "TRE_R213")
#: Concept maps this module reads by name.
CONCEPTMAPS = frozenset({*_SHARP.values(), *_BROAD.values()})


@dataclass(frozen=True, slots=True)
class Word:
    """What the codes of the ROR say of a service.

    Attributes:
        kind: of `gateway.fhir.offers.KINDS`; empty when they name none, or two.
        codes: table and code, such as `TRE_R244 317`, the one that says most first.
        is_twofold: they name two kinds.
    """

    kind: str
    codes: tuple[str, ...]
    is_twofold: bool = False


def word_on(service: Json, conceptmaps: Mapping[str, ConceptMap]) -> Word | None:
    """Return what the codes of the ROR say of a service; None when it has none."""
    given = list(_codes(service))
    codes = tuple(f"{table} {code}" for table, code in given)
    if not given:
        return None
    for tables in (_SHARP, _BROAD):
        kinds = {
            target.code
            for table, code in given
            if (known := conceptmaps.get(tables.get(table, ""))) and (target := known.find(code))
        } - {""}
        if kinds:
            return Word("" if len(kinds) > 1 else min(kinds), codes, len(kinds) > 1)
    return Word("", codes)


def _codes(service: Json) -> Iterator[tuple[str, str]]:
    """Yield table and code of what decides, the one that says most first."""
    codings = [
        coding
        for field in ("category", "characteristic", "type")
        for one in service.get(field, ())
        for coding in one.get("coding", ())
    ]
    for table in _ORDER:
        for coding in codings:
            found = _TABLE.search(str(coding.get("system", "")))
            if found and found[1] == table and coding.get("code"):
                yield table, str(coding["code"])
