"""Where the time of a document goes, step by step: the account of the explanation page on letters.

Each step is timed on its own, on a document read anew for each run; what it costs is the least of
all runs, so that other work on the machine does not count.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.cda import adapter, facts
from gateway.cda.coherence import contradictions
from gateway.cda.identity import identify
from gateway.cda.minimum import findings
from gateway.cda.outcome import contributions_of
from gateway.cda.reader import read
from gateway.fhir.identity import Ids
from gateway.mapping.engine import CompiledPlan
from gateway.mapping.loader import load_mappings
from gateway.mapping.sites import Site
from tests.bench.figures import Report

_SITE = Site(name="bench", finess="990000010")


@dataclass(slots=True)
class _Clock:
    """The least time of each step."""

    least: dict[str, float] = field(default_factory=dict)
    run: dict[str, float] = field(default_factory=dict)

    def timed(self, step: str, work: Callable[[], Any]) -> Any:
        """Run a step; several of one name in one run are added."""
        begin = time.process_time()
        made = work()
        self.run[step] = self.run.get(step, 0.0) + time.process_time() - begin
        return made

    def end_of_run(self) -> None:
        """Keep what was quicker than before."""
        for step, spent in self.run.items():
            self.least[step] = min(spent, self.least.get(step, spent))
        self.run.clear()


def steps(report: Report, name: str, body: bytes, runs: int) -> None:
    """Print the microseconds of each step of a document that comes alone."""
    plans, clock = adapter.compile_plans(load_mappings()), _Clock()
    for _ in range(runs):
        _once(plans, body, clock)
        clock.end_of_run()
    rows = [(step, f"{spent * 1e6:,.0f}") for step, spent in clock.least.items()]
    rows.append(("all steps", f"{sum(clock.least.values()) * 1e6:,.0f}"))
    report.rows(f"{name}, step by step (least of {runs} runs)", ("step", "CPU us"), rows)


def _once(plans: adapter.Plans, body: bytes, clock: _Clock) -> None:
    timed, ids = clock.timed, Ids()
    document = timed("bytes judged and read into plain objects", lambda: read(body))
    head = timed("header of the inbox, SHA-256", lambda: adapter.header(document, body))
    created = timed("header checked", lambda: adapter._checked_header(document, None, []))
    identity = timed("identity", lambda: identify(document, _SITE, ids, None, test_ins=True))
    context = timed(
        "context: keys of entries, media, stay",
        lambda: adapter._context(
            document, plans, _SITE, ids, None, identity=identity, created=created,
            digest=head.raw_sha256, flags=[], issues=[],
        ),
    )  # fmt: skip
    timed("contradictions", lambda: contradictions(document))
    chosen, plan = plans.of(document)
    results = []
    for part in plan._resources:
        alone = CompiledPlan(plan.plan, (part,))
        step = f"rules: {part.name.partition('.')[0].removeprefix('sections/')}"
        results += timed(step, lambda alone=alone: alone.run(document.root, context))
    version = adapter._version(context)
    timed("contributions, what was not read", lambda: contributions_of(results, context, version))
    known = frozenset(plans.by_template)
    timed("findings", lambda: findings(document, known, strict=False))
    keeper = adapter.custodian(document)
    timed("facts", lambda: facts.assertions(plans.facts[chosen], context, _SITE, keeper))
