"""What no single message says: destination, sector, bounds of a stay, médecin traitant.

Computed from all facts of a person before rules are matched, so that a condition reads one fact.
What a message says itself is never overwritten. Pure: the result depends on the set of facts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gateway.core.facts import Attributes
from gateway.mapping.sites import Site
from gateway.pathway.destination import SECTOR_OF_CATEGORY, destination_of
from gateway.pathway.facts import ByEvent, Fact, instant_of, stamp
from gateway.pathway.stays import StayMatches

_ENTRIES = frozenset({"ENC.ADMIT", "ENC.ED_IN", "ENC.OUTPT"})
_POST_ACUTE = ("had", "smr")
_EMERGENCY_BEFORE = timedelta(hours=24)
_REQUEST_LASTS = timedelta(days=30)
#: ORG-070 of a letter.
_ADMISSIONS = {"183452005": "emergency", "8715000": "planned", "107724000": "transfer"}
#: ZFM-1.
_ENTRY_MODES = {"7": "transfer", "0": "transfer", "6": "mutation"}
#: PV1-14, read where ZFM-1 and ZFM-5 do not tell.
_ADMIT_SOURCES = {"4": "transfer", "6": "mutation", "7": "emergency"}
#: PV1-36 of a leave: absence of less than 12 h, else a permission of less than 72 h.
_ABSENCE, _PERMISSION = timedelta(hours=12), timedelta(hours=72)
#: ZFM-2 of a leave that is a stay on the technical platform of another site (PAM France 2.11 2).
_FOR_AN_ACT, _ON_PLATFORM = "0", timedelta(hours=48)
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


#: What is computed from these, whatever the rules name.
INPUTS = frozenset(
    {
        "ENC.PREADMIT", "ENC.ADMIT", "ENC.ED_IN", "ENC.OUTPT", "ENC.DISCHARGE", "DOC.LDL_SES",
        "PAT.GP_KNOWN", "REQ.smr.ACCEPTED", "REQ.had.ACCEPTED",
    }
)  # fmt: skip


#: What is computed, by family or event.
COMPUTED: Mapping[str, frozenset[str]] = {
    "ENC": frozenset({"sector", "stay_start", "stay_end", "gp", "open_episode"}),
    "ENC.DISCHARGE": frozenset(
        {"length_of_stay_h", "risk", "destination", "detail", "destination_finess"}
    ),
    "ENC.DISCH_PLANNED": frozenset({"destination", "detail"}),
    "ENC.LEAVE_OUT": frozenset({"return_due"}),
    "ENC.ADMIT": frozenset({"admit_kind", "overlap_estab", "overlap_visit"}),
    "DOC": frozenset({"gp"}),
    "DOCV": frozenset({"gp"}),
    "LDL.PROMISE": frozenset({"stay_end"}),
}


@dataclass(frozen=True, slots=True)
class Reads:
    """What rules look at; the rest need not be computed.

    Attributes:
        events: of triggers, closers, cancellers and pauses.
        fields: attributes that conditions read.
    """

    events: frozenset[str]
    fields: frozenset[str]


@dataclass(slots=True)
class _Visit:
    """The movements of one visit, in order of event time.

    Attributes:
        discharge: the one that counts: the latest.
    """

    movements: list[Fact]
    start: datetime | None = None
    discharge: Fact | None = None

    def settle(self) -> None:
        """Put in order and find both ends."""
        if len(self.movements) > 1:
            self.movements.sort(key=_in_time)
        for fact in self.movements:
            if fact.event == "ENC.DISCHARGE":
                self.discharge = fact
            elif self.start is None and fact.event in _ENTRIES:
                self.start = fact.low


_NO_VISIT = _Visit([])


def enrich(facts: ByEvent, tables: Tables, reads: Reads | None = None) -> list[Fact]:
    """Return the facts of a person with what all of them say together.

    Discharges that a later one of the same visit replaces carry the flag `superseded`.

    Args:
        facts: by event and key.
        tables: what is known of places.
        reads: what rules look at; None: everything.
    """
    view = _View(facts, tables, None if reads is None else reads.fields)
    return [
        view.enriched(fact)
        for event, group in facts.items()
        if reads is None or event in reads.events
        for fact in group.values()
    ]


class _View:
    """Everything about one person that an attribute may be computed from."""

    def __init__(self, facts: ByEvent, tables: Tables, fields: frozenset[str] | None) -> None:
        self._tables = tables
        self._fields = fields
        self._visits: dict[tuple[str, str], _Visit] = {}
        for event in INPUTS:
            if event.startswith("ENC."):
                for fact in facts.get(event, {}).values():
                    key = _visit_key(fact)
                    visit = self._visits.get(key)
                    if visit is None:
                        visit = self._visits[key] = _Visit([])
                    visit.movements.append(fact)
        for visit in self._visits.values():
            visit.settle()
        self._letters = sorted(facts.get("DOC.LDL_SES", {}).values(), key=_in_time)
        self._gps = sorted(facts.get("PAT.GP_KNOWN", {}).values(), key=_in_time)
        self._accepted = sorted(
            (
                fact
                for kind in _POST_ACUTE
                for fact in facts.get(f"REQ.{kind}.ACCEPTED", {}).values()
            ),
            key=_in_time,
        )
        self._emergencies = tuple(facts.get("ENC.ED_IN", {}).values())
        self._admitted: Sequence[tuple[tuple[str, str], datetime, Fact | None]] | None = None
        self._letter_of: dict[str, Fact] | None = None
        self._post_acute: Sequence[tuple[tuple[str, str], _Visit, str]] | None = None

    def enriched(self, fact: Fact) -> Fact:
        """Return the fact with its computed attributes."""
        event = fact.event
        if event.startswith("ENC."):
            return self._movement(fact)
        if event.startswith("DOC") and self._gps and "gp" not in fact.attributes:
            return _with(fact, {"gp": self._gp(fact.low)})
        if event == "LDL.PROMISE" and "stay_end" not in fact.attributes:
            return _with(fact, {"stay_end": self._end_in_letter(fact.text("setid"))})
        return fact

    def _reads(self, name: str) -> bool:
        return self._fields is None or name in self._fields

    def _end_in_letter(self, setid: str) -> Any:
        """Return the end of the stay as the letter says that made a promise."""
        for letter in self._letters:
            if setid and letter.text("setid") == setid:
                return letter.attributes.get("stay_end")
        return None

    def _movement(self, fact: Fact) -> Fact:
        visit = self._visits.get(_visit_key(fact), _NO_VISIT)
        event = fact.event
        added: Attributes = {"sector": self._sector(fact)}
        flags: tuple[str, ...] = ()
        discharge = visit.discharge
        if visit.start is not None:
            added["stay_start"] = stamp(visit.start)
        if event == "ENC.DISCHARGE":
            added["stay_end"] = stamp(fact.low)
            if discharge is not fact:
                flags = ("superseded",)
            elif self._discharge(fact, visit.start, added):
                flags = ("dest-conflict",)
        elif discharge is not None and discharge.low >= fact.low:
            added["stay_end"] = stamp(discharge.low)
        if self._gps:
            added["gp"] = self._gp(fact.low)
        if self._reads("open_episode"):
            added["open_episode"] = self._open_episode(fact)
        if event == "ENC.LEAVE_OUT":
            added["return_due"] = stamp(fact.low + _time_away(fact))
        elif event == "ENC.DISCH_PLANNED" and self._reads("destination"):
            found, _ = destination_of(
                fact, None, self._requested(fact, visit.start), self._tables.categories
            )
            added["destination"], added["detail"] = found
        elif event == "ENC.ADMIT" and self._reads("admit_kind"):
            added["admit_kind"] = self._admit_kind(fact, visit)
        if event == "ENC.ADMIT" and self._reads("overlap_visit"):
            added["overlap_estab"], added["overlap_visit"] = self._overlap(fact)
        return _with(fact, added, flags)

    def _discharge(self, fact: Fact, started: datetime | None, added: Attributes) -> bool:
        """Add what only a discharge has; tell whether its destination is contested."""
        start = instant_of(fact.attributes.get("stay_start")) or started
        if start is not None:
            hours = max(0, int((fact.low - start).total_seconds() // 3600))
            added["length_of_stay_h"] = hours
            added["risk"] = hours >= _LONG_STAY_H
        if fact.text("destination"):
            return False
        letter = self._letter(fact)
        found, conflict = destination_of(
            fact, letter, self._requested(fact, start), self._tables.categories
        )
        added["destination"], added["detail"] = found
        if letter is not None:
            # Which establishment: that of the movement first, else that of the transfer act.
            added["destination_finess"] = letter.text("destination_finess") or None
        return conflict

    def _sector(self, fact: Fact) -> str | None:
        """Return the sector of the unit, else of a facility that has one only.

        Never that of another movement: a unit nobody knows may be anything.
        """
        said: str | None = fact.attributes.get("sector")
        if said or not (self._tables.units or self._tables.categories):
            return said
        found = self._tables.units.get(fact.text("estab_unit"))
        category = self._tables.categories.get(fact.text("estab"), "")
        return found or SECTOR_OF_CATEGORY.get(category)

    def _open_episode(self, fact: Fact) -> str | None:
        """Return the sector of a post-acute stay that is open elsewhere at this time.

        Of several, the one whose establishment and number come first: whatever came first.
        """
        if self._post_acute is None:
            found = [
                (key, visit, next(filter(None, map(self._sector, visit.movements)), None))
                for key, visit in sorted(self._visits.items())
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

    def _overlap(self, fact: Fact) -> tuple[str | None, str | None]:
        """Return establishment and number of another inpatient stay that is open at this time."""
        if self._admitted is None:
            self._admitted = [
                (key, one.low, visit.discharge)
                for key, visit in sorted(self._visits.items())
                if key[0]
                for one in visit.movements
                if one.event == "ENC.ADMIT"
            ]
        here = _visit_key(fact)
        for (estab, number), start, end in self._admitted:
            if estab != here[0] and start < fact.low and (end is None or end.low > fact.low):
                return estab, number
        return None, None

    def _gp(self, when: datetime) -> str | None:
        """Return the médecin traitant known by then; later declarations do not count back."""
        for fact in reversed(self._gps):
            if fact.low <= when:
                return fact.text("gp") or None
        return None

    def _letter(self, stay: Fact) -> Fact | None:
        """Return the discharge letter of a stay, the latest when there are several."""
        if self._letter_of is None:
            self._letter_of = {}
            if self._letters:
                self._match_letters(self._letter_of)
        return self._letter_of.get(stay.key)

    def _match_letters(self, into: dict[str, Fact]) -> None:
        stays = StayMatches(
            _with(
                visit.discharge,
                {
                    "stay_start": stamp(visit.start) if visit.start else None,
                    "stay_end": stamp(visit.discharge.low),
                },
            )
            for visit in self._visits.values()
            if visit.discharge is not None
        )
        for letter in self._letters:
            fitting = stays.of(letter)
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
        if not found and fact.text("ed_passage"):
            found = "emergency"
        found = found or _ADMIT_SOURCES.get(fact.text("admit_source"))
        if found:
            return found
        if any(self._is_emergency_before(fact, other) for other in self._emergencies):
            return "emergency"
        discharge = visit.discharge
        letter = self._letter(discharge) if discharge else None
        said = _ADMISSIONS.get(letter.text("admission_modality")) if letter else None
        if said:
            return said
        planned = any(one.event == "ENC.PREADMIT" for one in visit.movements)
        return "planned" if planned else None

    @staticmethod
    def _is_emergency_before(admission: Fact, passage: Fact) -> bool:
        if passage.text("estab") != admission.text("estab"):
            return False
        if passage.text("dossier") and passage.text("dossier") == admission.text("dossier"):
            return passage.low <= admission.low
        return admission.low - _EMERGENCY_BEFORE <= passage.low <= admission.low


def _time_away(leave: Fact) -> timedelta:
    """Return how long a leave may last that does not say when it ends."""
    if leave.text("mode") == _FOR_AN_ACT:
        return _ON_PLATFORM
    return _ABSENCE if leave.text("circumstance") == "A" else _PERMISSION


def _with(fact: Fact, added: Mapping[str, Any], flags: tuple[str, ...] = ()) -> Fact:
    """Return the fact with what it did not say itself."""
    attributes = fact.attributes
    missing = None
    for name, value in added.items():
        if value is not None and attributes.get(name) is None:
            if missing is None:
                missing = {**attributes}
            missing[name] = value
    if missing is None and not flags:
        return fact
    # Written out: `dataclasses.replace` costs several times as much, on the way of every message.
    return Fact(
        fact.key,
        fact.event,
        fact.assertion,
        fact.low,
        fact.high,
        fact.learned,
        fact.received,
        missing or attributes,
        fact.flags + flags,
    )


def _visit_key(fact: Fact) -> tuple[str, str]:
    """Return the visit of a movement; one without number is alone."""
    visit = fact.text("visit")
    return (fact.text("estab"), visit) if visit else ("", fact.key)


def _in_time(fact: Fact) -> tuple[datetime, str]:
    return fact.low, fact.key
