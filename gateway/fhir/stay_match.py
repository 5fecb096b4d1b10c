"""Which stay of a person a document is about, by number and by dates.

Compares two sides as they are; does not know where they come from (`fhir.document_stays`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from gateway.core.contributions import Json
from gateway.core.systems import IDENTIFIER_BASE
from gateway.fhir.identity import FINESS_SYSTEM
from gateway.fhir.search_dates import date_range

#: System of the number that a document without number gives its stay.
DOCUMENT_STAY = f"{IDENTIFIER_BASE}/cda-stay"

_VISIT = f"{IDENTIFIER_BASE}/visit/"
_DAY = timedelta(days=1)
#: Share of the common time in the whole, above which two intervals are the same stay.
_SAME = 0.8
#: How sure a way of fitting is; only 1 is certain.
_SCORES = {"message": 1.0, "number": 1.0, "dates": 0.9, "admission": 0.8, "overlap": 0.7}
#: Off the score when one side is an inpatient stay and the other is not.
_OTHER_KIND = 0.2
_INPATIENT = frozenset({"IMP", "ACUTE", "NONAC", "SS", "HH", "OBSENC", "PRENC"})
_GONE = frozenset({"cancelled", "entered-in-error"})

Range = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Stay:
    """What two sides are compared by.

    Attributes:
        id: of the Encounter.
        patient: id of the Patient.
        establishment: FINESS, empty when not told.
        numbers: (system, value) of the visit and of its account.
        start: range of instants the admission lies in, None when not told.
        end: the same of the discharge.
        care: code of the class.
        status: FHIR status.
        told: for the stay of a document: the stay a message names, empty without.
    """

    id: str
    patient: str
    establishment: str = ""
    numbers: frozenset[tuple[str, str]] = frozenset()
    start: Range | None = None
    end: Range | None = None
    care: str = ""
    status: str = ""
    told: str = ""


class Match(NamedTuple):
    """The stay a document is about.

    Attributes:
        stay: id of the Encounter, empty when none fits, or several fit equally.
        score: 1 when certain, 0 when there is no stay.
        reason: `message`, `number`, `dates`, `admission`, `overlap`; `several` for a tie; empty.
        conflicts: `start`, `end`: told otherwise by the document, by more than a day.
        candidates: of a tie, in order of their ids.
    """

    stay: str = ""
    score: float = 0.0
    reason: str = ""
    conflicts: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()


NO_MATCH = Match()


def stay_of(encounter: Json, accounts: Iterable[Json] = ()) -> Stay:
    """Return what an Encounter is compared by.

    Args:
        encounter: folded.
        accounts: partial resources of its accounts, whose numbers name the stay as well.
    """
    period = encounter.get("period", {})
    own = encounter.get("identifier", ())
    told = [item for one in accounts for item in one.get("identifier", ())]
    return Stay(
        id=encounter["id"],
        patient=reference_id(encounter.get("subject")),
        establishment=_establishment(encounter),
        numbers=frozenset(
            (item["system"], item["value"])
            for item in (*own, *told)
            if item.get("value") and item.get("system", DOCUMENT_STAY) != DOCUMENT_STAY
        ),
        start=_range(period.get("start", "")),
        end=_range(period.get("end", "")),
        care=encounter.get("class", {}).get("code", ""),
        status=encounter.get("status", ""),
    )


def reference_id(reference: Json | None) -> str:
    """Return the id a literal reference names, empty without one."""
    name: str = (reference or {}).get("reference", "")
    return name.partition("/")[2]


def _establishment(encounter: Json) -> str:
    """Return the FINESS of the authority of the visit number, else of the provider by name."""
    for item in encounter.get("identifier", ()):
        system: str = item.get("system", "")
        if system.startswith(_VISIT):
            return system.removeprefix(_VISIT)
    named = encounter.get("serviceProvider", {}).get("identifier", {})
    finess: str = named.get("value", "") if named.get("system") == FINESS_SYSTEM else ""
    return finess


def _range(text: str) -> Range | None:
    found = date_range(text)
    if found is None:
        return None
    return datetime.fromisoformat(found[0]), datetime.fromisoformat(found[1])


def match(document: Stay, stays: Iterable[Stay]) -> Match:
    """Return the stay a document is about.

    A number decides. Without one, the admission within a day or nearly the same interval, at the
    same establishment; a document that fits several stays equally is about none of them.

    Args:
        document: what the document tells; not by the message around it.
        stays: of the same person.

    Spec: CI-SIS Structuration minimale, encompassingEncounter/id and effectiveTime.
    """
    known = sorted(stays, key=lambda stay: stay.id)
    numbered = [stay for stay in known if _is_numbered(document, stay)]
    if numbered:
        return _best(document, [(1.0, "number", stay) for stay in numbered])
    fitting = [
        (score, reason, stay)
        for stay in known
        if (reason := _reason(document, stay)) and (score := _score(reason, document, stay))
    ]
    return _best(document, fitting)


def _best(document: Stay, fitting: Sequence[tuple[float, str, Stay]]) -> Match:
    if not fitting:
        return NO_MATCH
    highest = max(score for score, _, _ in fitting)
    best = [(reason, stay) for score, reason, stay in fitting if score == highest]
    if len(best) > 1:
        return Match(reason="several", candidates=tuple(stay.id for _, stay in best))
    reason, stay = best[0]
    return Match(stay.id, highest, reason, conflicts(document, stay))


def _is_numbered(document: Stay, stay: Stay) -> bool:
    """Tell whether a visit or account number of the document is one of the stay.

    The same number under another authority counts at the same establishment only.
    """
    if document.numbers & stay.numbers:
        return True
    if not document.establishment or document.establishment != stay.establishment:
        return False
    return bool({value for _, value in document.numbers} & {value for _, value in stay.numbers})


def _reason(document: Stay, stay: Stay) -> str:
    """Return how the dates of a document fit a stay, empty when they do not."""
    if stay.status in _GONE or _is_another(document, stay):
        return ""
    if document.establishment and stay.establishment:
        if document.establishment != stay.establishment:
            return ""
    elif document.patient != stay.patient:
        # Where an establishment is not told, only its own patient number stands for it.
        return ""
    begins = _is_near(document.start, stay.start)
    if begins and document.status != "planned" and _is_near(document.end, stay.end):
        return "dates"
    if begins:
        return "admission"
    return "overlap" if document.status != "planned" and _overlap(document, stay) else ""


def _is_another(document: Stay, stay: Stay) -> bool:
    """Tell whether both sides give a number of one authority, and not the same one."""
    systems = {system for system, _ in document.numbers}
    return any(system in systems for system, _ in stay.numbers)


def _is_near(one: Range | None, other: Range | None) -> bool:
    """Tell whether two times may be less than a day apart, whatever their precision."""
    if one is None or other is None:
        return False
    return max(one[0], other[0]) - min(one[1], other[1]) < _DAY


def _overlap(document: Stay, stay: Stay) -> bool:
    if document.start is None or stay.start is None or document.end is None:
        return False
    # A stay that is not over yet lasts at least as long as the document tells.
    until = stay.end or document.end
    common = min(document.end[1], until[1]) - max(document.start[0], stay.start[0])
    whole = max(document.end[1], until[1]) - min(document.start[0], stay.start[0])
    return common / whole > _SAME if whole else False


def _score(reason: str, document: Stay, stay: Stay) -> float:
    score = _SCORES[reason]
    kinds = {document.care in _INPATIENT, stay.care in _INPATIENT}
    is_other = bool(document.care and stay.care) and len(kinds) > 1
    return round(score - _OTHER_KIND, 1) if is_other else score


def conflicts(document: Stay, stay: Stay) -> tuple[str, ...]:
    """Return which ends of the stay a document tells otherwise, by more than a day.

    The end of a stay that is only expected says nothing.
    """
    pairs = {"start": (document.start, stay.start), "end": (document.end, stay.end)}
    if document.status == "planned":
        del pairs["end"]
    return tuple(
        name for name, (one, other) in pairs.items() if one and other and not _is_near(one, other)
    )
