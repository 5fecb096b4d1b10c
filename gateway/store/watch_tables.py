"""Tables of facts, persons, expectations, their ledger, and feeds."""

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, SmallInteger, text
from sqlmodel import Column, Field, SQLModel

from gateway.store.columns import ROW_ID, TEXT, column


class AssertionRow(SQLModel, table=True):
    """What one input asserts; `received_at` is that of the first time it did."""

    __tablename__ = "assertion"
    __table_args__ = (
        Index("ix_assertion_patient", "patient_id"),
        Index(
            "ix_assertion_feed",
            "received_at",
            sqlite_where=text("patient_id = ''"),
            postgresql_where=text("patient_id = ''"),
        ),
        {"sqlite_with_rowid": False},
    )

    inbox_id: int = Field(sa_column=column(BigInteger(), key=True))
    aid: str = Field(sa_column=column(TEXT, key=True))
    patient_id: str = Field(sa_column=column(TEXT))
    received_at: str = Field(sa_column=column(TEXT))
    payload: bytes = Field(sa_column=column(LargeBinary()))


class ArchivedFacts(SQLModel, table=True):
    """The assertions about a Patient of whom nothing was heard for long, folded."""

    __tablename__ = "archived_facts"

    patient_id: str = Field(sa_column=column(TEXT, key=True))
    facts: bytes = Field(sa_column=column(LargeBinary()))


class ArchivedInput(SQLModel, table=True):
    """A Patient whose folded assertions an input is among."""

    __tablename__ = "archived_input"
    __table_args__ = ({"sqlite_with_rowid": False},)

    inbox_id: int = Field(sa_column=column(BigInteger(), key=True))
    patient_id: str = Field(sa_column=column(TEXT, key=True))


class Person(SQLModel, table=True):
    """A Patient that is linked to a person of another id; one that is not has no row."""

    __tablename__ = "person"
    __table_args__ = (Index("ix_person_person", "person_id"), {"sqlite_with_rowid": False})

    patient_id: str = Field(sa_column=column(TEXT, key=True))
    person_id: str = Field(sa_column=column(TEXT))


class PersonMove(SQLModel, table=True):
    """A Patient that went from one person to another at an instant."""

    __tablename__ = "person_move"
    __table_args__ = (
        Index("ix_person_move_before", "before"),
        Index("ix_person_move_after", "after"),
        {"sqlite_with_rowid": False},
    )

    patient_id: str = Field(sa_column=column(TEXT, key=True))
    at: str = Field(sa_column=column(TEXT, key=True))
    before: str = Field(sa_column=column(TEXT))
    after: str = Field(sa_column=column(TEXT))


class Watched(SQLModel, table=True):
    """The timer of a person, and how far the ledger of the Patient of its id is written.

    `wake`: next look, or end of the lease while `leased`; `asked`: next look asked for meanwhile.
    """

    __tablename__ = "watched"
    __table_args__ = (
        Index(
            "ix_watched_wake",
            "wake",
            "person_id",
            sqlite_where=text("wake <> '~'"),
            postgresql_where=text("wake <> '~'"),
        ),
        {"sqlite_with_rowid": False},
    )

    person_id: str = Field(sa_column=column(TEXT, key=True))
    wake: str = Field(sa_column=column(TEXT))
    leased: int = Field(sa_column=column(SmallInteger()))
    asked: str = Field(sa_column=column(TEXT))
    looked_until: str = Field(sa_column=column(TEXT))
    looks: int = Field(sa_column=column(Integer()))


class Expectation(SQLModel, table=True):
    """The state of an expectation; `weight` sorts by severity, the most severe first."""

    __tablename__ = "expectation"
    __table_args__ = (
        Index("ix_expectation_patient", "patient_id"),
        Index("ix_expectation_status", "status", "opened", "weight", "deadline", "gap_id"),
        Index("ix_expectation_rule", "rule", "status", "opened", "weight", "deadline", "gap_id"),
    )

    gap_id: str = Field(sa_column=column(TEXT, key=True))
    person_id: str = Field(sa_column=column(TEXT))
    patient_id: str = Field(sa_column=column(TEXT))
    rule: str = Field(sa_column=column(TEXT))
    rule_version: int = Field(sa_column=column(Integer()))
    severity: str = Field(sa_column=column(TEXT))
    weight: int = Field(sa_column=column(SmallInteger()))
    status: str = Field(sa_column=column(TEXT))
    opened: int = Field(sa_column=column(SmallInteger()))
    deadline: str = Field(sa_column=column(TEXT))
    episode: int = Field(sa_column=column(Integer()))
    content: bytes = Field(sa_column=column(LargeBinary()))


