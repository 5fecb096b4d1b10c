"""Keep bulk exports, and which search parameters the index was made by; list histories by time.

Only new tables and indexes: the release before runs on this schema and does not see them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _TEXT, nullable=False) for name in names]


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "export_job",
        *_text("id", "client", "status", "due", "expires"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    for name in ("client", "due", "expires"):
        op.create_index(f"ix_export_job_{name}", "export_job", [name])
    op.create_table(
        "export_file",
        *_text("job"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        *_text("type"),
        sa.Column("lines", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("deleted", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("items", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("job", "number"),
    )
    newest: list[str | sa.TextClause] = ["type", sa.text("last_updated DESC"), "id"]
    op.create_index(
        "ix_resource_deleted",
        "resource",
        newest,
        sqlite_where=sa.text("deleted = 1"),
        postgresql_where=sa.text("deleted = 1"),
    )
    op.create_index("ix_resource_history_recent", "resource_history", newest)
    op.create_table(
        "index_mark",
        *_text("name", "mark"),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )
