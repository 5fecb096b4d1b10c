"""A page of the worklist from the store: rows by index, counts that stop, filters by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.core.facts import ExpectationRow, Status
from gateway.core.ports import Transaction
from gateway.core.work import Scope
from gateway.core.worklist import Order, Shelf, Wanted
from gateway.entry.web.data import GapFilter, Worklist
from gateway.entry.web.store_gaps import GapReader
from gateway.entry.web.store_names import establishments, persons
from gateway.entry.web.values import SEVERITIES, Gap
from gateway.pipeline.mutes import hidden

#: Rows of a page, and rows that are counted before the page says "more than".
PAGE, MOST = 50, 1000
#: Shelf and order of the views that are read by key.
_SHELVES = {
    "mine": Shelf.OPEN,
    "none": Shelf.OPEN,
    "open": Shelf.OPEN,
    "deferred": Shelf.DEFERRED,
    "closed": Shelf.CLOSED,
}
#: Days since the deadline a group begins with, and the one behind it begins with.
AGES = {"0": (0, 2), "2": (2, 4), "4": (4, 8), "8": (8, 0)}
NOBODY = "none"


def wanted_of(asked: GapFilter, now: datetime) -> Wanted:
    """Return what a filter asks of the worklist.

    Args:
        asked: a filter whose view is read by key.
        now: the present instant, which ages are counted from.
    """
    owner = {"mine": asked.me, "none": ""}.get(asked.view)
    if owner is None and asked.owner:
        owner = "" if asked.owner == NOBODY else asked.owner
    since = before = None
    if asked.age in AGES:
        low, high = AGES[asked.age]
        before = None if low == 0 else now - timedelta(days=low)
        since = now - timedelta(days=high) if high else None
    order = Order.RECENT if asked.view == "closed" else Order(asked.sort)
    return Wanted(
        _SHELVES[asked.view],
        owner,
        asked.severity,
        asked.rule,
        asked.estab,
        asked.patient,
        asked.state,
        since,
        before,
        order,
        asked.after,
    )


@dataclass(frozen=True, slots=True)
class ListReader:
    """Reads the worklist."""

    gaps: GapReader

    def counts(self, tx: Transaction, me: str, now: datetime) -> dict[str, int]:
        """Return how many rows each view by key has, `MOST` + 1 when there are more."""
        asked = {view: Wanted(shelf) for view, shelf in _SHELVES.items() if view != "closed"}
        asked["mine"] = replace(asked["mine"], owner=me)
        asked["none"] = replace(asked["none"], owner="")
        found = {view: tx.worklist.counted(one, MOST + 1) for view, one in asked.items()}
        return {**found, "muted": len(self._muted(tx, now))}

    def page(
        self,
        tx: Transaction,
        asked: GapFilter,
        now: datetime,
        ahead: Callable[[Transaction, datetime], Sequence[ExpectationRow]],
    ) -> Worklist:
        """Return a page of gaps.

        Args:
            tx: to read from.
            asked: what is shown.
            now: the present instant.
            ahead: gives what is due before midnight.
        """
        following: tuple[str, ...] = ()
        if asked.view in _SHELVES:
            wanted = wanted_of(asked, now)
            listed = tx.worklist.listed(wanted, PAGE + 1)
            following = listed[PAGE - 1][1] if len(listed) > PAGE else ()
            found = tx.watch.some(row.gap_id for row, _ in listed[:PAGE])
            rows = [found[row.gap_id] for row, _ in listed[:PAGE] if row.gap_id in found]
            if asked.view in ("mine", "none", "open"):
                # A mute shows at once; its Task follows with the next look.
                muted = hidden(tx, rows, now)
                rows = [row for row in rows if row.gap_id not in muted]
            total = tx.worklist.counted(wanted, MOST + 1)
        else:
            every = self._others(tx, asked, now, ahead)
            rows, total = list(every[asked.start : asked.start + PAGE]), len(every)
        shown: list[Gap] = self.gaps.shown(tx, rows, now)
        names = establishments(tx, self.gaps.ids, tx.worklist.estabs())
        acting = {one.id: one.name for one in self.gaps.desk.staff.acting()}
        patient = ""
        if asked.patient:
            patient = persons(tx, [asked.patient])[asked.patient].name or asked.patient
        return Worklist(
            tuple(shown),
            min(total, MOST),
            total > MOST,
            self.counts(tx, asked.me, now),
            self.gaps.book.names(),
            dict(sorted(names.items(), key=lambda item: item[1])),
            acting,
            tuple(tx.worklist.views(asked.me)) if asked.me else (),
            following,
            patient,
        )

    def _muted(self, tx: Transaction, now: datetime) -> list[ExpectationRow]:
        """Return the open gaps that a mute hides now, found by their mutes, in the usual order."""
        holding = [one for one in tx.work.mutes() if one.holds(now)]
        ids, rows = set[str](), list[ExpectationRow]()
        for one in holding[:MOST]:
            _, *parts = one.subject.split("|")
            if one.scope is Scope.GAP:
                ids.add(parts[0])
            elif one.scope is Scope.PATIENT_RULE:
                person = tx.facts.persons([parts[0]])[parts[0]]
                rows += [row for row in tx.watch.expectations(person) if row.rule == parts[1]]
            elif one.scope is Scope.RULE_ESTABLISHMENT:
                for shelf in (Shelf.OPEN, Shelf.DEFERRED, Shelf.MUTED):
                    wanted = Wanted(shelf, rule=parts[0], estab=parts[1])
                    ids |= {row.gap_id for row, _ in tx.worklist.listed(wanted, MOST)}
        found = {row.gap_id: row for row in (*rows, *tx.watch.some(ids).values())}
        is_open = [row for row in found.values() if row.status is Status.OVERDUE]
        muted = hidden(tx, is_open, now)
        settled = {
            gap_id for gap_id, row in tx.worklist.rows(muted).items() if row.shelf is Shelf.CLOSED
        }
        kept = [row for row in is_open if row.gap_id in muted - settled]
        return sorted(kept, key=lambda row: (SEVERITIES.index(row.severity), str(row.deadline)))

    def _others(
        self,
        tx: Transaction,
        asked: GapFilter,
        now: datetime,
        ahead: Callable[[Transaction, datetime], Sequence[ExpectationRow]],
    ) -> Sequence[ExpectationRow]:
        """Return what is muted, or is not a gap yet: due today, or unconfirmed."""
        rows: Sequence[ExpectationRow]
        if asked.view == "muted":
            rows = self._muted(tx, now)
        elif asked.view == "today":
            rows = ahead(tx, now)
        else:
            rows = tx.watch.gaps(
                [Status.UNCONFIRMED],
                MOST + 1,
                asked.rule,
                opened_only=False,
                severity=asked.severity,
            )
        return [
            row
            for row in rows
            if asked.rule in ("", row.rule) and asked.severity in ("", row.severity)
        ]
