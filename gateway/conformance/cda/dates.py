"""Judges dates of a document against each other: birth, stay, document, death, entries.

Does not judge a date by itself (`leaves`). Two dates are compared at the precision that both
have, as days of Paris where one has no time. HDR; volet of each model.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gateway.cda.contacts import stamp
from gateway.cda.reader import Document, Node
from gateway.conformance.cda import kinds
from gateway.conformance.finding import Finding
from gateway.core.issues import Severity
from gateway.core.timestamps import PARIS, Timestamp

_PATIENT = "cda:recordTarget/cda:patientRole/cda:patient"
_ENCOUNTER = "cda:componentOf/cda:encompassingEncounter"
_ACT = "cda:documentationOf[1]/cda:serviceEvent"
_INTERVALS = ("effectiveTime", "time")
#: Acts that are promised or asked for, so they lie ahead.
_AHEAD = frozenset({"PRMS", "ARQ"})
#: Local terminology of the CI-SIS: how the patient came, how the patient left.
_ADMISSION, _DISCHARGE = "ORG-070", "ORG-074"
#: A meeting is no stay.
_MEETING = "VR"


@dataclass(frozen=True, slots=True)
class _Date:
    """A time of the document.

    Attributes:
        place: of its value.
        name: in words.
        stamp: what it says.
    """

    place: str
    name: str
    stamp: Timestamp


def date_findings(document: Document, *, is_stay: bool) -> Iterator[Finding]:
    """Yield dates that contradict each other.

    Args:
        document: any CDA document.
        is_stay: its main act is the stay (`DocumentModel.is_stay`).
    """
    yield from _intervals(document)
    yield from _life(document)
    if is_stay:
        yield from _stay(document)
    yield from _entries(document)


def _intervals(document: Document) -> Iterator[Finding]:
    """Compare both ends of every interval."""
    for node in document.select("descendant::*[cda:low][cda:high]"):
        if node.name not in _INTERVALS:
            continue
        low, high = _date(node, "low", "the beginning"), _date(node, "high", "the end")
        if low and high and _is_before(high, low):
            yield _disordered(high, "before the beginning of its interval", "CDA IVL_TS")


def _life(document: Document) -> Iterator[Finding]:
    """Compare birth and death with the stay and the document."""
    birth = _at(document, f"{_PATIENT}/cda:birthTime", "the birth")
    death = _at(document, f"{_PATIENT}/sdtc:deceasedTime", "the death")
    created = _at(document, "cda:effectiveTime", "the document")
    begins, ends = _ends_of(document, _ENCOUNTER, "the stay")
    for later in (created, begins, ends, death):
        if birth and later and _is_before(later, birth):
            yield _disordered(birth, f"after {later.name}", "HDR birthTime")
            break
    if death and begins and _is_before(death, begins):
        yield _disordered(death, f"before {begins.name}", "HDR deceasedTime")
    if death and ends and _is_before(death, ends):
        yield kinds.DATES_DISORDERED.at(
            ends.place,
            clause="HDR documentationOf, end of the main act",
            severity=Severity.WARNING,
            relation="after the death",
        )


def _stay(document: Document) -> Iterator[Finding]:
    """Compare what tells begin and end of one stay: encounter, main act, entries of the body."""
    encounter = _ends_of(document, _ENCOUNTER, "encompassingEncounter")
    act = _ends_of(document, _ACT, "the main act (serviceEvent)")
    clause = "HDR documentationOf and componentOf"
    for first, second in zip(encounter, act, strict=True):
        if first and second and _differ(first, second):
            yield kinds.DATES_DIFFER.at(second.place, clause=clause, other=first.name)
    names = ("the beginning of the stay", "the end of the stay")
    for code, at, name in ((_ADMISSION, 0, names[0]), (_DISCHARGE, 1, names[1])):
        told = encounter[at] or act[at]
        for node in _observations(document, code):
            said = _date(node, "effectiveTime", code)
            if told and said and _differ(told, said):
                clause = "LDL-SES, FR-Résultats-événements"
                yield kinds.DATES_DIFFER.at(said.place, clause=clause, other=name)


def _entries(document: Document) -> Iterator[Finding]:
    """Compare entries with the document: nothing was promised for a day that had passed."""
    created = _at(document, "cda:effectiveTime", "the document")
    if created is None:
        return
    for node in document.select("cda:component/descendant::cda:encounter"):
        if node.get("moodCode") not in _AHEAD:
            continue
        said = _date(node, "effectiveTime", "the encounter")
        if said and _is_before(said, created):
            yield kinds.DATES_DISORDERED.at(
                said.place,
                clause="CI-SIS FR-Rencontre",
                severity=Severity.WARNING,
                relation="before the document that promises or asks for it",
            )


def _observations(document: Document, code: str) -> list[Node]:
    found = document.select("cda:component/descendant::cda:observation")
    return [node for node in found if (one := node.child("code")) and one.get("code") == code]


def _ends_of(document: Document, path: str, name: str) -> tuple[_Date | None, _Date | None]:
    nodes = document.select(f"{path}/cda:effectiveTime")
    if not nodes or (path == _ENCOUNTER and _is_meeting(document)):
        return None, None
    return _date(nodes[0], "low", f"the beginning of {name}"), _date(
        nodes[0], "high", f"the end of {name}"
    )


def _is_meeting(document: Document) -> bool:
    code = document.root.down("componentOf", "encompassingEncounter", "code")
    return code is not None and code.get("code") == _MEETING


def _at(document: Document, path: str, name: str) -> _Date | None:
    nodes = document.select(path)
    return _dated(nodes[0], name) if nodes else None


def _date(node: Node, child: str, name: str) -> _Date | None:
    """Return the time of a child, or its lower bound."""
    found = node.child(child)
    if found is None:
        return None
    return _dated(found, name) or (_dated(low, name) if (low := found.child("low")) else None)


def _dated(node: Node, name: str) -> _Date | None:
    found = stamp(node)
    return None if found is None else _Date(f"{node.place}/@value", name, found)


def _is_before(one: _Date, other: _Date) -> bool:
    """Tell whether all that one may mean ends before the other may begin."""
    _, latest = one.stamp.bounds_utc()
    earliest, _ = other.stamp.bounds_utc()
    # The end of a day is the first instant of the next one.
    return latest <= earliest if one.stamp.instant_utc is None else latest < earliest


def _differ(one: _Date, other: _Date) -> bool:
    """Tell whether two times that tell the same event are of other days of Paris."""
    shortest = min(len(one.stamp.date_fhir), len(other.stamp.date_fhir))
    return _day(one.stamp)[:shortest] != _day(other.stamp)[:shortest]


def _day(found: Timestamp) -> str:
    instant: datetime | None = found.instant_utc
    return found.date_fhir if instant is None else instant.astimezone(PARIS).date().isoformat()


def _disordered(date: _Date, relation: str, clause: str) -> Finding:
    return kinds.DATES_DISORDERED.at(date.place, clause=clause, relation=relation)
