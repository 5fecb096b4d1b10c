"""What changed about gaps, as resources, numbered events and notifications in the outbox.

Runs in the transaction of the look that found the change: state, resources, events and outbox
rows are durable together or not at all. Sends nothing (`pipeline.deliver`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.core.contributions import Json, Target
from gateway.core.deliveries import NewDelivery
from gateway.core.facts import ExpectationRow, LedgerLine, Status
from gateway.core.ports import StoredResource, Transaction
from gateway.fhir import gaps, topics
from gateway.fhir.care import PathwayIds
from gateway.fhir.gap_warnings import was_opened
from gateway.fhir.gaps import GapView
from gateway.fhir.identity import FINESS_SYSTEM, Ids
from gateway.fhir.subscription_filters import Traits
from gateway.fhir.topics import Topic
from gateway.pipeline import subscribed, written
from gateway.pipeline.numbering import Event, number

SEVERITIES = "http://hl7.org/fhir/detectedissue-severity"


@dataclass(frozen=True, slots=True)
class GapChange:
    """What a look at a person found about one expectation.

    Attributes:
        before: the row before the look, None when it is new.
        after: the row after it, its Patient the one that stands for whoever carries the trigger.
        lines: its new ledger lines, oldest first.
        sentences: why this gap, in French; the first one says what is missing.
        identifiers: (system, value) pairs of the Patient, for filters; never shown.
        references: `Type/id` of the resources that show a fact, by its key, the closest first.
        pathway: it is of; None when it is of none.
    """

    before: ExpectationRow | None
    after: ExpectationRow
    lines: tuple[LedgerLine, ...] = ()
    sentences: tuple[str, ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()
    references: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pathway: PathwayIds | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """One state of a gap that is shown."""

    row: ExpectationRow
    at: datetime
    topic: Topic


def gap_changes(tx: Transaction, changes: Sequence[GapChange], now: datetime, ids: Ids) -> int:
    """Write the resources of changed gaps and queue what subscribers are told.

    A change without effect on what is shown writes and tells nothing, so a replay is silent.

    Args:
        tx: the transaction that holds the ledger lines.
        changes: in the order of their looks.
        now: instant of the commit.
        ids: computed ids of the installation.

    Returns:
        Notifications queued.

    Raises:
        RejectedError: a resource breaks its FHIR shape.
    """
    events = [event for change in changes for event in _write(tx, change, now, ids)]
    return tell(tx, events, now) if events else 0


def gap_worked_on(
    tx: Transaction,
    row: ExpectationRow,
    task: Json,
    identifiers: tuple[tuple[str, str], ...],
    now: datetime,
    ids: Ids,
) -> int:
    """Show what people did with a gap, and tell subscribers; return the notifications queued.

    A gap that is not open any more is shown as the engine found it.

    Args:
        tx: the transaction that holds the new version of the Task.
        row: the expectation as the last look left it, its Patient whoever carries the trigger.
        task: as it was just written.
        identifiers: (system, value) pairs of its Patient, for filters; never shown.
        now: instant of the commit.
        ids: computed ids of the installation.
    """
    owner = Target("DetectedIssue", ids.gap(row.gap_id))
    key = (owner.type, owner.id)
    current = tx.resources.current([key])
    shelf = _Shelf(tx, owner, current, now)
    before = shelf.content(key)
    is_current = task["id"] == ids.gap_task(row.gap_id, row.episode)
    if before is None or row.status is not Status.OVERDUE or not is_current:
        return 0
    was_settled = "mitigation" in before
    issue = gaps.settled_issue(before, task)
    stored = shelf.write(issue)
    if stored is None:
        return 0
    topic = topics.GAP_UPDATED
    if was_settled != ("mitigation" in issue):
        topic = topics.GAP_OPENED if was_settled else topics.GAP_CLOSED
    name = f"{row.gap_id}#{row.episode}#{stored.version}"
    focus = f"DetectedIssue/{stored.id}/_history/{stored.version}"
    traits = traits_of(issue, GapChange(row, row, identifiers=identifiers), "")
    return tell(tx, [Event(topic, name, focus, now, traits)], now)


def _write(tx: Transaction, change: GapChange, now: datetime, ids: Ids) -> list[Event]:
    row = change.after
    owner = Target("DetectedIssue", ids.gap(row.gap_id))
    tx.contributions.lock([owner])
    tasks = [ids.gap_task(row.gap_id, number) for number in range(1, row.episode + 1)]
    key = (owner.type, owner.id)
    current = tx.resources.current([key, *(("Task", id_) for id_ in tasks)])
    shelf = _Shelf(tx, owner, current, now)
    left = (shelf.content(key) or {}).get("patient", {}).get("reference", "")
    for id_ in tasks:
        task = shelf.content(("Task", id_))
        if task is not None:
            shelf.write(gaps.task_of(task, row.patient.id, now))
    events = []
    for step in _steps(change, is_shown=was_opened(shelf.content(key)), now=now):
        view = GapView(step.row, step.at, change.sentences, change.references, change.pathway)
        task = _write_tasks(shelf, view, ids, tasks)
        issue = gaps.detected_issue(view, ids, shelf.content(key), task)
        stored = shelf.write(issue)
        if stored is not None:
            name = f"{row.gap_id}#{step.row.episode}#{stored.version}"
            focus = f"DetectedIssue/{stored.id}/_history/{stored.version}"
            traits = traits_of(issue, change, left)
            at = step.at if change.lines else now
            events.append(Event(step.topic, name, focus, at, traits))
    return events


def _steps(change: GapChange, *, is_shown: bool, now: datetime) -> Iterator[_Step]:
    """Walk through the states a gap was in; those before its first opening are not shown."""
    row = change.after
    was_open = gaps.is_open(change.before)
    opened_at = change.before.opened_at if change.before is not None else None
    last = len(change.lines) - 1
    for index, line in enumerate(change.lines):
        opens = line.to_status is Status.OVERDUE
        if opens:
            opened_at = line.instant
        is_shown = is_shown or opens
        if not is_shown:
            continue
        state = row if index == last else _as_of(row, line, opened_at)
        if opens != was_open:
            topic = topics.GAP_OPENED if opens else topics.GAP_CLOSED
        else:
            topic = topics.GAP_UPDATED
        was_open = opens
        yield _Step(state, line.instant, topic)
    if not change.lines and is_shown:
        at = row.closed_at or row.opened_at or now
        yield _Step(row, at, topics.GAP_UPDATED)


def _as_of(row: ExpectationRow, line: LedgerLine, opened_at: datetime | None) -> ExpectationRow:
    """Return the row as it stood after a line that others followed.

    Of its evidence only what surely was known then is left.
    """
    is_met = line.to_status in (Status.MET, Status.MET_LATE)
    closer = row.closer if is_met else ""
    return replace(
        row,
        status=line.to_status,
        episode=line.episode,
        rule_version=line.rule_version,
        opened_at=opened_at,
        closed_at=None if line.to_status is Status.OVERDUE else line.instant,
        closer=closer,
        evidence=(row.trigger, closer) if closer else (row.trigger,),
    )


def _write_tasks(shelf: "_Shelf", view: GapView, ids: Ids, tasks: Sequence[str]) -> Json | None:
    """Write the Task of the episode; with a retracted trigger those of all episodes."""
    row = view.row
    key = ("Task", ids.gap_task(row.gap_id, row.episode))
    if row.status is Status.VOID:
        for id_ in tasks[: row.episode]:
            earlier = shelf.content(("Task", id_))
            if earlier is not None:
                shelf.write(gaps.retracted_task(earlier, view.at))
        return shelf.content(key)
    before = shelf.content(key)
    # A gap that was closed before its Task was written has no work left.
    if before is not None or row.status is Status.OVERDUE:
        shelf.write(gaps.gap_task(view, ids, before))
    return shelf.content(key)


class _Shelf:
    """The resources of one gap as they become, version by version."""

    def __init__(
        self,
        tx: Transaction,
        owner: Target,
        current: Mapping[tuple[str, str], StoredResource],
        now: datetime,
    ) -> None:
        self._tx = tx
        self._owner = owner
        self._now = now
        self._stored = dict(current)
        self._content = {key: written.read(found) for key, found in current.items()}

    def content(self, key: tuple[str, str]) -> Json | None:
        """Return the current content of a resource; None when it is not there."""
        return self._content.get(key)

    def write(self, resource: Json) -> StoredResource | None:
        """Write a version; None when nothing changed."""
        key = (resource["resourceType"], resource["id"])
        if self._content.get(key) == resource:
            return None
        stored = written.write(self._tx, self._owner, resource, self._stored.get(key), self._now)
        self._stored[key], self._content[key] = stored, resource
        return stored


def traits_of(issue: Json, change: GapChange, left: str) -> Traits:
    """Return what subscriptions are filtered by; who follows a Patient hears that a gap leaves it.

    Args:
        issue: the DetectedIssue as it is written.
        change: what it is written for.
        left: reference of the Patient it spoke of before; empty when there was none.
    """
    codings = issue["code"]["coding"]
    finess = gaps.finess_of(change.after)
    organization = gaps.organization_of(issue)
    return Traits(
        tokens={
            "code": frozenset((one["system"], one["code"]) for one in codings),
            "severity": frozenset({(SEVERITIES, issue["severity"])}),
        },
        references={
            "patient": frozenset({issue.get("patient", {}).get("reference", ""), left} - {""}),
            "organization": frozenset({organization} if organization else ()),
        },
        identifiers={
            "patient": frozenset(change.identifiers),
            "organization": frozenset({(FINESS_SYSTEM, finess)} if finess else ()),
        },
    )


def tell(tx: Transaction, events: Sequence[Event], now: datetime) -> int:
    """Number the events of each subscription, queue what is sent, and return how many there are.

    Subscriptions are taken in the order of their ids, so that two looks never wait for each other.
    """
    urls = {topics.GAP.url, *(event.topic.url for event in events)}
    rows = [row for url in urls for row in tx.subscriptions.of_topic(url, subscribed.COUNTING)]
    items: list[NewDelivery] = []
    for row in sorted(rows, key=lambda found: found.id):
        terms = subscribed.terms_of(tx, row, now)
        if terms is None:
            continue
        is_gap = row.topic == topics.GAP.url
        meant = [
            event
            for event in events
            if row.topic == event.topic.url or (is_gap and event.topic in topics.OF_GAPS)
        ]
        items += number(tx, row, terms, meant, now)
    if items:
        tx.outbox.queue(items, now)
    return len(items)
