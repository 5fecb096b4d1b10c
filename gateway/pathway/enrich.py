"""What no single message says: destination, sector, bounds of a stay, médecin traitant.

Computed from all facts of a person before rules are matched, so that a condition reads one fact.
What a message says itself is never overwritten. Pure: the result depends on the set of facts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from gateway.core.facts import Attributes
from gateway.mapping.sites import Site
from gateway.pathway.destination import SECTOR_OF_CATEGORY, destination_of
from gateway.pathway.facts import Fact, instant_of, stamp
from gateway.pathway.stays import best_fits

_ENTRIES = frozenset({"ENC.ADMIT", "ENC.ED_IN", "ENC.OUTPT"})
_POST_ACUTE = ("had", "smr")
_EMERGENCY_BEFORE = timedelta(hours=24)
_REQUEST_LASTS = timedelta(days=30)
#: ORG-070 of a letter.
_ADMISSIONS = {"183452005": "emergency", "8715000": "planned", "107724000": "transfer"}
#: ZFM-1.
_ENTRY_MODES = {"7": "transfer", "0": "transfer", "6": "mutation"}
#: PV1-36 of a leave: absence of less than 12 h, else a permission of less than 72 h.
_ABSENCE, _PERMISSION = timedelta(hours=12), timedelta(hours=72)
_LONG_STAY_H = 48


@dataclass(frozen=True, slots=True)
class Tables:
    """What is known of places.

    Attributes:
        units: sector by `<FINESS>#<UF>`.
        categories: category (TRE_R66) by FINESS.
    """

    units: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, sites: Iterable[Site], categories: Mapping[str, str] | None = None) -> "Tables":
        """Return the units of site tables."""
        units = {
            f"{site.finess}#{uf}": unit.sector
            for site in sites
            for uf, unit in site.ufs.items()
            if site.finess and unit.sector
        }
        return cls(units, categories or {})


@dataclass(slots=True)
class _Visit:
    """The movements of one visit, in order of event time."""

    movements: list[Fact]

    @property
    def start(self) -> datetime | None:
        return next((fact.low for fact in self.movements if fact.event in _ENTRIES), None)

    @property
    def discharge(self) -> Fact | None:
        """Return the discharge that counts: the latest."""
        found = [fact for fact in self.movements if fact.event == "ENC.DISCHARGE"]
        return found[-1] if found else None


def enrich(facts: Mapping[str, Fact], tables: Tables) -> list[Fact]:
    """Return the facts of a person with what all of them say together, in order of key.

    Discharges that a later one of the same visit replaces carry the flag `superseded`.
    """
    view = _View(facts, tables)
    return [view.enriched(facts[key]) for key in sorted(facts)]


class _View:
    """Everything about one person that an attribute may be computed from."""

    def __init__(self, facts: Mapping[str, Fact], tables: Tables) -> None:
        self._tables = tables
        self._visits: dict[tuple[str, str], _Visit] = {}
        self._letters: list[Fact] = []
        self._gps: list[Fact] = []
        self._accepted: list[Fact] = []
        for fact in sorted(facts.values(), key=_in_time):
            self._sort(fact)
        self._letter_of: dict[str, Fact] | None = None
        self._post_acute: Sequence[tuple[tuple[str, str], _Visit, str]] | None = None

    def enriched(self, fact: Fact) -> Fact:
        """Return the fact with its computed attributes."""
        if fact.event.startswith("ENC."):
            return self._movement(fact)
        if fact.event.startswith("DOC") and "gp" not in fact.attributes:
            gp = self._gp(fact.low)
            return _with(fact, {"gp": gp}) if gp else fact
        if fact.event == "LDL.PROMISE" and "stay_end" not in fact.attributes:
            return _with(fact, {"stay_end": self._end_in_letter(fact.text("setid"))})
        return fact

    def _end_in_letter(self, setid: str) -> Any:
        """Return the end of the stay as the letter says that made a promise."""
        for letter in self._letters:
            if setid and letter.text("setid") == setid:
                return letter.attributes.get("stay_end")
        return None

    def _sort(self, fact: Fact) -> None:
        if fact.event.startswith("ENC."):
            self._visits.setdefault(_visit_key(fact), _Visit([])).movements.append(fact)
        elif fact.event == "DOC.LDL_SES":
            self._letters.append(fact)
        elif fact.event == "PAT.GP_KNOWN":
            self._gps.append(fact)
        elif fact.event.startswith("REQ.") and fact.event.endswith(".ACCEPTED"):
            self._accepted.append(fact)

    def _movement(self, fact: Fact) -> Fact:
        visit = self._visits[_visit_key(fact)]
        added: Attributes = {"sector": self._sector(fact, visit)}
        superseded = False
        start, discharge = visit.start, visit.discharge
        if fact.event == "ENC.DISCHARGE":
            superseded = discharge is not fact
            added["stay_end"] = stamp(fact.low)
        elif discharge is not None and discharge.low >= fact.low:
            added["stay_end"] = stamp(discharge.low)
        added["stay_start"] = stamp(start) if start else None
        if fact.event in ("ENC.DISCHARGE", "ENC.ADMIT", "ENC.ED_IN"):
            added["gp"] = self._gp(fact.low)
            added["open_episode"] = self._open_episode(fact)
        if fact.event == "ENC.LEAVE_OUT":
            short = fact.text("circumstance") == "A"
            added["return_due"] = stamp(fact.low + (_ABSENCE if short else _PERMISSION))
        elif fact.event == "ENC.ADMIT":
            added["admit_kind"] = self._admit_kind(fact, visit)
        conflict = False
        if fact.event == "ENC.DISCHARGE" and not superseded:
            conflict = self._discharge(fact, added)
        flags = ("superseded",) if superseded else ("dest-conflict",) if conflict else ()
        return _with(fact, added, flags)

    def _discharge(self, fact: Fact, added: Attributes) -> bool:
        """Add what only a discharge has; tell whether its destination is contested."""
        start = instant_of(fact.attributes.get("stay_start") or added["stay_start"])
        if start is not None:
            hours = max(0, int((fact.low - start).total_seconds() // 3600))
            added["length_of_stay_h"] = hours
            added["risk"] = hours >= _LONG_STAY_H
        if fact.text("destination"):
            return False
        found, conflict = destination_of(
            fact, self._letter(fact), self._requested(fact, start), self._tables.categories
        )
        added["destination"], added["detail"] = found
        return conflict

    def _sector(self, fact: Fact, visit: _Visit) -> str | None:
        own = self._own_sector(fact)
        if own:
            return own
        # A movement without unit is where the one before it was.
        for other in reversed(visit.movements):
            if other.low <= fact.low and other is not fact:
                found = self._own_sector(other)
                if found:
                    return found
        category = self._tables.categories.get(fact.text("estab"), "")
        return SECTOR_OF_CATEGORY.get(category)

    def _own_sector(self, fact: Fact) -> str | None:
        return fact.text("sector") or self._tables.units.get(fact.text("estab_unit"))

    def _open_episode(self, fact: Fact) -> str | None:
        """Return the sector of a post-acute stay that is open elsewhere at this time."""
        if self._post_acute is None:
            found = [
                (key, visit, self._sector(visit.movements[-1], visit))
                for key, visit in self._visits.items()
            ]
            self._post_acute = [(k, v, s) for k, v, s in found if s in _POST_ACUTE]
        here = _visit_key(fact)
        for key, visit, sector in self._post_acute:
            start, end = visit.start, visit.discharge
            if key == here or start is None or start > fact.low:
                continue
            if end is None or end.low > fact.low:
                return sector
        return None

    def _gp(self, when: datetime) -> str | None:
        """Return the médecin traitant known by then; later declarations do not count back."""
        known = [fact for fact in self._gps if fact.low <= when]
        return known[-1].text("gp") or None if known else None

    def _letter(self, stay: Fact) -> Fact | None:
        """Return the discharge letter of a stay, the latest when there are several."""
        if self._letter_of is None:
            self._letter_of = {}
            if self._letters:
                self._match_letters(self._letter_of)
        return self._letter_of.get(stay.key)

    def _match_letters(self, into: dict[str, Fact]) -> None:
        stays = []
        for visit in self._visits.values():
            discharge = visit.discharge
            if discharge is not None:
                start = stamp(visit.start) if visit.start else None
                stays.append(
                    _with(discharge, {"stay_start": start, "stay_end": stamp(discharge.low)})
                )
        for letter in self._letters:
            fitting = best_fits(letter, stays)
            if len(fitting) == 1:
                into[fitting[0].key] = letter

    def _requested(self, discharge: Fact, start: datetime | None) -> str:
        """Return the sector of the latest request accepted for what follows this stay."""
        since = min(start or discharge.low, discharge.low - _REQUEST_LASTS)
        for fact in reversed(self._accepted):
            kind = fact.event.split(".")[1]
            if kind in _POST_ACUTE and since <= fact.low <= discharge.low:
                return kind
        return ""

    def _admit_kind(self, fact: Fact, visit: _Visit) -> str | None:
        found = _ENTRY_MODES.get(fact.text("entry_mode"))
        if found:
            return found
        if any(self._is_emergency_before(fact, other) for other in self._emergencies()):
            return "emergency"
        discharge = visit.discharge
        letter = self._letter(discharge) if discharge else None
        said = _ADMISSIONS.get(letter.text("admission_modality")) if letter else None
        if said:
            return said
        planned = any(one.event == "ENC.PREADMIT" for one in visit.movements)
        return "planned" if planned else None

    def _emergencies(self) -> Iterator[Fact]:
        for visit in self._visits.values():
            for fact in visit.movements:
                if fact.event == "ENC.ED_IN":
                    yield fact

    @staticmethod
    def _is_emergency_before(admission: Fact, passage: Fact) -> bool:
        if passage.text("estab") != admission.text("estab"):
            return False
        if passage.text("dossier") and passage.text("dossier") == admission.text("dossier"):
            return passage.low <= admission.low
        return admission.low - _EMERGENCY_BEFORE <= passage.low <= admission.low


def _with(fact: Fact, added: Mapping[str, Any], flags: tuple[str, ...] = ()) -> Fact:
    """Return the fact with what it did not say itself."""
    said = fact.attributes
    missing = {
        name: value for name, value in added.items() if value is not None and said.get(name) is None
    }
    if not missing and not flags:
        return fact
    return replace(fact, attributes={**said, **missing}, flags=(*fact.flags, *flags))


def _visit_key(fact: Fact) -> tuple[str, str]:
    """Return the visit of a movement; one without number is alone."""
    visit = fact.text("visit")
    return (fact.text("estab"), visit) if visit else ("", fact.key)


def _in_time(fact: Fact) -> tuple[datetime, str]:
    return fact.low, fact.key
