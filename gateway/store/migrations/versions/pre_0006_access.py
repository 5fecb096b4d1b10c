"""Keep software clients, their tokens and the assertions they used.

Only new tables: the release before runs on this schema and does not see them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _TEXT, nullable=False) for name in names]


def upgrade() -> None:
    """Create the tables; without clients the one of this machine stays the only one."""
    op.create_table(
        "access_client",
        *_text("id"),
        sa.Column("active", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "access_grant",
        *_text("digest", "client", "scopes", "expires"),
        sa.PrimaryKeyConstraint("digest"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_access_grant_client", "access_grant", ["client"])
    op.create_index("ix_access_grant_expires", "access_grant", ["expires"])
    op.create_table(
        "access_assertion",
        *_text("client", "jti", "until"),
        sa.PrimaryKeyConstraint("client", "jti"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_access_assertion_until", "access_assertion", ["until"])
