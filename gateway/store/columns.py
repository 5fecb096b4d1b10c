"""Kinds of columns that every table uses."""

from typing import Any

from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.types import TypeEngine
from sqlmodel import Column

#: Compared byte by byte.
TEXT = Text().with_variant(Text(collation="C"), "postgresql")
#: SQLite gives row ids to INTEGER PRIMARY KEY only.
ROW_ID = BigInteger().with_variant(Integer(), "sqlite")
#: Sorts after every instant: no instant.
NEVER = "~"


def column(kind: TypeEngine[Any], *, key: bool = False, empty: bool = False) -> Any:
    """Return a column that is not null unless `empty`."""
    return Column(kind, primary_key=key, nullable=empty, autoincrement=False)
