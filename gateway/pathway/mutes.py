"""Which mutes a gap may be silenced by.

A mute never changes whether a gap is one: nothing of the evaluator reads this.
"""

from collections.abc import Iterable

from gateway.core.facts import ExpectationRow, told_of
from gateway.core.work import Scope, subject

#: Where a row says its establishment, the first that is there.
_PLACES = ("estab", "establishment")


def subjects_of(row: ExpectationRow, patients: Iterable[str]) -> list[str]:
    """Return everything a mute of this gap could be about, `core.work.subject`.

    Args:
        row: the expectation.
        patients: ids of the Patients of its person, parts of dossiers among them.
    """
    found = [subject(Scope.GAP, row.gap_id)]
    held_by = {told_of(one)[0] for one in (row.patient.id, *patients)}
    found += [subject(Scope.PATIENT_RULE, one, row.rule) for one in sorted(held_by)]
    place = next((row.details[name] for name in _PLACES if row.details.get(name)), "")
    if place:
        found.append(subject(Scope.RULE_ESTABLISHMENT, row.rule, place))
        if other := row.details.get("destination_finess"):
            found.append(subject(Scope.RULE_ESTABLISHMENT, row.rule, place, other))
    if domain := row.details.get("domain"):
        found.append(subject(Scope.RECIPIENT_DOMAIN, domain))
    return found
