"""Keep which inputs cancel what nobody told.

Only a new table: the release before runs on this schema and does not see it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table; what was cancelled before is flagged on its input only."""
    op.create_table(
        "feed_orphan",
        sa.Column("inbox_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("feed", _TEXT, nullable=False),
        sa.Column("at", _TEXT, nullable=False),
        sa.Column("digest", _TEXT, nullable=False),
        sa.Column("targets", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("inbox_id"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("feed_orphan")
