"""Inputs in quarantine from the store: by cause, tried without keeping anything, replayed.

A replay is what was tried: it carries the digest of the trial, and is refused when it would do
something else by now.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.messages import InboxRow, InboxStatus
from gateway.core.ports import Store, Transaction
from gateway.entry.resource_diff import changed_leaves
from gateway.entry.web.masking import HIDDEN, shows_leaf
from gateway.entry.web.ops.values import Cause, LeafChange, Quarantine, ResourceChange, Trial
from gateway.pipeline.quarantine import HELD
from gateway.pipeline.refold import Change
from gateway.pipeline.replay import Replayed, Replayer

#: The newest inputs that are looked at; the page says so when there are more.
LOOKED = 2000
#: Inputs that are tried and replayed together, in one transaction.
TOGETHER = 200
#: Resources and values of a comparison that are shown.
_SHOWN, _LEAVES = 20, 60
_HIGHEST = 2**62
#: What is made beside what somebody looks for.
_LAST = ("Provenance", "Organization", "Location", "Practitioner", "PractitionerRole")


@dataclass(frozen=True, slots=True)
class QuarantineReader:
    """Reads, tries and replays inputs in quarantine."""

    store: Store
    replayer: Replayer

    async def causes(self) -> Quarantine:
        """Return what waits, by cause."""

        def work(tx: Transaction) -> tuple[list[InboxRow], set[int], int]:
            rows = [r for status in HELD for r in tx.inbox.newest(status, _HIGHEST, 0, LOOKED)]
            counts = tx.inbox.counts()
            return rows, _resent(tx, rows), sum(counts.get(status, 0) for status in HELD)

        rows, resent, total = await self.store.read(work)
        grouped: dict[str, list[InboxRow]] = {}
        for row in rows:
            grouped.setdefault(_key(row), []).append(row)
        causes = [_cause(key, found, resent) for key, found in grouped.items()]
        causes.sort(key=lambda one: (-len(one.numbers), one.code, one.key))
        return Quarantine(tuple(causes), total, len(rows))

    async def cause(self, key: str) -> Cause | None:
        """Return one cause; None when nothing waits for it any more."""
        found = await self.causes()
        return next((one for one in found.causes if one.key == key), None)

    async def patients(self, number: int) -> tuple[str, ...]:
        """Return the Patients an input tells of, for the journal."""
        made = await self.store.read(lambda tx: tx.contributions.made_by([number]))
        targets = [target for found in made.values() for target in found]
        return tuple(dict.fromkeys(one.id for one in targets if one.type == "Patient"))

    async def tried(self, numbers: Sequence[int]) -> Trial:
        """Convert inputs again and keep nothing.

        Raises:
            RejectedError: none of them is there, or they are too many (RLS-WEB-042).
        """
        return as_trial(await self.replayer.rows(together(numbers), dry_run=True))

    async def replay(self, numbers: Sequence[int], digest: str) -> Trial:
        """Convert inputs again, when that does what was tried.

        Raises:
            RejectedError: it would do something else by now (RLS-WEB-040).
        """
        if (await self.tried(numbers)).digest != digest:
            raise RejectedError([stale()])
        return as_trial(await self.replayer.rows(together(numbers)))


def _resent(tx: Transaction, rows: Sequence[InboxRow]) -> set[int]:
    """Return those that came again later under the same control id."""
    headers = [row.header for row in rows if row.header.control_id]
    if not headers:
        return set()
    latest: dict[tuple[str, str, str], int] = {}
    since = min(row.received_at for row in rows)
    for found in tx.inbox.find_same_control(headers, since):
        key = (*found.header.sender, found.header.control_id)
        latest[key] = max(found.id, latest.get(key, 0))
    return {r.id for r in rows if latest.get((*r.header.sender, r.header.control_id), 0) > r.id}


def _key(row: InboxRow) -> str:
    first = row.issues[0] if row.issues else None
    said = (
        first.code if first else "",
        first.where if first else "",
        *row.header.sender,
        row.header.message_type,
    )
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:12]


def _cause(key: str, rows: Sequence[InboxRow], resent: set[int]) -> Cause:
    newest = max(rows, key=lambda row: row.id)
    first = newest.issues[0] if newest.issues else None
    return Cause(
        key,
        first.code if first else "",
        first.where if first else "",
        first.what if first else "",
        first.fix if first else "",
        ", ".join(part for part in newest.header.sender if part),
        newest.header.message_type,
        tuple(sorted((row.id for row in rows), reverse=True)),
        min(row.received_at for row in rows),
        sum(row.id in resent for row in rows),
    )


def together(numbers: Sequence[int]) -> list[int]:
    """Return inputs in order.

    Raises:
        RejectedError: none, or too many (RLS-WEB-042).
    """
    if not 0 < len(numbers) <= TOGETHER:
        raise RejectedError([_too_many()])
    return sorted(numbers)


def as_trial(outcome: Replayed) -> Trial:
    """Return what a replay did or would do, values of persons left out."""
    told = [
        *sorted(f"{row} {after.value}" for row, _, after in outcome.moved),
        *sorted(f"{c.after.type}/{c.after.id} {_content(c)}" for c in outcome.changes),
    ]
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()[:32]
    held = sum(after in HELD for _, _, after in outcome.moved)
    passed = sum(after is InboxStatus.CONVERTED for _, _, after in outcome.moved)
    still = outcome.rows - len(outcome.moved) + held
    ordered = sorted(outcome.changes, key=lambda change: change.after.type in _LAST)
    shown = tuple(_shown(change) for change in ordered[:_SHOWN])
    more = max(0, len(outcome.changes) - _SHOWN)
    return Trial(digest, outcome.rows, max(passed, outcome.rows - still), shown, more)


def _content(change: Change) -> str:
    return "" if change.after.deleted else change.after.content_hash


def _shown(change: Change) -> ResourceChange:
    after = change.after
    leaves: list[LeafChange] = []
    for path, old, new in changed_leaves(change):
        if len(leaves) >= _LEAVES:
            break
        shows = shows_leaf(after.type, path)
        leaves.append(LeafChange(path, _value(old, shows), _value(new, shows)))
    is_new = change.before is None or change.before.deleted
    return ResourceChange(after.type, after.id, is_new, after.deleted, tuple(leaves))


def _value(value: Any, shows: bool) -> str | None:
    if value is None:
        return None
    return (value if isinstance(value, str) else orjson.dumps(value).decode()) if shows else HIDDEN


def stale() -> Issue:
    """Say that what was tried is not what would happen now."""
    return Issue(
        code="RLS-WEB-040",
        severity=Severity.ERROR,
        where="http.body digest",
        what="a replay would do something else by now than what was tried.",
        fix="Try again: the page shows what would happen now. Nothing was changed.",
    )


def _too_many() -> Issue:
    return Issue(
        code="RLS-WEB-042",
        severity=Severity.ERROR,
        where="http.body",
        what=f"from 1 to {TOGETHER} inputs are tried or replayed together.",
        fix="Replay in several steps, or use `relais replay --from --to`.",
    )
