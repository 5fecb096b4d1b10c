"""Tables of the directory: who can be written to, as each source says, and when it said so."""

from sqlalchemy import Index, Integer, LargeBinary
from sqlmodel import Field, SQLModel

from gateway.store.columns import TEXT, column


class DirectoryEntryRow(SQLModel, table=True):
    """A line of a source; `words` and `town` are folded (no accents, no case) for searches."""

    __tablename__ = "directory_entry"
    __table_args__ = (
        Index("ix_directory_entry_rpps", "rpps"),
        Index("ix_directory_entry_finess", "finess"),
        Index("ix_directory_entry_address", "address"),
        Index("ix_directory_entry_seen", "origin", "seen_at"),
        {"sqlite_with_rowid": False},
    )

    origin: str = Field(sa_column=column(TEXT, key=True))
    rpps: str = Field(sa_column=column(TEXT, key=True))
    finess: str = Field(sa_column=column(TEXT, key=True))
    address: str = Field(sa_column=column(TEXT, key=True))
    words: str = Field(sa_column=column(TEXT))
    town: str = Field(sa_column=column(TEXT))
    seen_at: str = Field(sa_column=column(TEXT))
    body: bytes = Field(sa_column=column(LargeBinary()))


class DirectorySourceRow(SQLModel, table=True):
    """The state of a source; instants are empty where there are none."""

    __tablename__ = "directory_source"
    __table_args__ = ({"sqlite_with_rowid": False},)

    origin: str = Field(sa_column=column(TEXT, key=True))
    as_of: str = Field(sa_column=column(TEXT))
    loaded_at: str = Field(sa_column=column(TEXT))
    entries: int = Field(sa_column=column(Integer()))
    failing_since: str = Field(sa_column=column(TEXT))
    failure: str = Field(sa_column=column(TEXT))
