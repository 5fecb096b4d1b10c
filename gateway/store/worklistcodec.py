"""How the worklist looks inside the store; shared by the three stores."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.core.worklist import Order, Shelf, Wanted, WorkRow
from gateway.store.codec import instant_text, read_instant, storable
from gateway.store.watchcodec import maybe_instant, read_maybe, severity_of, weight_of


class WorkColumns(NamedTuple):
    """A row of `worklist`, in the order of the table."""

    gap_id: str
    shelf: str
    weight: int
    deadline: str
    rule: str
    estab: str
    owner: str
    state: str
    patient_id: str
    at: str
    version: int


#: What rows are ordered by, and whether the last comes first.
ORDERS: dict[Order, tuple[tuple[str, ...], bool]] = {
    Order.SEVERITY: (("weight", "deadline", "gap_id"), False),
    Order.DEADLINE: (("deadline", "gap_id"), False),
    Order.RECENT: (("at", "gap_id"), True),
}


def work_columns(row: WorkRow) -> WorkColumns:
    """Return the columns of a row."""
    return WorkColumns(
        storable(row.gap_id),
        row.shelf.value,
        weight_of(row.severity),
        maybe_instant(row.deadline),
        storable(row.rule),
        storable(row.estab),
        storable(row.owner),
        storable(row.state),
        storable(row.patient_id),
        instant_text(row.at),
        row.version,
    )


def read_work(columns: Sequence[Any]) -> WorkRow:
    """Make a row of its columns."""
    c = WorkColumns(*columns)
    return WorkRow(
        c.gap_id,
        Shelf(c.shelf),
        severity_of(c.weight),
        read_maybe(c.deadline),
        c.rule,
        c.estab,
        c.owner,
        c.state,
        c.patient_id,
        # A row of the migration has no version yet, and the deadline for its time.
        read_instant(c.at),
        c.version,
    )


def place_of(columns: WorkColumns, order: Order) -> tuple[str, ...]:
    """Return where a row lies in an order, as texts for an address."""
    names, _ = ORDERS[order]
    return tuple(str(getattr(columns, name)) for name in names)


def place(wanted: Wanted) -> tuple[str | int, ...]:
    """Return the place to go on behind as values of the columns; empty when it is none."""
    names, _ = ORDERS[wanted.order]
    if len(wanted.after) != len(names):
        return ()
    if names[0] != "weight":
        return tuple(map(storable, wanted.after))
    weight = wanted.after[0]
    is_weight = weight.isascii() and weight.isdigit() and len(weight) < 4
    return (int(weight), *map(storable, wanted.after[1:])) if is_weight else ()


def conditions(wanted: Wanted) -> dict[str, str | int]:
    """Return the value of each column that has to be equal."""
    found: dict[str, str | int] = {"shelf": wanted.shelf.value}
    if wanted.owner is not None:
        found["owner"] = storable(wanted.owner)
    if wanted.severity:
        found["weight"] = weight_of(wanted.severity)
    for name in ("rule", "estab", "patient_id", "state"):
        if value := getattr(wanted, name):
            found[name] = storable(value)
    return found


def limits(wanted: Wanted) -> dict[str, str]:
    """Return the limits of the deadline: `since` (from) and `before` (to, outside)."""
    told = {"since": wanted.since, "before": wanted.before}
    return {name: instant_text(at) for name, at in told.items() if at is not None}
