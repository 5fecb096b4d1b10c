"""Brings a database to the schema of this release.

Revisions are in `migrations/versions`; `pre` or `post` in their name says whether they run before
or after the new release starts. A new database gets the newest schema when it is opened; an older
one waits for `relais admin migrate`, so that a backup comes first.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from gateway.store.problems import old_schema, wrong_schema

#: Revisions this release knows, oldest first.
KNOWN = (
    *("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008"),
    *("0009", "0010", "0011", "0012", "0013", "0014", "0015", "0016"),
    *("0017", "0018", "0019", "0020"),
)
HEAD = KNOWN[-1]
VERSION_TABLE = "schema_version"
_FOLDER = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 2


def schema_version(connection: Connection) -> str | None:
    """Return the version of the schema, None for an empty database."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 (a constant)
    return None if found is None else str(found)


def prepare(connection: Connection, where: str, upgrade_old: bool = False) -> str | None:
    """Create the schema of a new database, check the one of another.

    Args:
        connection: in a transaction the caller commits.
        where: kind of database, for the error.
        upgrade_old: bring an older schema to the newest one instead of refusing it.

    Returns:
        The version found.

    Raises:
        FatalError: the schema is newer (RLS-STO-002) or older (RLS-STO-003) than this release.
    """
    if connection.dialect.name == "postgresql":
        # Two processes that start on one empty database: one creates, the other finds.
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
    found = schema_version(connection)
    if found == HEAD:
        return found
    if found is not None and found not in KNOWN:
        raise wrong_schema(where, found, HEAD)
    if found is not None and not upgrade_old:
        raise old_schema(where, found, HEAD)
    _upgrade(connection)
    return found


def _upgrade(connection: Connection) -> None:
    # Imported here: a start on a database that is up to date does not need it.
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(_FOLDER))
    context = MigrationContext.configure(
        connection,
        opts={
            "version_table": VERSION_TABLE,
            "script": script,
            "render_as_batch": True,
            "fn": lambda revision, _: script._upgrade_revs(HEAD, revision),
        },
    )
    with Operations.context(context):
        context.run_migrations()
