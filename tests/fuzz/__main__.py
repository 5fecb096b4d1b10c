"""`python -m tests.fuzz`: mutate messages by the million; exit 1 when something surfaced.

Each thing that is wrong is told once, with the bytes that show it kept beside the seed.
With `--frames` the messages travel as frames over a socket to a gateway in this process.
"""

import argparse
import asyncio
import logging
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import structlog

from tests.fuzz import frames
from tests.fuzz.judge import run

_SLICE = 5000


def main() -> int:
    """Run, print what came, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="messages")
    parser.add_argument("--seed", type=int, default=1, help="first seed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--keep", type=Path, default=Path(".fuzz"), help="folder for findings")
    parser.add_argument("--frames", action="store_true", help="over a real connection")
    chosen = parser.parse_args()
    if chosen.frames:
        quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
        structlog.configure(wrapper_class=quiet)
        told = asyncio.run(frames.run(chosen.seed, chosen.count))
        return _told(told.ends, told.wrong, chosen.keep, chosen.count)
    slices = -(-chosen.count // _SLICE)
    statuses: Counter[str] = Counter()
    wrong: dict[str, bytes] = {}
    began = time.monotonic()
    with ProcessPoolExecutor(chosen.processes) as pool:
        seeds = range(chosen.seed, chosen.seed + slices)
        for found in pool.map(run, seeds, [_SLICE] * slices):
            statuses += found.statuses
            wrong = {**found.wrong, **wrong}
    seconds = time.monotonic() - began
    sys.stdout.write(f"{seconds:.0f} s\n")
    return _told(statuses, wrong, chosen.keep, slices * _SLICE)


def _told(ends: Counter[str], wrong: dict[str, bytes], folder: Path, count: int) -> int:
    """Print what came, keep the bytes of what is wrong, and return the exit code."""
    for number, (what, body) in enumerate(sorted(wrong.items()), start=1):
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.er7").write_bytes(body)
        sys.stdout.write(f"{number}: {what}\n")
    said = ", ".join(f"{number} {end}" for end, number in sorted(ends.items()))
    sys.stdout.write(f"{count} messages: {said}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
