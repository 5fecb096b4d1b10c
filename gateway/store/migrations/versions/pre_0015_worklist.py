"""Keep the worklist of open gaps, and the views people saved.

Only new tables: the release before runs on this schema and does not see them. Open gaps get a row
at once; who has them and where they began comes with the next version of each Task, or with
`relais store reindex`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_PLACE = ["weight", "deadline", "gap_id"]
_INDEXES = {
    "shelf": ["shelf", *_PLACE],
    "deadline": ["shelf", "deadline", "gap_id"],
    "recent": ["shelf", "at", "gap_id"],
    "owner": ["owner", "shelf", *_PLACE],
    "estab": ["estab", "shelf", *_PLACE],
    "rule": ["rule", "shelf", *_PLACE],
    "patient": ["patient_id", "shelf", *_PLACE],
}
_OPEN = """
INSERT INTO worklist
  (gap_id, shelf, weight, deadline, rule, estab, owner, state, patient_id, at, version)
SELECT gap_id, 'open', weight, deadline, rule, '', '', 'a-traiter', patient_id, deadline, 0
FROM expectation WHERE status = 'overdue' AND opened = 1
"""


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _TEXT, nullable=False) for name in names]


def _number(name: str, kind: type[sa.types.TypeEngine[int]]) -> sa.Column[int]:
    return sa.Column(name, kind(), autoincrement=False, nullable=False)


def upgrade() -> None:
    """Create the tables and list what is open."""
    op.create_table(
        "worklist",
        *_text("gap_id", "shelf"),
        _number("weight", sa.SmallInteger),
        *_text("deadline", "rule", "estab", "owner", "state", "patient_id", "at"),
        _number("version", sa.Integer),
        sa.PrimaryKeyConstraint("gap_id"),
        sqlite_with_rowid=False,
    )
    for name, columns in _INDEXES.items():
        op.create_index(f"ix_worklist_{name}", "worklist", columns)
    op.create_table(
        "saved_view",
        *_text("person", "name", "query"),
        sa.PrimaryKeyConstraint("person", "name"),
        sqlite_with_rowid=False,
    )
    op.execute(_OPEN)
