"""Count what messages of feeds tell, by day.

Only a new table: the release before runs on this schema and does not see it. What came before is
not counted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_KEY = ("day", "feed", "event", "said")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "feed_said",
        *(sa.Column(name, _TEXT, nullable=False) for name in _KEY),
        sa.Column("messages", sa.BigInteger, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint(*_KEY),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("feed_said")
