"""Builds what may be called from here, from the settings."""

from gateway.core.egress import EgressPolicy
from gateway.entry.settings import Settings


def build_egress(settings: Settings) -> EgressPolicy:
    """Build what notifications may reach; this machine only where nothing is production."""
    hooks = settings.hooks
    return EgressPolicy(
        hosts=frozenset(host.lower() for host in hooks.hosts),
        ports=frozenset(hooks.ports),
        lan=hooks.lan,
        allow_loopback=not settings.is_production,
    )
