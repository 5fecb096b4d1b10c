"""Keep the directory of professionals, structures and mailboxes.

Only new tables: the release before runs on this schema and does not see them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _TEXT, nullable=False) for name in names]


def upgrade() -> None:
    """Create the tables, empty: the directory is read from its sources."""
    op.create_table(
        "directory_entry",
        *_text("origin", "rpps", "finess", "address", "words", "town", "seen_at"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("origin", "rpps", "finess", "address"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_directory_entry_rpps", "directory_entry", ["rpps"])
    op.create_index("ix_directory_entry_finess", "directory_entry", ["finess"])
    op.create_index("ix_directory_entry_address", "directory_entry", ["address"])
    op.create_index("ix_directory_entry_seen", "directory_entry", ["origin", "seen_at"])
    op.create_table(
        "directory_source",
        *_text("origin", "as_of", "loaded_at"),
        sa.Column("entries", sa.Integer(), autoincrement=False, nullable=False),
        *_text("failing_since", "failure"),
        sa.PrimaryKeyConstraint("origin"),
        sqlite_with_rowid=False,
    )
