"""Remember when Patients change their person, and since when the silence of a feed counts.

Only new tables and an index: the release before runs on this schema and does not see them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_ENOUGH = 200


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _TEXT, nullable=False) for name in names]


def upgrade() -> None:
    """Create the tables; feeds that count already count from their start, as they did."""
    op.create_table(
        "person_move",
        *_text("patient_id", "at", "before", "after"),
        sa.PrimaryKeyConstraint("patient_id", "at"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_person_move_before", "person_move", ["before"])
    op.create_index("ix_person_move_after", "person_move", ["after"])
    op.create_table(
        "feed_proven",
        *_text("feed", "at"),
        sa.PrimaryKeyConstraint("feed"),
        sqlite_with_rowid=False,
    )
    feed = sa.table("feed", sa.column("feed"), sa.column("first_at"), sa.column("messages"))
    proven = sa.table("feed_proven", sa.column("feed"), sa.column("at"))
    enough = sa.select(feed.c.feed, feed.c.first_at).where(feed.c.messages >= _ENOUGH)
    op.execute(proven.insert().from_select(["feed", "at"], enough))
    op.create_index("ix_feed_mark_watermark", "feed_mark", ["feed", "watermark"])
