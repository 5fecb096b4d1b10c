"""Digests: twice a business day, each owner reads what is new, passed on to them, or soon due.

What is critical left at once and is not here. An owner is told once a slot; after a stop the next
one tells everything that waited.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from gateway.core.clock import Clock
from gateway.core.contributions import Json
from gateway.core.facts import ExpectationRow, Status
from gateway.core.ports import Store, Transaction
from gateway.core.work import DigestItem
from gateway.fhir import gaps
from gateway.fhir.gap_alerts import Alert
from gateway.fhir.gap_work import ENDED
from gateway.fhir.identity import FINESS_SYSTEM, Ids
from gateway.pathway.calendar import region_of
from gateway.pathway.facts import stamp
from gateway.pathway.mutes import subjects_of
from gateway.pathway.slots import last_slot
from gateway.pathway.wording import clock as in_paris
from gateway.pipeline import written
from gateway.pipeline.alerts import leave
from gateway.pipeline.publish import tell

#: Gaps a digest writes out; the others are counted, and all are in `about`.
_WRITTEN_OUT = 100
_WORDS = {
    "new": "nouvelle rupture",
    "escalated": "rupture transmise, sans réponse",
    "due-soon": "échéance proche",
}
#: How the counts of a digest are written: one, several.
_COUNTED = {
    "new": ("nouvelle rupture", "nouvelles ruptures"),
    "escalated": ("rupture transmise", "ruptures transmises"),
    "due-soon": ("échéance proche", "échéances proches"),
}
_FRENCH = 0


@dataclass(frozen=True, slots=True)
class Digester:
    """Makes the digests whose slot has come."""

    store: Store
    ids: Ids
    clock: Clock

    async def step(self) -> int:
        """Make every digest that is due; return how many left.

        Raises:
            RetriableError: the store is away; nothing of the step is kept.
        """
        now = self.clock.now()
        waiting = await self.store.read(lambda tx: _due(tx, now))
        if not waiting:
            return 0
        return await self.store.write(lambda tx: _make(tx, now, self.ids))


def _due(tx: Transaction, now: datetime) -> list[tuple[str, datetime, list[DigestItem]]]:
    """Return what each owner is told now: owner, slot, items known by then."""
    found = []
    # No region has a slot on a day the others have none: what came later waits in any case.
    waiting = tx.work.untold(last_slot(now))
    for owner, items in groupby(waiting, key=lambda item: item.owner):
        slot = last_slot(now, region_of(owner.partition("@")[2]))
        known = [item for item in items if item.at <= slot]
        if known:
            found.append((owner, slot, known))
    return found


def _make(tx: Transaction, now: datetime, ids: Ids) -> int:
    events = []
    for owner, slot, items in _due(tx, now):
        read = [(item, _Read.of(tx, item, ids, now)) for item in items]
        # What is muted waits for the end of its mute.
        done = [item for item, one in read if not one.muted]
        if not done or not tx.work.told(owner, slot, done):
            continue
        listed = [(item, one) for item, one in read if one.stands and not one.muted]
        if listed:
            role, _, finess = owner.partition("@")
            alert = _alert(role, finess, slot, listed, ids)
            events.append(leave(tx, alert, finess, (), now))
    if events:
        tell(tx, events, now)
    return len(events)


@dataclass(frozen=True, slots=True)
class _Read:
    """What is known of an item when its digest leaves.

    Attributes:
        stands: it is still so.
        muted: nobody is to be told now.
        issue: the DetectedIssue as it stands.
    """

    stands: bool
    muted: bool
    issue: Json

    @classmethod
    def of(cls, tx: Transaction, item: DigestItem, ids: Ids, now: datetime) -> "_Read":
        """Read an item."""
        row = tx.watch.gap(item.gap_id)
        keys = [
            ("DetectedIssue", ids.gap(item.gap_id)),
            ("Task", ids.gap_task(item.gap_id, item.episode)),
        ]
        stored = tx.resources.current(keys)
        issue, task = (written.read(stored.get(key)) for key in keys)
        if row is None or issue is None:
            return cls(stands=False, muted=False, issue={})
        stands = _stands(item, row, task)
        return cls(stands, stands and _is_muted(tx, row, now), issue)


def _stands(item: DigestItem, row: ExpectationRow, task: Json | None) -> bool:
    """Tell whether it is still so: open and not settled, or still before its deadline."""
    if item.news == "due-soon":
        return row.opened_at is None and row.status in (Status.PENDING, Status.UNCONFIRMED)
    is_open = gaps.is_open(row) and row.episode == item.episode
    return is_open and task is not None and task["status"] not in ENDED


def _is_muted(tx: Transaction, row: ExpectationRow, now: datetime) -> bool:
    person = tx.facts.persons([row.patient.id]).get(row.patient.id, row.person_id)
    subjects = subjects_of(row, tx.facts.patients(person))
    return any(mute.holds(now) for mute in tx.work.muted(subjects))


def _alert(
    role: str,
    finess: str,
    slot: datetime,
    listed: Sequence[tuple[DigestItem, _Read]],
    ids: Ids,
) -> Alert:
    key = f"digest|{role}@{finess}|{stamp(slot)}"
    counts = {news: sum(item.news == news for item, _ in listed) for news in _COUNTED}
    told = ", ".join(
        f"{count} {_COUNTED[news][count > 1]}" for news, count in counts.items() if count
    )
    lines = [f"Point du {in_paris(slot, _FRENCH)} : {told}."]
    for item, read in listed[:_WRITTEN_OUT]:
        lines.append(f"{_WORDS[item.news].capitalize()} : {read.issue.get('detail', item.gap_id)}")
    more = len(listed) - _WRITTEN_OUT
    if more > 0:
        lines.append(f"Et {more} autres.")
    about = dict.fromkeys(f"DetectedIssue/{read.issue['id']}" for _, read in listed)
    place = f"Organization/{ids.organization(FINESS_SYSTEM, finess)}" if finess else ""
    return Alert(
        id=ids.communication(key),
        key=key,
        kind="digest",
        role=role,
        organization=place,
        priority="routine",
        sentences=tuple(lines),
        about=tuple(about),
    )
