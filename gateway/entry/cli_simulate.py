"""`relais simulate`: a synthetic region as files: a log, its truth, a manifest."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.simulation.faults import PERFECT, all_faults
from gateway.simulation.recorded import LOG, MANIFEST, SIZES, TRUTH, record, record_stories
from gateway.simulation.region import MAX_SIZE, Region


class _Size(StrEnum):
    """Sizes by name."""

    TINY = "tiny"
    SMALL = "small"
    REGION = "region"


class _Faults(StrEnum):
    """What happens to messages on their way."""

    ALL = "all"
    NONE = "none"


def simulate(
    size: Annotated[
        _Size, typer.Option(help="Stories of one patient each; 2,000 or 20,000 patients.")
    ] = _Size.TINY,
    patients: Annotated[
        int | None, typer.Option(help="Another number of patients.", min=0, max=MAX_SIZE)
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another region.")] = 1,
    days: Annotated[
        int | None, typer.Option(help="Another length of the region, in days.", min=1, max=3650)
    ] = None,
    faults: Annotated[
        _Faults, typer.Option(help="Faults of the network on the way of the messages.")
    ] = _Faults.ALL,
    out: Annotated[Path, typer.Option(help="Folder of the files.")] = Path("region"),
) -> None:
    """Write a synthetic region: log.ndjson, truth.ndjson and manifest.json.

    The log is what the doors of a gateway receive; `relais pathway run` replays it. The truth
    names the handoffs that fail and the rule that ought to notice. The same seed gives the same
    bytes. `tiny` tells the stories of the rules, which are always the same; with --patients or
    --days it is a region of that size.

    Example: relais simulate --size small --seed 7 --out region-7
    """
    if size is _Size.TINY and patients is None and days is None:
        _say(_in_folder(lambda: record_stories(out)))
        return
    chosen = SIZES[size]
    region = Region(
        seed, chosen.patients if patients is None else patients, days=days or chosen.days
    )
    transport = all_faults(region.days) if faults is _Faults.ALL else PERFECT
    with _progress() as on_progress:
        told = _in_folder(lambda: record(region, transport, out, on_progress))
    _say(told)


def _in_folder(write: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return write()
    except OSError as error:
        raise FatalError([_not_written(error)]) from error


def _say(told: dict[str, Any]) -> None:
    messages, truths = sum(told["messages"].values()), sum(told["truths"].values())
    print(f"{messages} messages ({LOG}), {truths} ruptures ({TRUTH}), {MANIFEST}", file=sys.stderr)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal; nothing anywhere else."""
    if not sys.stderr.isatty():
        yield lambda _done, _whole: None
        return
    with typer.progressbar(length=1, label="region", file=sys.stderr) as bar:

        def on_progress(done: int, whole: int) -> None:
            # Patients are few beside their messages: the whole grows once, near the beginning.
            bar.length = whole
            bar.update(done - bar.pos)

        yield on_progress


def _not_written(error: OSError) -> Issue:
    return Issue(
        code="RLS-CFG-053",
        severity=Severity.FATAL,
        where="simulate, --out",
        what=f"the folder cannot be written: {(error.strerror or 'unknown').lower()}.",
        fix="Choose a folder that may be written, on a disk with room.",
    )
