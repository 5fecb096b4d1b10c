"""Keep which wrong clocks of feeds a person has allowed to be corrected.

Only a new table: the release before runs on this schema and does not see it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _TEXT, nullable=False) for name in names]


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "feed_correction",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        *_text("feed", "since", "until"),
        sa.Column("offset_s", sa.BigInteger(), autoincrement=False, nullable=False),
        *_text("author", "reason", "approved_at", "withdrawn_at", "withdrawn_by", "withdrawn_for"),
        sa.PrimaryKeyConstraint("number"),
        sqlite_with_rowid=False,
    )
