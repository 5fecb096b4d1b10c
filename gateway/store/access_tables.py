"""Tables of access control: clients, tokens, assertions already used."""

from sqlalchemy import Index, LargeBinary, SmallInteger
from sqlmodel import Field, SQLModel

from gateway.store.columns import TEXT, column


class AccessClient(SQLModel, table=True):
    """A registered software client."""

    __tablename__ = "access_client"
    __table_args__ = ({"sqlite_with_rowid": False},)

    id: str = Field(sa_column=column(TEXT, key=True))
    active: int = Field(sa_column=column(SmallInteger()))
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
