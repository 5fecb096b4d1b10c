"""Dates of one document that contradict each other; none of them is changed.

Each date stays where it was said: the stay in Encounter.period, admission and discharge in their
observations. CI-SIS Structuration minimale (encompassingEncounter, serviceEvent); LDL-SES
ORG-070 and ORG-074.
"""

from collections.abc import Iterator

from gateway.cda.contacts import stamp
from gateway.cda.faults import dates_contradict
from gateway.cda.reader import Document, Node
from gateway.core.issues import Issue
from gateway.core.timestamps import Timestamp

#: Letters whose service event is the stay itself.
_LETTERS = ("11490-0", "18761-7")
_STAY = ("componentOf", "encompassingEncounter", "effectiveTime")
_ACT = ("documentationOf", "serviceEvent", "effectiveTime")
#: Code of the observation, and the bound of the stay it repeats.
_MODES = {"ORG-070": "low", "ORG-074": "high"}


def contradictions(document: Document) -> list[Issue]:
    """Return one issue a date that contradicts the stay of the header.

    A day and an instant of that day agree; a document without a stay is compared with nothing.

    Spec: CI-SIS volet LDL-SES, ORG-070 and ORG-074, effectiveTime.
    """
    code, stay = document.root.child("code"), document.root.down(*_STAY)
    if stay is None:
        return []
    is_letter = code is not None and code.get("code") in _LETTERS
    return [*(_of_act(document, stay) if is_letter else ()), *_of_modes(document, stay)]


def _of_act(document: Document, stay: Node) -> Iterator[Issue]:
    act = document.root.down(*_ACT)
    for bound in ("low", "high") if act is not None else ():
        said, known = act.child(bound), stay.child(bound)  # type: ignore[union-attr]
        if said is not None and known is not None and _differ(said, known):
            yield dates_contradict(said.place, known.place)


def _of_modes(document: Document, stay: Node) -> Iterator[Issue]:
    for entry in document.entry_nodes():
        for statement in entry.children("observation"):
            code = statement.child("code")
            bound = _MODES.get(code.get("code")) if code is not None else None
            if bound is None:
                continue
            said, known = statement.child("effectiveTime"), stay.child(bound)
            if said is not None and known is not None and _differ(said, known):
                yield dates_contradict(said.place, known.place)


def _differ(one: Node, other: Node) -> bool:
    """Tell whether two times cannot be of one day."""
    first, second = stamp(one), stamp(other)
    return first is not None and second is not None and not _overlap(first, second)


def _overlap(first: Timestamp, second: Timestamp) -> bool:
    return first.date_fhir.startswith(second.date_fhir) or second.date_fhir.startswith(
        first.date_fhir
    )
