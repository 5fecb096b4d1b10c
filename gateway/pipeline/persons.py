"""Which Patients are one person: merged, linked, or with the same INS and agreed on who that is.

A link rests on claims only, so it goes when a claim goes: an INS that is withdrawn, or whose
traits are contested, joins nobody; a separation takes a merge back. RNIV: the INS of a qualified
identity; nothing is joined by names and dates alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import combinations

from gateway.core.contributions import Claim, Target
from gateway.core.pathway_ports import Move
from gateway.core.ports import Transaction
from gateway.fhir import links
from gateway.fhir.patient import INS
from gateway.fhir.spoken import is_trait, word_pairs
from gateway.fhir.survivors import Links
from gateway.pathway.cohort import Cohort
from gateway.pipeline.dossiers import following

_KINDS = (INS, links.KIND)


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
    pairs = {pair for pair in changed if pair[0] in _KINDS}
    if not pairs:
        return set()
    # Who claims nothing any more is nobody but itself.
    concerned = {t.id for t, held in claims.items() if t.type == "Patient" and not _joins(held)}
    concerned |= {value for kind, value in pairs if kind == links.KIND}
    for holders in tx.claims.sharing(pairs).values():
        concerned.update(claim.target.id for claim in holders)
    moved = tx.facts.link(_persons_of(tx, concerned), now)
    if moved:
        moved |= tx.facts.link(following(tx, moved), now)
        tx.watch.touch(dict.fromkeys(moved, now))
        # Who may be shown a person is decided for all records of the person.
        tx.access.mark({one for person in moved for one in tx.facts.patients(person)})
    return moved


def _joins(claims: Sequence[Claim]) -> bool:
    return any(claim.kind in _KINDS for claim in claims)


def _persons_of(tx: Transaction, patients: Iterable[str]) -> dict[str, str]:
    """Return the person of these Patients and of all that are one person with them."""
    known: dict[tuple[str, str], list[Claim]] = {}
    reached = set[str]()
    todo = set(patients)
    while todo:
        reached |= todo
        held = tx.claims.held([Target("Patient", one) for one in sorted(todo)])
        pairs = {(c.kind, c.value) for found in held.values() for c in found if c.kind in _KINDS}
        pairs |= {(links.KIND, one) for one in todo}
        found = tx.claims.sharing(pairs - known.keys())
        known |= found
        todo = {c.target.id for holders in found.values() for c in holders}
        todo |= {value for kind, value in found if kind == links.KIND and found[kind, value]}
        todo -= reached
    told = Links(
        links.read_claims(
            c for (kind, _), found in known.items() if kind == links.KIND for c in found
        )
    )
    groups = [
        one for (kind, _), found in known.items() if kind == INS for one in together(found, told)
    ]
    return components(reached, [*groups, *told.pairs()])


def together(holders: Sequence[Claim], told: Links) -> list[tuple[str, str]]:
    """Return pairs that join the holders of one INS; none when they disagree on who that is.

    They disagree on a trait, or a hospital has said of two of them that they are two persons.
    A word about the INS goes with the record that heard it, whatever the others say.
    """
    words = word_pairs(holders)
    holders = [claim for claim in holders if is_trait(claim)]
    ids = sorted({claim.target.id for claim in holders})
    if len({claim.content for claim in holders}) != 1:
        return words
    if any(told.are_apart(one, other) for one, other in combinations(ids, 2)):
        return words
    return [*words, *((ids[0], other) for other in ids[1:])]


def components(patients: Iterable[str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the person of each Patient: the smallest id of all that pairs join it with."""
    person = {patient_id: patient_id for patient_id in patients}

    def of(patient_id: str) -> str:
        while (above := person.setdefault(patient_id, patient_id)) != patient_id:
            patient_id = above
        return patient_id

    for one, other in pairs:
        first, second = sorted((of(one), of(other)))
        person[second] = first
    return {patient_id: of(patient_id) for patient_id in sorted(person)}


def cohort_of(tx: Transaction, person_id: str, *, from_the_beginning: bool = False) -> Cohort:
    """Return the Patients to look at with a person: its own, and who was one person with them.

    Args:
        tx: a transaction that has read nothing of these persons yet, so that a look that ends
            meanwhile is noticed when this one is saved.
        person_id: whose look is due.
        from_the_beginning: as if nobody had ever looked: whoever was one with them at any time.
    """
    known: dict[str, datetime | None] = {}

    def until(patient_id: str) -> datetime | None:
        if from_the_beginning:
            return None
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
