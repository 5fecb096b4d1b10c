"""Which search parameters the index was made by."""

from sqlmodel import Field, SQLModel

from gateway.store.columns import TEXT, column


class IndexMark(SQLModel, table=True):
    """The one row, once every resource is known to be indexed by the same parameters."""

    __tablename__ = "index_mark"
    __table_args__ = ({"sqlite_with_rowid": False},)

    name: str = Field(sa_column=column(TEXT, key=True))
    mark: str = Field(sa_column=column(TEXT))
