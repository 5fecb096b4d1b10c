"""`relais store`: what operators do with the stored resources."""

import sys

import typer

from gateway.core.ports import Store
from gateway.entry.with_store import with_store
from gateway.pipeline.reindexing import reindex

store = typer.Typer(help="The stored resources of an installation.")


@store.callback()
def _group() -> None:
    """Keep `reindex` a command of its own while it is the only one."""


@store.command("reindex")
def reindex_all() -> None:
    """Index every resource by the search parameters of this release; the doors may stay open.

    Example: relais store reindex
    """

    async def work(opened: Store) -> tuple[int, int]:
        looked = changed = 0
        async for type_, count, found in reindex(opened):
            print(f"{type_}: {count} resources, {found} indexed anew", file=sys.stderr)
            looked, changed = looked + count, changed + found
        return looked, changed

    looked, changed = with_store(work)
    print(f"{looked} resources looked at, {changed} indexed anew.", file=sys.stderr)
