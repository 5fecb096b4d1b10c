"""Keep the numbers senders give their messages, and those that did not come.

Only a new table: the release before runs on this schema and does not see it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table; numbers are known from the first message on that comes after."""
    op.create_table(
        "feed_number",
        sa.Column("sender", _TEXT, nullable=False),
        sa.Column("last", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("missing", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("sender"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("feed_number")
