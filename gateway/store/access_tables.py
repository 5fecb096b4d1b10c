"""Tables of access control: clients, tokens, used assertions, who may be shown whom."""

from sqlalchemy import Index, LargeBinary, SmallInteger
from sqlmodel import Column, Field, SQLModel

from gateway.store.columns import ROW_ID, TEXT, column


class AccessClient(SQLModel, table=True):
    """A registered software client."""

    __tablename__ = "access_client"
    __table_args__ = ({"sqlite_with_rowid": False},)

    id: str = Field(sa_column=column(TEXT, key=True))
    active: int = Field(sa_column=column(SmallInteger()))
    content: bytes = Field(sa_column=column(LargeBinary()))


class AccessCircle(SQLModel, table=True):
    """What people who work for the same organisations may be shown."""

    __tablename__ = "access_circle"
    __table_args__ = ({"sqlite_with_rowid": False},)

    id: str = Field(sa_column=column(TEXT, key=True))
    active: int = Field(sa_column=column(SmallInteger()))
    content: bytes = Field(sa_column=column(LargeBinary()))


class AccessGlass(SQLModel, table=True):
    """Somebody opened what they may not see; `content` holds the reason."""

    __tablename__ = "access_glass"
    __table_args__ = (
        Index("ix_access_glass_patient", "patient", "until"),
        Index("ix_access_glass_since", "since"),
        {"sqlite_with_rowid": False},
    )

    id: str = Field(sa_column=column(TEXT, key=True))
    who: str = Field(sa_column=column(TEXT))
    patient: str = Field(sa_column=column(TEXT))
    since: str = Field(sa_column=column(TEXT))
    until: str = Field(sa_column=column(TEXT))
    content: bytes = Field(sa_column=column(LargeBinary()))


class AccessGrant(SQLModel, table=True):
    """An access token, by its hash."""

    __tablename__ = "access_grant"
    __table_args__ = (
        Index("ix_access_grant_client", "client"),
        Index("ix_access_grant_expires", "expires"),
        {"sqlite_with_rowid": False},
    )

    digest: str = Field(sa_column=column(TEXT, key=True))
    client: str = Field(sa_column=column(TEXT))
    scopes: str = Field(sa_column=column(TEXT))
    expires: str = Field(sa_column=column(TEXT))


class AccessAssertion(SQLModel, table=True):
    """An assertion a client has used; none is taken twice."""

    __tablename__ = "access_assertion"
    __table_args__ = (Index("ix_access_assertion_until", "until"), {"sqlite_with_rowid": False})

    client: str = Field(sa_column=column(TEXT, key=True))
    jti: str = Field(sa_column=column(TEXT, key=True))
    until: str = Field(sa_column=column(TEXT))


class AccessMark(SQLModel, table=True):
    """A person about whom it must be decided anew; marks are added and taken, never changed."""

    __tablename__ = "access_mark"
    __table_args__ = ({"sqlite_autoincrement": True},)

    number: int = Field(sa_column=Column(ROW_ID, primary_key=True, autoincrement=True))
    due: str = Field(sa_column=column(TEXT))
    patient: str = Field(sa_column=column(TEXT))


class AccessPermit(SQLModel, table=True):
    """A client may be shown one category of what is known about a Patient."""

    __tablename__ = "access_permit"
    __table_args__ = (
        Index("ix_access_permit_patient", "patient"),
        {"sqlite_with_rowid": False},
    )

    client: str = Field(sa_column=column(TEXT, key=True))
    category: str = Field(sa_column=column(TEXT, key=True))
    patient: str = Field(sa_column=column(TEXT, key=True))
    basis: str = Field(sa_column=column(TEXT))
    source: str = Field(sa_column=column(TEXT))
    until: str = Field(sa_column=column(TEXT))
