"""The certificates an installation uses: what for, until when, and who is told before they end.

Does not verify chains (`entry.tls`, connectors) nor count days for metrics
(`entry.certificate_dates`). Standards: RFC 5280, 4.1.2.5 (validity).
"""

import asyncio
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog
from cryptography import x509

from gateway.core.clock import Clock
from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.entry.settings import Settings
from gateway.entry.tls import Renewable, server_context

_log = structlog.get_logger()
#: Days before the end at which people are told.
STEPS = (60, 30, 15, 7, 1)
_LOOK_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """A setting that names a file of certificates.

    Attributes:
        setting: its key.
        use: what the certificate is for, in words.
        path: of the PEM file.
    """

    setting: str
    use: str
    path: Path


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate of a file; the validity is aware, to the second."""

    setting: str
    use: str
    subject: str
    begins: datetime
    ends: datetime

    def days_left(self, now: datetime) -> int:
        """Return the whole days until it ends; below zero once it has ended."""
        return (self.ends - now) // timedelta(days=1)


def places(settings: Settings) -> list[Place]:
    """List the settings that name certificates, those of authorities included."""
    dmp, mail, hooks = settings.dmp, settings.mssante, settings.hooks
    found = [
        ("http.certificate", "TLS of the HTTP door", settings.http.certificate),
        ("http.client_ca", "authorities of callers", settings.http.client_ca),
        ("mllps.certificate", "TLS of the MLLP door", settings.mllps.certificate),
        ("mllps.client_ca", "authorities of senders", settings.mllps.client_ca),
        ("outbound.certificate", "TLS towards applications", settings.outbound.certificate),
        ("outbound.authority", "authorities of applications", settings.outbound.authority),
        ("mssante.certificate", "TLS towards the mail operator", mail.certificate),
        ("mssante.authority", "authorities of the mail operator", mail.authority),
        ("dmp.certificate", "TLS towards the shared record (AUTH_CLI)", dmp.certificate),
        ("dmp.sign_certificate", "signature for the shared record (SIGN)", dmp.sign_certificate),
        ("dmp.authority", "authorities of the shared record", dmp.authority),
        ("hooks.mail_authority", "authorities of the mail of notices", hooks.mail_authority),
    ]
    return [Place(setting, use, path) for setting, use, path in found if path is not None]


def read(place: Place) -> list[Certificate]:
    """Read the certificates of a file, in its order.

    Raises:
        FatalError: it is missing, or holds none (RLS-NET-082).
    """
    try:
        found = x509.load_pem_x509_certificates(place.path.read_bytes())
    except (OSError, ValueError) as error:
        raise FatalError([_no_use(place.setting, "is missing or holds no certificate.")]) from error
    return [
        Certificate(
            place.setting,
            place.use,
            one.subject.rfc4514_string(),
            one.not_valid_before_utc,
            one.not_valid_after_utc,
        )
        for one in found
    ]


def judge(certificate: Certificate, now: datetime) -> Issue | None:
    """Return what is to be said of a certificate at an instant; None while its end is far.

    Returns:
        RLS-NET-080 within 60 days of its end, RLS-NET-081 once it has ended or before it begins.
    """
    left = certificate.days_left(now)
    if now >= certificate.ends or now < certificate.begins:
        return _not_valid(certificate, now)
    return _ends_soon(certificate, left) if left <= STEPS[0] else None


class _OfDoor(Protocol):
    @property
    def certificate(self) -> Path | None: ...
    @property
    def key(self) -> Path | None: ...


class CertificateWatch:
    """Looks at the files again and again: warns of ends, lets doors show a renewed certificate."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Prepare; nothing is read yet.

        Args:
            settings: name the files.
            clock: of the machine: certificates know no other time.
        """
        self._places = places(settings)
        self._clock = clock
        self._doors: list[Renewable] = []
        self._told: dict[str, str] = {}
        self._issues: tuple[Issue, ...] = ()

    @property
    def issues(self) -> tuple[Issue, ...]:
        """Return what the last look found: ends that are near or past, files that are no use."""
        return self._issues

    def renew(self, name: str, context: ssl.SSLContext | None, part: _OfDoor) -> None:
        """Let a door that is open show a renewed certificate; None: it speaks no TLS."""
        if context is not None and part.certificate is not None:
            self._doors.append(Renewable(name, context, part.certificate, part.key))

    async def run(self) -> None:
        """Look every minute until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(_LOOK_EVERY_S)

    def look(self) -> None:
        """Read every file once; each step of the way to an end is logged once."""
        now = self._clock.now()
        issues: list[Issue] = []
        for place in self._places:
            issue, step = self._judge(place, now)
            if issue is not None:
                issues.append(issue)
            if issue is not None and self._told.get(place.setting) != step:
                say = _log.warning if issue.severity is Severity.WARNING else _log.error
                say("certificate_ends", code=issue.code, kind=place.setting, state=step)
            self._told[place.setting] = step
        for door in self._doors:
            issues += self._renew(door)
        self._issues = tuple(issues)

    def _judge(self, place: Place, now: datetime) -> tuple[Issue | None, str]:
        """Return what is to be said of a file, and the step it stands at."""
        try:
            first = min(read(place), key=lambda one: one.ends)
        except FatalError as error:
            return error.issues[0], "unreadable"
        issue = judge(first, now)
        if issue is None:
            return None, ""
        if issue.severity is Severity.ERROR:
            return issue, "not valid"
        days = min(step for step in STEPS if first.days_left(now) <= step)
        return issue, f"{days} days or less until {first.ends:%Y-%m-%d}"

    def _renew(self, door: Renewable) -> list[Issue]:
        try:
            if door.renew():
                _log.info("certificate_renewed", kind=door.name)
        except FatalError as error:
            issue = _no_use(door.name, f"was replaced: {error.issues[0].what}")
            _log.error("certificate_not_renewed", code=issue.code, kind=door.name)
            return [issue]
        return []


def http_context(settings: Settings) -> ssl.SSLContext | None:
    """Return the context of the HTTP door; None when it speaks plain HTTP.

    Raises:
        FatalError: a file is missing or wrong (RLS-NET-020).
    """
    if settings.http.certificate is None:
        return None
    return server_context(
        settings.http.certificate,
        settings.http.key,
        client_ca=settings.http.client_ca,
        # People come without one; a client that was registered with a certificate has to show it.
        requires_client=False,
    )


def _ends_soon(certificate: Certificate, days: int) -> Issue:
    return Issue(
        code="RLS-NET-080",
        severity=Severity.WARNING,
        where=f"setting {certificate.setting}",
        what=f"the certificate for {certificate.use} ends on {certificate.ends:%Y-%m-%d}, "
        f"in {days} days.",
        fix="Order the next one and put it in place of the file; no restart is needed.",
    )


def _not_valid(certificate: Certificate, now: datetime) -> Issue:
    is_past = now >= certificate.ends
    word, day = ("ended", certificate.ends) if is_past else ("begins", certificate.begins)
    return Issue(
        code="RLS-NET-081",
        severity=Severity.ERROR,
        where=f"setting {certificate.setting}",
        what=f"the certificate for {certificate.use} {word} on {day:%Y-%m-%d}: nobody accepts it.",
        fix="Put a valid certificate in place of the file; no restart is needed.",
    )


def _no_use(setting: str, what: str) -> Issue:
    return Issue(
        code="RLS-NET-082",
        severity=Severity.ERROR,
        where=f"setting {setting}",
        what=f"the file {what}",
        fix="Put a readable PEM file in its place; what was read before goes on until then.",
    )
