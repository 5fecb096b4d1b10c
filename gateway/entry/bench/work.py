"""What runs in the processes of the workbench, job by job."""

from collections.abc import Callable
from typing import Any

from gateway.core.errors import FatalError
from gateway.core.issues import Issue
from gateway.entry.bench.jobs import Backtest, Check, CheckRule, Compare, Look
from gateway.entry.settings import Settings


def looking(settings: Settings) -> Callable[[Any], Any]:
    """Return what looks at inputs, compares mappings and checks them."""
    # Heavy, and for this process alone.
    from gateway.entry.bench.comparing import differences
    from gateway.entry.bench.studies import Studies
    from gateway.entry.wiring import mapping_faults

    studies = Studies(settings)

    def work(job: Any) -> Any:
        if isinstance(job, Look):
            return studies.study(job)
        if isinstance(job, Compare):
            return differences(studies, job)
        if isinstance(job, Check):
            return _faults(lambda: mapping_faults(studies.mappings(job.tree)))
        raise TypeError(type(job).__name__)

    return work


def _faults(judge: Callable[[], list[Issue]]) -> tuple[Issue, ...]:
    try:
        return tuple(judge())
    except FatalError as error:
        return error.issues


def testing(settings: Settings) -> Callable[[Any], Any]:
    """Return what checks rules and tries them on logs."""
    # Heavy, and for this process alone.
    from gateway.entry.bench.rules import RuleTrials

    trials = RuleTrials(settings)

    def work(job: Any) -> Any:
        if isinstance(job, CheckRule):
            return trials.faults(job)
        if isinstance(job, Backtest):
            return trials.tried(job)
        raise TypeError(type(job).__name__)

    return work
