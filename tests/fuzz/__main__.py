"""`python -m tests.fuzz`: mutate messages by the million; exit 1 when something surfaced.

Each thing that is wrong is told once, with the bytes that show it kept beside the seed.
"""

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.fuzz.judge import run

_SLICE = 5000


def main() -> int:
    """Run, print what came, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="messages")
    parser.add_argument("--seed", type=int, default=1, help="first seed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--keep", type=Path, default=Path(".fuzz"), help="folder for findings")
    chosen = parser.parse_args()
    slices = -(-chosen.count // _SLICE)
    statuses: Counter[str] = Counter()
    wrong: dict[str, bytes] = {}
    began = time.monotonic()
    with ProcessPoolExecutor(chosen.processes) as pool:
        seeds = range(chosen.seed, chosen.seed + slices)
        for found in pool.map(run, seeds, [_SLICE] * slices):
            statuses += found.statuses
            wrong = {**found.wrong, **wrong}
    for number, (what, body) in enumerate(sorted(wrong.items()), start=1):
        chosen.keep.mkdir(exist_ok=True)
        (chosen.keep / f"{number}.er7").write_bytes(body)
        sys.stdout.write(f"{number}: {what}\n")
    seconds = time.monotonic() - began
    told = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
    sys.stdout.write(f"{slices * _SLICE} messages in {seconds:.0f} s: {told}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
