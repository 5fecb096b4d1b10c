"""A scenario: facts that are told straight, without messages, to try rules on.

One JSON object a line. `te` is an instant or a day, or a list of the two readings an hour has
that exists twice; `received_at` is when the gateway learned of it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

import orjson

from gateway.core.contributions import Target
from gateway.core.errors import RejectedError
from gateway.core.events import ATTRIBUTES, EVENTS, family
from gateway.core.facts import Assertion, Op, Span
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Transaction
from gateway.core.systems import IDENTIFIER_BASE
from gateway.core.timestamps import PARIS
from gateway.pathway import faults
from gateway.pipeline.written import write

#: System of the names people have in scenarios.
SYSTEM = f"{IDENTIFIER_BASE}/scenario"
_SOMEBODY = "SCENARIO-1"
_KEYS = frozenset(
    {
        "received_at", "event", "key", "op", "revision", "te", "source", "flags", "attributes",
        "patient",
    }
)  # fmt: skip


class Fact(NamedTuple):
    """One line of a scenario.

    Attributes:
        person: name of whom it is about, any text.
        assertion: what is told.
    """

    person: str
    assertion: Assertion


def is_fact(read: Mapping[str, Any]) -> bool:
    """Tell whether a line of a log is a fact, and not a message."""
    return "event" in read


def fact_of(read: Mapping[str, Any], at: datetime, where: str) -> Fact:
    """Read one line.

    Args:
        read: the line; of its keys `event`, `key` and `te` are needed.
        at: its receipt.
        where: place of the line, for the issue.

    Raises:
        RejectedError: a name or a time is wrong (RLS-PTH-001 to 003, 123).
    """
    _check_names(read, where)
    try:
        when = _span(read["te"])
        op = Op(read.get("op", Op.ASSERT))
        key = str(read["key"])
    except (KeyError, ValueError, TypeError) as error:
        raise RejectedError([_bad_fact(where, f"{error}".strip("'\""))]) from error
    person = str(read.get("patient", _SOMEBODY))
    patient = Target("Patient", str(uuid5(NAMESPACE_URL, f"{SYSTEM}/{person}")))
    content = orjson.dumps([read.get(name) for name in sorted(_KEYS - {"received_at"})])
    return Fact(
        person,
        Assertion(
            aid=sha256(content).hexdigest(),
            event=read["event"],
            key=key,
            op=op,
            revision=str(read.get("revision", "1")),
            when=when,
            sent_at=at,
            patient=patient,
            source=str(read.get("source", "")),
            attributes=read.get("attributes", {}),
            flags=tuple(read.get("flags", ())),
        ),
    )


def store_facts(tx: Transaction, facts: Sequence[tuple[int, Fact]], at: datetime) -> None:
    """Store facts as if an input had told them, with the Patients they are about.

    Args:
        tx: an open transaction.
        facts: each with its number in the log.
        at: their receipt.
    """
    for person, assertion in {fact.person: fact.assertion for _, fact in facts}.items():
        _store_patient(tx, assertion.patient, person, at)
    patients = tx.facts.replace([(number, at, [fact.assertion]) for number, fact in facts])
    tx.watch.touch(dict.fromkeys(tx.facts.persons(patients).values(), at))


def _store_patient(tx: Transaction, patient: Target | None, name: str, at: datetime) -> None:
    if patient is None or tx.resources.current([(patient.type, patient.id)]):
        return
    resource = {
        "resourceType": "Patient",
        "id": patient.id,
        "identifier": [{"system": SYSTEM, "value": name}],
    }
    write(tx, patient, resource, None, at)


def _check_names(read: Mapping[str, Any], where: str) -> None:
    event = str(read["event"])
    if event not in EVENTS:
        raise RejectedError([faults.unknown_event(where, "event", event, EVENTS)])
    for name in read:
        if name not in _KEYS:
            raise RejectedError([faults.wrong_key(where, name, "it is not known", _KEYS)])
    known = ATTRIBUTES[family(event)]
    for name in read.get("attributes", {}):
        if name not in known:
            raise RejectedError([faults.unknown_field(where, "attributes", name, event, known)])


def _span(told: str | Sequence[str]) -> Span:
    if isinstance(told, str):
        return _reading(told)
    first, second = (_reading(one) for one in told)
    return Span(first.low, second.high)


def _reading(text: str) -> Span:
    if len(text) == len("2026-11-14"):
        day = date.fromisoformat(text)
        ends = (datetime.combine(one, time(), PARIS) for one in (day, day + timedelta(days=1)))
        low, high = (end.astimezone(UTC) for end in ends)
        return Span(low, high)
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        msg = f"the time {text} has no offset"
        raise ValueError(msg)
    instant = found.astimezone(UTC)
    return Span(instant, instant)


def _bad_fact(where: str, what: str) -> Issue:
    return Issue(
        code="RLS-PTH-123",
        severity=Severity.ERROR,
        where=where,
        what=f"the fact cannot be read: {what}.",
        fix="Write event, key and te (RFC 3339 with offset, or a day) beside received_at, and "
        "attributes that the event has.",
    )
