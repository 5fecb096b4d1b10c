"""Which Patients are one person: those that carry the same INS and agree on who that is.

A link rests on claims only, so it goes when a claim goes: an INS that is withdrawn, or whose
traits are contested, joins nobody. RNIV: the INS of a qualified identity; nothing is joined by
names and dates alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from gateway.core.contributions import Claim, Target
from gateway.core.ports import Transaction

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
        now: instant of the look.

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
    moved = tx.facts.link(persons)
    if moved:
        tx.watch.touch(dict.fromkeys(moved, now))
    return moved


def together(holders: Sequence[Claim]) -> dict[str, str]:
    """Return the person of each holder of one INS: the smallest id, when all agree on traits."""
    ids = sorted(claim.target.id for claim in holders)
    if len({claim.content for claim in holders}) != 1:
        return {patient_id: patient_id for patient_id in ids}
    return dict.fromkeys(ids, ids[0])
