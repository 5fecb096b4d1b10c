"""Builds the accounts of people from the settings: Pro Santé Connect, or none."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter

from gateway.connectors.oidc import OidcProvider
from gateway.core.clock import Clock
from gateway.core.egress import EgressPolicy
from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Store
from gateway.entry.auth.people import People
from gateway.entry.auth.psc import Psc, PscAddresses
from gateway.entry.settings import Settings
from gateway.entry.web.glass import GlassSettings, glass_router
from gateway.entry.web.login import BACK, login_router
from gateway.entry.web.render import Pages
from gateway.pipeline.journal import Journal

_log = structlog.get_logger()


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


def accounts_of(
    psc: Psc | None, journal: Journal, store: Store, settings: Settings
) -> Callable[[Pages], APIRouter] | None:
    """Return what makes the addresses of login and break-glass; None where nobody logs in."""
    if psc is None:
        return None
    if settings.psc.auditors and not settings.hooks.mail_host:
        _log.warning("auditors_not_told", fix="set hooks.mail_host: no mail leaves without it")
    lasts = timedelta(minutes=settings.psc.glass_minutes)
    # Without a mail server nothing would ever take what is queued for it.
    told = settings.psc.auditors if settings.hooks.mail_host else ()
    glass = GlassSettings(store, lasts, told)

    def made(pages: Pages) -> APIRouter:
        router = login_router(psc, pages, journal)
        router.include_router(glass_router(pages, glass))
        return router

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
