"""Create the tables of the pathway engine and of what leaves.

Only new tables: the release before runs on this schema and does not see them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _TEXT, nullable=False) for name in names]


def _number(name: str, kind: type[sa.Integer]) -> sa.Column[int]:
    return sa.Column(name, kind(), nullable=False, autoincrement=False)


def _integer(name: str) -> sa.Column[int]:
    return _number(name, sa.Integer)


def _big(name: str) -> sa.Column[int]:
    return _number(name, sa.BigInteger)


def _small(name: str) -> sa.Column[int]:
    return _number(name, sa.SmallInteger)


def _bytes(*names: str) -> list[sa.Column[bytes]]:
    return [sa.Column(name, sa.LargeBinary(), nullable=False) for name in names]


def _row_id(name: str) -> sa.Column[int]:
    return sa.Column(name, _ROW_ID, primary_key=True, autoincrement=True)


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    """Create the tables."""
    _facts()
    _watch()
    _feeds()
    _outbox()
    _subscriptions()


def _facts() -> None:
    op.create_table(
        "assertion",
        _big("inbox_id"),
        *_text("aid", "patient_id", "received_at"),
        *_bytes("payload"),
        sa.PrimaryKeyConstraint("inbox_id", "aid"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_assertion_patient", "assertion", ["patient_id"])
    _partial_index("ix_assertion_feed", "assertion", ["received_at"], "patient_id = ''")
    op.create_table(
        "person",
        *_text("patient_id", "person_id"),
        sa.PrimaryKeyConstraint("patient_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_person_person", "person", ["person_id"])


def _watch() -> None:
    op.create_table(
        "watched",
        *_text("person_id", "wake"),
        _small("leased"),
        *_text("asked", "looked_until"),
        _integer("looks"),
        sa.PrimaryKeyConstraint("person_id"),
        sqlite_with_rowid=False,
    )
    _partial_index("ix_watched_wake", "watched", ["wake", "person_id"], "wake <> '~'")
    op.create_table(
        "expectation",
        *_text("gap_id", "person_id", "patient_id", "rule"),
        _integer("rule_version"),
        *_text("severity"),
        _small("weight"),
        *_text("status"),
        _small("opened"),
        *_text("deadline"),
        _integer("episode"),
        *_bytes("content"),
        sa.PrimaryKeyConstraint("gap_id"),
    )
    op.create_index("ix_expectation_patient", "expectation", ["patient_id"])
    place = ["status", "opened", "weight", "deadline", "gap_id"]
    op.create_index("ix_expectation_status", "expectation", place)
    op.create_index("ix_expectation_rule", "expectation", ["rule", *place])
    op.create_table(
        "tally",
        *_text("rule", "status"),
        _big("expectations"),
        sa.PrimaryKeyConstraint("rule", "status"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger",
        _row_id("seq"),
        *_text("instant", "gap_id"),
        _integer("episode"),
        *_text("rule"),
        _integer("rule_version"),
        *_text("from_status", "to_status", "cause"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ledger_gap", "ledger", ["gap_id", "seq"])
    op.create_table(
        "opening",
        *_text("gap_id"),
        _integer("episode"),
        *_text("instant"),
        sa.PrimaryKeyConstraint("gap_id", "episode"),
        sqlite_with_rowid=False,
    )


def _feeds() -> None:
    op.create_table(
        "feed",
        *_text("feed", "first_at", "last_at"),
        _big("messages"),
        *_bytes("lateness"),
        *_text("mark_at", "watermark"),
        sa.PrimaryKeyConstraint("feed"),
    )
    op.create_table(
        "feed_mark",
        *_text("feed", "at", "watermark"),
        sa.PrimaryKeyConstraint("feed", "at"),
        sqlite_with_rowid=False,
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        _row_id("id"),
        *_text("connector", "key", "lane"),
        _small("head"),
        *_text("status"),
        _integer("attempts"),
        *_text("created_at", "not_before", "due_at", "about", "note", "content_type"),
        *_bytes("details", "receipt", "body"),
        sqlite_autoincrement=True,
    )
    op.create_index("ux_outbox_key", "outbox", ["connector", "key"], unique=True)
    op.create_index("ix_outbox_status", "outbox", ["status", "id", "connector"])
    under_way = "status IN ('queued', 'retry_wait', 'sending'"
    _partial_index(
        "ix_outbox_due", "outbox", ["connector", "due_at", "id"], f"head = 1 AND {under_way})"
    )
    _partial_index(
        "ix_outbox_lane",
        "outbox",
        ["connector", "lane", "id"],
        f"lane <> '' AND {under_way}, 'sent', 'held')",
    )


def _subscriptions() -> None:
    op.create_table(
        "subscription",
        *_text("id", "client", "topic", "status"),
        *_bytes("body"),
        _big("events"),
        *_text("error"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_subscription_topic", "subscription", ["topic", "status"])
    op.create_table(
        "subscription_event",
        *_text("subscription_id"),
        _big("number"),
        *_text("key", "focus", "at"),
        sa.PrimaryKeyConstraint("subscription_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ux_subscription_event_key", "subscription_event", ["subscription_id", "key"], unique=True
    )
