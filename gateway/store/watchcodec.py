"""How facts and the state of the pathway engine look inside the store."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from gateway.core.contributions import Target
from gateway.core.facts import (
    Assertion,
    ExpectationRow,
    LedgerLine,
    Op,
    Received,
    Span,
    Status,
)
from gateway.core.pathway_ports import RuleMark
from gateway.store.codec import instant_text, json_bytes, read_instant, seal, storable, unseal
from gateway.store.columns import NEVER

#: Assertions that need not be read again: a person is looked at several times in a row.
_REMEMBERED = 16384
#: The most severe first; a severity this release does not know comes last.
_WEIGHTS = {"critical": 0, "major": 1, "minor": 2, "info": 3}
_LAST_WEIGHT = 9
#: Every weight there is.
WEIGHTS = (*_WEIGHTS.values(), _LAST_WEIGHT)


def weight_of(severity: str) -> int:
    """Return what a severity sorts by."""
    return _WEIGHTS.get(severity, _LAST_WEIGHT)


def severity_of(weight: int) -> str:
    """Return the severity that sorts by a weight; empty for one this release does not know."""
    return next((name for name, found in _WEIGHTS.items() if found == weight), "")


class AssertionColumns(NamedTuple):
    """A row of `assertion`, in the order of the table."""

    inbox_id: int
    aid: str
    patient_id: str
    received_at: str
    payload: bytes


def assertion_columns(inbox_id: int, at: datetime, a: Assertion) -> AssertionColumns:
    """Return the columns of an assertion; equal assertions give equal bytes."""
    payload = [
        a.event,
        a.key,
        a.op.value,
        a.revision,
        instant_text(a.when.low),
        instant_text(a.when.high),
        instant_text(a.sent_at),
        a.source,
        a.attributes,
        a.flags,
    ]
    return AssertionColumns(
        inbox_id,
        storable(a.aid),
        storable(a.patient.id) if a.patient else "",
        instant_text(at),
        seal(json_bytes(payload, orjson.OPT_SORT_KEYS)),
    )


@lru_cache(maxsize=_REMEMBERED)
def read_assertion(
    inbox_id: int, aid: str, patient_id: str, received_at: str, stored: bytes
) -> Received:
    """Make an assertion of its columns."""
    event, key, op, revision, low, high, sent_at, source, attributes, flags = orjson.loads(
        unseal(stored)
    )
    assertion = Assertion(
        aid=aid,
        event=event,
        key=key,
        op=Op(op),
        revision=revision,
        when=Span(read_instant(low), read_instant(high)),
        sent_at=read_instant(sent_at),
        patient=Target("Patient", patient_id) if patient_id else None,
        source=source,
        attributes=attributes,
        flags=tuple(flags),
    )
    return Received(assertion, read_instant(received_at), inbox_id)


def said_once(rows: Sequence[Sequence[Any]]) -> list[Received]:
    """Return assertions in order of receipt; what several inputs say counts for the first."""
    found: dict[str, Sequence[Any]] = {}
    # Columns 3, 0 and 1: receipt, inbox id, aid.
    for row in sorted(rows, key=lambda row: (row[3], row[0], row[1])):
        found.setdefault(row[1], row)
    return [read_assertion(*row) for row in found.values()]


class ExpectationColumns(NamedTuple):
    """A row of `expectation`, in the order of the table."""

    gap_id: str
    person_id: str
    patient_id: str
    rule: str
    rule_version: int
    severity: str
    weight: int
    status: str
    opened: int
    deadline: str
    episode: int
    content: bytes

    @property
    def place(self) -> tuple[int, str, str]:
        """Return the place in a worklist: most severe, then oldest deadline."""
        return self.weight, self.deadline, self.gap_id


def expectation_columns(row: ExpectationRow) -> ExpectationColumns:
    """Return the columns of an expectation; equal rows give equal bytes."""
    content = [
        row.x,
        row.trigger,
        instant_text(row.anchor),
        maybe_instant(row.theta),
        maybe_instant(row.opened_at),
        maybe_instant(row.closed_at),
        row.closer,
        row.evidence,
        row.details,
    ]
    return ExpectationColumns(
        storable(row.gap_id),
        storable(row.person_id),
        storable(row.patient.id),
        storable(row.rule),
        row.rule_version,
        storable(row.severity),
        weight_of(row.severity),
        row.status.value,
        int(row.opened_at is not None),
        maybe_instant(row.deadline),
        row.episode,
        seal(json_bytes(content, orjson.OPT_SORT_KEYS)),
    )


def read_expectation(columns: Sequence[Any]) -> ExpectationRow:
    """Make an expectation of its columns."""
    c = ExpectationColumns(*columns)
    x, trigger, anchor, theta, opened_at, closed_at, closer, evidence, details = orjson.loads(
        unseal(c.content)
    )
    return ExpectationRow(
        gap_id=c.gap_id,
        x=x,
        person_id=c.person_id,
        patient=Target("Patient", c.patient_id),
        rule=c.rule,
        rule_version=c.rule_version,
        severity=c.severity,
        status=Status(c.status),
        trigger=trigger,
        anchor=read_instant(anchor),
        deadline=read_maybe(c.deadline),
        theta=read_maybe(theta),
        episode=c.episode,
        opened_at=read_maybe(opened_at),
        closed_at=read_maybe(closed_at),
        closer=closer,
        evidence=tuple(evidence),
        details=details,
    )


#: A ledger line as its columns: instant, gap_id, episode, rule, rule_version, from, to, cause.
LedgerColumns = tuple[str, str, int, str, int, str, str, str]


def ledger_columns(line: LedgerLine) -> LedgerColumns:
    """Return the columns of a ledger line, without its number."""
    return (
        instant_text(line.instant),
        storable(line.gap_id),
        line.episode,
        storable(line.rule),
        line.rule_version,
        "" if line.from_status is None else line.from_status.value,
        line.to_status.value,
        storable(line.cause),
    )


def read_line(columns: Sequence[Any]) -> LedgerLine:
    """Make a ledger line of its columns."""
    instant, gap_id, episode, rule, rule_version, from_status, to_status, cause = columns
    return LedgerLine(
        instant=read_instant(instant),
        gap_id=gap_id,
        episode=episode,
        rule=rule,
        rule_version=rule_version,
        from_status=Status(from_status) if from_status else None,
        to_status=Status(to_status),
        cause=cause,
    )


def mark_columns(mark: RuleMark) -> tuple[str, str, str]:
    """Return the columns of what a rule said."""
    return mark.rule, mark.digest, instant_text(mark.since) if mark.since else ""


def read_mark(columns: Sequence[Any]) -> RuleMark:
    """Make what a rule said of its columns."""
    rule, digest, since = columns
    return RuleMark(rule, digest, read_instant(since) if since else None)


def maybe_instant(instant: datetime | None) -> str:
    """Return an instant, or what sorts after every instant, as text."""
    return NEVER if instant is None else instant_text(instant)


def read_maybe(text: str) -> datetime | None:
    """Read back what `maybe_instant` wrote."""
    return None if text == NEVER else read_instant(text)
