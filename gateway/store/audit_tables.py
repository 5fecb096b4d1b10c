"""Tables of the journal of accesses: rows are added, never changed (triggers refuse it)."""

from typing import Any, cast

from sqlalchemy import DDL, BigInteger, Index, LargeBinary, event
from sqlmodel import Field, SQLModel

from gateway.store.columns import TEXT, column


class AuditRow(SQLModel, table=True):
    """One entry of the journal; `digest` chains it to the one before."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ux_audit_event_id", "id", unique=True),
        Index("ix_audit_event_patient", "patient", "number"),
        Index("ix_audit_event_agent", "agent", "number"),
        Index("ix_audit_event_at", "at"),
    )

    number: int = Field(sa_column=column(BigInteger(), key=True))
    id: str = Field(sa_column=column(TEXT))
    at: str = Field(sa_column=column(TEXT))
    kind: str = Field(sa_column=column(TEXT))
    outcome: str = Field(sa_column=column(TEXT))
    agent: str = Field(sa_column=column(TEXT))
    patient: str = Field(sa_column=column(TEXT))
    body: bytes = Field(sa_column=column(LargeBinary()))
    digest: bytes = Field(sa_column=column(LargeBinary()))


class AuditHeadRow(SQLModel, table=True):
    """The last entry of the journal; writers take turns on it."""

    __tablename__ = "audit_head"

    chain: str = Field(sa_column=column(TEXT, key=True))
    number: int = Field(sa_column=column(BigInteger()))
    digest: bytes = Field(sa_column=column(LargeBinary()))


_TABLE = cast("Any", SQLModel.metadata.tables["audit_event"])
for _verb in ("UPDATE", "DELETE"):
    event.listen(
        _TABLE,
        "after_create",
        DDL(  # type: ignore[no-untyped-call] # of the library
            f"CREATE TRIGGER audit_event_no_{_verb.lower()} BEFORE {_verb} ON audit_event"
            " BEGIN SELECT RAISE(ABORT, 'append only'); END"
        ).execute_if(dialect="sqlite"),
    )
