"""The schema: made once, the same from the tables and from the migrations, refused when newer."""

import asyncio
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlmodel import SQLModel

import gateway.store
from gateway.core.errors import FatalError, RetriableError
from gateway.store.factory import migrate, open_store
from gateway.store.migrate import HEAD, KNOWN, VERSION_TABLE
from gateway.store.tables import TABLES
from tests.support import postgres

SCRIPTS = ScriptDirectory(str(Path(gateway.store.__file__).parent / "migrations"))


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def engine(url: str):
    return create_engine(url.replace("postgresql:", "postgresql+psycopg:"))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path):
    """Give the address of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'relais.db'}"
        return
    with postgres.database(request.getfixturevalue("postgresql_server")) as address:
        yield address


def test_known_revisions_are_those_of_the_folder_and_say_when_they_run() -> None:
    revisions = list(SCRIPTS.walk_revisions())

    assert [r.revision for r in reversed(revisions)] == list(KNOWN)
    assert all(
        Path(r.path).name.startswith((f"pre_{r.revision}_", f"post_{r.revision}_"))
        for r in revisions
    )


async def test_migrations_make_every_declared_table(empty_url: str) -> None:
    assert await asyncio.to_thread(migrate, empty_url) == (None, HEAD)

    made = engine(empty_url)
    with made.connect() as connection:
        tables = set(inspect(connection).get_table_names())
    made.dispose()

    assert tables == {*TABLES, VERSION_TABLE}


def test_migrations_make_columns_and_indexes_as_declared(postgresql_database: str) -> None:
    made = engine(postgresql_database)
    with made.connect() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        difference = compare_metadata(context, SQLModel.metadata)
    made.dispose()

    assert difference == []


def test_sqlite_tables_are_made_word_for_word_as_declared(tmp_path: Path) -> None:
    def statements(url: str) -> list[str]:
        made = engine(url)
        with made.connect() as connection:
            found = connection.execute(
                text("SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name")
            ).scalars()
            rows = ["".join(sql.split()) for sql in found if VERSION_TABLE not in sql]
        made.dispose()
        return rows

    migrated, declared = (f"sqlite:///{tmp_path / name}" for name in ("a.db", "b.db"))
    migrate(migrated)
    other = engine(declared)
    SQLModel.metadata.create_all(other)
    other.dispose()

    assert statements(migrated) == statements(declared)


async def test_two_processes_that_start_on_an_empty_database_both_open(empty_url: str) -> None:
    stores = [open_store(empty_url) for _ in range(3)]

    await asyncio.gather(*(store.open() for store in stores))
    counts = [await store.read(lambda tx: tx.inbox.counts()) for store in stores]
    for store in stores:
        await store.close()

    assert counts == [{}, {}, {}]


async def test_a_new_file_that_another_process_is_writing_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "relais.db"
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    store = open_store(f"sqlite:///{file}")

    threading.Timer(0.3, other.rollback).start()
    await store.open()
    counts = await store.read(lambda tx: tx.inbox.counts())
    await store.close()
    other.close()

    assert counts == {}


async def test_a_new_file_that_is_never_free_is_given_up(tmp_path: Path) -> None:
    file = tmp_path / "relais.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        store = open_store(f"sqlite:///{file}", timeout_s=0.2)

        with pytest.raises(RetriableError, match="RLS-STO-001"):
            await store.open()


def test_a_second_migration_does_nothing(empty_url: str) -> None:
    migrate(empty_url)

    assert migrate(empty_url) == (HEAD, HEAD)


def test_a_database_of_the_first_release_keeps_what_it_holds(empty_url: str, monkeypatch) -> None:
    with monkeypatch.context() as before:
        before.setattr("gateway.store.migrate.HEAD", "0001")
        migrate(empty_url)
    made = engine(empty_url)
    with made.begin() as connection:
        connection.execute(text("INSERT INTO claim VALUES ('Patient/p', 0, 'ins', 'i', 'traits')"))

    found = migrate(empty_url)

    with made.connect() as connection:
        rows = connection.execute(text("SELECT target, content FROM claim")).all()
        tables = set(inspect(connection).get_table_names())
    made.dispose()
    assert (found, rows) == (("0001", HEAD), [("Patient/p", "traits")])
    assert {*TABLES, VERSION_TABLE} == tables


def test_feeds_that_counted_before_the_migration_count_as_they_did(
    empty_url: str, monkeypatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr("gateway.store.migrate.HEAD", "0002")
        migrate(empty_url)
    made = engine(empty_url)
    seen = "INSERT INTO feed VALUES (:feed, '2026', '2027', :messages, :none, '', '')"
    with made.begin() as connection:
        for feed, messages in (("a:ADT", 200), ("b:ADT", 199)):
            parts = {"feed": feed, "messages": messages, "none": b"[]"}
            connection.execute(text(seen), parts)

    migrate(empty_url)

    with made.connect() as connection:
        rows = connection.execute(text("SELECT feed, at FROM feed_proven")).all()
    made.dispose()
    assert rows == [("a:ADT", "2026")]


@pytest.mark.field("FL-295")
async def test_a_newer_schema_is_refused_with_both_versions(empty_url: str) -> None:
    await asyncio.to_thread(migrate, empty_url)
    made = engine(empty_url)
    with made.begin() as connection:
        connection.execute(text("UPDATE schema_version SET version_num = '9999'"))
    made.dispose()

    with pytest.raises(FatalError) as opened:
        await open_store(empty_url).open()
    with pytest.raises(FatalError) as migrated:
        await asyncio.to_thread(migrate, empty_url)

    for caught in (opened, migrated):
        issue = caught.value.issues[0]
        assert issue.code == "RLS-STO-002"
        assert "9999" in issue.what
        assert HEAD in issue.what


@pytest.mark.field("FL-295")
async def test_an_older_schema_waits_for_its_migration(empty_url: str, monkeypatch) -> None:
    await asyncio.to_thread(migrate, empty_url)
    monkeypatch.setattr("gateway.store.migrate.KNOWN", (*KNOWN, "9998"))
    monkeypatch.setattr("gateway.store.migrate.HEAD", "9998")

    with pytest.raises(FatalError) as caught:
        await open_store(empty_url).open()

    issue = caught.value.issues[0]
    assert issue.code == "RLS-STO-003"
    assert "relais admin migrate" in issue.fix


@pytest.mark.field("FL-297")
async def test_a_database_that_cannot_hold_every_character_is_refused(
    postgresql_server: str,
) -> None:
    with (
        postgres.database(postgresql_server, encoding="LATIN1") as address,
        pytest.raises(FatalError, match=r"RLS-STO-007.*LATIN1"),
    ):
        await open_store(address).open()


async def test_the_file_is_for_its_user_only(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'relais.db'}")
    await store.open()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in files(tmp_path)}
    await store.close()

    assert modes == {0o600}
