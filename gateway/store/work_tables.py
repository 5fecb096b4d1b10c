"""Tables of what happens to open gaps: acts, mutes, digests."""

from sqlalchemy import Index, Integer, LargeBinary, SmallInteger, text
from sqlmodel import Field, SQLModel

from gateway.store.columns import TEXT, column


class GapAct(SQLModel, table=True):
    """Something that was done about a gap; rows are added, never changed."""

    __tablename__ = "gap_act"
    __table_args__ = ({"sqlite_with_rowid": False},)

    gap_id: str = Field(sa_column=column(TEXT, key=True))
    episode: int = Field(sa_column=column(Integer(), key=True))
    did: str = Field(sa_column=column(TEXT, key=True))
    number: int = Field(sa_column=column(Integer(), key=True))
    at: str = Field(sa_column=column(TEXT))
    content: bytes = Field(sa_column=column(LargeBinary()))


class MuteRow(SQLModel, table=True):
    """A mute, or with `lifted` 1 its end before its time; rows are added, never changed."""

    __tablename__ = "mute"
    __table_args__ = (Index("ix_mute_subject", "subject"), {"sqlite_with_rowid": False})

    id: str = Field(sa_column=column(TEXT, key=True))
    lifted: int = Field(sa_column=column(SmallInteger(), key=True))
    subject: str = Field(sa_column=column(TEXT))
    at: str = Field(sa_column=column(TEXT))
    content: bytes = Field(sa_column=column(LargeBinary()))


class Digest(SQLModel, table=True):
    """An owner was told once at a slot: its key says so."""

    __tablename__ = "digest"
    __table_args__ = ({"sqlite_with_rowid": False},)

    owner: str = Field(sa_column=column(TEXT, key=True))
    slot: str = Field(sa_column=column(TEXT, key=True))


class DigestItemRow(SQLModel, table=True):
    """Something an owner is told by a digest; `told` is its slot, empty until then."""

    __tablename__ = "digest_item"
    __table_args__ = (
        Index(
            "ix_digest_item_untold",
            "at",
            sqlite_where=text("told = ''"),
            postgresql_where=text("told = ''"),
        ),
        {"sqlite_with_rowid": False},
    )

    owner: str = Field(sa_column=column(TEXT, key=True))
    gap_id: str = Field(sa_column=column(TEXT, key=True))
    episode: int = Field(sa_column=column(Integer(), key=True))
    news: str = Field(sa_column=column(TEXT, key=True))
    at: str = Field(sa_column=column(TEXT))
    told: str = Field(sa_column=column(TEXT))
