"""Tables of the worklist: the work on each gap, and the views people saved."""

from sqlalchemy import Index, Integer, SmallInteger
from sqlmodel import Field, SQLModel

from gateway.store.columns import TEXT, column

#: The order of a worklist: most severe, then oldest deadline.
_PLACE = ("weight", "deadline", "gap_id")


class Worklist(SQLModel, table=True):
    """The work on a gap; every filter has an index that gives the order too."""

    __tablename__ = "worklist"
    __table_args__ = (
        Index("ix_worklist_shelf", "shelf", *_PLACE),
        Index("ix_worklist_deadline", "shelf", "deadline", "gap_id"),
        Index("ix_worklist_recent", "shelf", "at", "gap_id"),
        Index("ix_worklist_owner", "owner", "shelf", *_PLACE),
        Index("ix_worklist_estab", "estab", "shelf", *_PLACE),
        Index("ix_worklist_rule", "rule", "shelf", *_PLACE),
        Index("ix_worklist_patient", "patient_id", "shelf", *_PLACE),
        {"sqlite_with_rowid": False},
    )

    gap_id: str = Field(sa_column=column(TEXT, key=True))
    shelf: str = Field(sa_column=column(TEXT))
    weight: int = Field(sa_column=column(SmallInteger()))
    deadline: str = Field(sa_column=column(TEXT))
    rule: str = Field(sa_column=column(TEXT))
    estab: str = Field(sa_column=column(TEXT))
    owner: str = Field(sa_column=column(TEXT))
    state: str = Field(sa_column=column(TEXT))
    patient_id: str = Field(sa_column=column(TEXT))
    at: str = Field(sa_column=column(TEXT))
    version: int = Field(sa_column=column(Integer()))


class SavedViewRow(SQLModel, table=True):
    """Filters somebody keeps under a name."""

    __tablename__ = "saved_view"
    __table_args__ = ({"sqlite_with_rowid": False},)

    person: str = Field(sa_column=column(TEXT, key=True))
    name: str = Field(sa_column=column(TEXT, key=True))
    query: str = Field(sa_column=column(TEXT))
