"""Whether the doors may open beyond this machine, and what is said about open defaults."""

import structlog

from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Store
from gateway.entry.settings import DEFAULT_NAMESPACE, Settings

_log = structlog.get_logger()


def refuse_exposure(settings: Settings) -> None:
    """Refuse to listen beyond this machine without transport security, warn about open defaults.

    Raises:
        FatalError: the host is not loopback and neither TLS, a proxy that ends it, nor a boundary
            is declared (RLS-SEC-001); it is a production installation, which no boundary protects
            enough (RLS-SEC-002); feeds over TLS need no certificate (RLS-SEC-003).
    """
    if settings.is_exposed:
        if settings.http.certificate is None and not settings.http.proxies:
            raise FatalError([_exposed(settings.host)])
        if settings.mllps.certificate is not None and not settings.mllps.require_client:
            raise FatalError([_anonymous_feeds()])
    elif not settings.on_loopback:
        if settings.is_production:
            raise FatalError([_unprotected_production()])
        _log.warning("doors_unprotected", fix="let nobody but trusted peers reach this network")
    if settings.is_production and settings.id_namespace == DEFAULT_NAMESPACE:
        _log.warning("default_id_namespace", fix="set RELAIS_ID_NAMESPACE")


async def refuse_nobody(settings: Settings, store: Store) -> None:
    """Refuse to listen beyond this machine while nobody could be let in.

    Without accounts and clients the doors would answer refusals only; that is a mistake of the
    installation more often than a wish, and is said before anybody relies on it.

    Raises:
        FatalError: there are neither accounts nor clients (RLS-SEC-004).
    """
    if not settings.is_exposed or settings.psc.issuer:
        return
    if not await store.read(lambda tx: tx.access.clients()):
        raise FatalError([_nobody()])


def _exposed(host: str) -> Issue:
    return Issue(
        code="RLS-SEC-001",
        severity=Severity.FATAL,
        where="setting host",
        what=f"{host} is reachable from other machines, and what is said there is not encrypted.",
        fix="Set RELAIS_HTTP_CERTIFICATE, or RELAIS_HTTP_PROXIES when a proxy ends TLS before it, "
        "with accounts (psc) or clients; or listen on 127.0.0.1; or, behind a boundary that admits "
        "trusted peers only (a container network), RELAIS_UNPROTECTED=true and "
        "RELAIS_ENVIRONMENT=test.",
    )


def _unprotected_production() -> Issue:
    return Issue(
        code="RLS-SEC-002",
        severity=Severity.FATAL,
        where="setting unprotected",
        what="a production installation does not open its doors without access rights.",
        fix="Set TLS, accounts and clients in place of RELAIS_UNPROTECTED; where no real patient "
        "is concerned, set RELAIS_ENVIRONMENT=test.",
    )


def _anonymous_feeds() -> Issue:
    return Issue(
        code="RLS-SEC-003",
        severity=Severity.FATAL,
        where="setting mllps.require_client",
        what="anybody who reaches the MLLP door over TLS could send messages.",
        fix="Leave mllps.require_client on and name the authorities of senders (mllps.client_ca).",
    )


def _nobody() -> Issue:
    return Issue(
        code="RLS-SEC-004",
        severity=Severity.FATAL,
        where="settings psc, clients",
        what="the doors would be reachable from other machines, and nobody could be let in.",
        fix="Configure Pro Santé Connect (psc), or register a client: relais admin client add.",
    )


def port_taken(where: str) -> Issue:
    """Say that a door cannot open."""
    return Issue(
        code="RLS-NET-050",
        severity=Severity.FATAL,
        where=where,
        what="the address cannot be bound; another process may hold it.",
        fix="Stop the other process or choose another port (RELAIS_HTTP_PORT, RELAIS_MLLP_PORT).",
    )
