"""Where a patient goes after a stay, from everything that says so.

The billed value (PMSI: ZFM-2, ZFM-4) comes first, then the discharge letter (CI-SIS ORG-074), the
kind of the announced facility, an accepted request, the exit mode of the site (ZFV-9), the
circumstance of PV1-36. When two of them
disagree the earlier wins and the flag `dest-conflict` is set. Nothing said is `unknown`, never
home.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gateway.pathway.facts import Fact


class Destination(NamedTuple):
    """A kind of care setting and what refines it."""

    sector: str
    detail: str | None = None


UNKNOWN = Destination("unknown")
_TRANSFER = Destination("unknown", "transfer")

#: ZFM-4 for a patient who goes home (ZFM-2 = 8).
_FROM_HOME = {
    "": Destination("home"),
    "6": Destination("had"),
    "7": Destination("ms"),
    "8": Destination("home", "ssiad"),
}
#: ZFM-4 for a transfer (7) or a change of field inside (6).
_FROM_TRANSFER = {"1": "mco", "2": "smr", "3": "usld", "4": "psy", "6": "had", "7": "ms"}
#: ORG-074 of a discharge letter (JDV_ModaliteSortie, JDV_ModeSortie). A death is told by the
#: header and the movement, never by this code alone.
_FROM_LETTER = {
    "160849004": Destination("home"),
    "109": Destination("smr"),
    "ORG-102": Destination("smr"),
    "ORG-103": Destination("smr"),
    "ORG-104": Destination("smr"),
    "ORG-162": Destination("mco"),
    "127": Destination("had"),
    "500": Destination("ms"),
    "GEN-092.06.01": _TRANSFER,
    "GEN-092.06.03": Destination("unknown", "other"),
}
#: Categories of a facility (TRE_R66) that hold one sector only; a CH or CHU holds several.
SECTOR_OF_CATEGORY: Mapping[str, str] = {
    "109": "smr",
    "127": "had",
    "362": "usld",
    "500": "ms",
    "156": "psy",
    "292": "psy",
}
_FROM_CIRCUMSTANCE = {
    "B": Destination("mco"),
    "REO": Destination("unknown", "reoriented"),
    "P": Destination("unknown", "leave"),
    "A": Destination("unknown", "leave"),
}
#: Billed words that nothing else can refine: no discharge destination at all.
_FINAL = frozenset({"temporary", "left"})


def billed(mode: str, code: str) -> Destination | None:
    """Return what ZFM-2 and ZFM-4 say; None when they say nothing."""
    if mode == "9":
        return Destination("dead")
    if mode == "8":
        return _FROM_HOME.get(code)
    if mode in ("6", "7"):
        sector = _FROM_TRANSFER.get(code)
        if sector:
            return Destination(sector, "internal" if mode == "6" else None)
        return _TRANSFER
    if mode == "0":
        return Destination("unknown", "temporary")
    return Destination("unknown", "left") if mode == "4" else None


def destination_of(
    discharge: Fact, letter: Fact | None, requested: str, categories: Mapping[str, str]
) -> tuple[Destination, bool]:
    """Return the destination, and whether the sources disagree.

    Args:
        discharge: the movement.
        letter: discharge letter of the stay.
        requested: sector whose request was accepted, empty when none.
        categories: category of facilities, by FINESS.
    """
    found = list(_said(discharge, letter, requested, categories))
    certain = [one for one in found if one.sector != "unknown"]
    if not certain or found[0].detail in _FINAL:
        return (found[0] if found else UNKNOWN), False
    conflict = any(one.sector != certain[0].sector for one in certain[1:])
    return certain[0], conflict


def _said(
    discharge: Fact, letter: Fact | None, requested: str, categories: Mapping[str, str]
) -> Iterator[Destination]:
    first = billed(discharge.text("mode"), discharge.text("destination_code"))
    if first:
        yield first
    if letter:
        second = _FROM_LETTER.get(letter.text("discharge_modality"))
        if second:
            yield second
    there = discharge.text("destination_finess")
    if not there and letter:
        there = letter.text("destination_finess")
    sector = SECTOR_OF_CATEGORY.get(categories.get(there, ""))
    if sector:
        yield Destination(sector)
    if requested:
        yield Destination(requested)
    if local := discharge.text("local_destination"):
        yield Destination(local)
    last = _FROM_CIRCUMSTANCE.get(discharge.text("circumstance"))
    if last:
        yield last
