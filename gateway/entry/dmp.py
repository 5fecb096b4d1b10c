"""Builds the way to the shared record of an installation from its settings."""

from datetime import timedelta
from functools import partial

from gateway import __version__
from gateway.connectors import dmp_faults
from gateway.connectors.dmp import DmpConnector
from gateway.connectors.dmp_keys import agree, client_context, load_signer
from gateway.connectors.dmp_pdsm import FhirEndpoint, PdsmDialect
from gateway.connectors.dmp_submission import House
from gateway.connectors.dmp_vihf import Software
from gateway.connectors.dmp_xds import Endpoint, XdsDialect
from gateway.core.clock import Clock
from gateway.core.errors import FatalError, RejectedError
from gateway.core.issues import Issue, Severity
from gateway.entry.settings import Settings
from gateway.mapping.loader import Mappings

_NAME = "Relais"


def dmp_house(settings: Settings) -> House:
    """Return the organisation that submits."""
    part = settings.dmp
    return House(
        structures=part.structures,
        name=part.name,
        sector=part.sector,
        source_id=part.source_id,
        software=_NAME,
        production=settings.is_production,
    )


def build_dmp(settings: Settings, mappings: Mappings, clock: Clock) -> DmpConnector | None:
    """Build the connector; None when no address is named.

    Raises:
        FatalError: certificates are missing or wrong, or of another environment (RLS-DMP-003,
            040, 041).
    """
    if not settings.dmp.base_url:
        return None
    is_xds = settings.dmp.dialect == "xds"
    dialect = xds_dialect(settings, clock) if is_xds else pdsm_dialect(settings, clock)
    return DmpConnector(dialect, dmp_house(settings), mappings.conceptmaps)


def xds_dialect(settings: Settings, clock: Clock) -> XdsDialect:
    """Build the dialect of the national record.

    Raises:
        FatalError: as `build_dmp`.
    """
    part = settings.dmp
    if (part.environment == "production") != settings.is_production:
        raise FatalError([dmp_faults.other_environment("setting dmp.environment")])
    if not (part.authority and part.certificate and part.sign_certificate and part.structures):
        raise FatalError([_incomplete()])
    tls = partial(client_context, part.authority, part.certificate, part.key)
    signer = partial(load_signer, part.sign_certificate, part.sign_key)
    # Read once now: a missing or foreign file stops the start and not the first document.
    tls()
    try:
        agree(signer(), production=settings.is_production)
    except RejectedError as error:
        raise FatalError(error.issues) from error
    software = Software(
        _NAME,
        __version__,
        part.homologation,
        part.vihf_version,
        part.authentication,
        timedelta(seconds=part.skew_s),
    )
    endpoint = Endpoint(
        base_url=part.base_url.rstrip("/"),
        tls=tls,
        signer=signer,
        software=software,
        source_id=part.source_id,
        production=settings.is_production,
        timeout_s=part.timeout_s,
        unknown_wait_s=part.unknown_wait_s,
    )
    return XdsDialect(endpoint, clock)


def pdsm_dialect(settings: Settings, clock: Clock) -> PdsmDialect:
    """Build the dialect of repositories that speak FHIR.

    Raises:
        FatalError: as `build_dmp`.
    """
    part = settings.dmp
    if (part.environment == "production") != settings.is_production:
        raise FatalError([dmp_faults.other_environment("setting dmp.environment")])
    if not (part.authority and part.certificate and part.structures):
        raise FatalError([_incomplete()])
    tls = partial(client_context, part.authority, part.certificate, part.key)
    tls()
    base = part.base_url.rstrip("/")
    return PdsmDialect(FhirEndpoint(base, tls, part.timeout_s, part.unknown_wait_s), clock)


def _incomplete() -> Issue:
    return Issue(
        code="RLS-DMP-041",
        severity=Severity.FATAL,
        where="settings [dmp]",
        what="an address is named without certificates, authorities or structures.",
        fix="Set dmp.authority, dmp.certificate, dmp.sign_certificate and dmp.structures.",
    )
