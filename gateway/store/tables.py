"""The tables, declared once; statements, migrations and their check are made from here.

Instants are fixed-width UTC text (`codec.instant_text`), which sorts and compares the same on
SQLite and PostgreSQL. Texts that are compared use the C collation: byte order, on any server.
The resource tables and the inbox carry no foreign key between them, so that either can become
partitioned on PostgreSQL.
"""

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, SmallInteger, text
from sqlmodel import Column, Field, SQLModel

from gateway.store import (
    access_tables,
    audit_tables,
    directory_tables,
    export_tables,
    feed_tables,
    handoff_tables,
    index_tables,
    outbox_tables,
    watch_tables,
    work_tables,
    worklist_tables,
)
from gateway.store.columns import ROW_ID, TEXT, column


class Inbox(SQLModel, table=True):
    """A received input; `body` and `received_at` are never rewritten."""

    __tablename__ = "inbox"
    __table_args__ = (
        Index("ix_inbox_status", "status", "id"),
        Index(
            "ix_inbox_received",
            "received_at",
            "id",
            sqlite_where=text("status = 'received'"),
            postgresql_where=text("status = 'received'"),
        ),
        # A row id is never given again, also after a purge of the newest rows.
        {"sqlite_autoincrement": True},
    )

    id: int = Field(sa_column=Column(ROW_ID, primary_key=True, autoincrement=True))
    received_at: str = Field(sa_column=column(TEXT))
    channel: str = Field(sa_column=column(TEXT))
    peer: str = Field(sa_column=column(TEXT))
    sender_app: str = Field(sa_column=column(TEXT))
    sender_facility: str = Field(sa_column=column(TEXT))
    control_id: str = Field(sa_column=column(TEXT))
    message_type: str = Field(sa_column=column(TEXT))
    raw_sha256: str = Field(sa_column=column(TEXT))
    canonical_sha256: str = Field(sa_column=column(TEXT))
    sent_at: str | None = Field(sa_column=column(TEXT, empty=True))
    status: str = Field(sa_column=column(TEXT))
    answer: bytes = Field(sa_column=column(LargeBinary()))
    issues: bytes = Field(sa_column=column(LargeBinary()))
    flags: str = Field(sa_column=column(TEXT))
    attempts: int = Field(sa_column=column(Integer()))
    body: bytes = Field(sa_column=column(LargeBinary()))


class InboxKey(SQLModel, table=True):
    """What makes an input the same input; apart, so that the inbox can be partitioned by time."""

    __tablename__ = "inbox_key"
    __table_args__ = ({"sqlite_with_rowid": False},)

    sender_app: str = Field(sa_column=column(TEXT, key=True))
    sender_facility: str = Field(sa_column=column(TEXT, key=True))
    control_id: str = Field(sa_column=column(TEXT, key=True))
    canonical_sha256: str = Field(sa_column=column(TEXT, key=True))
    inbox_id: int = Field(sa_column=column(BigInteger()))


class IncidentRow(SQLModel, table=True):
    """Something a door survived that is not a message."""

    __tablename__ = "incident"

    id: int = Field(sa_column=Column(ROW_ID, primary_key=True, autoincrement=True))
    at: str = Field(sa_column=column(TEXT))
    kind: str = Field(sa_column=column(TEXT))
    peer: str = Field(sa_column=column(TEXT))
    size: int = Field(sa_column=column(BigInteger()))
    excerpt: bytes = Field(sa_column=column(LargeBinary()))
    details: bytes = Field(sa_column=column(LargeBinary()))


class OwnContribution(SQLModel, table=True):
    """What one input says about one target; `position` is its place in the input."""

    __tablename__ = "contribution"
    __table_args__ = (Index("ix_contribution_target", "target"),)

    inbox_id: int = Field(sa_column=column(BigInteger(), key=True))
    position: int = Field(sa_column=column(Integer(), key=True))
    target: str = Field(sa_column=column(TEXT))
    version: str = Field(sa_column=column(TEXT))
    ordinal: int = Field(sa_column=column(Integer()))
    payload: bytes = Field(sa_column=column(LargeBinary()))


class SharedContribution(SQLModel, table=True):
    """Content that many inputs say about a target, with its newest and oldest speaker."""

    __tablename__ = "shared_contribution"
    __table_args__ = (
        Index("ix_shared_contribution_newest", "newest_inbox_id"),
        Index("ix_shared_contribution_oldest", "oldest_inbox_id"),
    )

    target: str = Field(sa_column=column(TEXT, key=True))
    content_hash: str = Field(sa_column=column(TEXT, key=True))
    newest_version: str = Field(sa_column=column(TEXT))
    newest_ordinal: int = Field(sa_column=column(Integer()))
    newest_inbox_id: int = Field(sa_column=column(BigInteger()))
    oldest_version: str = Field(sa_column=column(TEXT))
    oldest_ordinal: int = Field(sa_column=column(Integer()))
    oldest_inbox_id: int = Field(sa_column=column(BigInteger()))
    payload: bytes = Field(sa_column=column(LargeBinary()))


