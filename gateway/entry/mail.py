"""Builds the secure mail of an installation from its settings."""

import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from gateway.connectors.letter_press import Press
from gateway.connectors.mail_tls import operator_context
from gateway.connectors.mssante import Domain, MssanteConnector, Operator, nearest
from gateway.connectors.mssante_mail import Mail, Sender
from gateway.connectors.mssante_mailbox import Mailbox, NoticeReader
from gateway.connectors.smime import load_smime
from gateway.core.clock import Clock
from gateway.core.deliveries import Delivery
from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Transaction
from gateway.entry.settings import MssanteSettings, Settings
from gateway.mapping.loader import Mappings
from gateway.pipeline import submissions
from gateway.sharing.routing import PATIENT_DOMAIN

#: Towards the space of a patient the whole mail is limited.
_PATIENT_LIMIT = 25 * 2**20


def mail_sender(settings: Settings) -> Sender:
    """Return the mailbox that sends."""
    part = settings.mssante
    return Sender(part.address, part.name, part.product, part.source_id)


def build_mssante(
    settings: Settings,
    mappings: Mappings,
    clock: Clock,
    takes: Callable[[str], bool] = lambda _address: False,
) -> tuple[MssanteConnector, NoticeReader | None] | None:
    """Build connector and reader of notices; None when no operator is named.

    Args:
        settings: of the installation.
        mappings: of the installation.
        clock: dates notices.
        takes: tells whether letters to an address of ours are wanted.

    Raises:
        FatalError: certificates are missing or wrong (RLS-MSS-041 to 043), or this machine
            cannot set text (RLS-MSS-044).
    """
    part = settings.mssante
    if not part.smtp_host:
        return None
    if part.certificate is None or part.authority is None:
        raise FatalError([_no_certificate()])
    make = partial(_context, part.authority, part.certificate, part.key, part.revoked)
    # Read once now: a missing file stops the start and not the first mail.
    make()
    press = Press()
    press.check()
    operator = Operator(
        host=part.smtp_host,
        port=part.smtp_port,
        tls=make,
        sender=mail_sender(settings),
        domains=mail_domains(part),
        timeout_s=part.timeout_s,
        unknown_wait_s=part.unknown_wait_s,
    )
    reader = None
    if part.imap_host:
        box = Mailbox(part.imap_host, part.imap_port, make, part.address, timeout_s=part.timeout_s)
        reader = NoticeReader(box, clock, takes)
    protection = _protection(part, clock)
    return MssanteConnector(operator, mappings.conceptmaps, reader, protection, press), reader


def after_sends(settings: Settings) -> Callable[[Transaction, Delivery, datetime], None]:
    """Return what is called with each row of the outbox after its state was written."""
    domains = mail_domains(settings.mssante)

    def tells_reading(address: str) -> bool:
        domain = nearest(domains, address)
        return domain is not None and domain.emits_mdn

    return partial(submissions.settled, tells_reading=tells_reading)


def _protection(part: MssanteSettings, clock: Clock) -> Callable[[Mail], Mail]:
    """Return what signs and encrypts; nothing does where no certificate is named."""
    if part.smime_certificate is None:
        return lambda mail: mail
    smime = load_smime(part.smime_certificate, part.smime_key, part.sign, part.encrypt)
    return lambda mail: smime.protect(mail, clock.now())


def _context(
    authority: Path, certificate: Path, key: Path | None, revoked: Path | None
) -> ssl.SSLContext:
    return operator_context(authority, certificate, key, revoked=revoked)


def mail_domains(part: MssanteSettings) -> dict[str, Domain]:
    """Return what is known of the domains that mails may go to."""
    found = {name.lower(): Domain(limit=part.size_limit) for name in part.domains}
    found[PATIENT_DOMAIN] = Domain(limit=part.size_limit or _PATIENT_LIMIT)
    found |= {name.lower(): Domain(False, part.size_limit) for name in part.silent_domains}
    # What is known of the domain above is true of one that is named for its reading only.
    known = {
        name: nearest(found, name) or Domain(limit=part.size_limit)
        for name in (one.lower() for one in part.reading_domains)
    }
    above = {name: Domain(emits_mdn=True) for name in known}
    return {
        name: replace(domain, emits_mdn=nearest(above, name) is not None)
        for name, domain in (found | known).items()
    }


def _no_certificate() -> Issue:
    return Issue(
        code="RLS-MSS-042",
        severity=Severity.FATAL,
        where="setting mssante.certificate",
        what="an operator is named without our certificate or its authorities.",
        fix="Set mssante.certificate and mssante.authority.",
    )
