"""What all facts of a person say together, for the naive engine of the region.

Shares no code with `gateway.pathway`: every attribute is looked for again in the whole list.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gateway.core.facts import Received
from tests.support.naive_facts import Known, facts_at, is_superseded, stamp
from tests.support.naive_stays import about

_HOUR = timedelta(hours=1)
_ARRIVALS = ("ENC.ADMIT", "ENC.ED_IN", "ENC.OUTPT")
_STAYS = ("ENC.PREADMIT", *_ARRIVALS, "ENC.DISCHARGE")
_AFTERCARE = ("smr", "had")


@dataclass
class Places:
    """Sectors by `<FINESS>#<unit>`."""

    sectors: Mapping[str, str] = field(default_factory=dict)


def known_at(log: Iterable[Received], places: Places) -> list[Known]:
    """Return the facts of a log with what all of them say together, in order of time."""
    facts = facts_at(log)
    together = _Together(facts, places)
    # What is computed is computed of what was told: nothing is added before all is found.
    added = [together.of(fact) for fact in facts]
    for fact, more in zip(facts, added, strict=True):
        for name, value in more.items():
            if value is not None and fact.get(name) is None:
                fact.attributes[name] = value
    return facts


class _Together:
    """Looks for what a fact does not say itself."""

    def __init__(self, facts: Sequence[Known], places: Places) -> None:
        self._facts, self._places = facts, places
        self._letters = self._of("DOC.LDL_SES")
        self._movements = self._of(*_STAYS)
        self._doctors = self._of("PAT.GP_KNOWN")
        self._accepted = self._of("REQ.smr.ACCEPTED", "REQ.had.ACCEPTED")
        self._letter_of = self._letters_of_stays()

    def of(self, fact: Known) -> dict[str, Any]:
        """Return what is added to one fact."""
        if fact.event.startswith("ENC."):
            return self._movement(fact)
        if fact.event.startswith("DOC") and "gp" not in fact.attributes:
            return {"gp": self._doctor(fact.te)}
        if fact.event == "LDL.PROMISE" and "stay_end" not in fact.attributes:
            said = [one for one in self._letters if one.get("setid") == fact.get("setid")]
            return {"stay_end": said[0].get("stay_end") if said else None}
        return {}

    def _of(self, *events: str) -> list[Known]:
        return [fact for fact in self._facts if fact.event in events]

    def _visit(self, fact: Known) -> list[Known]:
        """Return the movements of the same visit; a movement without number is alone."""
        if not fact.get("visit"):
            return [one for one in self._movements if one is fact]
        return [one for one in self._movements if _place(one) == _place(fact)]

    def _letters_of_stays(self) -> dict[str, Known]:
        ends = [one for one in self._of("ENC.DISCHARGE") if not is_superseded(one, self._facts)]
        stays = []
        for end in ends:
            start = _start(self._visit(end))
            told = {"stay_start": start and stamp(start), "stay_end": stamp(end.te)}
            stays.append(
                Known(end.key, end.event, end.te, end.last, end.learned,
                      {**{n: v for n, v in told.items() if v}, **end.attributes})
            )  # fmt: skip
        found = {}
        for letter in self._letters:
            fitting = about(letter, stays)
            if len(fitting) == 1:
                found[fitting[0].key] = letter
        return found

    def _doctor(self, when: datetime) -> Any:
        known = [one.get("gp") for one in self._doctors if one.te <= when]
        return (known[-1] or None) if known else None

    def _sector(self, fact: Known) -> Any:
        return fact.get("sector") or self._places.sectors.get(str(fact.get("estab_unit")))

    def _movement(self, fact: Known) -> dict[str, Any]:
        visit = self._visit(fact)
        start = _start(visit)
        ends = [one for one in visit if one.event == "ENC.DISCHARGE"]
        added: dict[str, Any] = {
            "sector": self._sector(fact),
            "gp": self._doctor(fact.te),
            "open_episode": self._open_elsewhere(fact),
        }
        if start is not None:
            added["stay_start"] = stamp(start)
        if fact.event == "ENC.DISCHARGE":
            added["stay_end"] = stamp(fact.te)
            if ends[-1] is fact:
                added |= self._discharge(fact, start)
        elif ends and ends[-1].te >= fact.te:
            added["stay_end"] = stamp(ends[-1].te)
        if fact.event == "ENC.LEAVE_OUT":
            hours = 48 if fact.get("mode") == "0" else 12 if fact.get("circumstance") == "A" else 72
            added["return_due"] = stamp(fact.te + hours * _HOUR)
        if fact.event == "ENC.ADMIT":
            added["admit_kind"] = self._kind(fact, visit)
            added["overlap_estab"], added["overlap_visit"] = self._overlap(fact)
        return added

    def _discharge(self, fact: Known, start: datetime | None) -> dict[str, Any]:
        added: dict[str, Any] = {}
        if start is not None:
            hours = max(0, (fact.te - start) // _HOUR)
            added |= {"length_of_stay_h": hours, "risk": hours >= 48}
        if fact.get("destination"):
            return added
        letter = self._letter_of.get(fact.key)
        if letter is not None:
            added["destination_finess"] = letter.get("destination_finess") or None
        since = min(start or fact.te, fact.te - timedelta(days=30))
        asked = [one.event.split(".")[1] for one in self._accepted if since <= one.te <= fact.te]
        said = [_billed(fact), _in_letter(letter), asked[-1] if asked else "", _circumstance(fact)]
        certain = [one for one in said if one and one != "unknown"]
        left = fact.get("mode") in ("0", "4")
        added["destination"] = certain[0] if certain and not left else "unknown"
        transferred = fact.get("mode") in ("6", "7") and said[0] == "unknown"
        if transferred and not certain:
            added["detail"] = "transfer"
        return added

    def _open_elsewhere(self, fact: Known) -> Any:
        """Return the sector of another stay of aftercare that is open at this time."""
        seen = set()
        # In the order in which visits were first moved in, by kind of movement.
        for one in sorted(self._movements, key=lambda m: (m.te, m.key)):
            place = _place(one)
            if place in seen or place == _place(fact):
                continue
            seen.add(place)
            visit = self._visit(one)
            sectors = [found for found in map(self._sector, visit) if found]
            start, ends = _start(visit), [m for m in visit if m.event == "ENC.DISCHARGE"]
            if not sectors or sectors[0] not in _AFTERCARE or start is None or start > fact.te:
                continue
            if not ends or ends[-1].te > fact.te:
                return sectors[0]
        return None

    def _overlap(self, fact: Known) -> tuple[Any, Any]:
        """Return establishment and number of another inpatient stay that is open at this time."""
        for place in sorted({_place(one) for one in self._movements}):
            visit = [one for one in self._movements if _place(one) == place]
            starts = [one.te for one in visit if one.event == "ENC.ADMIT"]
            ends = [one.te for one in visit if one.event == "ENC.DISCHARGE"]
            if not place[0] or place[0] == (fact.get("estab") or "") or not starts:
                continue
            if starts[0] < fact.te and (not ends or ends[-1] > fact.te):
                return place
        return None, None

    def _kind(self, fact: Known, visit: Sequence[Known]) -> Any:
        modes = {"7": "transfer", "0": "transfer", "6": "mutation"}
        if fact.get("entry_mode") in modes:
            return modes[fact.get("entry_mode")]
        if fact.get("ed_passage"):
            return "emergency"
        sources = {"4": "transfer", "6": "mutation", "7": "emergency"}
        if fact.get("admit_source") in sources:
            return sources[fact.get("admit_source")]
        for passage in self._of("ENC.ED_IN"):
            same = passage.get("dossier") and passage.get("dossier") == fact.get("dossier")
            since = passage.te if same else fact.te - 24 * _HOUR
            here = (passage.get("estab") or "") == (fact.get("estab") or "")
            if here and since <= passage.te <= fact.te:
                return "emergency"
        ends = [one for one in visit if one.event == "ENC.DISCHARGE"]
        letter = self._letter_of.get(ends[-1].key) if ends else None
        said = {"183452005": "emergency", "8715000": "planned", "107724000": "transfer"}
        if letter is not None and letter.get("admission_modality") in said:
            return said[letter.get("admission_modality")]
        return "planned" if any(one.event == "ENC.PREADMIT" for one in visit) else None


def _place(fact: Known) -> tuple[str, str]:
    return (fact.get("estab") or "", fact.get("visit")) if fact.get("visit") else ("", fact.key)


def _start(visit: Sequence[Known]) -> datetime | None:
    return next((one.te for one in visit if one.event in _ARRIVALS), None)


def _billed(fact: Known) -> str:
    mode, code = fact.get("mode"), fact.get("destination_code") or ""
    if mode == "9":
        return "dead"
    if mode == "8":
        return {"": "home", "8": "home", "6": "had", "7": "ms"}.get(code, "")
    if mode in ("6", "7"):
        sectors = {"1": "mco", "2": "smr", "3": "usld", "4": "psy", "6": "had", "7": "ms"}
        return sectors.get(code, "unknown")
    return "unknown" if mode in ("0", "4") else ""


def _in_letter(letter: Known | None) -> str:
    sectors = {
        "160849004": "home", "109": "smr", "ORG-102": "smr", "ORG-103": "smr", "ORG-104": "smr",
        "ORG-162": "mco", "127": "had", "500": "ms",
    }  # fmt: skip
    return sectors.get(letter.get("discharge_modality"), "") if letter is not None else ""


def _circumstance(fact: Known) -> str:
    return "mco" if fact.get("circumstance") == "B" else ""
