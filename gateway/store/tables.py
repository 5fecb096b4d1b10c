"""The tables, declared once; statements, migrations and their check are made from here.

Instants are fixed-width UTC text (`codec.instant_text`), which sorts and compares the same on
SQLite and PostgreSQL. Texts that are compared use the C collation: byte order, on any server.
The resource tables and the inbox carry no foreign key between them, so that either can become
partitioned on PostgreSQL.
"""

from typing import Any

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, SmallInteger, Text, text
from sqlalchemy.types import TypeEngine
from sqlmodel import Column, Field, SQLModel

#: Compared byte by byte.
TEXT = Text().with_variant(Text(collation="C"), "postgresql")
#: SQLite gives row ids to INTEGER PRIMARY KEY only.
ROW_ID = BigInteger().with_variant(Integer(), "sqlite")


def _column(kind: TypeEngine[Any], *, key: bool = False, empty: bool = False) -> Any:
    return Column(kind, primary_key=key, nullable=empty, autoincrement=False)


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
    received_at: str = Field(sa_column=_column(TEXT))
    channel: str = Field(sa_column=_column(TEXT))
    peer: str = Field(sa_column=_column(TEXT))
    sender_app: str = Field(sa_column=_column(TEXT))
    sender_facility: str = Field(sa_column=_column(TEXT))
    control_id: str = Field(sa_column=_column(TEXT))
    message_type: str = Field(sa_column=_column(TEXT))
    raw_sha256: str = Field(sa_column=_column(TEXT))
    canonical_sha256: str = Field(sa_column=_column(TEXT))
    sent_at: str | None = Field(sa_column=_column(TEXT, empty=True))
    status: str = Field(sa_column=_column(TEXT))
    answer: bytes = Field(sa_column=_column(LargeBinary()))
    issues: bytes = Field(sa_column=_column(LargeBinary()))
    flags: str = Field(sa_column=_column(TEXT))
    attempts: int = Field(sa_column=_column(Integer()))
    body: bytes = Field(sa_column=_column(LargeBinary()))


class InboxKey(SQLModel, table=True):
    """What makes an input the same input; apart, so that the inbox can be partitioned by time."""

    __tablename__ = "inbox_key"
    __table_args__ = ({"sqlite_with_rowid": False},)

    sender_app: str = Field(sa_column=_column(TEXT, key=True))
    sender_facility: str = Field(sa_column=_column(TEXT, key=True))
    control_id: str = Field(sa_column=_column(TEXT, key=True))
    canonical_sha256: str = Field(sa_column=_column(TEXT, key=True))
    inbox_id: int = Field(sa_column=_column(BigInteger()))


class IncidentRow(SQLModel, table=True):
    """Something a door survived that is not a message."""

    __tablename__ = "incident"

    id: int = Field(sa_column=Column(ROW_ID, primary_key=True, autoincrement=True))
    at: str = Field(sa_column=_column(TEXT))
    kind: str = Field(sa_column=_column(TEXT))
    peer: str = Field(sa_column=_column(TEXT))
    size: int = Field(sa_column=_column(BigInteger()))
    excerpt: bytes = Field(sa_column=_column(LargeBinary()))
    details: bytes = Field(sa_column=_column(LargeBinary()))


class OwnContribution(SQLModel, table=True):
    """What one input says about one target; `position` is its place in the input."""

    __tablename__ = "contribution"
    __table_args__ = (Index("ix_contribution_target", "target"),)

    inbox_id: int = Field(sa_column=_column(BigInteger(), key=True))
    position: int = Field(sa_column=_column(Integer(), key=True))
    target: str = Field(sa_column=_column(TEXT))
    version: str = Field(sa_column=_column(TEXT))
    ordinal: int = Field(sa_column=_column(Integer()))
    payload: bytes = Field(sa_column=_column(LargeBinary()))


class SharedContribution(SQLModel, table=True):
    """Content that many inputs say about a target, with its newest and oldest speaker."""

    __tablename__ = "shared_contribution"
    __table_args__ = (
        Index("ix_shared_contribution_newest", "newest_inbox_id"),
        Index("ix_shared_contribution_oldest", "oldest_inbox_id"),
    )

    target: str = Field(sa_column=_column(TEXT, key=True))
    content_hash: str = Field(sa_column=_column(TEXT, key=True))
    newest_version: str = Field(sa_column=_column(TEXT))
    newest_ordinal: int = Field(sa_column=_column(Integer()))
    newest_inbox_id: int = Field(sa_column=_column(BigInteger()))
    oldest_version: str = Field(sa_column=_column(TEXT))
    oldest_ordinal: int = Field(sa_column=_column(Integer()))
    oldest_inbox_id: int = Field(sa_column=_column(BigInteger()))
    payload: bytes = Field(sa_column=_column(LargeBinary()))


class ClaimRow(SQLModel, table=True):
    """What a target asserts that other targets may contradict."""

    __tablename__ = "claim"
    __table_args__ = (Index("ix_claim_value", "kind", "value"), {"sqlite_with_rowid": False})

    target: str = Field(sa_column=_column(TEXT, key=True))
    position: int = Field(sa_column=_column(Integer(), key=True))
    kind: str = Field(sa_column=_column(TEXT))
    value: str = Field(sa_column=_column(TEXT))
    content: str = Field(sa_column=_column(TEXT))


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
            "ix_resource_owner",
            "owner",
            sqlite_where=text("owner <> ''"),
            postgresql_where=text("owner <> ''"),
        ),
    )

    type: str = Field(sa_column=_column(TEXT, key=True))
    id: str = Field(sa_column=_column(TEXT, key=True))
    version: int = Field(sa_column=_column(Integer()))
    last_updated: str = Field(sa_column=_column(TEXT))
    deleted: int = Field(sa_column=_column(SmallInteger()))
    content_hash: str = Field(sa_column=_column(TEXT))
    owner: str = Field(sa_column=_column(TEXT))
    entries: bytes = Field(sa_column=_column(LargeBinary()))
    body: bytes = Field(sa_column=_column(LargeBinary()))


class ResourceHistory(SQLModel, table=True):
    """A version that was superseded."""

    __tablename__ = "resource_history"

    type: str = Field(sa_column=_column(TEXT, key=True))
    id: str = Field(sa_column=_column(TEXT, key=True))
    version: int = Field(sa_column=_column(Integer(), key=True))
    last_updated: str = Field(sa_column=_column(TEXT))
    deleted: int = Field(sa_column=_column(SmallInteger()))
    content_hash: str = Field(sa_column=_column(TEXT))
    owner: str = Field(sa_column=_column(TEXT))
    body: bytes = Field(sa_column=_column(LargeBinary()))


class IndexEntryRow(SQLModel, table=True):
    """A searchable value; its key is its whole content, in the order searches narrow it."""

    __tablename__ = "index_entry"
    # On SQLite the table is its own index: one tree instead of two.
    __table_args__ = ({"sqlite_with_rowid": False},)

    type: str = Field(sa_column=_column(TEXT, key=True))
    param: str = Field(sa_column=_column(TEXT, key=True))
    low: str = Field(sa_column=_column(TEXT, key=True))
    value: str = Field(sa_column=_column(TEXT, key=True))
    system: str = Field(sa_column=_column(TEXT, key=True))
    high: str = Field(sa_column=_column(TEXT, key=True))
    id: str = Field(sa_column=_column(TEXT, key=True))


TABLES = SQLModel.metadata.tables
