"""`relais directory offers` and `where`: what the territory offers, and for which gap."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import orjson
import typer

from gateway.connectors.offers_file import read_offers
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Store
from gateway.entry.settings import load
from gateway.entry.wiring import SystemClock
from gateway.entry.with_store import with_store
from gateway.fhir.offers import Offer
from gateway.mapping.loader import load_mappings
from gateway.pipeline.offers import keep, where_can_it_go


def offers(
    file: Annotated[
        Path,
        typer.Argument(help="Services of the territory: .csv, or FHIR in .json, .ndjson."),
    ],
) -> None:
    """Make the services of a file the offer of the territory (HealthcareService).

    Example: relais directory offers territory.csv
    """
    told = read_offers(file, load_mappings(load().mappings).conceptmaps)
    found = told.offers

    async def work(store: Store) -> tuple[int, int]:
        return await store.write(lambda tx: keep(tx, found, SystemClock().now()))

    changed, ended = with_store(work)
    for issue in told.passed_over:
        print(str(issue), file=sys.stderr)
    print(
        f"{len(found)} offers, {changed} resources written, {ended} offers ended.", file=sys.stderr
    )


def where(gap: Annotated[str, typer.Argument(help="Id of a gap.")]) -> None:
    """Print where the handoff of a gap can go, the best first, one line of JSON each.

    Example: relais directory where 0f3a52c6
    """

    async def work(store: Store) -> list[Offer]:
        return await store.read(lambda tx: where_can_it_go(tx, gap))

    found = with_store(work)
    for one in found:
        sys.stdout.write(f"{orjson.dumps(asdict(one)).decode()}\n")
    if not found:
        raise RejectedError([_nowhere()])


def _nowhere() -> Issue:
    return Issue(
        code="RLS-DIR-035",
        severity=Severity.ERROR,
        where="relais directory where",
        what="there is no such gap, or no offer of its territory can take its handoff.",
        fix="Check the id of the gap, or import the offer (relais directory offers).",
    )
