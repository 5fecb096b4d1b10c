"""`python -m tests.bench`: print the figures of this machine; asserts nothing.

Each part can be run alone: `--only reader,adt`. Ours and the peer alternate within a session,
because figures of different sessions do not compare.
"""

import argparse

from tests.bench import bundles, documents, engine, fanout, history, jobs, pathway, readers
from tests.bench.figures import Report

_PARTS = (
    "reader",
    "letters",
    "where",
    "adt",
    "mdm",
    "documents",
    "pathway",
    "engine",
    "history",
    "fanout",
    "rest",
    "beside",
    "bundles",
    "pages",
)


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", default=",".join(_PARTS), help=f"of: {', '.join(_PARTS)}")
    parser.add_argument("--runs", type=int, default=3, help="runs of each figure")
    parser.add_argument("--messages", type=int, default=16_000, help="ADT of the fastest run")
    parser.add_argument("--documents", type=int, default=200, help="MDM of one run")
    parser.add_argument("--letters", type=int, default=1000, help="to both channels, of one run")
    parser.add_argument(
        "--expectations", type=int, default=1_000_000, help="live expectations beside the load"
    )
    parser.add_argument(
        "--patients", default="1000,100000,1000000", help="sizes at which an event is measured"
    )
    parser.add_argument("--stays", default="1,30,100,300", help="of somebody who keeps coming")
    parser.add_argument("--seconds", type=int, default=30, help="of a steady load")
    parser.add_argument("--events", type=int, default=300, help="single events at each size")
    parser.add_argument("--subscribers", type=int, default=100, help="who is told")
    parser.add_argument("--admissions", type=int, default=21, help="of which they are told")
    parser.add_argument("--persons", type=int, default=100_000, help="that are read and searched")
    parser.add_argument("--each", type=float, default=3.0, help="seconds of one kind of request")
    parser.add_argument("--open-gaps", type=int, default=10_000, help="of other persons, for pages")
    parser.add_argument("--requests", type=int, default=100, help="of one page in a run")
    chosen = parser.parse_args()
    wanted = chosen.only.split(",")
    unknown = set(wanted) - set(_PARTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(_PARTS)}")
    report = Report()
    if "reader" in wanted:
        readers.run(report, chosen.runs)
    if {"letters", "where"} & set(wanted):
        from tests.bench import conversions  # starts slowly, and only these two need it
    if "letters" in wanted:
        conversions.letters(report, chosen.runs)
    if "where" in wanted:
        conversions.where(report, 1000)
    if "adt" in wanted:
        jobs.adt(report, chosen.runs, chosen.messages)
    if "mdm" in wanted:
        jobs.mdm(report, chosen.runs, chosen.documents)
    if "documents" in wanted:
        documents.run(report, chosen.runs, chosen.letters)
    if "pathway" in wanted:
        pathway.latency(report, chosen.runs, chosen.expectations, chosen.seconds)
    if "engine" in wanted:
        sizes = [int(size) for size in chosen.patients.split(",")]
        engine.cost(report, chosen.runs, sizes, chosen.events)
    if "history" in wanted:
        history.history(report, chosen.runs, [int(stays) for stays in chosen.stays.split(",")])
    if "fanout" in wanted:
        fanout.fanout(report, chosen.runs, chosen.subscribers, chosen.admissions)
    if "rest" in wanted:
        from tests.bench import rest  # brings a PostgreSQL, and only this one needs it

        rest.rest(report, chosen.runs, chosen.persons, chosen.each)
    if {"rest", "beside"} & set(wanted):
        from tests.bench import stored  # brings what rest does

        stored.beside(report, chosen.runs, chosen.persons, chosen.each)
    if "bundles" in wanted:
        bundles.transactions(report, chosen.runs)
    if "pages" in wanted:
        from tests.bench import pages  # fills a region first, and only this one needs it

        pages.pages(report, chosen.runs, chosen.persons, chosen.open_gaps, chosen.requests)
    report.finish()


if __name__ == "__main__":
    main()
