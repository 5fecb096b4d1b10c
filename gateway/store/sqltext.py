"""Statements are written with SQLAlchemy Core and turned into text once for each database.

Building and compiling a statement per call costs more than running it; the hot path hands ready
text and tuples to the driver.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement, FromClause
from sqlalchemy.sql.dml import Insert


@dataclass(frozen=True, slots=True)
class Sql:
    """A statement as text with the order of its parameters."""

    text: str
    names: tuple[str, ...]


class Compiler:
    """Turns statements into text for one database.

    A list of any length travels as one parameter (SQLite limits the number of parameters, and
    one text serves all lengths): JSON on SQLite, arrays on PostgreSQL.
    """

    def __init__(self, name: str) -> None:
        self.is_sqlite = name == "sqlite"
        self._dialect: Dialect = (
            SQLiteDialect_pysqlite() if self.is_sqlite else PGDialect_psycopg(paramstyle="format")  # type: ignore[no-untyped-call]
        )

    def __call__(self, statement: ClauseElement, *names: str) -> Sql:
        """Compile a statement; `names` says the order in which tuples will come."""
        compiled: Any = statement.compile(dialect=self._dialect)
        order = tuple(compiled.positiontup or ())
        if order != names:
            raise AssertionError(order, names)
        return Sql(str(compiled), order)

    def insert(self, table: Table, columns: Sequence[str], ignore: bool = False) -> Sql:
        """Compile an insert of tuples in the order of `columns`."""
        statement: Insert = (sqlite_insert if self.is_sqlite else postgresql_insert)(table)
        statement = statement.values({column: bindparam(column) for column in columns})
        if ignore:
            statement = statement.on_conflict_do_nothing()  # type: ignore[attr-defined]
        return self(statement, *columns)

    def among(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        """Return the condition that a column holds one of the values of a list parameter."""
        if self.is_sqlite:
            given = func.json_each(bindparam(name, type_=Text())).table_valued("value")
            return column.in_(select(given.c.value))
        kind = BigInteger() if isinstance(column.type, BigInteger) else Text()
        return column == func.any(bindparam(name, type_=ARRAY(kind)))

    def rows(self, *names: str) -> FromClause:
        """Return a list of tuples of texts, given as parameters, as a table."""
        if self.is_sqlite:
            given = func.json_each(bindparam("given", type_=Text())).table_valued("value")
            columns = [
                func.json_extract(given.c.value, literal_column(f"'$[{place}]'")).label(name)
                for place, name in enumerate(names)
            ]
            return select(*columns).subquery("given")
        arrays = [bindparam(name, type_=ARRAY(Text())) for name in names]
        return func.unnest(*arrays).table_valued(*names, name="given").render_derived()

    def row_names(self, *names: str) -> tuple[str, ...]:
        """Return the names of the parameters of one `rows`."""
        return ("given",) if self.is_sqlite else names

    def limited(self, statement: Select[Any], name: str) -> Select[Any]:
        """Return a query of at most as many rows as a parameter says."""
        # SQLite writes an offset of its own, with a parameter, when none is given.
        return statement.limit(bindparam(name, type_=Integer())).offset(literal_column("0"))

    def list_values(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return the parameters for one `among`."""
        return (orjson.dumps(values).decode(),) if self.is_sqlite else (list(values),)

    def row_values(self, rows: Sequence[tuple[str, ...]]) -> tuple[Any, ...]:
        """Return the parameters for one `rows`; `rows` is not empty."""
        if self.is_sqlite:
            return (orjson.dumps(rows).decode(),)
        return tuple(list(column) for column in zip(*rows, strict=True))


class Session:
    """A connection in a transaction, as the query classes use it."""

    __slots__ = ("compiler", "connection")

    def __init__(self, connection: Connection, compiler: Compiler) -> None:
        self.connection = connection
        self.compiler = compiler

    def rows(self, sql: Sql, parameters: tuple[Any, ...] = ()) -> Sequence[Any]:
        """Run a query and return its rows."""
        return self.connection.exec_driver_sql(sql.text, parameters).fetchall()

    def run(self, sql: Sql, parameters: tuple[Any, ...]) -> int:
        """Run a statement once and return how many rows it touched."""
        return self.connection.exec_driver_sql(sql.text, parameters).rowcount

    def run_many(self, sql: Sql, rows: Sequence[tuple[Any, ...]]) -> int:
        """Run a statement for each tuple, none included; return how many rows were touched."""
        if not rows:
            return 0
        return self.connection.exec_driver_sql(sql.text, list(rows)).rowcount
