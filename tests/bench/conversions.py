"""(3) and (5) Conversion in this process: letters to FHIR, and where the time of an ADT goes."""

import asyncio
import cProfile
import pstats
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from gateway.core.messages import Channel, RawMessage
from gateway.core.ports import Transaction
from gateway.entry import wiring
from gateway.entry.cli_serve import settle_memory
from gateway.entry.settings import Settings, StoreSettings
from gateway.pipeline.commit import commit
from gateway.pipeline.convert import Converter
from gateway.pipeline.prepared import Prepared, let_go
from tests.bench import inputs, letter_steps
from tests.bench.document_peers import Peers
from tests.bench.figures import Report, per_call
from tests.bench.servers import WORK
from tests.conftest import corpus

#: Published samples whose speed has a goal.
_PUBLISHED = {"letter LDL-SES 76 kB": "LDL-SES_*.xml", "letter PPS 208 kB": "CANCER-PPS_*.xml"}
_ROOT = str(Path(__file__).resolve().parents[2])


def _raw(body: bytes, channel: Channel) -> RawMessage:
    return RawMessage(body, channel, datetime.now(UTC))


def letters(report: Report, runs: int) -> None:
    """Measure a discharge letter with its sections and entries, and a level-1 one of 330 kB.

    The published samples too, where they are, with an account of their steps. Other converters
    take the discharge letter in turn. Garbage is collected as `relais serve` does.
    """
    converter = wiring.build_converter(Settings())
    settle_memory()
    inputs_ = {
        "letter LDL-SES": _raw(inputs.letter(3), Channel.CDA),
        "letter MDM 330 kB": _raw(inputs.documents(1)[0], Channel.MLLP),
    }
    samples = corpus()
    published: dict[str, bytes] = {}
    if samples is not None:
        for name, pattern in _PUBLISHED.items():
            published[name] = next((samples / "cda").glob(pattern)).read_bytes()
            inputs_[name] = _raw(published[name], Channel.CDA)
    else:
        report.note(f"{', '.join(_PUBLISHED)}: left out, RELAIS_TEST_CORPUS names no folder")
    peers, carried = Peers(report, inputs_["letter LDL-SES"].body), Counter[str]()
    for name, raw in inputs_.items():
        made = converter.prepare(converter.open(raw))
        report.note(f"{name}: {len(raw.body)} bytes, {len(made.contributions)} contributions")
        if made.issues:
            report.note(f"{name}: {made.status}: {', '.join(i.code for i in made.issues)}")
        if name == "letter LDL-SES":
            targets = {part.target for part in made.contributions}
            carried = Counter(target.type for target in targets)
    for _ in range(runs):
        for name, raw in inputs_.items():
            report.add(name, "CPU ms", 1e3 * per_call(lambda raw=raw: _convert(converter, raw)))
        peers.run()
    report.table("Documents to FHIR, one core", "letter")
    peers.compare(carried)
    for name, body in published.items():
        letter_steps.steps(report, name, body, 20 * runs)


def _convert(converter: Converter, raw: RawMessage) -> None:
    """Convert an input and let go of it, as the doors do once it is stored."""
    let_go(converter.prepare(converter.open(raw)))


def where(report: Report, count: int) -> None:
    """Show where the CPU of an ADT goes: steps, then functions."""
    converter = wiring.build_converter(Settings())
    raws = [_raw(body, Channel.MLLP) for body in inputs.movements(count)]
    report.add("where open+prepare", "CPU us", 1e6 * _prepared(converter, raws) / len(raws))
    items = [_convert(converter, raw) for raw in raws]
    spent, elapsed = asyncio.run(_commit(items))
    report.add("where commit", "CPU us", 1e6 * spent / len(raws))
    report.add("where commit in batches of 64, fsync included", "us", 1e6 * elapsed / len(raws))
    report.table("One ADT, step by step", "where")
    profile = cProfile.Profile()
    profile.enable()
    items = [_convert(converter, raw) for raw in raws]
    profile.disable()
    asyncio.run(_commit(items, profile))
    _functions(report, profile, len(raws))


def _prepared(converter: Converter, raws: list[RawMessage]) -> float:
    def work() -> None:
        for raw in raws:
            _convert(converter, raw)

    return per_call(work, least_s=0.5)


async def _commit(
    items: list[Prepared], profile: cProfile.Profile | None = None
) -> tuple[float, float]:
    """Commit in batches on a new SQLite file; return CPU seconds of the work, and elapsed ones.

    The profile is switched on in the thread of the store, where the work runs.
    """
    rules, clock = wiring.build_rules(Settings()), wiring.SystemClock()
    spent = 0.0

    def work(batch: list[Prepared], tx: Transaction) -> object:
        nonlocal spent
        begin = time.thread_time()
        if profile is None:
            receipts = commit(tx, batch, clock.now(), rules)
        else:
            receipts = profile.runcall(commit, tx, batch, clock.now(), rules)
        spent += time.thread_time() - begin
        return receipts

    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        url = f"sqlite:///{folder}/where.db"
        store = wiring.build_store(Settings(store=StoreSettings(url=url)))
        await store.open()
        start = time.perf_counter()
        for first in range(0, len(items), 64):
            await store.write(partial(work, items[first : first + 64]))
        elapsed = time.perf_counter() - start
        await store.close()
    return spent, elapsed


def _functions(report: Report, profile: cProfile.Profile, messages: int) -> None:
    stats = pstats.Stats(profile)
    rows: list[tuple[float, float, int, str]] = []
    for (file, line, name), (_, calls, own, total, _) in stats.stats.items():  # type: ignore[attr-defined]
        place = file.replace(_ROOT + "/", "") if file.startswith(_ROOT) else Path(file).name
        rows.append((own, total, calls, f"{place}:{line} {name}"))
    scale = 1e6 / messages
    head = ("own", "with callees", "calls", "function")

    def shown(chosen: list[tuple[float, float, int, str]]) -> list[tuple[str, str, str, str]]:
        return [
            (f"{own * scale:.1f}", f"{total * scale:.1f}", f"{calls / messages:.1f}", name)
            for own, total, calls, name in chosen
        ]

    by_own = sorted(rows, reverse=True)[:20]
    report.rows("By own time, microseconds an ADT under the profiler", head, shown(by_own))
    ours = sorted((row for row in rows if "gateway/" in row[3]), key=lambda row: -row[1])[:30]
    report.rows("Our functions with what they call", head, shown(ours))
