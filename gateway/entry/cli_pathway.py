"""`relais pathway`: the rules (`cli_rules`), and a log replayed through the whole pipeline."""

import asyncio
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.core.contributions import Target
from gateway.core.facts import ExpectationRow, Status
from gateway.core.ports import Store, Transaction
from gateway.entry import cli_mutes, cli_rules, cli_trial
from gateway.entry import settings as settings_module
from gateway.entry.pathway_log import LogLine, instant, read_log, replayed
from gateway.entry.settings import Settings
from gateway.pathway.lines import episodes, gap_line, in_order, ledger_line
from gateway.pipeline.dossiers import owners
from gateway.pipeline.watch import Watcher, identifiers

pathway = typer.Typer(help="The rules of the pathway, and what they find in a log.")
_PAGE = 1000


pathway.command("rules")(cli_rules.rules)
pathway.command("check")(cli_rules.check)
pathway.command("try")(cli_trial.try_)
pathway.command("mute")(cli_mutes.mute)
pathway.command("unmute")(cli_mutes.unmute)
pathway.command("mutes")(cli_mutes.mutes)


@pathway.command("run")
def run(
    log: Annotated[Path, typer.Argument(help="NDJSON log; - for standard input.")],
    until: Annotated[str, typer.Option(help="Instant the virtual clock runs to, RFC 3339.")],
    rules_folder: Annotated[Path | None, typer.Option("--rules", help="Other rules.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also expectations that ended without a gap.")
    ] = False,
    feeds: Annotated[
        bool, typer.Option(help="Watch over the feeds; not of an excerpt, where all are silent.")
    ] = True,
) -> None:
    """Replay a log under a virtual clock; print the ledger, then the gaps, as NDJSON.

    Example: relais pathway run day.ndjson --until 2026-04-01T00:00:00Z
    """
    end = instant(until, "--until")
    settings = settings_module.load()
    lines = read_log(log)
    out = asyncio.run(
        _run(settings, lines, end, rules_folder, everything=everything, watches=feeds)
    )
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
    watches: bool,
) -> list[bytes]:
    """Replay and return the lines to print."""
    store, watcher = await replayed(settings, lines, until, rules_folder, watches=watches)
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
