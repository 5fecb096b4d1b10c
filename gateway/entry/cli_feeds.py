"""`relais feeds skew list | approve | withdraw`: wrong clocks of senders, and who corrects them."""

import getpass
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import orjson
import typer

from gateway.core.feed_ports import Ailment, ClockCorrection, Trouble
from gateway.core.ports import Store, Transaction
from gateway.core.timestamps import utc_seconds
from gateway.entry.pathway_log import instant
from gateway.entry.wiring import SystemClock
from gateway.entry.with_store import with_store
from gateway.pipeline import clock_corrections as pipeline

feeds = typer.Typer(help="Look after feeds.", no_args_is_help=True, rich_markup_mode=None)
skew = typer.Typer(help="Correct wrong clocks of senders.", no_args_is_help=True)
feeds.add_typer(skew, name="skew")


@skew.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Also what is over.")] = False,
    form: Annotated[str, typer.Option("--format", help="text or ndjson.")] = "text",
) -> None:
    """List the clocks that are told to be wrong, and the corrections people allowed.

    Example: relais feeds skew list --all
    """

    async def read(store: Store) -> tuple[list[Trouble], list[ClockCorrection]]:
        return await store.read(_known)

    troubles, corrections = with_store(read)
    told = [one for one in troubles if everything or one.ended_at is None]
    held = [one for one in corrections if everything or one.withdrawn_at is None]
    for line in (*map(_told, told), *map(_allowed, held)):
        print(orjson.dumps(line).decode() if form == "ndjson" else _text(line))
    print(f"{len(told)} clocks are wrong, {len(held)} corrections.", file=sys.stderr)


@skew.command("approve")
def approve(
    feed: Annotated[str, typer.Argument(help="Name of the feed, as `list` gives it.")],
    reason: Annotated[str, typer.Option(help="Why, in words.")],
    offset: Annotated[
        int | None,
        typer.Option(help="Seconds to add to its times; default: the skew that is told of it."),
    ] = None,
    since: Annotated[
        str, typer.Option("--from", help="Start in true time, RFC 3339; default: of that skew.")
    ] = "",
    until: Annotated[str, typer.Option(help="End, RFC 3339; default: until withdrawn.")] = "",
    author: Annotated[str, typer.Option(help="Who allows it; default: the user.")] = "",
) -> None:
    """Read a feed by the right time: what comes, and what came since the clock was wrong.

    Example: relais feeds skew approve 990000001:ADT --offset 3600
    --from 2026-03-29T02:00:00+01:00 --reason "Heure d'été non appliquée, vu avec la DSI"
    """

    async def work(store: Store) -> tuple[ClockCorrection, int]:
        told = _skew_of(await store.read(_known), feed)
        wish = pipeline.Wish(
            feed=feed,
            since=_instant(since) or (told.since if told else datetime.now(UTC)),
            until=_instant(until),
            offset_s=offset if offset is not None else told.value if told else 0,
            author=author or getpass.getuser(),
            reason=reason,
        )
        return await pipeline.approve(store, SystemClock(), wish)

    _say(with_store(work))


@skew.command("withdraw")
def withdraw(
    number: Annotated[int, typer.Argument(help="Number of the correction.")],
    reason: Annotated[str, typer.Option(help="Why, in words.")],
    author: Annotated[str, typer.Option(help="Who takes it back; default: the user.")] = "",
) -> None:
    """Read a feed by its own clock again, also what came meanwhile.

    Example: relais feeds skew withdraw 3 --reason "L'horloge était juste, la route était lente"
    """

    async def work(store: Store) -> tuple[ClockCorrection, int]:
        by = author or getpass.getuser()
        return await pipeline.withdraw(store, SystemClock(), number, by, reason)

    _say(with_store(work))


def _known(tx: Transaction) -> tuple[list[Trouble], list[ClockCorrection]]:
    skewed = [one for one in tx.feeds.troubles() if one.ailment is Ailment.SKEWED]
    return skewed, tx.feeds.corrections()


def _skew_of(known: tuple[list[Trouble], list[ClockCorrection]], feed: str) -> Trouble | None:
    """Return the skew that is told of a feed; the last one when it is over."""
    found = [one for one in known[0] if one.feed == feed]
    return max(found, key=lambda one: (one.ended_at is None, one.since), default=None)


def _instant(text: str) -> datetime | None:
    return instant(text, "option").astimezone(UTC) if text else None


def _say(done: tuple[ClockCorrection, int]) -> None:
    print(_text(_allowed(done[0])))
    print(f"Persons looked at again: {done[1]}.", file=sys.stderr)


def _told(one: Trouble) -> dict[str, object]:
    return {
        "state": "told" if one.ended_at is None else "over",
        "feed": one.feed,
        "skew_s": one.value,
        "from": utc_seconds(one.since),
        "until": utc_seconds(one.ended_at) if one.ended_at else None,
    }


def _allowed(one: ClockCorrection) -> dict[str, object]:
    over = one.withdrawn_at
    line: dict[str, object] = {
        "state": "approved" if over is None else "withdrawn",
        "number": one.number,
        "feed": one.feed,
        "offset_s": one.offset_s,
        "from": utc_seconds(one.since),
        "until": utc_seconds(one.until) if one.until else None,
        "author": one.author,
        "reason": one.reason,
        "approved_at": utc_seconds(one.approved_at),
    }
    if over is not None:
        line |= {
            "withdrawn_at": utc_seconds(over),
            "withdrawn_by": one.withdrawn_by,
            "withdrawn_for": one.withdrawn_for,
        }
    return line


def _text(line: dict[str, object]) -> str:
    return "  ".join(_words(line))


def _words(line: dict[str, object]) -> Iterator[str]:
    for name, said in line.items():
        if name in ("state", "feed"):
            yield str(said)
        elif said is not None:
            yield f"{name}={said}"
