"""Builds the accounts of people from the settings: Pro Santé Connect, or none."""

from collections.abc import Callable
from urllib.parse import urlsplit

from fastapi import APIRouter

from gateway.connectors.oidc import OidcProvider
from gateway.core.clock import Clock
from gateway.core.egress import EgressPolicy
from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.entry.auth.people import People
from gateway.entry.auth.psc import Psc, PscAddresses
from gateway.entry.settings import Settings
from gateway.entry.web.login import BACK, login_router
from gateway.entry.web.render import Pages
from gateway.pipeline.journal import Journal


def build_psc(settings: Settings, clock: Clock, public_url: str) -> Psc | None:
    """Build what lets people in; None where no provider is named.

    Raises:
        FatalError: an address, the secret or the table is missing (RLS-CFG-123, RLS-CFG-124).
    """
    told = settings.psc
    if not told.issuer:
        return None
    needed = (told.authorization, told.token, told.userinfo, told.keys, told.client)
    if not all(needed) or told.people is None or told.credential is None:
        raise FatalError([_incomplete()])
    try:
        secret = told.credential.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise FatalError([_incomplete()]) from error
    base = public_url.rstrip("/")
    at = PscAddresses(
        told.issuer,
        told.authorization,
        told.token,
        told.userinfo,
        told.keys,
        told.logout,
        told.client,
        secret,
        f"{base}{BACK}",
        f"{base}/",
    )
    called = [urlsplit(one) for one in (told.token, told.userinfo, told.keys)]
    policy = EgressPolicy(
        hosts=frozenset(one.hostname or "" for one in called),
        ports=frozenset(one.port or 443 for one in called),
        lan=settings.hooks.lan,
        allow_loopback=not settings.is_production,
    )
    return Psc(at, OidcProvider(policy), People(told.people), clock)


def accounts_of(psc: Psc | None, journal: Journal) -> Callable[[Pages], APIRouter] | None:
    """Return what makes the addresses of login and logout; None where there are no accounts."""
    if psc is None:
        return None

    def made(pages: Pages) -> APIRouter:
        return login_router(psc, pages, journal)

    return made


def _incomplete() -> Issue:
    return Issue(
        code="RLS-CFG-124",
        severity=Severity.FATAL,
        where="settings psc",
        what="Pro Santé Connect is named, and an address, the client, its secret or the table of "
        "people is not.",
        fix="Set psc.authorization, token, userinfo, keys, client, credential and people.",
    )
