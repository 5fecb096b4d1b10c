"""Keep how often feeds speak, and what ails them.

Only new tables: the release before runs on this schema and does not see them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _TEXT, nullable=False) for name in names]


def _number(name: str, kind: type[sa.types.TypeEngine[int]]) -> sa.Column[int]:
    return sa.Column(name, kind(), autoincrement=False, nullable=False)


def upgrade() -> None:
    """Create the tables; habits are learned from the first message on that comes after."""
    op.create_table(
        "feed_part",
        *_text("feed", "event", "first_at", "last_at"),
        sa.PrimaryKeyConstraint("feed", "event"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "feed_hour",
        *_text("feed", "event", "hour"),
        _number("messages", sa.BigInteger),
        _number("minutes", sa.SmallInteger),
        *_text("first_at", "last_at"),
        sa.PrimaryKeyConstraint("feed", "event", "hour"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "feed_refusal",
        _number("inbox_id", sa.BigInteger),
        *_text("feed", "at"),
        sa.PrimaryKeyConstraint("inbox_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "feed_delay",
        *_text("feed"),
        _number("usual", sa.BigInteger),
        sa.PrimaryKeyConstraint("feed"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "feed_trouble",
        *_text("feed", "event", "ailment", "since", "told_at"),
        _number("value", sa.BigInteger),
        *_text("ended_at", "lost"),
        sa.PrimaryKeyConstraint("feed", "event", "ailment", "since"),
        sqlite_with_rowid=False,
    )
    lasting = sa.text("ended_at = ''")
    op.create_index(
        "ix_feed_trouble_lasting",
        "feed_trouble",
        ["feed"],
        sqlite_where=lasting,
        postgresql_where=lasting,
    )
