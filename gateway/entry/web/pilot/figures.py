"""What the pilot's page shows, as values; what is not to be shown is not in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from gateway.core.handoffs import Cell
from gateway.entry.web.pilot.asked import Asked
from gateway.entry.web.values import Person, Text
from gateway.pathway.kpis import Share


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table.

    Attributes:
        key: rule, FINESS, week, or lanes `from to`.
        small: there are fewer than are shown, or the others would give them away; every number
            is left out then.
        total: handoffs that were due.
        broken: of those, how many did not happen by their deadline.
        open: of those, how many have not happened yet.
        rate: part that broke.
        median_h: hours by which half of them had happened; None: half of them has not.
        most_h: hours by which nine of ten had happened; None: that is not reached.
    """

    key: str
    small: bool
    total: int = 0
    broken: int = 0
    open: int = 0
    rate: Share = field(default_factory=lambda: Share(0, 0, 0.0, 1.0))
    median_h: float | None = None
    most_h: float | None = None


@dataclass(frozen=True, slots=True)
class Alerts:
    """What became of the gaps of a rule that are over.

    Attributes:
        ended: gaps that ended, by an event or by a person.
        told_late: what was awaited had happened in time, and was told too late.
        judged: false alarms, not applicable or wrong identity, as people judged.
        muted: still open, and hidden by a mute.
        small: as of `Line`.
    """

    rule: str
    small: bool
    ended: int = 0
    told_late: int = 0
    judged: int = 0
    muted: int = 0

    @property
    def precise(self) -> float:
        """Return which part of the gaps was right, 0 to 1."""
        return 1 - (self.told_late + self.judged) / self.ended if self.ended else 0.0


@dataclass(frozen=True, slots=True)
class Flow:
    """Handoffs from one lane to another."""

    source: str
    target: str
    line: Line


@dataclass(frozen=True, slots=True)
class Flows:
    """Every flow, with the totals of what they leave and where they are awaited.

    Attributes:
        flows: in the order of lanes.
        sources: handoffs by the lane they leave; None: it is not shown.
        targets: likewise, by the lane they are awaited in.
    """

    flows: tuple[Flow, ...]
    sources: Mapping[str, int | None]
    targets: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of the week in which handoffs broke.

    Attributes:
        count: how many; None: fewer than are shown, or hidden with them.
        shade: 0 (none) to 5.
    """

    slot: int
    count: int | None
    shade: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything the page shows.

    Attributes:
        asked: what was asked for.
        at: instant they were worked out.
        since: first day.
        until: last day.
        withheld: there is too little, or it would give away something small; the rest is empty.
        whole: of all of them.
        on_time: part that happened by the deadline.
        alerts: of all rules together.
        ages: open gaps by working days since their deadline, as `kpis.AGES_BD`, None where there
            are fewer than are shown; empty when none is open.
        hours: 168 of them; empty when there is nothing.
        names: of establishments by FINESS.
        rules: names of rules by id.
        choices: what one can choose: rules, establishments, areas.
    """

    asked: Asked
    at: datetime
    since: date
    until: date
    names: Mapping[str, str]
    rules: Mapping[str, Text]
    choices: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    withheld: bool
    whole: Line
    on_time: Share
    alerts: Alerts
    by_rule: tuple[Line, ...] = ()
    by_estab: tuple[Line, ...] = ()
    by_week: tuple[Line, ...] = ()
    flows: Flows = field(default_factory=lambda: Flows((), {}, {}))
    by_alerts: tuple[Alerts, ...] = ()
    ages: tuple[int | None, ...] = ()
    hours: tuple[Hour, ...] = ()


@dataclass(frozen=True, slots=True)
class GapLine:
    """A gap behind a number.

    Attributes:
        gap_id: empty when who looks may not open it; then neither is `person` told.
    """

    gap_id: str
    rule: str
    estab: str
    source: str
    target: str
    severity: str
    status: str
    judged: str
    person: Person | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GapList:
    """The gaps behind a number.

    Attributes:
        total: how many there are; None: fewer than are told to somebody who may not open them.
        following: id to go on behind; empty at the end.
        nameless: some of the rows are without a person for who looks.
    """

    rows: tuple[GapLine, ...]
    total: int | None
    following: str
    nameless: bool
    names: Mapping[str, str]
    rules: Mapping[str, Text]


#: A cell with the lanes it flows between.
Lanes = Mapping[Cell, tuple[str, str]]
