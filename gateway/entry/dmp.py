"""Builds the way to the shared record of an installation from its settings."""

import re
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog

from gateway import __version__
from gateway.conformance.cda.value_sets import ValueSet, load_value_sets
from gateway.connectors import dmp_faults
from gateway.connectors.dmp import DmpConnector
from gateway.connectors.dmp_keys import SigningFiles, agree, client_context
from gateway.connectors.dmp_pdsm import FhirEndpoint, PdsmDialect
from gateway.connectors.dmp_submission import House
from gateway.connectors.dmp_value_sets import BOUND, CodeLists
from gateway.connectors.dmp_vihf import Software
from gateway.connectors.dmp_xds import Endpoint, XdsDialect
from gateway.core.clock import Clock
from gateway.core.errors import FatalError, RejectedError
from gateway.core.issues import Issue, Severity
from gateway.entry.settings import Settings
from gateway.mapping.loader import Mappings

_NAME = "Relais"
_log = structlog.get_logger()
#: Published files are named after their number: `JDV_J66-TypeCode-DMP.xml`.
_NUMBER = re.compile(r"(?<![A-Za-z0-9])(J\d+)(?!\d)")
_WANTED = frozenset(number for numbers in BOUND.values() for number in numbers)


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
            040, 041), or the folder of value sets holds none (RLS-CFG-115).
    """
    if not settings.dmp.base_url:
        return None
    is_xds = settings.dmp.dialect == "xds"
    dialect = xds_dialect(settings, clock) if is_xds else pdsm_dialect(settings, clock)
    lists = record_lists(settings.dmp.value_sets)
    if lists.missing:
        issue = dmp_faults.no_list(", ".join(lists.missing))
        _log.warning("record_codes_not_judged", code=issue.code, kind=", ".join(lists.missing))
    return DmpConnector(dialect, dmp_house(settings), mappings.conceptmaps, lists)


def record_lists(folder: Path | None) -> CodeLists:
    """Find the value sets of XDS metadata in a folder, by the number in the name of the file.

    Raises:
        FatalError: no folder, or one without any list (RLS-CFG-115).
    """
    if folder is None:
        return CodeLists()
    sets = load_value_sets(folder)
    found: dict[str, ValueSet] = {}
    for oid, path in sets.paths.items():
        number = _NUMBER.search(path.stem)
        read = sets.get(oid) if number and number[1] in _WANTED else None
        if number and read is not None:
            found.setdefault(number[1], read)
    by_attribute = {
        attribute: found[next(one for one in numbers if one in found)]
        for attribute, numbers in BOUND.items()
        if found.keys() & set(numbers)
    }
    return CodeLists(by_attribute)


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
    signer = SigningFiles(part.sign_certificate, part.sign_key)
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
