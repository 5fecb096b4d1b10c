"""The figures of the pilot's page from the counts of the store; small numbers stay there.

Every table is read by index from sums that are kept as handoffs are judged; nothing walks through
patients or gaps. What was worked out is kept for a minute for whoever asks the same.
"""

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import reduce
from operator import add

from gateway.core.facts import Status
from gateway.core.handoffs import MUTED, Cell, Chosen, HandoffQueries, Outcomes, Waits
from gateway.core.ports import Store, Transaction
from gateway.entry.web.pilot.asked import WEEKS, Asked
from gateway.entry.web.pilot.figures import Alerts, Figures, Flow, Flows, Hour, Line
from gateway.entry.web.rulebook import RuleBook
from gateway.entry.web.store_names import establishments
from gateway.entry.web.values import LANES
from gateway.fhir.identity import Ids
from gateway.pathway.calendar import region_of
from gateway.pathway.kpis import AGES_BD, age_edges, delay_h, share, waits_together
from gateway.pathway.small_numbers import FLOOR, hidden, is_small, nested
from gateway.pipeline.viewing import VIEWER

_KEPT_S = 60.0
_MOST_KEPT = 200
#: Settled by a person as what should never have been a gap.
WRONG = frozenset({"false-alarm", "not-applicable-clinically", "wrong-identity"})
#: From which part of the highest hour on a shade begins.
_SHADES = (0.2, 0.4, 0.6, 0.8)
_Waits = Mapping[str, Waits]


@dataclass(frozen=True, slots=True)
class PilotReader:
    """Works the figures out.

    Attributes:
        store: as far as who looks may be shown it.
        book: names and flows of rules.
        ids: of the installation.
    """

    store: Store
    book: RuleBook
    ids: Ids
    _kept: dict[tuple[str, Asked, date], tuple[float, Figures]] = field(default_factory=dict)

    async def figures(self, asked: Asked, now: datetime) -> Figures:
        """Return the figures, those of a minute ago when somebody of the same circle asked."""
        viewer, at = VIEWER.get(), time.monotonic()
        key = ("" if viewer is None else viewer.circle.id, asked, asked.chosen(now).since)
        made_at, found = self._kept.get(key, (None, None))
        if made_at is not None and found is not None and at - made_at <= _KEPT_S:
            return found
        made = await self.store.read(lambda tx: _Look(tx, self, asked, now).figures())
        for old in [k for k, v in self._kept.items() if at - v[0] > _KEPT_S]:
            del self._kept[old]
        if len(self._kept) < _MOST_KEPT:
            self._kept[key] = (at, made)
        return made


