"""The resources behind the facts of a gap: from a fact to its input, to what that input made.

A fact names the resource it is about where its input may make several of one kind; else its
family tells the kind. The patient is named by the gap itself. Decides nothing.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from gateway.core.contributions import Target
from gateway.core.events import family
from gateway.core.facts import ExpectationRow, Op, Received
from gateway.core.ports import Transaction

#: What shows a fact, by family. A promise is shown by the letter that says it.
_SHOWN_BY: Mapping[str, str] = {
    "ENC": "Encounter",
    "DOC": "DocumentReference",
    "DOCV": "DocumentReference",
    "LDL": "DocumentReference",
    "PPS": "DocumentReference",
}
#: Families whose facts have the resource they are about in their key.
_NAMED_BY_KEY = frozenset({"APPT", "REQ"})


def references(
    tx: Transaction, rows: Iterable[ExpectationRow], received: Iterable[Received]
) -> dict[str, tuple[str, ...]]:
    """Return `Type/id` of the resources that show each fact of some gaps, the closest first.

    Args:
        tx: the transaction of the look.
        rows: the gaps.
        received: assertions about their person.
    """
    keys = {key for row in rows for key in (row.trigger, row.closer, *row.evidence)}
    return shown(tx, last_words(received, keys))


def shown(tx: Transaction, said: Mapping[str, Received]) -> dict[str, tuple[str, ...]]:
    """Return `Type/id` of the resources that show each fact, the closest first.

    Only resources that can be read now; a fact without any is left out.

    Args:
        tx: the transaction of the look.
        said: the last word on each fact, by key.
    """
    made = tx.contributions.made_by({one.order for one in said.values() if one.order > 0})
    named = {
        key: list(dict.fromkeys(_targets(one, made.get(one.order, ()))))
        for key, one in said.items()
    }
    wanted = {(target.type, target.id) for targets in named.values() for target in targets}
    stored = tx.resources.current(sorted(wanted))
    live = {key for key, one in stored.items() if not one.deleted}
    found = {
        key: tuple(f"{one.type}/{one.id}" for one in targets if (one.type, one.id) in live)
        for key, targets in named.items()
    }
    return {key: names for key, names in found.items() if names}


def last_words(received: Iterable[Received], keys: Collection[str]) -> dict[str, Received]:
    """Return the last word that asserts each fact.

    A fact that was taken back is still shown by what had said it: a gap that proves to have had
    no reason keeps telling where it came from.
    """
    found: dict[str, Received] = {}
    for one in received:
        said = one.assertion
        if said.key not in keys or said.op is Op.RETRACT:
            continue
        before = found.get(said.key)
        if before is None or _place(one) > _place(before):
            found[said.key] = one
    return found


def _place(one: Received) -> tuple[str, str]:
    return one.assertion.revision, one.assertion.aid


def _targets(one: Received, made: Sequence[Target]) -> Iterator[Target]:
    """Name what a fact is about, then what of its input shows it."""
    said = one.assertion
    about = str(said.attributes.get("about", ""))
    if family(said.event) in _NAMED_BY_KEY:
        about = said.key.partition("|")[0]
    type_, _, id_ = about.partition("/")
    if id_:
        yield Target(type_, id_)
    kind = _SHOWN_BY.get(family(said.event))
    yield from (target for target in made if target.type == kind)
