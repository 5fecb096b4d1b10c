"""`python -m tests.region`: measure the engine on a synthetic region.

Plays a region through the pipeline, compares every ledger with that of the naive engine, judges
what people were told by what really went wrong, and takes one thing after the other away from the
engine. Exit 1 when the ledgers differ, something is told twice, or an ablation is not worse.
"""

import argparse
import json
import sys

from gateway.simulation.recorded import SIZES
from tests.region.measure import Outcome, Wanted, measure
from tests.region.table import as_json, as_markdown, show

_SHOWN = 5


def main() -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.region", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--patients", type=int, help="another number of patients")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", choices=("all", "none"), default="all")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--sqlite", type=int, default=40, help="patients played on SQLite too")
    parser.add_argument("--format", choices=("table", "markdown", "json"), default="table")
    chosen = parser.parse_args()
    size = SIZES[chosen.size]
    patients = size.patients if chosen.patients is None else chosen.patients
    wanted = Wanted(chosen.seed, patients, size.days, faults=chosen.faults == "all")
    outcome = measure(wanted, chosen.workers, min(chosen.sqlite, patients))
    if chosen.format == "json":
        sys.stdout.write(json.dumps(as_json(outcome), indent=2, ensure_ascii=False) + "\n")
    elif chosen.format == "markdown":
        sys.stdout.write(as_markdown(outcome))
    else:
        show(outcome)
    faults = list(_faults(outcome))
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


def _faults(outcome: Outcome):
    for told in outcome.differences[:_SHOWN]:
        yield f"another ledger than the naive engine: {told}"
    if outcome.once:
        yield f"{outcome.once} ledgers depend on when one looks"
    if outcome.on_sqlite:
        yield f"{outcome.on_sqlite} ledgers are others on SQLite"
    if outcome.duplicates:
        yield f"{outcome.duplicates} openings were told twice"
    for name, scores in outcome.without.items():
        if outcome.wrong(scores) <= outcome.wrong():
            yield f"{name}: the engine is no worse"


if __name__ == "__main__":
    sys.exit(main())
