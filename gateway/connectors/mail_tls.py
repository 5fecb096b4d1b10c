"""TLS towards the mail operator: its authorities only, our client certificate, no weak suite.

Does not read settings. Floor: TLS 1.2, ephemeral key exchange, AEAD suites, no compression, no
renegotiation (ANSSI, recommandations de sécurité relatives à TLS, 1.2).
"""

import ssl
from collections.abc import Callable
from pathlib import Path

from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity

_SUITES_12 = ":".join(
    f"ECDHE-{key}-{cipher}"
    for key in ("ECDSA", "RSA")
    for cipher in ("AES256-GCM-SHA384", "AES128-GCM-SHA256", "CHACHA20-POLY1305")
)


def operator_context(
    authority: Path, certificate: Path, key: Path | None = None, *, revoked: Path | None = None
) -> ssl.SSLContext:
    """Build the context for SMTP and IMAP of the operator.

    Args:
        authority: PEM of the authorities the server may come from; those of the system never
            count (MSSanté trusts the health authority alone).
        certificate: PEM chain of the organisation, the key included when `key` is None.
        key: PEM key.
        revoked: PEM list of revoked certificates; checked when given.

    Raises:
        FatalError: a file is missing or wrong (RLS-MSS-041).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_SUITES_12)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    _use(lambda: context.load_verify_locations(authority), "certificate authority")
    _use(lambda: context.load_cert_chain(certificate, key), "certificate or key")
    if revoked is not None:
        _use(lambda: context.load_verify_locations(revoked), "revoked certificates")
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return context


def _use(load: Callable[[], None], which: str) -> None:
    try:
        load()
    except (OSError, ValueError) as error:
        raise FatalError([_bad_file(which)]) from error


def _bad_file(which: str) -> Issue:
    return Issue(
        code="RLS-MSS-041",
        severity=Severity.FATAL,
        where=f"mssante TLS settings, {which}",
        what="the file is missing or cannot be read as PEM.",
        fix="Name a readable PEM file: authorities of the operator, certificate of the mailbox.",
    )
