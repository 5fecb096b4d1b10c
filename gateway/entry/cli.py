"""The command `relais`: data on standard output, words on standard error.

Exit 0 fine, 1 the input was refused, 2 wrong usage or configuration.
"""

import sys
from typing import Annotated

import typer

from gateway import __version__
from gateway.core import log
from gateway.core.errors import FatalError, RejectedError, RetriableError
from gateway.entry import (
    cli_admin,
    cli_audit,
    cli_config,
    cli_conformance,
    cli_convert,
    cli_demo,
    cli_directory,
    cli_feeds,
    cli_index,
    cli_listen,
    cli_package,
    cli_packages,
    cli_pathway,
    cli_pathway_past,
    cli_send,
    cli_serve,
    cli_simulate,
    cli_store,
    cli_validate,
)

app = typer.Typer(
    name="relais",
    help="FHIR gateway for French care pathways.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
app.command("serve")(cli_serve.serve)
app.command("health")(cli_serve.health)
app.command("demo")(cli_demo.demo)
app.command("simulate")(cli_simulate.simulate)
app.command("convert")(cli_convert.convert)
app.command("validate")(cli_validate.validate)
app.command("send")(cli_send.send)
app.command("listen")(cli_listen.listen)
app.command("package")(cli_package.package)
app.command("replay")(cli_store.replay)
app.add_typer(cli_store.quarantine, name="quarantine")
app.add_typer(cli_config.config, name="config")
app.add_typer(cli_conformance.conformance, name="conformance")
app.add_typer(cli_admin.admin, name="admin")
app.add_typer(cli_audit.audit, name="audit")
app.add_typer(cli_directory.directory, name="directory")
app.add_typer(cli_feeds.feeds, name="feeds")
app.add_typer(cli_index.store, name="store")
app.add_typer(cli_packages.packages, name="packages")
cli_pathway.pathway.command("as-of")(cli_pathway_past.as_of)
cli_pathway.pathway.command("explain")(cli_pathway_past.explain)
cli_pathway.pathway.command("backtest")(cli_pathway_past.backtest)
app.add_typer(cli_pathway.pathway, name="pathway")


def _version(asked: bool) -> None:
    if asked:
        print(__version__)
        raise typer.Exit


@app.callback()
def _relais(
    _asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print and exit.")
    ] = False,
) -> None:
    """FHIR gateway for French care pathways."""


def main() -> None:
    """Run the command line."""
    log.configure("WARNING")
    try:
        app()
    except FatalError as error:
        _say(error)
        sys.exit(2)
    except (RejectedError, RetriableError) as error:
        _say(error)
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output went away (`relais … | head`): no error of ours.
        sys.stderr.close()
        sys.exit(0)


def _say(error: FatalError | RejectedError | RetriableError) -> None:
    for issue in error.issues:
        print(issue, file=sys.stderr)


if __name__ == "__main__":
    main()
