"""Tables of how often feeds speak, and of what ails them."""

from sqlalchemy import BigInteger, Index, SmallInteger, text
from sqlmodel import Field, SQLModel

from gateway.store.columns import TEXT, column


class FeedPartRow(SQLModel, table=True):
    """A feed, or one event of it: `event` is empty for the feed itself."""

    __tablename__ = "feed_part"
    __table_args__ = ({"sqlite_with_rowid": False},)

    feed: str = Field(sa_column=column(TEXT, key=True))
    event: str = Field(sa_column=column(TEXT, key=True))
    first_at: str = Field(sa_column=column(TEXT))
    last_at: str = Field(sa_column=column(TEXT))


class FeedHourRow(SQLModel, table=True):
    """What came of a part of a feed in an hour; kept for eight weeks and a bit."""

    __tablename__ = "feed_hour"
    __table_args__ = ({"sqlite_with_rowid": False},)

    feed: str = Field(sa_column=column(TEXT, key=True))
    event: str = Field(sa_column=column(TEXT, key=True))
    hour: str = Field(sa_column=column(TEXT, key=True))
    messages: int = Field(sa_column=column(BigInteger()))
    minutes: int = Field(sa_column=column(SmallInteger()))
    first_at: str = Field(sa_column=column(TEXT))
    last_at: str = Field(sa_column=column(TEXT))


class FeedSaidRow(SQLModel, table=True):
    """How many messages of an event of a feed told the same on a day (UTC)."""

    __tablename__ = "feed_said"
    __table_args__ = ({"sqlite_with_rowid": False},)

    day: str = Field(sa_column=column(TEXT, key=True))
    feed: str = Field(sa_column=column(TEXT, key=True))
    event: str = Field(sa_column=column(TEXT, key=True))
    said: str = Field(sa_column=column(TEXT, key=True))
    messages: int = Field(sa_column=column(BigInteger()))


class FeedRefusalRow(SQLModel, table=True):
    """An input of a feed that went to the quarantine; dropped when it is there no more."""

    __tablename__ = "feed_refusal"
    __table_args__ = ({"sqlite_with_rowid": False},)

    inbox_id: int = Field(sa_column=column(BigInteger(), key=True))
    feed: str = Field(sa_column=column(TEXT))
    at: str = Field(sa_column=column(TEXT))


class FeedDelayRow(SQLModel, table=True):
    """What the transport of a feed takes, in seconds, as it was first learned."""

    __tablename__ = "feed_delay"
    __table_args__ = ({"sqlite_with_rowid": False},)

    feed: str = Field(sa_column=column(TEXT, key=True))
    usual: int = Field(sa_column=column(BigInteger()))


class FeedNumberRow(SQLModel, table=True):
    """The last number of a sender that numbers what it sends, and those that did not come."""

    __tablename__ = "feed_number"
    __table_args__ = ({"sqlite_with_rowid": False},)

    sender: str = Field(sa_column=column(TEXT, key=True))
    last: int = Field(sa_column=column(BigInteger()))
    missing: str = Field(sa_column=column(TEXT))


class FeedOrphanRow(SQLModel, table=True):
    """An input that cancels what nobody told; dropped when it came, or after a while."""

    __tablename__ = "feed_orphan"
    __table_args__ = ({"sqlite_with_rowid": False},)

    inbox_id: int = Field(sa_column=column(BigInteger(), key=True))
    feed: str = Field(sa_column=column(TEXT))
    at: str = Field(sa_column=column(TEXT))
    digest: str = Field(sa_column=column(TEXT))
    targets: str = Field(sa_column=column(TEXT))


class FeedTroubleRow(SQLModel, table=True):
    """Something that ailed a feed; `ended_at` is empty while it lasts."""

    __tablename__ = "feed_trouble"
    __table_args__ = (
        Index(
            "ix_feed_trouble_lasting",
            "feed",
            sqlite_where=text("ended_at = ''"),
            postgresql_where=text("ended_at = ''"),
        ),
        {"sqlite_with_rowid": False},
    )

    feed: str = Field(sa_column=column(TEXT, key=True))
    event: str = Field(sa_column=column(TEXT, key=True))
    ailment: str = Field(sa_column=column(TEXT, key=True))
    since: str = Field(sa_column=column(TEXT, key=True))
    told_at: str = Field(sa_column=column(TEXT))
    value: int = Field(sa_column=column(BigInteger()))
    ended_at: str = Field(sa_column=column(TEXT))
    lost: str = Field(sa_column=column(TEXT))


class FeedCorrectionRow(SQLModel, table=True):
    """A wrong clock a person has allowed to be corrected; ends are empty while they are open."""

    __tablename__ = "feed_correction"
    __table_args__ = ({"sqlite_with_rowid": False},)

    number: int = Field(sa_column=column(BigInteger(), key=True))
    feed: str = Field(sa_column=column(TEXT))
    since: str = Field(sa_column=column(TEXT))
    until: str = Field(sa_column=column(TEXT))
    offset_s: int = Field(sa_column=column(BigInteger()))
    author: str = Field(sa_column=column(TEXT))
    reason: str = Field(sa_column=column(TEXT))
    approved_at: str = Field(sa_column=column(TEXT))
    withdrawn_at: str = Field(sa_column=column(TEXT))
    withdrawn_by: str = Field(sa_column=column(TEXT))
    withdrawn_for: str = Field(sa_column=column(TEXT))
