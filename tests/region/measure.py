"""One measurement: a region played in parts, judged against the naive engine and the truth."""

import gc
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC
from multiprocessing import get_context

from gateway.core import log
from gateway.core.facts import ExpectationRow, LedgerLine, feed_of
from gateway.entry.settings import Settings, StoreSettings
from gateway.entry.wiring import build_store
from gateway.simulation.behaviours import feed_truths
from gateway.simulation.faults import PERFECT, Transport, all_faults
from gateway.simulation.region import FIRST_DAY, Region
from tests.conftest import ROOT
from tests.region.ablations import ABLATIONS, walked, walked_without
from tests.region.openings import Opening, openings, standings, visits_of
from tests.region.oracle import heard_of, ledger, naive_rules
from tests.region.play import DECLARED, FINESS, OWN_RULES, Played, play
from tests.region.score import FEED_RULE, JUDGED, RuleScore, Scores, score, score_feeds
from tests.support.naive_calendar import is_free
from tests.support.oracle import Transition

_CATALOGUE = ROOT / "profiles" / "pathways"
#: So many patients share a store. They share nothing else but the feeds, which all the others
#: keep alive. What they say is a twentieth of the work at 250 patients, and a tenth at 100; more
#: of them, and the few things a store in memory looks for row by row would cost what it saves.
_TOGETHER = 250
#: Where the same patients are played, the slower one first; the other is memory.
_STORES = ("sqlite://", "")


@dataclass(frozen=True)
class Wanted:
    """What is measured."""

    seed: int
    patients: int
    days: int
    faults: bool = True

    @property
    def transport(self) -> Transport:
        """Return what happens to messages on their way."""
        return all_faults(self.days) if self.faults else PERFECT


@dataclass
class Outcome:
    """What a measurement found; sums over parts.

    Attributes:
        differences: expectations whose ledger is not that of the naive engine, as text.
        once: expectations whose ledger is another one when looked at once, in the end.
        on_sqlite: expectations whose ledger is another one on SQLite; None: not tried.
        duplicates: openings told twice.
        scores: by rule.
        without: by ablation, then rule.
        burden: openings by owner, of the rules that are on by default.
        most: openings of an owner on one day, by (owner, day).
        cpu_s: by step, of all processes together.
    """

    messages: int = 0
    persons: int = 0
    assertions: int = 0
    transitions: int = 0
    working_days: int = 0
    differences: list[str] = field(default_factory=list)
    once: int = 0
    on_sqlite: int | None = None
    duplicates: int = 0
    reopened: int = 0
    scores: Scores = field(default_factory=dict)
    without: dict[str, Scores] = field(default_factory=dict)
    burden: Counter[str] = field(default_factory=Counter)
    most: Counter[tuple[str, str]] = field(default_factory=Counter)
    cpu_s: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Outcome") -> None:
        """Take another part in."""
        for name in (
            "messages", "persons", "assertions", "transitions", "once", "duplicates", "reopened",
            "differences", "burden", "most", "cpu_s",
        ):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.working_days = max(self.working_days, other.working_days)
        _add(self.scores, other.scores)
        for name, scores in other.without.items():
            _add(self.without.setdefault(name, {}), scores)

    def wrong(self, scores: Scores | None = None) -> int:
        """Return how often people were told wrongly, or not at all, over all rules."""
        return sum(one.wrong for one in (self.scores if scores is None else scores).values())


def _add(scores: Scores, others: Scores) -> None:
    for rule, other in others.items():
        scores.setdefault(rule, RuleScore()).add(other)


def measure(wanted: Wanted, workers: int = 1, sqlite: int = 0) -> Outcome:
    """Measure a region, its patients shared out over so many processes.

    Args:
        wanted: what is measured.
        workers: processes.
        sqlite: patients that are played on SQLite too.
    """
    parts = [
        range(first, min(first + _TOGETHER, wanted.patients + 1))
        for first in range(1, wanted.patients + 1, _TOGETHER)
    ]
    whole = Outcome()
    if workers == 1:
        for numbers in parts:
            whole.add(measure_part(wanted, numbers))
        whole.on_sqlite = on_sqlite(wanted, sqlite) if sqlite else None
        return whole
    # The plays on both stores are the longest and go first.
    with ProcessPoolExecutor(workers, get_context("spawn"), _settle_memory) as pool:
        stores = [pool.submit(_told_on, wanted, sqlite, one) for one in _STORES if sqlite]
        for done in [pool.submit(measure_part, wanted, numbers) for numbers in parts]:
            whole.add(done.result())
        if stores:
            told, seconds = zip(*(one.result() for one in stores), strict=True)
            whole.on_sqlite = sum(a != b for a, b in _both(*told))
            whole.cpu_s["two stores"] = sum(seconds)
    return whole


