"""Builds what hands messages to applications of the hospital, from settings and site files."""

from datetime import timedelta
from functools import partial

from gateway.connectors.mllp import MllpConnector
from gateway.core.clock import Clock
from gateway.core.ports import Store
from gateway.entry.settings import Settings
from gateway.entry.tls import client_context
from gateway.mapping.loader import Mappings
from gateway.pipeline.deliver import RetryRule
from gateway.pipeline.letters import LetterTaker

#: A hospital that is away is tried again soon: its applications wait for nothing else.
_LONGEST_S = 300.0
#: MSH-3 of what we send by ourselves.
_APPLICATION = "RELAIS"


def build_mllp(settings: Settings, mappings: Mappings) -> MllpConnector | None:
    """Build the connector; None when no site file names a destination.

    Raises:
        FatalError: a certificate is missing or wrong (RLS-NET-020).
    """
    destinations = mappings.sites.destinations
    if not destinations:
        return None
    part = settings.outbound
    make = partial(client_context, part.authority, certificate=part.certificate, key=part.key)
    if any(one.tls for one in destinations.values()):
        # Read once now: a missing file stops the start and not the first message.
        make()
    return MllpConnector(destinations, make)


def mllp_rule(settings: Settings) -> RetryRule:
    """Return how long and how often a message is tried."""
    return RetryRule(timedelta(days=settings.outbound.horizon_days), longest_s=_LONGEST_S)


def build_letters(
    settings: Settings, mappings: Mappings, store: Store, clock: Clock
) -> LetterTaker:
    """Build what hands letters of the mailbox to the applications that want them."""
    processing = "P" if settings.is_production else "T"
    return LetterTaker(store, mappings.sites, clock, (_APPLICATION, settings.tenant), processing)
