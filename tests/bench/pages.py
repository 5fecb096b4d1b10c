"""(11) Pages of people over a region: 100,000 patients, 10,000 open gaps, on one SQLite file.

A gateway without workers is asked over loopback by a client of this process, whose part is in the
figures. The work of a page (CPU time of all threads) is what a busy machine leaves comparable.
"""

import asyncio
import re
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
from prometheus_client import CollectorRegistry

from gateway.entry.cli_serve import settle_memory
from gateway.entry.serve import Gateway, Role
from gateway.entry.settings import HttpSettings, MllpSettings, Settings, StoreSettings
from gateway.entry.web.pilot.asked import Asked
from gateway.entry.web.pilot.reader import PilotReader
from gateway.entry.web.rulebook import RuleBook
from gateway.entry.wiring import load_pathway_rules
from gateway.fhir.identity import Ids
from gateway.mapping.loader import load_mappings
from tests.bench import filled
from tests.bench.figures import Report
from tests.bench.pages_region import ESTABS, NOW, fill_doors, fill_gaps, fill_work

_SHOWN = ("p50", "p95", "largest", "p95 of work")
Asking = Callable[[], Awaitable[object]]


def pages(report: Report, runs: int, patients: int, open_gaps: int, each: int) -> None:
    """Measure each page by itself; print what half, and 95 of 100, of its answers took.

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
    report.table(f"pages: {patients:,} patients, {open_gaps:,} open gaps", "pages ")


async def _measure(report: Report, runs: int, made: tuple[Path, int], each: int) -> None:
    settings = Settings(
        store=StoreSettings(url=f"sqlite:///{made[0]}", timeout_s=60),
        http=HttpSettings(port=0),
        mllp=MllpSettings(port=0),
    )
    gateway = Gateway(settings, Role.DOORS, registry=CollectorRegistry())
    await gateway.start()
    settle_memory()  # as `relais serve` does: a full collection is 200 ms of this process
    try:
        async with httpx2.AsyncClient(base_url=gateway.local_url, timeout=60) as client:
            await fill_gaps(gateway.store, Ids(settings.id_namespace), made[1])
            await fill_doors(client)
            await fill_work(gateway.store, gateway.journal)
            asked = {name: _page(client, path) for name, path in (await _addresses(client)).items()}
            asked["pilot, figures not kept"] = _pilot(gateway, settings)
            for _ in range(runs):
                for name, asking in asked.items():
                    found = await _measured(asking, each)
                    for kind, value in zip(_SHOWN, found, strict=True):
                        report.add(f"pages {name} {kind}", "ms", value)
    finally:
        await gateway.stop()


async def _addresses(client: httpx2.AsyncClient) -> dict[str, str]:
    """Return what is asked, by name; what a page leads to is found on it."""
    tenth = "/gaps"
    for _ in range(9):
        tenth = await _link(client, tenth, r"/gaps\?[^\"]*after=[^\"]+")
    gap = await _link(client, "/gaps", r"/gaps/f[0-9a-f]{10,}")
    return {
        "overview": "/",
        "worklist": "/gaps",
        "worklist page 10": tenth,
        "worklist by deadline": "/gaps?sort=deadline",
        "worklist of an establishment": f"/gaps?site={ESTABS[3]}&sev=minor",
        "worklist unassigned": "/gaps?view=none&age=4",
        "gap": gap,
        "patient": await _link(client, gap, r"/patients/[0-9a-f-]{36}"),
        "pilot": "/pilot",
        "feeds": "/feeds",
        "messages": "/messages",
        "message": await _link(client, "/messages", r"/messages/\d+"),
        "quarantine": "/quarantine",
        "deliveries": "/deliveries",
        "audit": "/audit",
        "workbench": "/workbench",
    }


async def _link(client: httpx2.AsyncClient, page: str, pattern: str) -> str:
    """Return the first address on a page that looks like this."""
    answer = await client.get(page)
    answer.raise_for_status()
    found = re.search(f'href="({pattern})"', answer.text)
    if found is None:
        raise LookupError(page, pattern)
    return found[1].replace("&amp;", "&")


def _page(client: httpx2.AsyncClient, path: str) -> Asking:
    async def ask() -> None:
        (await client.get(path)).raise_for_status()

    return ask


def _pilot(gateway: Gateway, settings: Settings) -> Asking:
    """Work the figures out each time: the page keeps them for a minute."""
    book = RuleBook(load_pathway_rules(settings, load_mappings()))
    ids = Ids(settings.id_namespace)

    async def ask() -> None:
        await PilotReader(gateway.store, book, ids).figures(Asked(), NOW)

    return ask


async def _measured(asking: Asking, each: int) -> tuple[float, float, float, float]:
    """Return the times of `_SHOWN`, ms; the work is CPU time in all threads."""
    times, works = [], []
    for _ in range(each):
        begun, idle = time.perf_counter(), time.process_time()
        await asking()
        works.append((time.process_time() - idle) * 1000)
        times.append((time.perf_counter() - begun) * 1000)
    p95 = statistics.quantiles(times, n=20)[-1]
    return statistics.median(times), p95, max(times), statistics.quantiles(works, n=20)[-1]