def _settle_memory() -> None:
    """Spare the garbage collector what lives as long as the process, as `relais serve` does."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def measure_part(wanted: Wanted, numbers: Sequence[int]) -> Outcome:
    """Measure some patients of a region."""
    log.configure("ERROR")
    outcome = Outcome()
    clock = _Clock(outcome.cpu_s)
    region = Region(wanted.seed, wanted.patients, days=wanted.days)
    # The feeds are those of the whole region: one part watches over them for all.
    watches = numbers[0] == 1
    played = play(region, numbers, wanted.transport, watches=watches)
    clock.step("pipeline")
    outcome.messages = len(played.arrivals)
    outcome.persons = sum(not feed_of(next(iter(life.log))) for life in played.lives)
    outcome.transitions = len(played.lines)
    outcome.assertions = sum(len(said) for life in played.lives for said in life.log.values())
    outcome.differences = differences(played)
    clock.step("naive engine")
    visits = visits_of(played.patients.values())
    silences = list(feed_truths(wanted.transport, FIRST_DAY.astimezone(UTC), FINESS))

    def judged(rows: dict[str, ExpectationRow], lines: list[LedgerLine]) -> Scores:
        opened = openings(rows, lines, played.numbers, visits)
        stands = standings(rows.values(), played.numbers, visits)
        scores = score(opened, stands, played.patients, played.arrivals, JUDGED)
        return scores | ({FEED_RULE: score_feeds(opened, silences)} if watches else {})

    outcome.scores = judged(played.rows, played.lines)
    _weigh(outcome, played, openings(played.rows, played.lines, played.numbers, visits))
    rows, lines = walked(played)
    outcome.once = sum(
        a != b for a, b in _both(_by_x(played.rows, played.lines), _by_x(rows, lines))
    )
    for name in ABLATIONS:
        outcome.without[name] = judged(*walked_without(played, name, {*JUDGED, FEED_RULE}))
    clock.step("scores and ablations")
    return outcome


def on_sqlite(wanted: Wanted, patients: int) -> int:
    """Play some patients in memory and on SQLite; return how many ledgers differ."""
    told = [_told_on(wanted, patients, store)[0] for store in _STORES]
    return sum(a != b for a, b in _both(*told))


def _told_on(wanted: Wanted, patients: int, url: str) -> tuple[dict[str, list[Transition]], float]:
    """Play some patients on a store; return the ledger of each expectation, and CPU seconds."""
    log.configure("ERROR")
    began = time.process_time()
    region = Region(wanted.seed, wanted.patients, days=wanted.days)
    store = build_store(Settings(store=StoreSettings(url=url))) if url else None
    played = play(region, range(1, patients + 1), wanted.transport, store, watches=False)
    return _by_x(played.rows, played.lines), time.process_time() - began


def differences(played: Played) -> list[str]:
    """Return the expectations of which engine and naive engine tell another story, the first."""
    heard = heard_of(played.feeds, DECLARED, played.troubles)
    naive = naive_rules(_CATALOGUE, OWN_RULES)
    theirs: dict[str, list[Transition]] = defaultdict(list)
    for life in played.lives:
        for told in ledger(life, naive, heard, played.places, played.until):
            theirs[told[1]].append(told)
    mine = _by_x(played.rows, played.lines)
    rules = {row.x: f"{row.rule} {row.trigger}" for row in played.rows.values()}
    found = []
    for x in sorted(mine.keys() | theirs.keys()):
        if mine.get(x) != theirs.get(x):
            told = [_short(mine.get(x, [])), _short(theirs.get(x, []))]
            found.append(f"{rules.get(x, x)}\n  engine {told[0]}\n  naive  {told[1]}")
    return found


def _short(told: Sequence[Transition]) -> str:
    return ", ".join(f"{at:%Y-%m-%dT%H:%M:%SZ} {new}" for at, _x, _n, _old, new in told) or "-"


def _by_x(
    rows: dict[str, ExpectationRow], lines: Sequence[LedgerLine]
) -> dict[str, list[Transition]]:
    found: dict[str, list[Transition]] = defaultdict(list)
    for line in lines:
        x = rows[line.gap_id].x
        old = line.from_status.value if line.from_status else None
        found[x].append((line.instant, x, line.episode, old, line.to_status.value))
    return found


def _both(mine: dict, theirs: dict):
    return ((mine.get(x), theirs.get(x)) for x in mine.keys() | theirs.keys())


def _weigh(outcome: Outcome, played: Played, opened: Sequence[Opening]) -> None:
    """Count what owners are told, and whether anything is told twice."""
    owners = {id_: found[0].written.owner.role for id_, found in played.rules.versions.items()}
    for one in opened:
        if one.rule not in played.on:
            continue
        owner = owners[one.rule]
        outcome.burden[owner] += 1
        outcome.most[owner, one.opened_at.date().isoformat()] += 1
    told = Counter((one.gap_id, one.episode) for one in opened)
    outcome.duplicates = sum(count - 1 for count in told.values())
    outcome.reopened = sum(one.episode > 1 for one in opened)
    outcome.working_days = _working_days(played)


def _working_days(played: Played) -> int:
    days = {one.at.date() for one in played.arrivals}
    return sum(not is_free(day) for day in days)


class _Clock:
    """Counts CPU seconds of this process from step to step."""

    def __init__(self, into: Counter[str]) -> None:
        self._into, self._last = into, time.process_time()

    def step(self, name: str) -> None:
        """End a step."""
        now = time.process_time()
        self._into[name] += now - self._last
        self._last = now
