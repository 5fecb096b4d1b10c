"""What an identity-vigilance cell is told: numbers that were given up and still used, doubts.

Runs at the end of a commit or a replay, in its transaction. Joins and parts nobody
(`pipeline.persons`), decides no doubt (`fhir.patient`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.core.contributions import Contribution, Target
from gateway.core.messages import InboxStatus
from gateway.core.ports import Transaction
from gateway.fhir import identity_tasks
from gateway.fhir.links import NOTHING, tells_link
from gateway.fhir.patient import QUALITY
from gateway.fhir.survivors import Links, is_later
from gateway.pipeline import written
from gateway.pipeline.prepared import Prepared
from gateway.pipeline.refold import Change

#: The number of a record that had given way to another one when this was said.
FLAG_MERGED = "merged-id-used"
#: A number that is now used for another person.
FLAG_DISCONTINUITY = "identity-discontinuity"
_DOUBTED = QUALITY.encode()


def watch_identities(
    tx: Transaction,
    stored: Sequence[tuple[int, Prepared]],
    changes: Sequence[Change],
    links: Links,
    now: datetime,
) -> dict[int, tuple[str, ...]]:
    """Flag the inputs an identity-vigilance cell must see, and keep its Tasks.

    Args:
        tx: the transaction that folded the inputs.
        stored: row id and input.
        changes: the versions their fold wrote.
        links: of their fold.
        now: instant of the commit.

    Returns:
        The flags of each row that has more than its conversion gave it.
    """
    doubted = [one for one in changes if one.after.type == "Patient" and _is_doubted(one)]
    # A replay converts anew: what made a doubt then is remembered by its flag.
    known = {one for one, item in stored if FLAG_DISCONTINUITY in item.opened.raw.flags}
    if not (links.said or doubted or known):
        return {}
    arisen = {one.after.id for one in doubted if FLAG_DISCONTINUITY in _keep_tasks(tx, one, now)}
    found: dict[int, tuple[str, ...]] = {}
    for row_id, item in stored:
        if item.status is not InboxStatus.CONVERTED:
            continue
        told = [part for part in item.contributions if part.target.type == "Patient"]
        flags = [FLAG_MERGED] if any(_is_of_merged(part, links) for part in told) else []
        if row_id in known or any(part.target.id in arisen for part in told):
            flags.append(FLAG_DISCONTINUITY)
        if flags:
            found[row_id] = tuple(flags)
    if found:
        items = dict(stored)
        tx.inbox.set_flags({one: _flags(items[one], more) for one, more in found.items()})
    return found


def _flags(item: Prepared, more: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*item.opened.raw.flags, *item.flags, *more)))


def _is_of_merged(part: Contribution, links: Links) -> bool:
    edge = links.said.get(part.target.id, NOTHING).replaced
    return edge is not None and not tells_link(part) and is_later(part, edge)


def _is_doubted(change: Change) -> bool:
    before = change.before
    return _DOUBTED in change.after.body or (before is not None and _DOUBTED in before.body)


def _keep_tasks(tx: Transaction, change: Change, now: datetime) -> set[str]:
    """Open and take away the Tasks of a Patient; return the doubts that are new."""
    patient_id = change.after.id
    had = identity_tasks.doubts_of(written.read(change.before))
    has = identity_tasks.doubts_of(written.read(change.after))
    ids: Mapping[str, str] = {one: identity_tasks.task_id(patient_id, one) for one in had ^ has}
    current = tx.resources.current([("Task", id_) for id_ in sorted(ids.values())])
    for doubt, id_ in sorted(ids.items()):
        stored = current.get(("Task", id_))
        task = written.read(stored)
        if doubt in has and task is None:
            made = identity_tasks.opened(patient_id, doubt, now)
            written.write(tx, Target("Task", id_), made, stored, now)
        elif doubt in had and task is not None and stored and identity_tasks.is_untouched(task):
            written.delete(tx, stored, now)
    return has - had
