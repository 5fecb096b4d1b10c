"""(3) and (5) Conversion in this process: letters to FHIR, and where the time of an ADT goes."""

import asyncio
import cProfile
import pstats
import tempfile
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from gateway.core.messages import Channel, RawMessage
from gateway.entry import wiring
from gateway.entry.settings import Settings
from gateway.pipeline.commit import commit
from gateway.pipeline.convert import Converter
from gateway.pipeline.prepared import Prepared
from tests.bench import inputs
from tests.bench.figures import Report, per_call

T = TypeVar("T")
_ROOT = str(Path(__file__).resolve().parents[2])


def _raw(body: bytes, channel: Channel) -> RawMessage:
    return RawMessage(body, channel, datetime.now(UTC))


def letters(report: Report, runs: int) -> None:
    """Measure a discharge letter with its sections and entries, and a level-1 one of 330 kB."""
    converter = wiring.build_converter(Settings())
    inputs_ = {
        "letter LDL-SES": _raw(inputs.letter(3), Channel.CDA),
        "letter MDM 330 kB": _raw(inputs.documents(1)[0], Channel.MLLP),
    }
    for name, raw in inputs_.items():
        made = converter.prepare(converter.open(raw))
        report.note(f"{name}: {len(raw.body)} bytes, {len(made.contributions)} contributions")
        if made.issues:
            report.note(f"{name}: {made.status}: {', '.join(i.code for i in made.issues)}")
    for _ in range(runs):
        for name, raw in inputs_.items():
            report.add(name, "ms", 1e3 * per_call(lambda raw=raw: _convert(converter, raw)))
    report.table("Documents to FHIR, one core", "letter")


def _convert(converter: Converter, raw: RawMessage) -> Prepared:
    return converter.prepare(converter.open(raw))


def where(report: Report, count: int) -> None:
    """Show where the CPU of an ADT goes: steps, then functions."""
    converter = wiring.build_converter(Settings())
    raws = [_raw(body, Channel.MLLP) for body in inputs.movements(count)]
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(store={"url": f"sqlite:///{folder}/where.db"})  # type: ignore[arg-type]
        profile = cProfile.Profile()
        report.add("where open+prepare", "us", 1e6 * _prepared(converter, raws) / len(raws))
        profile.enable()
        items = [_convert(converter, raw) for raw in raws]
        profile.disable()
        seconds = _run(_commit(settings, items, profile))
    report.add("where commit in batches of 64", "us", 1e6 * seconds / len(raws))
    report.table("One ADT, step by step", "where")
    _functions(report, profile, len(raws))


def _prepared(converter: Converter, raws: list[RawMessage]) -> float:
    def work() -> None:
        for raw in raws:
            _convert(converter, raw)

    return per_call(work, least_s=0.5)


async def _commit(settings: Settings, items: list[Prepared], profile: cProfile.Profile) -> float:
    """Commit in batches on SQLite with fsync; the profile runs in the thread of the store."""
    store, rules = wiring.build_store(settings), wiring.build_rules(settings)
    clock = wiring.SystemClock()
    await store.open()
    begin = asyncio.get_running_loop().time()
    for first in range(0, len(items), 64):
        batch = items[first : first + 64]

        def work(tx: object, batch: list[Prepared] = batch) -> object:
            profile.enable()
            try:
                return commit(tx, batch, clock.now(), rules)  # type: ignore[arg-type]
            finally:
                profile.disable()

        await store.write(work)
    elapsed = asyncio.get_running_loop().time() - begin
    await store.close()
    return elapsed


def _run(work: Coroutine[object, object, T]) -> T:
    return asyncio.run(work)


def _functions(report: Report, profile: cProfile.Profile, messages: int) -> None:
    stats = pstats.Stats(profile)
    rows: list[tuple[float, float, int, str]] = []
    for (file, line, name), (_, calls, own, total, _) in stats.stats.items():  # type: ignore[attr-defined]
        place = file.replace(_ROOT + "/", "") if file.startswith(_ROOT) else Path(file).name
        rows.append((own, total, calls, f"{place}:{line} {name}"))
    rows.sort(reverse=True)
    scale = 1e6 / messages
    report.rows(
        "Functions by own time, microseconds an ADT under the profiler",
        ("own", "with callees", "calls", "function"),
        [
            (f"{own * scale:.1f}", f"{total * scale:.1f}", f"{calls / messages:.1f}", name)
            for own, total, calls, name in rows[:25]
        ],
    )
