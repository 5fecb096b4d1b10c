"""Tables of what leaves: deliveries, subscriptions and their events."""

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, SmallInteger, text
from sqlmodel import Column, Field, SQLModel

from gateway.store.columns import ROW_ID, TEXT, column

#: Rows of the outbox that leave by themselves when they are due.
WAITING = "head = 1 AND status IN ('queued', 'retry_wait', 'sending')"
#: Rows of the outbox that hold up their lane.
IN_LANE = "lane <> '' AND status IN ('queued', 'retry_wait', 'sending', 'sent', 'held')"
#: Condition of the partial index by what a row is about; statements must repeat it as it is.
NAMED = "about <> ''"


class Outbox(SQLModel, table=True):
    """What leaves; `head` is 1 for rows whose turn it is in their lane.

    `due_at` is when it leaves next, of a row that is `sending` the end of its lease.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ux_outbox_key", "connector", "key", unique=True),
        Index("ix_outbox_status", "status", "id", "connector"),
        Index(
            "ix_outbox_due",
            "connector",
            "due_at",
            "id",
            sqlite_where=text(WAITING),
            postgresql_where=text(WAITING),
        ),
        Index(
            "ix_outbox_lane",
            "connector",
            "lane",
            "id",
            sqlite_where=text(IN_LANE),
            postgresql_where=text(IN_LANE),
        ),
        Index(
            "ix_outbox_about",
            "about",
            "id",
            sqlite_where=text(NAMED),
            postgresql_where=text(NAMED),
        ),
        {"sqlite_autoincrement": True},
    )

    id: int = Field(sa_column=Column(ROW_ID, primary_key=True, autoincrement=True))
    connector: str = Field(sa_column=column(TEXT))
    key: str = Field(sa_column=column(TEXT))
    lane: str = Field(sa_column=column(TEXT))
    head: int = Field(sa_column=column(SmallInteger()))
    status: str = Field(sa_column=column(TEXT))
    attempts: int = Field(sa_column=column(Integer()))
    created_at: str = Field(sa_column=column(TEXT))
    not_before: str = Field(sa_column=column(TEXT))
    due_at: str = Field(sa_column=column(TEXT))
    about: str = Field(sa_column=column(TEXT))
    note: str = Field(sa_column=column(TEXT))
    content_type: str = Field(sa_column=column(TEXT))
    details: bytes = Field(sa_column=column(LargeBinary()))
    receipt: bytes = Field(sa_column=column(LargeBinary()))
    body: bytes = Field(sa_column=column(LargeBinary()))


class SubscriptionTable(SQLModel, table=True):
    """The running side of a Subscription; `events` is the number of its last event."""

    __tablename__ = "subscription"
    __table_args__ = (Index("ix_subscription_topic", "topic", "status"),)

    id: str = Field(sa_column=column(TEXT, key=True))
    client: str = Field(sa_column=column(TEXT))
    topic: str = Field(sa_column=column(TEXT))
    status: str = Field(sa_column=column(TEXT))
    body: bytes = Field(sa_column=column(LargeBinary()))
    events: int = Field(sa_column=column(BigInteger()))
    error: str = Field(sa_column=column(TEXT))


class SubscriptionEvent(SQLModel, table=True):
    """A numbered event; one key has one number."""

    __tablename__ = "subscription_event"
    __table_args__ = (
        Index("ux_subscription_event_key", "subscription_id", "key", unique=True),
        {"sqlite_with_rowid": False},
    )

    subscription_id: str = Field(sa_column=column(TEXT, key=True))
    number: int = Field(sa_column=column(BigInteger(), key=True))
    key: str = Field(sa_column=column(TEXT))
    focus: str = Field(sa_column=column(TEXT))
    at: str = Field(sa_column=column(TEXT))


class BindingTicketTable(SQLModel, table=True):
    """A ticket for a websocket, by its hash; `since` is 0 for none."""

    __tablename__ = "binding_ticket"
    __table_args__ = (
        Index("ix_binding_ticket_expires", "expires"),
        {"sqlite_with_rowid": False},
    )

    digest: str = Field(sa_column=column(TEXT, key=True))
    client: str = Field(sa_column=column(TEXT))
    subscriptions: str = Field(sa_column=column(TEXT))
    expires: str = Field(sa_column=column(TEXT))
    since: int = Field(sa_column=column(BigInteger()))