class _Look:
    """One look at the counts."""

    def __init__(self, tx: Transaction, reader: PilotReader, asked: Asked, now: datetime) -> None:
        self._tx, self._reader, self._asked, self._now = tx, reader, asked, now
        self._counts = tx.watch.handoffs
        self._chosen = asked.chosen(now)

    def figures(self) -> Figures:
        """Return everything the page shows."""
        estabs = self._counts.estabs()
        book = self._reader.book
        weeks = self._counts.by_week(self._chosen)
        whole = reduce(add, weeks.values(), Outcomes())
        bare = Figures(
            self._asked,
            self._now,
            self._chosen.since,
            self._chosen.before - timedelta(days=1),
            establishments(self._tx, self._reader.ids, estabs),
            book.names(),
            (
                tuple(sorted(book.rules.in_force)),
                tuple(estabs),
                tuple(sorted({one[:2] for one in estabs})),
            ),
            withheld=True,
            whole=Line("", small=True),
            on_time=share(0, 0),
            alerts=Alerts("", small=True),
        )
        if not is_told(self._counts, self._asked, self._now):
            return bare
        return self._filled(bare, weeks, whole)

    def _filled(self, bare: Figures, weeks: Mapping[date, Outcomes], whole: Outcomes) -> Figures:
        cells = self._counts.by_cell(self._chosen)
        lanes = {cell: self._reader.book.flow(cell) for cell in cells}
        told = defaultdict[str, list[Waits]](list)
        for cell, counts in self._counts.waits(self._chosen, self._now).items():
            for key in (f"r {cell.rule}", f"e {cell.estab}", f"f {' '.join(lanes[cell])}", ""):
                told[key].append(counts)
        waits = {key: waits_together(counts) for key, counts in told.items()}
        rules, estabs = self._counts.by_rule(self._chosen), self._counts.by_estab(self._chosen)
        by_alerts = self._alerts()
        return replace(
            bare,
            withheld=False,
            whole=_line("", whole, small=False, waits=waits.get("", ())),
            on_time=share(whole.on_time, whole.total),
            alerts=_together(by_alerts),
            by_rule=_lines(rules, waits, "r "),
            by_estab=_lines(estabs, waits, "e "),
            by_week=self._weeks(weeks),
            flows=flows_of(cells, lanes, waits),
            by_alerts=_shown_alerts(by_alerts),
            ages=self._ages(),
            hours=_hours(self._counts.slots(self._chosen)),
        )

    def _weeks(self, weeks: Mapping[date, Outcomes]) -> tuple[Line, ...]:
        """Return a line for each week, also for one without a handoff; delays are left out."""
        every = [
            self._chosen.since + timedelta(weeks=n)
            for n in range((self._chosen.before - self._chosen.since).days // 7)
        ]
        told = {week.isoformat(): weeks.get(week, Outcomes()) for week in every}
        shut = hidden({key: one.total for key, one in told.items()})
        return tuple(_line(key, one, small=key in shut) for key, one in told.items())

    def _alerts(self) -> dict[str, Alerts]:
        found: dict[str, Alerts] = {}
        for (rule, status, judged), n in self._counts.judged(self._chosen).items():
            one = found.get(rule, Alerts(rule, small=False))
            by_person = bool(judged) and judged != MUTED
            if status is Status.OVERDUE and not by_person:
                one = replace(one, muted=one.muted + (n if judged == MUTED else 0))
            elif status is Status.MET:
                one = replace(one, ended=one.ended + n, told_late=one.told_late + n)
            else:
                wrong = n if judged in WRONG else 0
                one = replace(one, ended=one.ended + n, judged=one.judged + wrong)
            found[rule] = one
        return found

    def _ages(self) -> tuple[int | None, ...]:
        groups = [0] * (len(AGES_BD) + 1)
        regions = {region_of(estab) for estab in (*self._counts.estabs(), "")}
        # Regions without a holiday of their own lately are counted together.
        for edges in {age_edges(self._now, region) for region in regions}:
            for estab, counts in self._counts.ages(self._chosen, edges).items():
                if age_edges(self._now, region_of(estab)) == edges:
                    groups = [a + b for a, b in zip(groups, counts, strict=True)]
        if not any(groups):
            return ()
        shut = hidden(dict(enumerate(groups)))
        return tuple(None if place in shut else number for place, number in enumerate(groups))


def is_told(counts: HandoffQueries, asked: Asked, now: datetime) -> bool:
    """Tell whether the numbers of a period and filters may be shown.

    They are not when they are small, or when what is shown without one of the filters, or for a
    shorter period, would give a small number by subtraction.
    """
    shorter = [replace(asked, weeks=weeks) for weeks in WEEKS if weeks <= asked.weeks]
    weeks = counts.by_week(asked.chosen(now))
    totals = [
        sum(one.total for week, one in weeks.items() if week >= period.chosen(now).since)
        for period in shorter
    ]
    return (
        totals[-1] >= FLOOR
        and nested(totals)[-1]
        and all(_stays_hidden(counts, asked, wider, now) for wider in asked.wider)
    )


def _stays_hidden(counts: HandoffQueries, asked: Asked, wider: Asked, now: datetime) -> bool:
    """Tell whether a filter chooses a number that the table of its kind shows."""
    chosen: Chosen = wider.chosen(now)
    table: dict[str, int] = {}
    if wider.rule != asked.rule:
        own, table = asked.rule, {k: v.total for k, v in counts.by_rule(chosen).items()}
    else:
        found = {k: v.total for k, v in counts.by_estab(chosen).items()}
        if wider.area == asked.area:
            own, table = asked.estab, found
        else:
            own = asked.area
            for estab, number in found.items():
                area = own if estab.startswith(own) else estab[:2]
                table[area] = table.get(area, 0) + number
    return own not in hidden(table)


def _line(key: str, one: Outcomes, *, small: bool, waits: Waits = ()) -> Line:
    if small:
        return Line(key, small=True)
    return Line(
        key,
        False,
        one.total,
        one.broken,
        one.open,
        share(one.broken, one.total),
        delay_h(one, waits, 0.5),
        delay_h(one, waits, 0.9),
    )


def _lines(table: Mapping[str, Outcomes], waits: _Waits, kind: str) -> tuple[Line, ...]:
    shut = hidden({key: one.total for key, one in table.items()})
    return tuple(
        _line(key, one, small=key in shut, waits=waits.get(kind + key, ()))
        for key, one in sorted(table.items())
    )


def flows_of(
    cells: Mapping[Cell, Outcomes],
    lanes: Mapping[Cell, tuple[str, str]],
    waits: Mapping[str, Waits],
) -> Flows:
    """Return the flows; the totals of their ends are shown, and give no hidden flow back."""
    found: dict[tuple[str, str], Outcomes] = {}
    for cell, one in cells.items():
        if one.total:
            found[lanes[cell]] = found.get(lanes[cell], Outcomes()) + one
    numbers = {pair: one.total for pair, one in found.items()}
    ends: list[dict[str, int]] = [{}, {}]
    for pair, number in numbers.items():
        for place, lane in enumerate(pair):
            ends[place][lane] = ends[place].get(lane, 0) + number
    closed = [hidden(table) for table in ends]
    lines = [
        [pair for pair in numbers if pair[place] == lane]
        for place, table in enumerate(ends)
        for lane in table
        if lane not in closed[place]
    ]
    unseen = [pair for pair in numbers if pair[0] in closed[0] or pair[1] in closed[1]]
    shut = hidden(numbers, [*lines, list(numbers)], unseen)
    ordered = sorted(found, key=lambda pair: (LANES.index(pair[0]), LANES.index(pair[1])))
    return Flows(
        tuple(
            Flow(
                *pair,
                _line(
                    " ".join(pair),
                    found[pair],
                    small=pair in shut,
                    waits=waits.get(f"f {' '.join(pair)}", ()),
                ),
            )
            for pair in ordered
        ),
        *(
            {
                lane: None if lane in closed[place] else table[lane]
                for lane in LANES
                if lane in table
            }
            for place, table in enumerate(ends)
        ),
    )


def _together(by_rule: Mapping[str, Alerts]) -> Alerts:
    ended = sum(one.ended for one in by_rule.values())
    if is_small(ended):
        return Alerts("", small=True)
    told = sum(one.told_late for one in by_rule.values())
    judged = sum(one.judged for one in by_rule.values())
    muted = sum(one.muted for one in by_rule.values())
    return Alerts("", False, ended, told, judged, muted)


def _shown_alerts(by_rule: Mapping[str, Alerts]) -> tuple[Alerts, ...]:
    shut = hidden({rule: one.ended for rule, one in by_rule.items()})
    return tuple(
        Alerts(rule, small=True) if rule in shut else one
        for rule, one in sorted(by_rule.items())
        if one.ended
    )


def _hours(slots: Mapping[int, int]) -> tuple[Hour, ...]:
    if not slots:
        return ()
    shut, most = hidden(slots), max(slots.values())
    found = []
    for slot in range(7 * 24):
        count = slots.get(slot, 0)
        # What is not told is not weighed either: one shade for all that is small.
        small = slot in shut
        shade = 0 if not count else 1 if small else 1 + sum(count > most * s for s in _SHADES)
        found.append(Hour(slot, None if small else count, shade))
    return tuple(found)
