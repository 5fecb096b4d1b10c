"""Keep what people may be shown, and who opened what they may not see (break-glass).

Only new tables: the release before runs on this schema and does not see them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _TEXT, nullable=False) for name in names]


def upgrade() -> None:
    """Create the tables; circles are added when somebody logs in."""
    op.create_table(
        "access_circle",
        *_text("id"),
        sa.Column("active", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "access_glass",
        *_text("id", "who", "patient", "since", "until"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_access_glass_patient", "access_glass", ["patient", "until"])
    op.create_index("ix_access_glass_since", "access_glass", ["since"])
