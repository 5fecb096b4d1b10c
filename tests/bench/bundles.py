"""Transactions over the FHIR door: a Bundle of 100 entries, one commit."""

import asyncio
import tempfile
from pathlib import Path
from time import perf_counter

import httpx2

from gateway.core.contributions import Json
from gateway.entry.wiring import SystemClock
from gateway.store.factory import open_store
from tests.bench.figures import Report
from tests.support.writing import BASE, care_team, writing_app

_WARM = 2


def transactions(report: Report, runs: int) -> None:
    """Measure transactions of 50 teams and 50 messages about them, each found by criteria first."""
    for _ in range(runs):
        for seconds in asyncio.run(_timed(8)):
            report.add("transaction relais 100 entries", "ms", 1e3 * seconds)
    report.table("POST /fhir, 100 entries, SQLite synchronous=FULL", "transaction")


async def _timed(bundles: int) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'bench.db'}")
        await store.open()
        transport = httpx2.ASGITransport(app=writing_app(store, SystemClock()))
        async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
            seconds = [await _one(client, number) for number in range(_WARM + bundles)]
        await store.close()
    return seconds[_WARM:]


async def _one(client: httpx2.AsyncClient, number: int) -> float:
    sent = _bundle(number)
    began = perf_counter()
    answer = await client.post("/fhir", json=sent)
    seconds = perf_counter() - began
    answer.raise_for_status()
    return seconds


def _bundle(number: int) -> Json:
    entries: list[Json] = []
    for place in range(50):
        name, value = f"urn:uuid:{number}-{place}", f"{number}-{place}"
        team = care_team(identifier=[{"system": "urn:example:teams", "value": value}])
        once = {"ifNoneExist": f"identifier=urn:example:teams|{value}"}
        told = {
            "resourceType": "Communication",
            "status": "completed",
            "about": [{"reference": name}],
        }
        entries.append(
            {
                "fullUrl": name,
                "resource": team,
                "request": {"method": "POST", "url": "CareTeam", **once},
            }
        )
        entries.append({"resource": told, "request": {"method": "POST", "url": "Communication"}})
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}
