"""`relais pathway mute | unmute | mutes`: whom nobody is told about for a while, and why."""

import getpass
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer

from gateway.core.ports import Store, Transaction
from gateway.core.timestamps import utc_seconds
from gateway.core.work import Mute
from gateway.entry import settings as settings_module
from gateway.entry.with_store import with_store
from gateway.fhir.mutes import Asked
from gateway.pathway.rulefiles import rule_ids
from gateway.pipeline import mutes as pipeline

T = TypeVar("T")


def mute(
    scope: Annotated[
        str,
        typer.Argument(help="gap, patient-rule, rule-establishment or recipient-domain."),
    ],
    reason: Annotated[str, typer.Option(help="Why, as a code; a wrong one is answered with all.")],
    until: Annotated[str, typer.Option(help="End, RFC 3339, at most 90 days on.")],
    note: Annotated[str, typer.Option(help="Why, in words.")],
    gap: Annotated[str, typer.Option(help="Id of the gap or of its DetectedIssue.")] = "",
    patient: Annotated[str, typer.Option(help="Id of the Patient.")] = "",
    rule: Annotated[str, typer.Option(help="Id of the rule.")] = "",
    establishment: Annotated[str, typer.Option(help="FINESS of the establishment.")] = "",
    other: Annotated[str, typer.Option(help="FINESS of the other one of a pair.")] = "",
    domain: Annotated[str, typer.Option(help="Domain of a mail address.")] = "",
    since: Annotated[str, typer.Option("--from", help="Start, RFC 3339; default: now.")] = "",
    author: Annotated[str, typer.Option(help="Who mutes; default: the user.")] = "",
) -> None:
    """Tell nobody about some gaps for a while; they stay open and in the figures.

    Example: relais pathway mute rule-establishment --rule TRX-01 --establishment 990000001
    --reason rule-under-tuning --until 2026-12-01T08:00:00+01:00 --note "Seuil revu avec le DIM"
    """
    parts = {
        "gap": gap,
        "patient": patient,
        "rule": rule,
        "organization": establishment,
        "other-organization": other,
        "domain": domain,
    }
    said = {name: value for name, value in parts.items() if value}
    wish = Asked(scope, reason, until, note, author or getpass.getuser(), said, since)
    settings = settings_module.load()
    known = rule_ids(settings.pathways, settings.pathway.added)
    now = datetime.now(UTC)
    made = _write(lambda tx: pipeline.mute(tx, wish, known, now))
    print(_line(made, now))


def unmute(
    mute_id: Annotated[str, typer.Argument(help="Id of the mute.")],
    author: Annotated[str, typer.Option(help="Who ends it; default: the user.")] = "",
) -> None:
    """End a mute before its time: its gaps are told again.

    Example: relais pathway unmute 3f9a0c1b2d4e5f60
    """
    now = datetime.now(UTC)
    ended = _write(lambda tx: pipeline.lift(tx, mute_id, author or getpass.getuser(), now))
    print(_line(ended, now))


def mutes(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
) -> None:
    """List mutes, the newest first: what, why, who, until when.

    Example: relais pathway mutes --all
    """
    now = datetime.now(UTC)
    found = _write(lambda tx: tx.work.mutes())
    listed = [one for one in found if everything or one.end > now]
    for one in listed:
        print(_line(one, now))
    print(_counted(listed), file=sys.stderr)


def _counted(listed: Iterable[Mute]) -> str:
    by_reason: dict[str, int] = {}
    for one in listed:
        by_reason[one.reason.value] = by_reason.get(one.reason.value, 0) + 1
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(by_reason.items()))
    return f"Mutes by reason: {told or 'none'}."


def _line(one: Mute, now: datetime) -> str:
    state = "holds" if one.holds(now) else "over" if one.end <= now else "to come"
    times = f"{utc_seconds(one.since)}/{utc_seconds(one.end)}"
    return f"{one.id}  {state:<7}  {times}  {one.reason.value}  {one.subject}  {one.author}"


def _write(work: Callable[[Transaction], T]) -> T:
    async def run(store: Store) -> T:
        return await store.write(work)

    return with_store(run)
