"""What the address of a pilot's page asks for, and the addresses that lead on from it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from gateway.core.facts import Status
from gateway.core.handoffs import Chosen
from gateway.core.timestamps import PARIS
from gateway.entry.web.values import LANES

#: Periods one can choose, in whole weeks that are over, and the week that runs. Each holds the
#: one before: two days more or less would let a single handoff be found by subtraction.
WEEKS = (4, 13, 26, 52)
#: What a list shows: names of groups, with the states of the handoffs in them.
GROUPS: Mapping[str, tuple[Status, ...]] = {
    "broken": (Status.OVERDUE, Status.MET_LATE, Status.MOOT),
    "open": (Status.OVERDUE,),
    "late": (Status.MET_LATE,),
    "told": (Status.MET,),
}
FILTERS = ("weeks", "rule", "site", "area")
#: Parameters of a list beside the filters.
OF_LIST = ("of", "from", "to", "slot", "after")
_LONGEST = 60
Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page shows.

    Attributes:
        weeks: one of `WEEKS`.
        rule: empty: all.
        estab: FINESS; empty: all.
        area: first digits of FINESS, a département; empty: all.
    """

    weeks: int = WEEKS[0]
    rule: str = ""
    estab: str = ""
    area: str = ""

    def chosen(self, now: datetime) -> Chosen:
        """Return the handoffs it is about."""
        monday = this_week(now)
        since = monday - timedelta(weeks=self.weeks)
        return Chosen(since, monday + timedelta(weeks=1), self.rule, self.estab, self.area)

    @property
    def query(self) -> dict[str, str]:
        """Return the query that asks for the same."""
        found = {"rule": self.rule, "site": self.estab, "area": self.area}
        weeks = {} if self.weeks == WEEKS[0] else {"weeks": str(self.weeks)}
        return weeks | {name: value for name, value in found.items() if value}

    @property
    def wider(self) -> tuple["Asked", ...]:
        """Return what is asked for without one of its filters each."""
        found = []
        if self.rule:
            found.append(replace(self, rule=""))
        if self.estab:
            found.append(replace(self, estab=""))
        if self.area:
            found.append(replace(self, area="", estab=""))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class AskedList:
    """The gaps behind a number.

    Attributes:
        of: one of `GROUPS`.
        source: lane people left; empty: any.
        target: lane where they were awaited; empty: any.
        slot: hour of the week, 0 to 167; None: any.
        after: id of the last row of the page before.
    """

    asked: Asked
    of: str = "broken"
    source: str = ""
    target: str = ""
    slot: int | None = None
    after: str = ""

    @property
    def query(self) -> dict[str, str]:
        """Return the query that asks for the same, from its first page."""
        found = {**self.asked.query, "of": self.of, "from": self.source, "to": self.target}
        slot = {} if self.slot is None else {"slot": str(self.slot)}
        return {name: value for name, value in found.items() if value} | slot


def asked(query: Query) -> Asked:
    """Return what a query asks for; what it does not understand is left out."""
    weeks = query.get("weeks", "")
    told = {name: query.get(name, "").strip()[:_LONGEST] for name in ("rule", "site", "area")}
    return Asked(
        int(weeks) if weeks in map(str, WEEKS) else WEEKS[0],
        told["rule"],
        told["site"],
        told["area"][:3],
    )


def asked_list(query: Query) -> AskedList:
    """Return the list a query asks for."""
    of, slot = query.get("of", ""), query.get("slot", "")
    source, target = query.get("from", ""), query.get("to", "")
    hour = int(slot) if slot.isascii() and slot.isdigit() and len(slot) < 4 else None
    return AskedList(
        asked(query),
        of if of in GROUPS else "broken",
        source if source in LANES else "",
        target if target in LANES else "",
        hour if hour is not None and hour < 7 * 24 else None,
        query.get("after", "")[:80],
    )


def address(path: str, query: Query) -> str:
    """Return an address with a query."""
    return f"{path}?{urlencode(query)}" if query else path


def this_week(now: datetime) -> date:
    """Return the Monday of the week that runs, Paris."""
    today = now.astimezone(PARIS).date()
    return today - timedelta(days=today.weekday())
