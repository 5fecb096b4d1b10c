"""Count what became of handoffs, by week, rule, establishment and from sector to sector.

Only new tables: the release before runs on this schema and does not see them. What was judged
before is counted here; what people settled gaps for comes with the next version of each Task, or
with `relais store reindex`.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from gateway.core.handoffs import COUNTED
from gateway.store.handoffcodec import KEY, NUMBERS, GapColumns, counting
from gateway.store.watchcodec import ExpectationColumns, read_expectation

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_AT_ONCE = 5000


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _TEXT, nullable=False) for name in names]


def _numbers(kind: type[sa.types.TypeEngine[int]], *names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, kind(), autoincrement=False, nullable=False) for name in names]


def upgrade() -> None:
    """Create the tables and count what there is."""
    op.create_table(
        "handoff_week",
        *_text(*KEY),
        *_numbers(sa.Integer, *NUMBERS),
        sa.PrimaryKeyConstraint(*KEY),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "handoff_gap",
        *_text("gap_id", "week"),
        *_numbers(sa.SmallInteger, "slot"),
        *_text("anchor", "deadline"),
        *_numbers(sa.SmallInteger, "weight"),
        *_text("rule", "estab", "sector", "destination", "status"),
        *_numbers(sa.SmallInteger, "opened"),
        *_text("judged"),
        sa.PrimaryKeyConstraint("gap_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_handoff_gap_week", "handoff_gap", ["week", "status", "rule", "estab"])
    totals: dict[tuple[str, ...], tuple[int, ...]] = {}
    gap = sa.table("handoff_gap", *map(sa.column, (*GapColumns._fields, "judged")))
    for page in _judged():
        rows = {one.gap_id: read_expectation(one) for one in page}
        found = counting({}, page, rows)
        for week in found.weeks:
            key, more = week[: len(KEY)], week[len(KEY) :]
            so_far = totals.get(key, (0,) * len(more))
            totals[key] = tuple(a + b for a, b in zip(so_far, more, strict=True))
        if found.put:
            op.bulk_insert(gap, [{**one._asdict(), "judged": ""} for one in found.put])
    week_table = sa.table("handoff_week", *map(sa.column, (*KEY, *NUMBERS)))
    if totals:
        named = (dict(zip((*KEY, *NUMBERS), (*k, *v), strict=True)) for k, v in totals.items())
        op.bulk_insert(week_table, list(named))


def _judged() -> Iterator[list[ExpectationColumns]]:
    """Yield the expectations that count, page by page."""
    row = sa.table("expectation", *map(sa.column, ExpectationColumns._fields))
    columns = [row.c[name] for name in ExpectationColumns._fields]
    after = ""
    while True:
        wanted = sa.select(*columns).where(row.c.gap_id > after, row.c.status.in_(sorted(COUNTED)))
        found = op.get_bind().execute(wanted.order_by(row.c.gap_id).limit(_AT_ONCE)).all()
        page = [ExpectationColumns(*one) for one in found]
        if not page:
            return
        yield page
        after = page[-1].gap_id
