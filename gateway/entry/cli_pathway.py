"""`relais pathway`: the rules, and a log replayed through the whole pipeline."""

import asyncio
import base64
import binascii
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from gateway.core.contributions import Target
from gateway.core.errors import RejectedError
from gateway.core.facts import ExpectationRow, Status
from gateway.core.issues import Issue, Severity
from gateway.core.messages import Channel, RawMessage
from gateway.core.ports import Store, Transaction
from gateway.entry import settings as settings_module
from gateway.entry.settings import Settings
from gateway.entry.wiring import build_converter, build_rules, build_watcher, load_pathway_rules
from gateway.mapping.loader import load_mappings
from gateway.pathway.lines import episodes, gap_line, in_order, ledger_line
from gateway.pipeline.commit import commit
from gateway.pipeline.dossiers import owners
from gateway.pipeline.watch import Watcher, identifiers
from gateway.store.memory import MemoryStore

pathway = typer.Typer(help="The rules of the pathway, and what they find in a log.")
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class LogLine:
    """One input of a log."""

    at: datetime
    raw: RawMessage


class LogClock:
    """The clock of a replay: the receipt of the line that is being read."""

    def __init__(self) -> None:
        self.instant = datetime.fromtimestamp(0, UTC)

    def now(self) -> datetime:
        """Return the instant the replay has reached."""
        return self.instant

    def reach(self, instant: datetime) -> None:
        """Go forward; an earlier instant changes nothing."""
        self.instant = max(self.instant, instant)


@pathway.command("rules")
def rules() -> None:
    """List the rules with their version, severity and source.

    Example: relais pathway rules
    """
    settings = settings_module.load()
    loaded = load_pathway_rules(settings, load_mappings(settings.mappings))
    for rule_id, versions in sorted(loaded.versions.items()):
        written = versions[0].written
        print(
            f"{rule_id} v{written.version}  {written.severity:<8}  {written.name['fr']}"
            f"  [{written.legal.ref}]"
        )


@pathway.command("check")
def check() -> None:
    """Check every rule file; exit 2 and name file, line and nearest name when one is wrong.

    Example: relais pathway check
    """
    settings = settings_module.load()
    loaded = load_pathway_rules(settings, load_mappings(settings.mappings))
    print(f"{len(loaded.versions)} rules are sound.", file=sys.stderr)


@pathway.command("run")
def run(
    log: Annotated[Path, typer.Argument(help="NDJSON log; - for standard input.")],
    until: Annotated[str, typer.Option(help="Instant the virtual clock runs to, RFC 3339.")],
    rules_folder: Annotated[Path | None, typer.Option("--rules", help="Other rules.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also expectations that ended without a gap.")
    ] = False,
) -> None:
    """Replay a log under a virtual clock; print the ledger, then the gaps, as NDJSON.

    Example: relais pathway run day.ndjson --until 2026-04-01T00:00:00Z
    """
    end = _instant(until, "--until")
    settings = settings_module.load()
    lines = sorted(_lines(log), key=lambda line: line.at)
    out = asyncio.run(_run(settings, lines, end, rules_folder, everything=everything))
    for line in out:
        sys.stdout.buffer.write(line)
    sys.stdout.flush()


async def _run(
    settings: Settings,
    lines: list[LogLine],
    until: datetime,
    rules_folder: Path | None,
    *,
    everything: bool,
) -> list[bytes]:
    """Replay and return the lines to print."""
    clock = LogClock()
    mappings = load_mappings(settings.mappings)
    store = MemoryStore()
    await store.open()
    converter = build_converter(settings, clock=clock, mappings=mappings)
    watcher = build_watcher(settings, store, clock, mappings, rules_folder=rules_folder)
    rules_of_commit = build_rules(settings)
    for at, together in groupby(lines, key=lambda line: line.at):
        if at > until:
            break
        clock.reach(at)
        # What was received at one instant was one commit, and no look came between.
        batch = [converter.prepare(converter.open(line.raw)) for line in together]
        await store.write(
            lambda tx, batch=batch: commit(tx, batch, clock.now(), rules_of_commit)  # type: ignore[misc]
        )
        await watcher.drain()
    clock.reach(until)
    await watcher.drain()
    return await _printed(store, watcher, everything=everything)


async def _printed(store: Store, watcher: Watcher, *, everything: bool) -> list[bytes]:
    def read(tx: Transaction) -> list[bytes]:
        lines = []
        after = 0
        while page := tx.watch.ledger(after, _PAGE):
            lines += [line for _, line in page]
            after = page[-1][0]
        lines = in_order(lines)
        rows = tx.watch.gaps(tuple(Status), 10**9, opened_only=not everything)
        whose = owners(tx, {row.patient.id for row in rows})
        rows = [replace(row, patient=Target("Patient", whose[row.patient.id])) for row in rows]
        names = identifiers(tx, {row.patient.id for row in rows})
        printed = [ledger_line(line) for line in lines]
        for row in sorted(rows, key=lambda row: row.gap_id):
            history = [line for line in lines if line.gap_id == row.gap_id]
            shown = [{"system": s, "value": v} for s, v in names.get(row.patient.id, ())]
            printed += [gap_line(one, shown) for one in _episodes(row, history, everything)]
        return printed

    return await store.read(read)


def _episodes(row: ExpectationRow, history: list[Any], everything: bool) -> list[ExpectationRow]:
    opened = list(episodes(row, history))
    return opened or ([row] if everything else [])


def _lines(log: Path) -> Iterator[LogLine]:
    """Read a log.

    Raises:
        RejectedError: the file or a line cannot be read (RLS-PTH-120).
    """
    try:
        text = sys.stdin.buffer.read() if str(log) == "-" else log.read_bytes()
    except OSError as error:
        raise RejectedError([_bad_line("log", (error.strerror or "unreadable").lower())]) from error
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield _line(line, f"log line {number}")


def _line(line: bytes, where: str) -> LogLine:
    try:
        read = orjson.loads(line)
        at = _instant(read["received_at"], where)
        channel = Channel(read["channel"])
        body = (
            base64.b64decode(read["body_base64"], validate=True)
            if "body_base64" in read
            else read["body"].encode()
        )
    except binascii.Error as error:
        raise RejectedError([_bad_line(where, "body_base64 is not base64")]) from error
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise RejectedError([_bad_line(where, f"{type(error).__name__}")]) from error
    return LogLine(at, RawMessage(body, channel, at))


def _instant(text: str, where: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise RejectedError([_bad_line(where, "an instant is not RFC 3339")]) from error
    if instant.tzinfo is None:
        raise RejectedError([_bad_line(where, "an instant has no offset")])
    return instant.astimezone(UTC)


def _bad_line(where: str, what: str) -> Issue:
    return Issue(
        code="RLS-PTH-120",
        severity=Severity.ERROR,
        where=where,
        what=f"it cannot be read: {what}.",
        fix="Write received_at (RFC 3339 with offset), channel (mllp, http, cda) and body or "
        "body_base64 on each line.",
    )
