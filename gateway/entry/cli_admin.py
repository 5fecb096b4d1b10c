"""`relais admin`: what operators do with the database, and who may call."""

import sys

import typer

from gateway.core.errors import FatalError
from gateway.core.issues import Severity
from gateway.entry import settings as settings_module
from gateway.entry.certificates import judge, places, read
from gateway.entry.cli_clients import client
from gateway.entry.cli_deliveries import deliveries
from gateway.entry.cli_why import why
from gateway.entry.wiring import SystemClock
from gateway.store.factory import migrate as migrate_store

admin = typer.Typer(help="The database of an installation, and its clients.")
admin.add_typer(client, name="client")
admin.command("why")(why)
admin.command("deliveries")(deliveries)


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


@admin.command("certificates")
def certificates() -> None:
    """List the certificates the settings name: setting, use, subject, dates; exit 1 if one is out.

    Example: relais admin certificates
    """
    now = SystemClock().now()
    is_sound = True
    for place in places(settings_module.load()):
        try:
            found = read(place)
        except FatalError as error:
            print(error.issues[0], file=sys.stderr)
            is_sound = False
            continue
        for one in found:
            dates = f"{one.begins:%Y-%m-%d} to {one.ends:%Y-%m-%d}"
            left = f"{one.days_left(now)} days left"
            print(f"{one.setting}: {one.use}, {one.subject}, {dates}, {left}")
            issue = judge(one, now)
            if issue is not None:
                print(issue, file=sys.stderr)
                is_sound = is_sound and issue.severity is Severity.WARNING
    if not is_sound:
        raise typer.Exit(1)