class ClaimRow(SQLModel, table=True):
    """What a target asserts that other targets may contradict."""

    __tablename__ = "claim"
    __table_args__ = (Index("ix_claim_value", "kind", "value"), {"sqlite_with_rowid": False})

    target: str = Field(sa_column=column(TEXT, key=True))
    position: int = Field(sa_column=column(Integer(), key=True))
    kind: str = Field(sa_column=column(TEXT))
    value: str = Field(sa_column=column(TEXT))
    content: str = Field(sa_column=column(TEXT))


class Resource(SQLModel, table=True):
    """The current version of a resource; `entries` repeats its rows of `index_entry`.

    `owner` is empty when the resource is its own target, as most are: few need the index.
    """

    __tablename__ = "resource"
    __table_args__ = (
        Index(
            "ix_resource_recent",
            "type",
            text("last_updated DESC"),
            "id",
            sqlite_where=text("deleted = 0"),
            postgresql_where=text("deleted = 0"),
        ),
        Index(
            "ix_resource_deleted",
            "type",
            text("last_updated DESC"),
            "id",
            sqlite_where=text("deleted = 1"),
            postgresql_where=text("deleted = 1"),
        ),
        Index(
            "ix_resource_owner",
            "owner",
            sqlite_where=text("owner <> ''"),
            postgresql_where=text("owner <> ''"),
        ),
    )

    type: str = Field(sa_column=column(TEXT, key=True))
    id: str = Field(sa_column=column(TEXT, key=True))
    version: int = Field(sa_column=column(Integer()))
    last_updated: str = Field(sa_column=column(TEXT))
    deleted: int = Field(sa_column=column(SmallInteger()))
    content_hash: str = Field(sa_column=column(TEXT))
    owner: str = Field(sa_column=column(TEXT))
    # Empty: of nobody. The defaults are for the release before, which does not know them.
    patient: str = Field(sa_column=Column(TEXT, nullable=False, server_default="?"))
    masks: str = Field(sa_column=Column(TEXT, nullable=False, server_default=""))
    entries: bytes = Field(sa_column=column(LargeBinary()))
    body: bytes = Field(sa_column=column(LargeBinary()))


class ResourceHistory(SQLModel, table=True):
    """A version that was superseded."""

    __tablename__ = "resource_history"
    __table_args__ = (Index("ix_resource_history_recent", "type", text("last_updated DESC"), "id"),)

    type: str = Field(sa_column=column(TEXT, key=True))
    id: str = Field(sa_column=column(TEXT, key=True))
    version: int = Field(sa_column=column(Integer(), key=True))
    last_updated: str = Field(sa_column=column(TEXT))
    deleted: int = Field(sa_column=column(SmallInteger()))
    content_hash: str = Field(sa_column=column(TEXT))
    owner: str = Field(sa_column=column(TEXT))
    # Empty: of nobody. The defaults are for the release before, which does not know them.
    patient: str = Field(sa_column=Column(TEXT, nullable=False, server_default="?"))
    masks: str = Field(sa_column=Column(TEXT, nullable=False, server_default=""))
    body: bytes = Field(sa_column=column(LargeBinary()))


class IndexEntryRow(SQLModel, table=True):
    """A searchable value; its key is its whole content, in the order searches narrow it."""

    __tablename__ = "index_entry"
    # On SQLite the table is its own index: one tree instead of two.
    __table_args__ = ({"sqlite_with_rowid": False},)

    type: str = Field(sa_column=column(TEXT, key=True))
    param: str = Field(sa_column=column(TEXT, key=True))
    low: str = Field(sa_column=column(TEXT, key=True))
    value: str = Field(sa_column=column(TEXT, key=True))
    system: str = Field(sa_column=column(TEXT, key=True))
    high: str = Field(sa_column=column(TEXT, key=True))
    id: str = Field(sa_column=column(TEXT, key=True))


#: Tables of facts and of the pathway engine; of what leaves; of work on gaps, twice; of access; of
#: the directory; of exports; of feeds; of the index.
PARTS = (
    watch_tables,
    outbox_tables,
    work_tables,
    worklist_tables,
    access_tables,
    audit_tables,
    directory_tables,
    export_tables,
    feed_tables,
    handoff_tables,
    index_tables,
)
TABLES = SQLModel.metadata.tables
