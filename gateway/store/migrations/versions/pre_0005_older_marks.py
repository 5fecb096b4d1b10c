"""Fold what is old: watermarks into pages, facts of persons nothing happens to into one row.

Only new tables. The release before runs on this schema as long as nothing is folded: it forgets
marks of sixty days ago, as it always did, and does not know the facts in the archive.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "feed_mark_page",
        *(sa.Column(name, _TEXT, nullable=False) for name in ("feed", "at", "watermark")),
        sa.Column("marks", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "at"),
    )
    op.create_index("ix_feed_mark_page_watermark", "feed_mark_page", ["feed", "watermark"])
    op.create_table(
        "archived_facts",
        sa.Column("patient_id", _TEXT, nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("patient_id"),
    )
    op.create_table(
        "archived_input",
        sa.Column("inbox_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("patient_id", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("inbox_id", "patient_id"),
        sqlite_with_rowid=False,
    )
