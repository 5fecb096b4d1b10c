"""Whether the doors may open beyond this machine, and what is said about open defaults."""

import structlog

from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.entry.settings import DEFAULT_NAMESPACE, Settings

_log = structlog.get_logger()


def refuse_exposure(settings: Settings) -> None:
    """Refuse to listen beyond this machine without access rights, warn about open defaults.

    Raises:
        FatalError: the host is not loopback and nobody declared the boundary (RLS-SEC-001), or
            it is a production installation, which no boundary protects enough (RLS-SEC-002).
    """
    if not settings.on_loopback:
        if not settings.unprotected:
            raise FatalError([_exposed(settings.host)])
        if settings.is_production:
            raise FatalError([_unprotected_production()])
        _log.warning("doors_unprotected", fix="let nobody but trusted peers reach this network")
    if settings.is_production and settings.id_namespace == DEFAULT_NAMESPACE:
        _log.warning("default_id_namespace", fix="set RELAIS_ID_NAMESPACE")


def _exposed(host: str) -> Issue:
    return Issue(
        code="RLS-SEC-001",
        severity=Severity.FATAL,
        where="setting host",
        what=f"{host} is reachable from other machines, and rights to persons are not built yet.",
        fix="Listen on 127.0.0.1; or, behind a boundary that admits trusted peers only "
        "(a container network), set RELAIS_UNPROTECTED=true and RELAIS_ENVIRONMENT=test.",
    )


def _unprotected_production() -> Issue:
    return Issue(
        code="RLS-SEC-002",
        severity=Severity.FATAL,
        where="setting unprotected",
        what="a production installation does not open its doors without access rights.",
        fix="Listen on 127.0.0.1; where no real patient is concerned, set RELAIS_ENVIRONMENT=test.",
    )
