"""Set a document aside whose setId is that of a document about another person.

What the entries of a document become, and what the pathway is told of it, is found again in its
next version by its setId. Some senders give one setId to the documents of everybody: what is said
of one person would become what is said of the next. Which of the two is meant cannot be told, so
the later one waits, whole, until somebody says that its site does so (`set_ids: shared`): then
setId and patient together name a set, and nothing is judged here.
Runs inside the transaction that would store the input; what was accepted once stays accepted when
it is replayed. Standard: CDA R2 4.2.1.7 (setId is unique); HL7 table 0357, 205.
"""

from collections.abc import Iterator
from dataclasses import replace

from gateway.cda import faults
from gateway.core.contributions import Kind, Target
from gateway.core.messages import InboxStatus
from gateway.core.ports import Condition, Transaction
from gateway.fhir.versions import is_inside
from gateway.pipeline.prepared import Prepared

_DOCUMENT = "DocumentReference"
#: Documents of others that are looked at; one that counts is enough.
_LOOKED = 20


def asked(item: Prepared) -> set[Target]:
    """Return what an input shares with other documents of its sets."""
    return {Target("setId", f"{system}|{value}") for system, value, _ in _sets(item)}


def judged(tx: Transaction, item: Prepared) -> Prepared:
    """Return an input as it may be stored: unchanged, or set aside with the reason.

    Args:
        tx: sees everything that was stored before.
        item: converted.
    """
    sets = list(_sets(item))
    # Another writer of the set waits, and then sees this one.
    tx.contributions.lock(sorted(asked(item)))
    for system, value, patient in sets:
        others = _others(tx, system, value, patient)
        persons = tx.facts.persons(sorted({*others, patient})) if others else {}
        if any(persons.get(one, one) != persons.get(patient, patient) for one in others):
            return replace(
                item,
                status=InboxStatus.QUARANTINED,
                contributions=(),
                assertions=(),
                location="",
                issues=(faults.set_of_another(),),
            )
    return item


def _sets(item: Prepared) -> Iterator[tuple[str, str, str]]:
    """Yield system and value of the setId of each document, and its Patient."""
    if item.status is not InboxStatus.CONVERTED or item.opened.site.set_ids == "shared":
        return
    for part in item.contributions:
        own = part.target.type == _DOCUMENT and part.kind is Kind.OWN and not part.annotates
        if own and not is_inside(part.resource):
            about = str(part.resource.get("subject", {}).get("reference", ""))
            for one in part.resource.get("identifier", ()):
                if about.startswith("Patient/") and one.get("system") and one.get("value"):
                    yield one["system"], one["value"], about.removeprefix("Patient/")


def _others(tx: Transaction, system: str, value: str, patient: str) -> set[str]:
    """Return the other Patients that documents of a set are about."""
    conditions = (
        Condition("identifier", "token", ((system, value),)),
        Condition("patient", "reference", (("Patient", patient),), negated=True),
    )
    found = tx.resources.search(_DOCUMENT, conditions, _LOOKED, None)
    # A withdrawn one counts as well: what it said stands in error under the ids of its set.
    return {row.patient for row in found.resources if row.patient}
