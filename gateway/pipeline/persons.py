"""Which Patients are one person: those that carry the same INS and agree on who that is.

A link rests on claims only, so it goes when a claim goes: an INS that is withdrawn, or whose
traits are contested, joins nobody. RNIV: the INS of a qualified identity; nothing is joined by
names and dates alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from gateway.core.contributions import Claim, Target
from gateway.core.pathway_ports import Move
from gateway.core.ports import Transaction
from gateway.pathway.cohort import Cohort

_KIND = "ins"


def relink(
    tx: Transaction,
    changed: Iterable[tuple[str, str]],
    claims: Mapping[Target, Sequence[Claim]],
    now: datetime,
) -> set[str]:
    """Link and unlink Patients after claims changed; ask for a look at every person concerned.

    Args:
        tx: the transaction that holds the new claims.
        changed: (kind, value) pairs that somebody began or ceased to claim, or claims otherwise.
        claims: of the Patients whose claims were settled, none for those that claim nothing.
        now: instant of the commit; from then on the persons are others, and to be looked at.

    Returns:
        The persons, old and new, that gained or lost a Patient.
    """
    pairs = {pair for pair in changed if pair[0] == _KIND}
    if not pairs:
        return set()
    # Who claims nothing any more is nobody but itself.
    persons = {t.id: t.id for t, held in claims.items() if t.type == "Patient" and not held}
    for holders in tx.claims.sharing(pairs).values():
        persons.update(together(holders))
    moved = tx.facts.link(persons, now)
    if moved:
        tx.watch.touch(dict.fromkeys(moved, now))
    return moved


def together(holders: Sequence[Claim]) -> dict[str, str]:
    """Return the person of each holder of one INS: the smallest id, when all agree on traits."""
    ids = sorted(claim.target.id for claim in holders)
    if len({claim.content for claim in holders}) != 1:
        return {patient_id: patient_id for patient_id in ids}
    return dict.fromkeys(ids, ids[0])


def cohort_of(tx: Transaction, person_id: str) -> Cohort:
    """Return the Patients to look at with a person: its own, and who was one person with them.

    Args:
        tx: a transaction that has read nothing of these persons yet, so that a look that ends
            meanwhile is noticed when this one is saved.
        person_id: whose look is due.
    """
    known: dict[str, datetime | None] = {}

    def until(patient_id: str) -> datetime | None:
        if patient_id not in known:
            known[patient_id] = tx.watch.looked_until(patient_id)
        return known[patient_id]

    def is_ahead(move: Move) -> bool:
        looked = until(move.patient_id)
        return looked is None or looked < move.at

    alone = until(person_id)
    if tx.facts.patients(person_id) == [person_id] and not tx.facts.moves_between([person_id]):
        return Cohort({person_id: person_id}, {person_id: alone})
    found, more = set[str](), {person_id}
    moves: list[Move] = []
    persons: dict[str, str] = {}
    while more:
        found |= more
        moves = tx.facts.moves(found)
        persons = tx.facts.persons(found)
        ahead = [move for move in moves if is_ahead(move)]
        theirs = {*persons.values(), *_persons(ahead)}
        members = {patient for person in theirs for patient in tx.facts.patients(person)}
        others = tx.facts.moves_between(theirs)
        members |= {move.patient_id for move in others if is_ahead(move)}
        more = members - found
    return Cohort(persons, {patient: until(patient) for patient in sorted(found)}, moves)


def _persons(moves: Iterable[Move]) -> set[str]:
    return {person for move in moves for person in (move.before, move.after)}
