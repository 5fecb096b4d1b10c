"""Warnings before a deadline, for the rules that have a `lead`: shown, and taken back.

Runs in the transaction of the look. A warning is no gap: it has no Task, no rung, no line of the
ledger, and no trace in the state of the engine; when it begins is a timer like the others.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from gateway.core.contributions import Target
from gateway.core.facts import ExpectationRow, Status
from gateway.core.ports import StoredResource, Transaction
from gateway.core.timestamps import utc_seconds
from gateway.core.work import DigestItem
from gateway.fhir import gap_warnings, gaps, topics
from gateway.fhir.gaps import GapView
from gateway.fhir.identity import Ids
from gateway.pathway.rules import Rules
from gateway.pipeline import written
from gateway.pipeline.numbering import Event
from gateway.pipeline.publish import GapChange, tell, traits_of

_NONE = timedelta(0)
_WAITING = frozenset({Status.PENDING, Status.PAUSED})


def lead_of(row: ExpectationRow, rules: Rules) -> timedelta:
    """Return how long before its deadline people are warned of an expectation; none: zero."""
    rule = rules.version(row.rule, row.rule_version)
    return rule.written.lead if rule is not None else _NONE


def next_warning(rows: Iterable[ExpectationRow], rules: Rules, now: datetime) -> datetime | None:
    """Return when the next window begins."""
    begins = (
        row.deadline - lead
        for row in rows
        if row.status is Status.PENDING and row.opened_at is None and row.deadline is not None
        if (lead := lead_of(row, rules))
    )
    return min((at for at in begins if at > now), default=None)


def to_warn(
    tx: Transaction,
    rows: Iterable[ExpectationRow],
    rules: Rules,
    changed: Iterable[str],
    now: datetime,
    ids: Ids,
) -> list[ExpectationRow]:
    """Return the expectations whose warning is to be written, or ends.

    Args:
        tx: the transaction of the look.
        rows: of one person.
        rules: all versions.
        changed: gap ids with new ledger lines.
        now: instant of the look.
        ids: computed ids of the installation.
    """
    moved = set(changed)
    never = [row for row in rows if row.opened_at is None and lead_of(row, rules)]
    found = [row for row in never if row.status in _WAITING or row.gap_id in moved]
    if not found:
        return []
    keys = {row.gap_id: ("DetectedIssue", ids.gap(row.gap_id)) for row in found}
    stored = tx.resources.current(sorted(keys.values()))
    return [
        row
        for row in found
        if _differs(row, lead_of(row, rules), stored.get(keys[row.gap_id]), now)
    ]


def _differs(
    row: ExpectationRow, lead: timedelta, stored: StoredResource | None, now: datetime
) -> bool:
    issue = written.read(stored)
    deadline = row.deadline
    is_near = row.status is Status.PENDING and deadline is not None and deadline - lead <= now
    if issue is None:
        return is_near
    if row.status not in _WAITING:
        return row.status is not Status.UNCONFIRMED
    told = issue.get("identifiedDateTime")
    is_same = deadline is None or told == utc_seconds(deadline)
    return is_near != gap_warnings.is_warning(issue) or (is_near and not is_same)


def warn(
    tx: Transaction, changes: Sequence[GapChange], rules: Rules, now: datetime, ids: Ids
) -> int:
    """Write warnings and their ends; return the notifications queued.

    Raises:
        RejectedError: a resource breaks its FHIR shape.
    """
    events = [event for change in changes for event in _write(tx, change, rules, now, ids)]
    return tell(tx, events, now) if events else 0


def _write(
    tx: Transaction, change: GapChange, rules: Rules, now: datetime, ids: Ids
) -> Iterable[Event]:
    row = change.after
    owner = Target("DetectedIssue", ids.gap(row.gap_id))
    tx.contributions.lock([owner])
    key = (owner.type, owner.id)
    stored = tx.resources.current([key]).get(key)
    before = written.read(stored)
    at = now if row.status in _WAITING or not change.lines else change.lines[-1].instant
    view = GapView(row, at, change.sentences, change.references)
    made = gap_warnings.warning(view, ids, before, lead_of(row, rules))
    if made == before:
        return
    version = written.write(tx, owner, made, stored, now)
    if gap_warnings.is_warning(made) and not gap_warnings.is_warning(before):
        _tell_later(tx, row, rules, now)
    name = f"{row.gap_id}#{row.episode}#{version.version}"
    focus = f"DetectedIssue/{version.id}/_history/{version.version}"
    yield Event(topics.GAP_UPDATED, name, focus, at, traits_of(made, change, ""))


def _tell_later(tx: Transaction, row: ExpectationRow, rules: Rules, now: datetime) -> None:
    rule = rules.version(row.rule, row.rule_version)
    if rule is not None:
        owner = f"{rule.written.owner.role}@{gaps.finess_of(row)}"
        tx.work.tell_later([DigestItem(owner, row.gap_id, row.episode, "due-soon", now)])
