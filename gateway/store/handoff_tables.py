"""Tables of counted handoffs: one row a week and cell, and one for each gap behind the counts."""

from sqlalchemy import Index, Integer, SmallInteger
from sqlmodel import Field, SQLModel

from gateway.store.columns import TEXT, column


class HandoffWeek(SQLModel, table=True):
    """What became of the handoffs of a week; `d00` to `d16` are the classes of delays."""

    __tablename__ = "handoff_week"
    __table_args__ = ({"sqlite_with_rowid": False},)

    week: str = Field(sa_column=column(TEXT, key=True))
    rule: str = Field(sa_column=column(TEXT, key=True))
    estab: str = Field(sa_column=column(TEXT, key=True))
    sector: str = Field(sa_column=column(TEXT, key=True))
    destination: str = Field(sa_column=column(TEXT, key=True))
    on_time: int = Field(sa_column=column(Integer()))
    told_late: int = Field(sa_column=column(Integer()))
    late: int = Field(sa_column=column(Integer()))
    still_open: int = Field(sa_column=column(Integer()))
    moot: int = Field(sa_column=column(Integer()))
    d00: int = Field(sa_column=column(Integer()))
    d01: int = Field(sa_column=column(Integer()))
    d02: int = Field(sa_column=column(Integer()))
    d03: int = Field(sa_column=column(Integer()))
    d04: int = Field(sa_column=column(Integer()))
    d05: int = Field(sa_column=column(Integer()))
    d06: int = Field(sa_column=column(Integer()))
    d07: int = Field(sa_column=column(Integer()))
    d08: int = Field(sa_column=column(Integer()))
    d09: int = Field(sa_column=column(Integer()))
    d10: int = Field(sa_column=column(Integer()))
    d11: int = Field(sa_column=column(Integer()))
    d12: int = Field(sa_column=column(Integer()))
    d13: int = Field(sa_column=column(Integer()))
    d14: int = Field(sa_column=column(Integer()))
    d15: int = Field(sa_column=column(Integer()))
    d16: int = Field(sa_column=column(Integer()))


class HandoffGapRow(SQLModel, table=True):
    """A handoff that opened a gap or broke; `judged` is what a person settled it for."""

    __tablename__ = "handoff_gap"
    __table_args__ = (
        Index("ix_handoff_gap_week", "week", "status", "rule", "estab"),
        {"sqlite_with_rowid": False},
    )

    gap_id: str = Field(sa_column=column(TEXT, key=True))
    week: str = Field(sa_column=column(TEXT))
    slot: int = Field(sa_column=column(SmallInteger()))
    anchor: str = Field(sa_column=column(TEXT))
    deadline: str = Field(sa_column=column(TEXT))
    weight: int = Field(sa_column=column(SmallInteger()))
    rule: str = Field(sa_column=column(TEXT))
    estab: str = Field(sa_column=column(TEXT))
    sector: str = Field(sa_column=column(TEXT))
    destination: str = Field(sa_column=column(TEXT))
    status: str = Field(sa_column=column(TEXT))
    opened: int = Field(sa_column=column(SmallInteger()))
    judged: str = Field(sa_column=column(TEXT))
