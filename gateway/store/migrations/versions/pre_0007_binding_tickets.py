"""Keep the tickets a websocket of notifications is opened with.

Only a new table: the release before runs on this schema and does not see it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table; nobody holds a ticket yet."""
    op.create_table(
        "binding_ticket",
        *(
            sa.Column(name, _TEXT, nullable=False)
            for name in ("digest", "client", "subscriptions", "expires")
        ),
        sa.Column("since", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_binding_ticket_expires", "binding_ticket", ["expires"])
