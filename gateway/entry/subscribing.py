"""Builds what subscriptions may ask for, and the channels they are told by, from the settings."""

import hmac
import ssl
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from gateway.connectors.alert_mail import AlertMail
from gateway.connectors.fhir_channels import FhirChannels
from gateway.connectors.fhir_hook import FhirHook
from gateway.connectors.fhir_mail import FhirMail, MailServer
from gateway.connectors.http import HttpClient
from gateway.core.clock import Clock
from gateway.core.egress import EgressPolicy
from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.entry.api.subscriptions import SubscriptionSettings
from gateway.entry.auth.wall import client_of
from gateway.entry.settings import HooksSettings, Settings
from gateway.fhir.subscription_channels import CHANNELS, CONTENTS
from gateway.fhir.subscriptions import SubscriptionRules

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def build_subscriptions(
    settings: Settings, egress: EgressPolicy, base: str
) -> SubscriptionSettings:
    """Build what the door for subscriptions honours, for each client.

    Args:
        settings: of the installation.
        egress: endpoints that may be called.
        base: address of the FHIR door.
    """
    hooks = settings.hooks
    usual = CONTENTS[:2] if settings.is_production else CONTENTS
    channels = frozenset(CHANNELS) - (frozenset() if hooks.mail_host else {"email"})
    rules = SubscriptionRules(
        egress,
        contents=frozenset(hooks.contents or usual),
        per_client=hooks.per_client,
        channels=channels,
        mail_domains=_domains(hooks),
    )
    of_clients = {
        client: _of_client(client, hooks, rules)
        for client in {*hooks.full_resource, *hooks.client_hosts}
    }
    return SubscriptionSettings(base, rules, client_of, of_clients)


def _of_client(client: str, hooks: HooksSettings, rules: SubscriptionRules) -> SubscriptionRules:
    egress, contents = rules.egress, rules.contents
    if client in hooks.client_hosts:
        hosts = frozenset(host.lower() for host in hooks.client_hosts[client])
        egress = replace(egress, hosts=hosts)
    if client in hooks.full_resource:
        contents = frozenset(CONTENTS)
    return replace(rules, egress=egress, contents=contents)


def build_channels(
    settings: Settings, client: HttpClient, egress: EgressPolicy, clock: Clock
) -> FhirChannels:
    """Build the channels that are pushed.

    Args:
        settings: of the installation.
        client: for rest-hook and message.
        egress: endpoints that may be called; for those of one client its hosts are admitted too.
        clock: dates signatures.

    Raises:
        FatalError: a file of the mail server cannot be read (RLS-CFG-090), or the secret of
            signatures is missing or short (RLS-CFG-091).
    """
    hooks = settings.hooks
    narrower = (host.lower() for hosts in hooks.client_hosts.values() for host in hosts)
    reach = replace(egress, hosts=egress.hosts | frozenset(narrower))
    hook = FhirHook(client, reach, timeout_s=hooks.timeout_s, sign=_signer(hooks, clock))
    return FhirChannels(hook, FhirMail(_mail_server(hooks)) if hooks.mail_host else None)


def build_alerts(settings: Settings, base: str) -> AlertMail | None:
    """Build what tells the auditors by mail; None where no mail leaves.

    Args:
        settings: of the installation.
        base: public address of the pages.

    Raises:
        FatalError: a file of the mail server cannot be read (RLS-CFG-090).
    """
    if not settings.hooks.mail_host:
        return None
    return AlertMail(_mail_server(settings.hooks), base.rstrip("/"))


def sign(secret: bytes, body: bytes, at: int) -> str:
    """Return the signature of a notification: when it left, and an HMAC over that and the body.

    The receiver makes the same and compares, and refuses what is older than five minutes.
    """
    made = hmac.new(secret, f"{at}.".encode() + body, "sha256").hexdigest()
    return f"t={at},v1={made}"


def _signer(hooks: HooksSettings, clock: Clock) -> Callable[[bytes], str] | None:
    if hooks.signing_key is None:
        return None
    try:
        secret = hooks.signing_key.read_bytes().strip()
    except OSError as error:
        raise FatalError([_no_secret()]) from error
    if len(secret) < 32:
        raise FatalError([_no_secret()])
    return lambda body: sign(secret, body, int(clock.now().timestamp()))


def _mail_server(hooks: HooksSettings) -> MailServer:
    make = partial(_context, hooks)
    try:
        # Read once now: a missing file stops the start and not the first mail.
        make()
        password = hooks.mail_password.read_text("utf-8").strip() if hooks.mail_password else ""
    except (OSError, ValueError) as error:
        raise FatalError([_unreadable()]) from error
    return MailServer(
        hooks.mail_host,
        hooks.mail_port,
        hooks.mail_from,
        _domains(hooks),
        tls=None if hooks.mail_host in _LOOPBACK else make,
        user=hooks.mail_user,
        password=password,
        timeout_s=hooks.timeout_s,
    )


def _context(hooks: HooksSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=hooks.mail_authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _domains(hooks: HooksSettings) -> frozenset[str]:
    return frozenset(name.lower() for name in hooks.mail_domains)


def _unreadable() -> Issue:
    return Issue(
        code="RLS-CFG-090",
        severity=Severity.FATAL,
        where="hooks.mail_authority, hooks.mail_password",
        what="a file for the mail server of notifications is missing or cannot be read.",
        fix="Name readable files: PEM authorities, and a text file with the password.",
    )


def _no_secret() -> Issue:
    return Issue(
        code="RLS-CFG-091",
        severity=Severity.FATAL,
        where="hooks.signing_key",
        what="the secret that signs notifications is missing or shorter than 32 bytes.",
        fix="Name a file with 32 random bytes or more, in hex or base64.",
    )
