"""Statements are written with SQLAlchemy Core and turned into text once for each database.

Building and compiling a statement per call costs more than running it; the hot path hands ready
text and tuples to the driver.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
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
    cast,
    collate,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
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
    one text serves all lengths), as JSON: arrays cost the driver of PostgreSQL twenty times more.
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

    def free(self, statement: ClauseElement) -> Sql:
        """Compile a statement whose parameters come by name, see `Sql.names`."""
        compiled: Any = statement.compile(dialect=self._dialect)
        return Sql(str(compiled), tuple(compiled.positiontup or ()))

    def insert(
        self,
        table: Table,
        columns: Sequence[str],
        ignore: bool = False,
        returning: ColumnElement[Any] | None = None,
    ) -> Sql:
        """Compile an insert of tuples in the order of `columns`."""
        statement: Insert = (sqlite_insert if self.is_sqlite else postgresql_insert)(table)
        statement = statement.values({column: bindparam(column) for column in columns})
        if ignore:
            statement = statement.on_conflict_do_nothing()  # type: ignore[attr-defined]
        if returning is not None:
            return self(statement.returning(returning), *columns)
        return self(statement, *columns)

    def upsert(
        self,
        table: Table,
        columns: Sequence[str],
        changes: Mapping[str, ColumnElement[Any]] | None = None,
    ) -> Sql:
        """Compile an insert of tuples that changes the row of the same primary key.

        Args:
            table: where.
            columns: order of the tuples.
            changes: new values of an existing row, for all of them the given ones when absent;
                `excluded.<column>` is what was given.
        """
        statement: Any = (sqlite_insert if self.is_sqlite else postgresql_insert)(table)
        statement = statement.values({column: bindparam(column) for column in columns})
        key = [column.name for column in table.primary_key]
        taken = {name: statement.excluded[name] for name in columns if name not in key}
        changed = dict(taken if changes is None else changes)
        return self(statement.on_conflict_do_update(index_elements=key, set_=changed), *columns)

    def insert_texts(self, table: Table, columns: Sequence[str]) -> Sql:
        """Compile an insert of rows that hold texts only, for `Session.insert_texts`."""
        if self.is_sqlite:
            return self.insert(table, columns)
        members = self.rows(*columns)
        rows = select(*(members.c[name] for name in columns))
        return self(postgresql_insert(table).from_select(columns, rows), "given")

    def among(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        """Return the condition that a column holds one of the values of a list parameter."""
        if self.is_sqlite:
            given = func.json_each(bindparam(name, type_=Text())).table_valued("value")
            return column.in_(select(given.c.value))
        values = func.jsonb_array_elements_text(cast(bindparam(name, type_=Text()), JSONB))
        kind = BigInteger() if isinstance(column.type, BigInteger) else Text()
        array = func.array(select(cast(values.column_valued("value"), kind)).scalar_subquery())
        return column == func.any(array)

    def within(
        self, column: ColumnElement[str], query: Select[Any], *, negated: bool = False
    ) -> ColumnElement[bool]:
        """Return the condition that a column holds one of the values of a query, or none of them.

        PostgreSQL gathers them first: as a join it may read them anew for each row, which takes
        minutes where no statistics of a table were made yet.
        """
        if negated:
            return column.not_in(query)
        if self.is_sqlite:
            return column.in_(query)
        return column == func.any(func.array(query.scalar_subquery()))

    def members(self, column: ColumnElement[bytes], names: Sequence[str]) -> Any:
        """Return the tuples of texts a row holds as JSON, as columns to be asked beside it."""
        if self.is_sqlite:
            each: Any = func.json_each(cast(column, Text())).table_valued("value")
            texts: list[ColumnElement[Any]] = [
                func.json_extract(each.c.value, literal_column(f"'$[{place}]'"))
                for place, _ in enumerate(names)
            ]
        else:
            read = cast(func.convert_from(column, literal_column("'UTF8'")), JSONB)
            each = func.jsonb_array_elements(read).table_valued("value")
            texts = [
                collate(each.c.value.op("->>")(literal_column(str(place))), "C")
                for place, _ in enumerate(names)
            ]
        return SimpleNamespace(**dict(zip(names, texts, strict=True)))

    def rows(self, *names: str) -> FromClause:
        """Return a list of tuples of texts, given as the parameter `given`, as a table."""
        parameter = bindparam("given", type_=Text())
        members: list[ColumnElement[Any]]
        if self.is_sqlite:
            given = func.json_each(parameter).table_valued("value")
            members = [
                func.json_extract(given.c.value, literal_column(f"'$[{place}]'"))
                for place, _ in enumerate(names)
            ]
        else:
            given = func.jsonb_array_elements(cast(parameter, JSONB)).table_valued("value")
            members = [
                given.c.value.op("->>")(literal_column(str(place))) for place, _ in enumerate(names)
            ]
        columns = [member.label(name) for member, name in zip(members, names, strict=True)]
        return select(*columns).subquery("rows_given")

    def limited(self, statement: Select[Any], name: str) -> Select[Any]:
        """Return a query of at most as many rows as a parameter says."""
        # SQLite writes an offset of its own, with a parameter, when none is given.
        return statement.limit(bindparam(name, type_=Integer())).offset(literal_column("0"))


def given(values: Sequence[Any]) -> str:
    """Return the parameter for one `Compiler.among` (values) or `Compiler.rows` (tuples)."""
    return orjson.dumps(values).decode()


def run_raw(raw: sqlite3.Connection, text: str, parameters: tuple[Any, ...] = ()) -> Any:
    """Run a statement on the driver of SQLite; its errors come as those of SQLAlchemy.

    What SQLAlchemy does around each statement costs more than most of them.
    """
    try:
        return raw.execute(text, parameters)
    except sqlite3.Error as error:
        raise _told(text, error) from error


def _told(text: str, error: sqlite3.Error) -> Exception:
    return DBAPIError.instance(text, None, error, sqlite3.Error, hide_parameters=True)


class Session:
    """A connection in a transaction, as the query classes use it."""

    __slots__ = ("_raw", "compiler", "connection")

    def __init__(self, connection: Connection, compiler: Compiler) -> None:
        self.connection = connection
        self.compiler = compiler
        self._raw: Any = connection.connection.driver_connection if compiler.is_sqlite else None

    def rows(self, sql: Sql, parameters: tuple[Any, ...] = ()) -> Sequence[Any]:
        """Run a query and return its rows, as tuples."""
        if self._raw is None:
            return self.connection.exec_driver_sql(sql.text, parameters).fetchall()
        try:
            found: list[Any] = self._raw.execute(sql.text, parameters).fetchall()
        except sqlite3.Error as error:
            raise _told(sql.text, error) from error
        return found

    def run(self, sql: Sql, parameters: tuple[Any, ...]) -> int:
        """Run a statement once and return how many rows it touched."""
        if self._raw is None:
            return self.connection.exec_driver_sql(sql.text, parameters).rowcount
        return int(run_raw(self._raw, sql.text, parameters).rowcount)

    def insert_texts(self, sql: Sql, rows: Sequence[tuple[str, ...]]) -> None:
        """Run a statement of `Compiler.insert_texts`.

        PostgreSQL takes all rows in one statement: its driver spends more on each row than the
        server does.
        """
        if self.compiler.is_sqlite:
            self.run_many(sql, rows)
        elif rows:
            self.run(sql, (given(rows),))

    def run_many(self, sql: Sql, rows: Sequence[tuple[Any, ...]]) -> int:
        """Run a statement for each tuple, none included; return how many rows were touched."""
        if not rows:
            return 0
        if self._raw is None:
            return self.connection.exec_driver_sql(sql.text, list(rows)).rowcount
        try:
            return int(self._raw.executemany(sql.text, rows).rowcount)
        except sqlite3.Error as error:
            raise _told(sql.text, error) from error
