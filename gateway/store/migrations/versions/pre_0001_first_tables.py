"""Create the first tables: inbox, contributions, claims, resources, search index.

Written by hand and never changed: a later change of the tables is a later revision. `pre` in the
name of a revision: run before the new release starts, and the release before runs on it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=nullable)


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, autoincrement=False)


def _big(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, autoincrement=False)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def _row_id() -> sa.Column[int]:
    return sa.Column("id", _ROW_ID, primary_key=True, autoincrement=True)


def upgrade() -> None:
    """Create the tables."""
    _inbox()
    _contributions()
    _resources()


def _inbox() -> None:
    texts = ("received_at", "channel", "peer", "sender_app", "sender_facility", "control_id")
    more = ("message_type", "raw_sha256", "canonical_sha256")
    op.create_table(
        "inbox",
        _row_id(),
        *(_text(name) for name in (*texts, *more)),
        _text("sent_at", nullable=True),
        _text("status"),
        _bytes("answer"),
        _bytes("issues"),
        _text("flags"),
        _integer("attempts"),
        _bytes("body"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_inbox_status", "inbox", ["status", "id"])
    waiting = sa.text("status = 'received'")
    op.create_index(
        "ix_inbox_received",
        "inbox",
        ["received_at", "id"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    key = ("sender_app", "sender_facility", "control_id", "canonical_sha256")
    op.create_table(
        "inbox_key",
        *(_text(name) for name in key),
        _big("inbox_id"),
        sa.PrimaryKeyConstraint(*key),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "incident",
        _row_id(),
        *(_text(name) for name in ("at", "kind", "peer")),
        _big("size"),
        _bytes("excerpt"),
        _bytes("details"),
    )


def _contributions() -> None:
    op.create_table(
        "contribution",
        _big("inbox_id"),
        _integer("position"),
        _text("target"),
        _text("version"),
        _integer("ordinal"),
        _bytes("payload"),
        sa.PrimaryKeyConstraint("inbox_id", "position"),
    )
    op.create_index("ix_contribution_target", "contribution", ["target"])
    op.create_table(
        "shared_contribution",
        _text("target"),
        _text("content_hash"),
        _text("newest_version"),
        _integer("newest_ordinal"),
        _big("newest_inbox_id"),
        _text("oldest_version"),
        _integer("oldest_ordinal"),
        _big("oldest_inbox_id"),
        _bytes("payload"),
        sa.PrimaryKeyConstraint("target", "content_hash"),
    )
    op.create_index("ix_shared_contribution_newest", "shared_contribution", ["newest_inbox_id"])
    op.create_index("ix_shared_contribution_oldest", "shared_contribution", ["oldest_inbox_id"])
    op.create_table(
        "claim",
        _text("target"),
        _integer("position"),
        *(_text(name) for name in ("kind", "value", "content")),
        sa.PrimaryKeyConstraint("target", "position"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_claim_value", "claim", ["kind", "value"])


def _resources() -> None:
    op.create_table(
        "resource",
        _text("type"),
        _text("id"),
        *_version(),
        _bytes("entries"),
        _bytes("body"),
        sa.PrimaryKeyConstraint("type", "id"),
    )
    live = sa.text("deleted = 0")
    op.create_index(
        "ix_resource_recent",
        "resource",
        ["type", sa.text("last_updated DESC"), "id"],
        sqlite_where=live,
        postgresql_where=live,
    )
    of_another = sa.text("owner <> ''")
    op.create_index(
        "ix_resource_owner",
        "resource",
        ["owner"],
        sqlite_where=of_another,
        postgresql_where=of_another,
    )
    op.create_table(
        "resource_history",
        _text("type"),
        _text("id"),
        *_version(),
        _bytes("body"),
        sa.PrimaryKeyConstraint("type", "id", "version"),
    )
    entry = ("type", "param", "low", "value", "system", "high", "id")
    op.create_table(
        "index_entry",
        *(_text(name) for name in entry),
        sa.PrimaryKeyConstraint(*entry),
        sqlite_with_rowid=False,
    )


def _version() -> tuple[sa.Column[int] | sa.Column[str], ...]:
    return (
        _integer("version"),
        _text("last_updated"),
        sa.Column("deleted", sa.SmallInteger(), nullable=False),
        _text("content_hash"),
        _text("owner"),
    )
