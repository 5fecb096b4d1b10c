"""`relais directory`: professionals, structures and mailboxes that letters can go to."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from gateway.connectors.directory_extracts import opened
from gateway.core.contributions import Json
from gateway.core.directory import Asked, Entry, SourceState
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Store
from gateway.entry import cli_offers
from gateway.entry import settings as settings_module
from gateway.entry.directory import freshness
from gateway.entry.wiring import SystemClock
from gateway.entry.with_store import with_store
from gateway.pipeline.directory import Loaded, load, stale

directory = typer.Typer(help="The directory of professionals, structures and secure mailboxes.")
directory.command("offers")(cli_offers.offers)
directory.command("where")(cli_offers.where)
_LIMIT = 100


@directory.command("import")
def import_extract(
    file: Annotated[Path, typer.Argument(help="A published extract, or its archive.")],
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", help="Its date, when its name tells none.")
    ] = None,
    place: Annotated[
        str, typer.Option("--place", help="Keep only postcodes that begin so, comma separated.")
    ] = "",
) -> None:
    """Keep a published extract in the place of the one before; mails that waited for it leave.

    Example: relais directory import Extraction_Correspondance_MSSante_202611200838.txt
    """
    day = as_of.replace(tzinfo=as_of.tzinfo or UTC) if as_of else None
    begins = tuple(one.strip() for one in place.split(",") if one.strip())
    if not file.is_file():
        raise RejectedError([_no_file(file)])
    with opened(file, day) as extract:
        found = [one for one in extract.entries() if not begins or one.postcode.startswith(begins)]
    for issue in extract.issues:
        print(issue, file=sys.stderr)

    async def work(store: Store) -> Loaded:
        return await load(store, SystemClock(), extract.origin, extract.as_of, found)

    loaded = with_store(work)
    print(
        f"{extract.origin} of {extract.as_of:%Y-%m-%d}: {loaded.entries} entries kept, "
        f"{loaded.forgotten} forgotten, {extract.left_out} lines left out, "
        f"{loaded.released} mails released.",
        file=sys.stderr,
    )


@directory.command("find")
def find(
    name: Annotated[str, typer.Argument(help="Words of a name; may be left out.")] = "",
    rpps: Annotated[str, typer.Option("--rpps", help="Number of a professional.")] = "",
    finess: Annotated[str, typer.Option("--finess", help="Number of a structure.")] = "",
    place: Annotated[
        str, typer.Option("--place", help="Commune, or beginning of its postcode.")
    ] = "",
    address: Annotated[str, typer.Option("--address", help="A mailbox.")] = "",
) -> None:
    """Print who is meant, one line of JSON each, with the source and its date.

    Example: relais directory find basalte --place 99005
    """
    asked = Asked(rpps, finess, name, place, address)
    if asked == Asked():
        raise RejectedError([_nothing_asked()])

    async def work(store: Store) -> list[Entry]:
        return await store.read(lambda tx: tx.directory.find(asked, _LIMIT + 1))

    found = with_store(work)
    for one in found[:_LIMIT]:
        sys.stdout.write(f"{orjson.dumps(_shown(one)).decode()}\n")
    if len(found) > _LIMIT:
        print(f"Only the first {_LIMIT} are shown: say more.", file=sys.stderr)
    if not found:
        raise RejectedError([_nobody()])


@directory.command("state")
def state() -> None:
    """Print what is kept of each source, how old it is, and whether it can be read.

    Exit 1 when a source is old or fails, or when there is none.

    Example: relais directory state
    """
    limits, now = freshness(settings_module.load()), SystemClock().now()

    async def work(store: Store) -> list[SourceState]:
        return await store.read(lambda tx: tx.directory.states())

    states = with_store(work)
    old = stale(states, limits, now)
    for one in states:
        line = {
            "source": one.origin,
            "as_of": one.as_of.isoformat() if one.as_of else None,
            "loaded_at": one.loaded_at.isoformat(),
            "entries": one.entries,
            "stale": old[one.origin],
            "failing_since": one.failing_since.isoformat() if one.failing_since else None,
            "failure": one.failure or None,
        }
        sys.stdout.write(f"{orjson.dumps(line).decode()}\n")
    if not states:
        raise RejectedError([_empty()])
    if any(old.values()):
        raise typer.Exit(1)


def _shown(entry: Entry) -> Json:
    told = {name: getattr(entry, name) for name in Entry.__slots__ if name != "seen_at"}
    told["seen_at"] = entry.seen_at.isoformat() if entry.seen_at else None
    return told


def _no_file(file: Path) -> Issue:
    return Issue(
        code="RLS-DIR-031",
        severity=Severity.ERROR,
        where=file.name,
        what="there is no such file.",
        fix="Name a published extract of the Annuaire Santé.",
    )


def _nothing_asked() -> Issue:
    return Issue(
        code="RLS-DIR-032",
        severity=Severity.ERROR,
        where="relais directory find",
        what="nothing is looked for.",
        fix="Give a name, --rpps, --finess, --place or --address.",
    )


def _nobody() -> Issue:
    return Issue(
        code="RLS-DIR-033",
        severity=Severity.ERROR,
        where="directory",
        what="the directory that is kept has nobody like that, which proves nothing.",
        fix="Ask with fewer words, or import a newer extract (relais directory state).",
    )


def _empty() -> Issue:
    return Issue(
        code="RLS-DIR-034",
        severity=Severity.WARNING,
        where="directory",
        what="no source of the directory was ever read.",
        fix="Import a published extract, or name the interface in directory.base_url.",
    )
