"""`relais admin`: what operators do with the database, and who may call."""

import sys

import typer

from gateway.entry import settings as settings_module
from gateway.entry.cli_clients import client
from gateway.entry.cli_why import why
from gateway.store.factory import migrate as migrate_store

admin = typer.Typer(help="The database of an installation, and its clients.")
admin.add_typer(client, name="client")
admin.command("why")(why)


@admin.command("migrate")
def migrate() -> None:
    """Bring the database to the schema of this release; back it up first.

    Example: RELAIS_STORE_URL=postgresql://relais@db/relais relais admin migrate
    """
    found, now = migrate_store(settings_module.load().store.url)
    if found == now:
        print(f"the schema is {now} already.", file=sys.stderr)
    else:
        print(f"schema {found or 'none'} -> {now}.", file=sys.stderr)
