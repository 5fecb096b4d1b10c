"""Tables of bulk exports: jobs, and which versions each file is made of."""

from sqlalchemy import Index, Integer, LargeBinary, SmallInteger
from sqlmodel import Field, SQLModel

from gateway.store.columns import TEXT, column


class ExportJob(SQLModel, table=True):
    """A job; `due` is when it may be taken, far away once it ended."""

    __tablename__ = "export_job"
    __table_args__ = (
        Index("ix_export_job_due", "due"),
        Index("ix_export_job_client", "client"),
        Index("ix_export_job_expires", "expires"),
        {"sqlite_with_rowid": False},
    )

    id: str = Field(sa_column=column(TEXT, key=True))
    client: str = Field(sa_column=column(TEXT))
    status: str = Field(sa_column=column(TEXT))
    due: str = Field(sa_column=column(TEXT))
    expires: str = Field(sa_column=column(TEXT))
    content: bytes = Field(sa_column=column(LargeBinary()))


class ExportFileRow(SQLModel, table=True):
    """A file of a job; `items` are ids and versions, packed."""

    __tablename__ = "export_file"

    job: str = Field(sa_column=column(TEXT, key=True))
    number: int = Field(sa_column=column(Integer(), key=True))
    type: str = Field(sa_column=column(TEXT))
    lines: int = Field(sa_column=column(Integer()))
    deleted: int = Field(sa_column=column(SmallInteger()))
    items: bytes = Field(sa_column=column(LargeBinary()))
