"""(11) Pages of people over a region: 100,000 patients, 10,000 open gaps, on one SQLite file.

The application is asked in this process, without a socket: what is measured is what the server
does for a page. The store is filled by its own tables and queries, not by messages. The work of a
page (CPU time of all threads) is what a busy machine leaves comparable.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import httpx2
import orjson
from fastapi import FastAPI

from gateway.core.contributions import Json, Target
from gateway.core.facts import ExpectationRow, LedgerLine, Status
from gateway.core.ports import NewVersion, StoredResource, Transaction
from gateway.entry.settings import load
from gateway.entry.web.data import GapFilter
from gateway.entry.web.live import Hub
from gateway.entry.web.render import WebSettings
from gateway.entry.web.routes import web_router
from gateway.entry.web.store_data import StorePageData
from gateway.entry.wiring import SystemClock, build_converter, build_replayer, load_pathway_rules
from gateway.fhir import gaps
from gateway.fhir.gaps import GapView
from gateway.fhir.identity import Ids
from gateway.mapping.loader import load_mappings
from gateway.pipeline import written
from gateway.store.factory import open_store
from tests.bench import filled
from tests.bench.figures import Report

_BATCH = 500
_NOW = datetime.now(UTC).replace(microsecond=0)
_SEVERITIES = ("critical", "major", "major", "minor", "minor", "minor")
_RULES = ("TRX-08", "TRX-01", "TRX-03", "VIL-04")
_ESTABS = tuple(f"99000{n:04}" for n in range(40))


def pages(report: Report, runs: int, patients: int, open_gaps: int, each: int) -> None:
    """Measure each page by itself; print the 95th percentile of every run.

    Args:
        report: takes the figures.
        runs: of every page.
        patients: with an expectation each.
        open_gaps: of as many other persons.
        each: requests of one page in a run.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "relais.db"
        filled.fill(path, filled.Size(patients))
        asyncio.run(_measure(report, runs, (path, open_gaps), each))


async def _measure(report: Report, runs: int, made: tuple[Path, int], each: int) -> None:
    settings, mappings = load(), load_mappings()
    store = open_store(f"sqlite:///{made[0]}", timeout_s=60)
    await store.open()
    ids = Ids(settings.id_namespace)
    converter = build_converter(settings, clock=SystemClock(), mappings=mappings)
    data = StorePageData(
        store,
        load_pathway_rules(settings, mappings),
        ids,
        converter,
        build_replayer(settings, store, converter),
    )
    rows = [_row(number) for number in range(made[1])]
    for start in range(0, len(rows), _BATCH):
        await store.write(lambda tx, part=rows[start : start + _BATCH]: _fill(tx, part, ids))  # type: ignore[misc] # bound now
    app = FastAPI(redirect_slashes=False)
    shown = WebSettings("bench")
    app.include_router(web_router(data, SystemClock(), Hub(data.pulse, "bench"), shown))
    await _ask_all(report, runs, app, data, each)
    await store.close()


async def _ask_all(report: Report, runs: int, app: FastAPI, data: StorePageData, each: int) -> None:
    tenth: tuple[str, ...] = ()
    for _ in range(10):
        page = await data.worklist(GapFilter(after=tenth), _NOW)
        tenth = page.following
    gap = page.rows[0]
    asked = {
        "overview": "/",
        "worklist": "/gaps",
        "worklist page 10": f"/gaps?after={'|'.join(tenth)}",
        "worklist by deadline": "/gaps?sort=deadline",
        "worklist of an establishment": f"/gaps?site={_ESTABS[3]}&sev=minor",
        "worklist unassigned": "/gaps?view=none&age=4",
        "gap": f"/gaps/{gap.id}",
        "patient": f"/patients/{gap.person.id}",
    }
    transport = httpx2.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx2.AsyncClient(transport=transport, base_url="http://bench") as client:
        for _ in range(runs):
            for name, path in asked.items():
                wall, work = await _p95(client, path, each)
                report.add(f"pages {name} p95", "ms", wall)
                report.add(f"pages {name} p95 of work", "ms", work)


async def _p95(client: httpx2.AsyncClient, path: str, each: int) -> tuple[float, float]:
    """Return the time of an answer and the CPU time of it, in all threads, ms."""
    times, works = [], []
    for _ in range(each):
        begun, idle = time.perf_counter(), time.process_time()
        answer = await client.get(path)
        works.append((time.process_time() - idle) * 1000)
        times.append((time.perf_counter() - begun) * 1000)
        answer.raise_for_status()
    return statistics.quantiles(times, n=20)[-1], statistics.quantiles(works, n=20)[-1]


def _row(number: int) -> ExpectationRow:
    """Return an open gap of somebody who has no other expectation."""
    deadline = _NOW - timedelta(minutes=number * 7 % 20_000 + 1)
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
        trigger=f"ENC.DISCHARGE:{_ESTABS[number % 40]}#G{number}",
        anchor=deadline - timedelta(hours=12),
        deadline=deadline,
        theta=deadline,
        episode=1,
        opened_at=deadline,
        details={"estab": _ESTABS[number % 40], "event": "ENC.DISCHARGE", "sector": "mco"},
    )


def _fill(tx: Transaction, rows: Sequence[ExpectationRow], ids: Ids) -> None:
    """Write gaps as looks do, with their Patients and Tasks."""
    for row in rows:
        pending = replace(row, status=Status.PENDING, opened_at=None)
        first = _line(row, None, Status.PENDING, "trigger")
        tx.watch.save(row.person_id, [pending], [first], row.anchor, None)
        last = _line(row, Status.PENDING, Status.OVERDUE, "timer")
        tx.watch.save(row.person_id, [row], [last], row.deadline or row.anchor, None)
        task = gaps.gap_task(GapView(row, row.opened_at or _NOW, (), {}, None), ids, None)
        owner = Target("DetectedIssue", ids.gap(row.gap_id))
        written.write(tx, owner, task, None, _NOW)
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
        "Patient", row.patient.id, 1, _NOW, orjson.dumps(person), deleted=False,
        content_hash="0", owner=Target("Patient", row.patient.id),
    )  # fmt: skip
    return NewVersion(stored, ())
