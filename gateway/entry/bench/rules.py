"""A rule checked, and tried on a log before anybody is told of it.

The functions are those of `relais pathway check` and `relais pathway backtest`; nothing is
written. Runs in a process of its own, which can be ended at any moment.
"""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

from gateway.core.errors import FatalError, RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.messages import Channel, RawMessage
from gateway.entry.backtesting import always, compared
from gateway.entry.bench.jobs import Backtest, Burden, CheckRule, Tried
from gateway.entry.pathway_log import LogLine, lines_of, replayed
from gateway.entry.settings import Settings
from gateway.entry.wiring import load_pathway_rules
from gateway.mapping.loader import load_mappings, read_text_yaml
from gateway.pathway.backtest import Comparison, Load, Outcome
from gateway.pathway.enrich import Tables
from gateway.pathway.published import Lists
from gateway.pathway.rulecheck import oddities
from gateway.pathway.rules import Rules, load
from gateway.simulation.faults import PERFECT
from gateway.simulation.play import events
from gateway.simulation.region import Region

#: Lines of a log, and patients of a region, that are tried at most.
MOST_LINES, MOST_PATIENTS = 20_000, 200
_SHOWN, _DAYS = 10, 200
_AFTER = timedelta(days=7)
_NOTHING = Load(0, 0, 0)


class RuleTrials:
    """Checks and tries rules; remembers what is in force."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._mappings = load_mappings(settings.mappings)
        self._current = load_pathway_rules(settings, self._mappings)

    def _read(self, name: str, text: str) -> Rules:
        document = read_text_yaml(text, f"{name}.yaml")
        return load({name: document}, Tables.of(self._mappings.sites.by_name.values()))

    def faults(self, job: CheckRule) -> tuple[Issue, ...]:
        """Return what is wrong with a rule, else what is odd about it."""
        try:
            return tuple(oddities(self._read(job.name, job.text), Lists()))
        except FatalError as error:
            return error.issues

    def tried(self, job: Backtest) -> Tried:
        """Try a rule on a log.

        Raises:
            FatalError: the rule is wrong.
            RejectedError: the log is too long, or a line cannot be read (RLS-WEB-128, RLS-PTH-120).
        """
        changed = always(self._read(job.name, job.text))
        lines = sorted(self._lines(job), key=lambda line: line.at)
        if not lines:
            raise RejectedError([too_long()])
        end = lines[-1].at + _AFTER

        async def walk() -> Comparison:
            store, _ = await replayed(self._settings, lines, end)
            try:
                return await store.read(
                    lambda tx: compared(tx, self._current, changed, self._settings.tenant, end)
                )
            finally:
                await store.close()

        found = asyncio.run(walk())
        before, after = found.before, found.after
        return Tried(
            len(lines),
            lines[0].at,
            end,
            (len(before.gaps), len(after.gaps)),
            (_closed(before), _closed(after)),
            len(found.kept),
            tuple((after.gaps[g].rule, after.gaps[g].opened_at) for g in found.added[:_SHOWN]),
            tuple((before.gaps[g].rule, before.gaps[g].opened_at) for g in found.removed[:_SHOWN]),
            (max(0, len(found.added) - _SHOWN), max(0, len(found.removed) - _SHOWN)),
            tuple(_owners(before, after)),
            tuple(_days(before, after))[:_DAYS],
            tuple(found.overloaded()),
        )

    def _lines(self, job: Backtest) -> Iterator[LogLine]:
        if job.log:
            found = list(lines_of(job.log))
            if len(found) > MOST_LINES:
                raise RejectedError([too_long()])
            yield from found
            return
        channels = {"mllp": Channel.MLLP, "http": Channel.HTTP, "cda": Channel.CDA}
        region = Region(job.seed, min(job.patients, MOST_PATIENTS))
        for event in events(region, PERFECT):
            yield LogLine(event.at, RawMessage(event.body, channels[event.door], event.at))


def _closed(found: Outcome) -> int:
    return sum(gap.closed_at is not None for gap in found.gaps.values())


def _owners(before: Outcome, after: Outcome) -> Iterator[Burden]:
    had, has = before.owners(), after.owners()
    for owner in sorted(had | has):
        old, new = had.get(owner, _NOTHING), has.get(owner, _NOTHING)
        yield Burden(owner, "", old.openings, new.openings, (old.worst_day, new.worst_day))


def _days(before: Outcome, after: Outcome) -> Iterator[Burden]:
    for owner, day in sorted({*before.load, *after.load}, key=lambda one: (one[1], one[0])):
        counts = before.load[owner, day], after.load[owner, day]
        yield Burden(owner, day.isoformat(), *counts, counts)


def too_long() -> Issue:
    """Say that a log cannot be tried."""
    return Issue(
        code="RLS-WEB-128",
        severity=Severity.ERROR,
        where="http.body log",
        what=f"the log is empty, or holds more than {MOST_LINES} lines.",
        fix="Give a shorter log, or use `relais pathway backtest`, which takes its time.",
    )
