"""A person at the pages acts on a gap: the same write of its Task as a client's over REST.

So it is kept in the inbox, folded, told to subscribers and named in a Provenance; the version the
person saw goes along, and whoever comes second is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.facts import ExpectationRow
from gateway.core.ports import Condition, StoredResource, Transaction
from gateway.fhir import gap_acts, gap_work_faults
from gateway.fhir.client_provenance import agent
from gateway.fhir.gap_acts import Who
from gateway.fhir.identity import Ids
from gateway.pipeline import written
from gateway.pipeline.client_writes import Asking, WriteRules, write
from gateway.pipeline.write_targets import Write

#: What an act makes of a Task.
Make = Callable[[Json], Json]
_PROVENANCES = 200


@dataclass(frozen=True, slots=True)
class Doing:
    """Who acts on what they saw.

    Attributes:
        gap_id: the gap.
        version: of its Task, as the person saw it.
        who: acts.
        now: instant of the commit.
    """

    gap_id: str
    version: int
    who: Who
    now: datetime


def act(tx: Transaction, doing: Doing, make: Make, rules: WriteRules) -> int:
    """Write the Task of a gap as an act makes it; return the version that stands.

    Raises:
        RejectedError: there is no such gap or Task (RLS-GAP-008), somebody wrote another version
            (RLS-GAP-011), or the act does not go with its state (RLS-GAP-002 to 013).
    """
    stored = task_of(tx, doing.gap_id, rules.ids)[1]
    if stored.version != doing.version:
        raise RejectedError([gap_work_faults.changed_meanwhile()])
    return _write(tx, doing, make(written.read(stored) or {}), stored, rules)


def undo(tx: Transaction, doing: Doing, rules: WriteRules) -> int:
    """Write the Task as it was before the last act, which was of the same person.

    Raises:
        RejectedError: somebody else wrote since, or nothing is to be undone (RLS-GAP-011).
    """
    stored = task_of(tx, doing.gap_id, rules.ids)[1]
    before = tx.resources.version("Task", stored.id, stored.version - 1)
    by = writers(tx, stored.id).get(stored.version)
    if stored.version != doing.version or before is None or by != agent(doing.who.client):
        raise RejectedError([gap_work_faults.changed_meanwhile()])
    made = gap_acts.undone(written.read(stored) or {}, written.read(before) or {})
    return _write(tx, doing, made, stored, rules)


def _write(
    tx: Transaction, doing: Doing, made: Json, stored: StoredResource, rules: WriteRules
) -> int:
    asking = Asking(doing.who.client, doing.now, lambda _: None)
    one = Write("PUT", "Task", stored.id, resource=made, if_match=f'W/"{stored.version}"')
    [done] = write(tx, [one], asking, rules)
    return stored.version if done.stored is None else done.stored.version


def task_of(tx: Transaction, gap_id: str, ids: Ids) -> tuple[ExpectationRow, StoredResource]:
    """Return a gap and the Task of its present episode.

    Raises:
        RejectedError: there is none (RLS-GAP-008).
    """
    row = tx.watch.gap(gap_id)
    key = ("Task", ids.gap_task(gap_id, row.episode) if row else "")
    stored = tx.resources.current([key]).get(key)
    if row is None or stored is None or stored.deleted:
        raise RejectedError([gap_work_faults.unknown()])
    return row, stored


def writers(tx: Transaction, task_id: str) -> Mapping[int, Json]:
    """Return who wrote each version of a Task that people wrote, by its number."""
    condition = Condition("target", "reference", (("Task", task_id),))
    page = tx.resources.search("Provenance", [condition], _PROVENANCES, None)
    found = (written.read(row) or {} for row in page.resources)
    told = [(one["target"][0]["reference"], one["agent"][0]["who"]) for one in found if one]
    return {int(n): who for path, who in told if (n := path.partition("/_history/")[2])}
