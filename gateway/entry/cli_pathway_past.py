"""`relais pathway as-of | explain | backtest`: questions about the past, of a store or of a log."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import orjson
import typer

from gateway.core.contributions import Target
from gateway.core.errors import RejectedError
from gateway.core.facts import ExpectationRow
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Store, Transaction
from gateway.entry import settings as settings_module
from gateway.entry.backtesting import always, compared
from gateway.entry.pathway_log import instant, read_log, replayed
from gateway.entry.settings import Settings
from gateway.entry.told_gap import told_gap
from gateway.entry.wiring import build_store, load_pathway_rules
from gateway.mapping.loader import load_mappings
from gateway.pathway import asof
from gateway.pathway.asof import Moment
from gateway.pathway.backtest import Comparison, Load, Outcome
from gateway.pathway.lines import gap_line
from gateway.pipeline.dossiers import owners
from gateway.pipeline.histories import histories
from gateway.pipeline.watch import identifiers

T = TypeVar("T")
_EXAMPLES = 5
_NOTHING = Load(0, 0, 0)
_Log = Annotated[
    Path | None, typer.Option("--log", help="NDJSON log instead of the store; - for stdin.")
]
_Folder = Annotated[Path | None, typer.Option("--rules", help="Other rules.")]


def as_of(
    valid: Annotated[
        str | None, typer.Option(help="Instant that is asked about, RFC 3339; default: now.")
    ] = None,
    known: Annotated[
        str | None, typer.Option(help="With what was known then; default: the same instant.")
    ] = None,
    rules_folder: _Folder = None,
    log: _Log = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also expectations that are no open gap.")
    ] = False,
) -> None:
    """Print the gaps that stood open at an instant, knowing what was known at another.

    Example: relais pathway as-of --valid 2026-03-16T09:00:00+01:00
    """
    now = datetime.now(UTC)
    at = instant(valid, "--valid") if valid else now
    moment = Moment(at, instant(known, "--known") if known else at)
    settings = settings_module.load()
    rules = load_pathway_rules(settings, load_mappings(settings.mappings), rules_folder)

    def read(tx: Transaction) -> list[bytes]:
        feeds = asof.feeds_known(tx.watch.feeds(), (), moment, tx.feeds.troubles())
        rows: list[ExpectationRow] = []
        for history in histories(tx):
            walked = asof.standing(history, rules, feeds, settings.tenant, moment)
            rows += (
                [row for one in walked for row in one.advance.rows]
                if everything
                else asof.open_rows(walked)
            )
        return _printed(tx, sorted(rows, key=lambda row: row.gap_id))

    for line in asyncio.run(_read(settings, log, max(moment.known, moment.valid), read)):
        sys.stdout.buffer.write(line)
    sys.stdout.flush()


def explain(
    gap_id: Annotated[str, typer.Argument(help="Id of the gap, or its beginning.")],
    rules_folder: _Folder = None,
    log: _Log = None,
    until: Annotated[
        str | None, typer.Option(help="Instant the clock of --log runs to, RFC 3339.")
    ] = None,
    language: Annotated[str, typer.Option("--language", help="fr or en.")] = "fr",
) -> None:
    """Say why a gap is one: facts, rule, the deadline day by day, what would close it.

    Example: relais pathway explain 3fa85f64 --language en
    """
    settings = settings_module.load()
    rules = load_pathway_rules(settings, load_mappings(settings.mappings), rules_folder)
    end = instant(until, "--until") if until else datetime.now(UTC)

    def read(tx: Transaction) -> list[str]:
        return told_gap(tx, gap_id, rules, 1 if language == "en" else 0)

    for line in asyncio.run(_read(settings, log, end, read, rules_folder)):
        print(line)


def backtest(
    candidate: Annotated[Path, typer.Argument(help="Folder of the rule files that would change.")],
    log: _Log = None,
    until: Annotated[
        str | None, typer.Option(help="Instant the virtual clock runs to; default: now.")
    ] = None,
    from_its_date: Annotated[
        bool, typer.Option("--from-its-date", help="Only from applies_from of the candidate on.")
    ] = False,
    labels: Annotated[
        Path | None, typer.Option(help='NDJSON of {"gap_id": ..., "real": true|false}.')
    ] = None,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    accept_load: Annotated[
        bool, typer.Option("--accept-load", help="Exit 0 although an owner gets far more.")
    ] = False,
) -> None:
    """Say what other rules would have found in the same log; write nothing.

    The rule files of the folder take the place of those in force; all others stay. Exit 1 when
    the load of an owner grows by more than 30 %.

    Example: relais pathway backtest my-rules --log march.ndjson --until 2026-04-01T00:00:00Z
    """
    settings = settings_module.load()
    end = instant(until, "--until") if until else datetime.now(UTC)
    mappings = load_mappings(settings.mappings)
    current = load_pathway_rules(settings, mappings)
    changed = load_pathway_rules(settings, mappings, candidate)
    if not from_its_date:
        changed = always(changed)
    truth = _labels(labels) if labels else {}

    def read(tx: Transaction) -> Comparison:
        return compared(tx, current, changed, settings.tenant, end)

    found = asyncio.run(_read(settings, log, end, read))
    if output == "json":
        print(orjson.dumps(_as_json(found, truth), option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(_as_text(found, truth)))
    if found.overloaded() and not accept_load:
        raise typer.Exit(1)


# --- where the past is read -------------------------------------------------------------------


async def _read(
    settings: Settings,
    log: Path | None,
    until: datetime,
    work: Callable[[Transaction], T],
    rules_folder: Path | None = None,
) -> T:
    async with _source(settings, log, until, rules_folder) as store:
        return await store.read(work)


@asynccontextmanager
async def _source(
    settings: Settings, log: Path | None, until: datetime, rules_folder: Path | None
) -> AsyncIterator[Store]:
    if log is not None:
        store, _ = await replayed(settings, read_log(log), until, rules_folder)
    else:
        store = build_store(settings)
        await store.open()
    try:
        yield store
    finally:
        await store.close()


def _printed(tx: Transaction, rows: list[ExpectationRow]) -> list[bytes]:
    whose = owners(tx, {row.patient.id for row in rows})
    names = identifiers(tx, set(whose.values()))
    printed = []
    for row in rows:
        owner = whose[row.patient.id]
        shown = [{"system": s, "value": v} for s, v in names.get(owner, ())]
        printed.append(gap_line(replace(row, patient=Target("Patient", owner)), shown))
    return printed


# --- what a back-test says --------------------------------------------------------------------


def _as_text(compared: Comparison, truth: dict[str, bool]) -> list[str]:
    lines = [
        f"opened  {len(compared.before.gaps)} -> {len(compared.after.gaps)}"
        f"   kept {len(compared.kept)}, added {len(compared.added)},"
        f" removed {len(compared.removed)}"
    ]
    for name, found, gaps in (
        ("added", compared.added, compared.after.gaps),
        ("removed", compared.removed, compared.before.gaps),
    ):
        for gap_id in found[:_EXAMPLES]:
            gap = gaps[gap_id]
            lines.append(f"  {name}  {gap.rule}  {gap.opened_at:%Y-%m-%dT%H:%M:%SZ}  {gap_id[:16]}")
        if len(found) > _EXAMPLES:
            lines.append(f"  {name}  ... and {len(found) - _EXAMPLES} more")
    before, after = compared.before.owners(), compared.after.owners()
    for role in sorted(before | after):
        had, has = before.get(role, _NOTHING), after.get(role, _NOTHING)
        lines.append(
            f"load  {role}: {had.openings} -> {has.openings},"
            f" worst day {had.worst_day} -> {has.worst_day}"
        )
    for role, (few, many) in compared.overloaded().items():
        lines.append(f"load  {role} grows by more than 30 %: {few} -> {many}")
    if truth:
        for name, one in (("in force", compared.before), ("candidate", compared.after)):
            precision, recall = _judged(one, truth)
            lines.append(f"labels  {name}: precision {precision}, recall {recall}")
    return lines


def _as_json(compared: Comparison, truth: dict[str, bool]) -> dict[str, object]:
    def gap(gap_id: str, of: Outcome) -> dict[str, object]:
        found = of.gaps[gap_id]
        return {"gap_id": gap_id, "rule": found.rule, "opened_at": found.opened_at}

    return {
        "opened": {"before": len(compared.before.gaps), "after": len(compared.after.gaps)},
        "kept": len(compared.kept),
        "added": [gap(gap_id, compared.after) for gap_id in compared.added],
        "removed": [gap(gap_id, compared.before) for gap_id in compared.removed],
        "load": {
            name: {role: load._asdict() for role, load in one.owners().items()}
            for name, one in (("before", compared.before), ("after", compared.after))
        },
        "overloaded": compared.overloaded(),
        "labels": {
            name: dict(zip(("precision", "recall"), _judged(one, truth), strict=True))
            for name, one in (("before", compared.before), ("after", compared.after))
        }
        if truth
        else None,
    }


def _judged(found: Outcome, truth: dict[str, bool]) -> tuple[str, str]:
    """Return precision and recall as `right/all`; gaps nobody has labelled are left out."""
    labelled = [gap_id for gap_id in found.gaps if gap_id in truth]
    right = sum(truth[gap_id] for gap_id in labelled)
    return f"{right}/{len(labelled)}", f"{right}/{sum(truth.values())}"


def _labels(file: Path) -> dict[str, bool]:
    """Read what people or a simulation know of gaps.

    Raises:
        RejectedError: the file or a line cannot be read (RLS-PTH-121).
    """
    found: dict[str, bool] = {}
    try:
        for number, line in enumerate(file.read_bytes().splitlines(), 1):
            where = f"{file.name} line {number}"
            if line.strip():
                read = orjson.loads(line)
                found[str(read["gap_id"])] = bool(read["real"])
    except OSError as error:
        raise RejectedError([_bad_labels(file.name, error.strerror or "unreadable")]) from error
    except (ValueError, KeyError, TypeError) as error:
        raise RejectedError([_bad_labels(where, type(error).__name__)]) from error
    return found


def _bad_labels(where: str, what: str) -> Issue:
    return Issue(
        code="RLS-PTH-121",
        severity=Severity.ERROR,
        where=where,
        what=f"the labels cannot be read: {what}.",
        fix='Write one {"gap_id": "...", "real": true} or false on each line.',
    )
