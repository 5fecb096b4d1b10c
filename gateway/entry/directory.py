"""Builds the directory of an installation from its settings."""

from datetime import timedelta

from gateway.connectors.directory import Annuaire
from gateway.connectors.http import HttpClient
from gateway.core.clock import Clock
from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Store
from gateway.entry.settings import Settings
from gateway.pipeline.directory import DirectoryWatch, Freshness


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


def _no_key() -> Issue:
    return Issue(
        code="RLS-DIR-030",
        severity=Severity.FATAL,
        where="setting directory.key",
        what="the directory is named and the file with its key is missing.",
        fix="Set directory.key to the file that holds the key of the interface.",
    )
