"""Find what leaves with a document by the document.

Only an index: the release before runs on this schema and does not use it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_NAMED = sa.text("about <> ''")


def upgrade() -> None:
    """Create the index; rows that are about nothing are not in it."""
    op.create_index(
        "ix_outbox_about",
        "outbox",
        ["about", "id"],
        sqlite_where=_NAMED,
        postgresql_where=_NAMED,
    )
