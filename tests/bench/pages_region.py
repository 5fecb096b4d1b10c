"""What the region of `tests.bench.pages` holds beside its patients, written by the store's queries.

Open gaps of persons of their own, with Patients and Tasks; messages through the door, of which
half are refused; letters that were refused; a journal.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx2
import orjson

from gateway.core.audit import Trace
from gateway.core.contributions import Json, Target
from gateway.core.deliveries import DeliveryStatus, NewDelivery
from gateway.core.facts import ExpectationRow, LedgerLine, Status
from gateway.core.ports import NewVersion, Store, StoredResource, Transaction
from gateway.fhir import gaps
from gateway.fhir.gaps import GapView
from gateway.fhir.identity import Ids
from gateway.pipeline import written
from gateway.pipeline.journal import Journal
from tests.conftest import ROOT
from tests.support.sentinel import numbered

NOW = datetime.now(UTC).replace(microsecond=0)
ESTABS = tuple(f"99000{n:04}" for n in range(40))
_BATCH = 500
_MESSAGES, _LETTERS, _ENTRIES = 400, 2000, 20_000
_SEVERITIES = ("critical", "major", "major", "minor", "minor", "minor")
_RULES = ("TRX-08", "TRX-01", "TRX-03", "VIL-04")
_A03 = ROOT / "fixtures/hl7v2/adt_a03_discharge_to_rehabilitation/input.er7"
_ER7 = {"Content-Type": "application/hl7-v2"}


async def fill_gaps(store: Store, ids: Ids, count: int) -> None:
    """Write open gaps, each of somebody who has nothing else."""
    rows = [_row(number) for number in range(count)]
    for start in range(0, len(rows), _BATCH):
        await store.write(lambda tx, part=rows[start : start + _BATCH]: _fill(tx, part, ids))  # type: ignore[misc] # bound now


async def fill_doors(client: httpx2.AsyncClient) -> None:
    """Send messages, of which every second one is refused."""
    told = _A03.read_bytes()
    for number in range(_MESSAGES):
        body = numbered(told, f"BENCH{number:05}")
        if number % 2:
            body = body.replace(b"|T|2.5", b"|T|2.9")
        answer = await client.post("/hl7v2", content=body, headers=_ER7)
        answer.raise_for_status()


async def fill_work(store: Store, journal: Journal) -> None:
    """Write letters, of which every second one was refused, and a journal."""
    for start in range(0, _LETTERS, _BATCH):
        await store.write(lambda tx, start=start: _letters(tx, start))  # type: ignore[misc] # bound now
    for start in range(0, _ENTRIES, _BATCH):
        await journal.keep([_trace(start + number) for number in range(_BATCH)])
        await asyncio.sleep(0)


def _letters(tx: Transaction, start: int) -> None:
    details = {"to": "dr.absent@cabinet.mssante.example"}
    items = [
        NewDelivery(
            "mssante", f"bench-{start + number}", NOW, details=details,
            about=f"DocumentReference/bench-{start + number}",
        )
        for number in range(_BATCH)
    ]  # fmt: skip
    made = tx.outbox.queue(items, NOW)
    tx.outbox.claim(["mssante"], NOW, _BATCH)
    note = "RLS-MSS-012 the mailbox does not exist."
    for number in made[::2]:
        if number is not None:
            tx.outbox.settle(
                number, DeliveryStatus.REFUSED, NOW, note=note, receipt={"code": "550"}
            )


def _trace(number: int) -> Trace:
    at = NOW - timedelta(minutes=_ENTRIES - number)
    said = {"user": f"person{number % 50}", "role": "coordinator", "address": "192.0.2.7"}
    patient = str(UUID(int=number % 5000 + 1))
    return Trace(str(UUID(int=number)), at, "page", "0", said["user"], patient, said)


def _row(number: int) -> ExpectationRow:
    """Return an open gap of somebody who has no other expectation."""
    deadline = NOW - timedelta(minutes=number * 7 % 20_000 + 1)
    person = str(UUID(int=number + 1))
    return ExpectationRow(
        gap_id=f"ff{number:062x}",
        x="0" * 64,
        person_id=person,
        patient=Target("Patient", person),
        rule=_RULES[number % len(_RULES)],
        rule_version=1,
        severity=_SEVERITIES[number % len(_SEVERITIES)],
        status=Status.OVERDUE,
        trigger=f"ENC.DISCHARGE:{ESTABS[number % 40]}#G{number}",
        anchor=deadline - timedelta(hours=12),
        deadline=deadline,
        theta=deadline,
        episode=1,
        opened_at=deadline,
        details={"estab": ESTABS[number % 40], "event": "ENC.DISCHARGE", "sector": "mco"},
    )


def _fill(tx: Transaction, rows: Sequence[ExpectationRow], ids: Ids) -> None:
    """Write gaps as looks do, with their Patients and Tasks."""
    for row in rows:
        pending = replace(row, status=Status.PENDING, opened_at=None)
        first = _line(row, None, Status.PENDING, "trigger")
        tx.watch.save(row.person_id, [pending], [first], row.anchor, None)
        last = _line(row, Status.PENDING, Status.OVERDUE, "timer")
        tx.watch.save(row.person_id, [row], [last], row.deadline or row.anchor, None)
        task = gaps.gap_task(GapView(row, row.opened_at or NOW, (), {}, None), ids, None)
        owner = Target("DetectedIssue", ids.gap(row.gap_id))
        written.write(tx, owner, task, None, NOW)
    tx.resources.put([_patient(row) for row in rows])


def _line(row: ExpectationRow, was: Status | None, now: Status, cause: str) -> LedgerLine:
    at = row.anchor if was is None else row.deadline or row.anchor
    return LedgerLine(at, row.gap_id, 1, row.rule, 1, was, now, cause)


def _patient(row: ExpectationRow) -> NewVersion:
    person: Json = {
        "resourceType": "Patient",
        "id": row.patient.id,
        "name": [{"use": "official", "family": f"PAT-{row.gap_id[-5:]}", "given": ["Ange"]}],
        "birthDate": "1950-01-01",
        "gender": "female",
    }
    stored = StoredResource(
        "Patient", row.patient.id, 1, NOW, orjson.dumps(person), deleted=False,
        content_hash="0", owner=Target("Patient", row.patient.id),
    )  # fmt: skip
    return NewVersion(stored, ())