class RuleMarkRow(SQLModel, table=True):
    """What a rule said when it was last noted; `since` is empty when it did so all along."""

    __tablename__ = "rule_mark"
    __table_args__ = ({"sqlite_with_rowid": False},)

    rule: str = Field(sa_column=column(TEXT, key=True))
    digest: str = Field(sa_column=column(TEXT))
    since: str = Field(sa_column=column(TEXT))


class Tally(SQLModel, table=True):
    """How many expectations a rule has in a state: counting them takes a walk through all."""

    __tablename__ = "tally"
    __table_args__ = ({"sqlite_with_rowid": False},)

    rule: str = Field(sa_column=column(TEXT, key=True))
    status: str = Field(sa_column=column(TEXT, key=True))
    expectations: int = Field(sa_column=column(BigInteger()))


class Ledger(SQLModel, table=True):
    """A transition; rows are added, never changed."""

    __tablename__ = "ledger"
    __table_args__ = (
        Index("ix_ledger_gap", "gap_id", "seq"),
        {"sqlite_autoincrement": True},
    )

    seq: int = Field(sa_column=Column(ROW_ID, primary_key=True, autoincrement=True))
    instant: str = Field(sa_column=column(TEXT))
    gap_id: str = Field(sa_column=column(TEXT))
    episode: int = Field(sa_column=column(Integer()))
    rule: str = Field(sa_column=column(TEXT))
    rule_version: int = Field(sa_column=column(Integer()))
    from_status: str = Field(sa_column=column(TEXT))
    to_status: str = Field(sa_column=column(TEXT))
    cause: str = Field(sa_column=column(TEXT))


class Opening(SQLModel, table=True):
    """A gap opened once per episode: its key says so."""

    __tablename__ = "opening"
    __table_args__ = ({"sqlite_with_rowid": False},)

    gap_id: str = Field(sa_column=column(TEXT, key=True))
    episode: int = Field(sa_column=column(Integer(), key=True))
    instant: str = Field(sa_column=column(TEXT))


class Feed(SQLModel, table=True):
    """What is known of a feed; `mark_at` and `watermark` repeat its newest mark."""

    __tablename__ = "feed"

    feed: str = Field(sa_column=column(TEXT, key=True))
    first_at: str = Field(sa_column=column(TEXT))
    last_at: str = Field(sa_column=column(TEXT))
    messages: int = Field(sa_column=column(BigInteger()))
    lateness: bytes = Field(sa_column=column(LargeBinary()))
    mark_at: str = Field(sa_column=column(TEXT))
    watermark: str = Field(sa_column=column(TEXT))


class FeedProven(SQLModel, table=True):
    """Receipt of the message after which the silence of a feed means something."""

    __tablename__ = "feed_proven"
    __table_args__ = ({"sqlite_with_rowid": False},)

    feed: str = Field(sa_column=column(TEXT, key=True))
    at: str = Field(sa_column=column(TEXT))


class FeedMark(SQLModel, table=True):
    """Where the watermark of a feed stood from an instant of receipt on."""

    __tablename__ = "feed_mark"
    __table_args__ = (
        Index("ix_feed_mark_watermark", "feed", "watermark"),
        {"sqlite_with_rowid": False},
    )

    feed: str = Field(sa_column=column(TEXT, key=True))
    at: str = Field(sa_column=column(TEXT, key=True))
    watermark: str = Field(sa_column=column(TEXT))


class FeedMarkPage(SQLModel, table=True):
    """Old marks of a feed, folded; `at` and `watermark` are those of the last one."""

    __tablename__ = "feed_mark_page"
    __table_args__ = (Index("ix_feed_mark_page_watermark", "feed", "watermark"),)

    feed: str = Field(sa_column=column(TEXT, key=True))
    at: str = Field(sa_column=column(TEXT, key=True))
    watermark: str = Field(sa_column=column(TEXT))
    marks: bytes = Field(sa_column=column(LargeBinary()))
