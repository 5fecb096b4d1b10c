"""Builds the directory of an installation from its settings."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from gateway.connectors.directory import Annuaire
from gateway.connectors.http import HttpClient
from gateway.core.clock import Clock
from gateway.core.directory import SourceState
from gateway.core.errors import FatalError, RetriableError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Store
from gateway.entry.settings import Settings
from gateway.pipeline.directory import DirectoryWatch, Freshness, stale


def freshness(settings: Settings) -> Freshness:
    """Return when what is kept counts as old."""
    part = settings.directory
    return Freshness(timedelta(hours=part.answer_hours), timedelta(days=part.extract_days))


def build_directory_watch(
    settings: Settings, store: Store, clock: Clock, client: HttpClient
) -> DirectoryWatch | None:
    """Build what asks the service about recipients without mailbox; None when none is named.

    Args:
        settings: of the installation.
        store: open when it runs.
        clock: dates answers.
        client: closed by the caller.

    Raises:
        FatalError: the service is named without the file of its key (RLS-DIR-030).
    """
    part = settings.directory
    if not part.base_url:
        return None
    if part.key is None or not part.key.is_file():
        raise FatalError([_no_key()])
    key = part.key.read_text(encoding="utf-8").strip()
    service = Annuaire(part.base_url.rstrip("/"), key, client, clock)
    return DirectoryWatch(store, clock, service, freshness(settings))


def directory_warnings(
    settings: Settings, clock: Clock
) -> Callable[[Store], Awaitable[Sequence[Issue]]]:
    """Return what tells which sources of the directory are old or away; none when it is not used.

    Args:
        settings: of the installation.
        clock: tells what is old.
    """
    limits = freshness(settings)

    async def told(store: Store) -> Sequence[Issue]:
        try:
            states = await store.read(lambda tx: tx.directory.states())
        except RetriableError:
            # That the store is away is told by its own check.
            return ()
        old = stale(states, limits, clock.now())
        return [_stale(state) for state in states if old[state.origin]]

    return told


def _stale(state: SourceState) -> Issue:
    why = f"it cannot be read ({state.failure})" if state.failure else "it is old"
    day = f" of {state.as_of:%Y-%m-%d}" if state.as_of else ""
    return Issue(
        code="RLS-DIR-036",
        severity=Severity.WARNING,
        where=f"directory {state.origin}",
        what=f"what is kept of it{day} serves: {why}.",
        fix="Import the newest extract, or wait for the interface (relais directory state).",
    )


def _no_key() -> Issue:
    return Issue(
        code="RLS-DIR-030",
        severity=Severity.FATAL,
        where="setting directory.key",
        what="the directory is named and the file with its key is missing.",
        fix="Set directory.key to the file that holds the key of the interface.",
    )
