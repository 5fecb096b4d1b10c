"""`relais replay` and `relais quarantine`: what operators do with stored inputs."""

import sys
from collections.abc import Callable
from typing import Annotated, TypeVar

import orjson
import typer

from gateway.core.messages import InboxRow, InboxStatus
from gateway.core.ports import Store, Transaction
from gateway.entry import settings as settings_module
from gateway.entry.resource_diff import differences
from gateway.entry.wiring import build_converter, build_replayer
from gateway.entry.with_store import with_store
from gateway.pipeline.quarantine import discarded, retried, stored

T = TypeVar("T")
quarantine = typer.Typer(help="Inputs that were refused; their bytes are kept.")
_PAGE = 500
_RowId = Annotated[int, typer.Argument(help="Number of the inbox row.")]


def replay(
    first: Annotated[int | None, typer.Option("--from", help="First inbox row.")] = None,
    last: Annotated[int | None, typer.Option("--to", help="Last inbox row.")] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Show each value that changes.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing, only say what would.")
    ] = False,
    tell: Annotated[
        bool, typer.Option("--tell", help="Tell subscribers what changes; silent by default.")
    ] = False,
) -> None:
    """Rebuild from the stored bytes, in place, and say what changes.

    Example: relais replay --from 120 --diff --dry-run
    """

    async def work(store: Store) -> tuple[int, int, int]:
        settings = settings_module.load()
        replayer = build_replayer(settings, store, build_converter(settings))
        rows = moved = changed = 0
        async for part in replayer.run(first, last, dry_run=dry_run, telling=tell):
            rows += part.rows
            moved += len(part.moved)
            changed += len(part.changes)
            for row_id, before, after in part.moved:
                print(f"row {row_id}: {before} -> {after}")
            for change in part.changes if diff else ():
                print(f"{change.after.type}/{change.after.id} version {change.after.version}")
                for line in differences(change):
                    print(f"  {line}")
        return rows, moved, changed

    rows, moved, changed = with_store(work)
    verb = "would change" if dry_run else "changed"
    print(
        f"{rows} rows converted again, {moved} ended otherwise, {changed} resources {verb}.",
        file=sys.stderr,
    )


@quarantine.command("list")
def list_(
    output: Annotated[str, typer.Option("--format", help="text or ndjson.")] = "text",
) -> None:
    """List the rows in quarantine with the first reason of each.

    Example: relais quarantine list
    """
    for row in with_store(_in_quarantine):
        if output == "ndjson":
            sys.stdout.write(orjson.dumps(_described(row)).decode() + "\n")
            continue
        reason = row.issues[0] if row.issues else "no reason kept"
        print(
            f"{row.id}  {row.received_at:%Y-%m-%d %H:%M:%S}Z  {row.header.message_type}  {reason}"
        )


@quarantine.command("show")
def show(
    row_id: _RowId,
    raw: Annotated[bool, typer.Option("--raw", help="Print the bytes as received.")] = False,
) -> None:
    """Show one row with every reason; with --raw its bytes (they hold patient data).

    Example: relais quarantine show 42
    """
    row = with_store(lambda store: stored(store, row_id))
    if raw:
        sys.stdout.buffer.write(row.body)
        return
    sys.stdout.write(orjson.dumps(_described(row), option=orjson.OPT_INDENT_2).decode() + "\n")


@quarantine.command("retry")
def retry(
    row_id: Annotated[int | None, typer.Argument(help="One row; without it, all.")] = None,
) -> None:
    """Convert rows of the quarantine again, after a fix of a site table or mapping.

    Example: relais quarantine retry 42
    """

    async def work(store: Store) -> list[tuple[int, InboxStatus]]:
        settings = settings_module.load()
        replayer = build_replayer(settings, store, build_converter(settings))
        ids = [row_id] if row_id is not None else [row.id for row in await _in_quarantine(store)]
        return [(number, await retried(store, replayer, number)) for number in ids]

    ended = with_store(work)
    for number, status in ended:
        print(f"row {number}: {status}")
    if any(status in (InboxStatus.QUARANTINED, InboxStatus.FAILED) for _, status in ended):
        raise typer.Exit(1)


@quarantine.command("discard")
def discard(row_id: _RowId) -> None:
    """Set a row of the quarantine aside for good; its bytes stay.

    Example: relais quarantine discard 42
    """
    with_store(lambda store: discarded(store, row_id))
    print(f"row {row_id}: discarded")


async def _in_quarantine(store: Store) -> list[InboxRow]:
    found: list[InboxRow] = []
    for status in (InboxStatus.QUARANTINED, InboxStatus.FAILED):
        after = 0
        while rows := await store.read(_page(status, after)):
            found += rows
            after = rows[-1].id
    return sorted(found, key=lambda row: row.id)


def _page(status: InboxStatus, after: int) -> Callable[[Transaction], list[InboxRow]]:
    return lambda tx: tx.inbox.page(status, after, _PAGE)


def _described(row: InboxRow) -> dict[str, object]:
    return {
        "id": row.id,
        "status": row.status,
        "received_at": row.received_at.isoformat(),
        "channel": row.channel,
        "peer": row.peer,
        "sender": list(row.header.sender),
        "control_id": row.header.control_id,
        "message_type": row.header.message_type,
        "sha256": row.header.raw_sha256,
        "size": len(row.body),
        "flags": list(row.flags),
        "attempts": row.attempts,
        "issues": [
            {
                "code": issue.code,
                "severity": issue.severity,
                "where": issue.where,
                "what": issue.what,
                "fix": issue.fix,
            }
            for issue in row.issues
        ],
    }
