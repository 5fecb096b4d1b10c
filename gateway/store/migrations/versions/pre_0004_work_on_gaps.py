"""Keep what happens to open gaps: acts, mutes, digests.

Only new tables: the release before runs on this schema and does not see them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _TEXT, nullable=False) for name in names]


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), autoincrement=False, nullable=False)


def upgrade() -> None:
    """Create the tables; the ladder of a gap that is open already starts with its opening."""
    op.create_table(
        "gap_act",
        *_text("gap_id"),
        _number("episode"),
        *_text("did"),
        _number("number"),
        *_text("at"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("gap_id", "episode", "did", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mute",
        *_text("id"),
        sa.Column("lifted", sa.SmallInteger(), autoincrement=False, nullable=False),
        *_text("subject", "at"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", "lifted"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_mute_subject", "mute", ["subject"])
    op.create_table(
        "digest",
        *_text("owner", "slot"),
        sa.PrimaryKeyConstraint("owner", "slot"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "digest_item",
        *_text("owner", "gap_id"),
        _number("episode"),
        *_text("news", "at", "told"),
        sa.PrimaryKeyConstraint("owner", "gap_id", "episode", "news"),
        sqlite_with_rowid=False,
    )
    untold = sa.text("told = ''")
    op.create_index(
        "ix_digest_item_untold",
        "digest_item",
        ["at"],
        sqlite_where=untold,
        postgresql_where=untold,
    )
