"""Keep every watermark: old ones are folded into pages.

Only a new table. The release before runs on this schema; it forgets marks of sixty days ago, as
it always did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "feed_mark_page",
        *(sa.Column(name, _TEXT, nullable=False) for name in ("feed", "at", "watermark")),
        sa.Column("marks", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "at"),
    )
    op.create_index("ix_feed_mark_page_watermark", "feed_mark_page", ["feed", "watermark"])
