"""Keep what each rule said, so that a change of rules is noticed.

Only a new table: the release before runs on this schema and does not see it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table; nobody has noted any rule yet."""
    op.create_table(
        "rule_mark",
        sa.Column("rule", _TEXT, nullable=False),
        sa.Column("digest", _TEXT, nullable=False),
        sa.Column("since", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("rule"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("rule_mark")
