"""TLS of the doors: contexts with a fixed floor, and what a client certificate says of a peer.

Does not read settings nor watch files. Floor: TLS 1.2, ephemeral key exchange, AEAD suites, no
compression, no renegotiation (ANSSI, recommandations de sécurité relatives à TLS, 1.2).
"""

import hashlib
import ssl
from pathlib import Path

from cryptography import x509

from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.core.messages import Peer

_SUITES_12 = ":".join(
    f"ECDHE-{key}-{cipher}"
    for key in ("ECDSA", "RSA")
    for cipher in ("AES256-GCM-SHA384", "AES128-GCM-SHA256", "CHACHA20-POLY1305")
)


def server_context(
    certificate: Path,
    key: Path | None = None,
    *,
    client_ca: Path | None = None,
    requires_client: bool = True,
) -> ssl.SSLContext:
    """Build the context of a door.

    Args:
        certificate: PEM chain, the key included when `key` is None.
        key: PEM key.
        client_ca: PEM authorities a client certificate must come from; None asks for none.
        requires_client: refuse a client without certificate.

    Raises:
        FatalError: a file is missing or wrong, or a client certificate is required of no
            authority (RLS-NET-020).
    """
    if requires_client and client_ca is None:
        raise FatalError([_bad_file("client authority")])
    context = _harden(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    _load(context, certificate, key)
    if client_ca is not None:
        _trust(context, client_ca)
        context.verify_mode = ssl.CERT_REQUIRED if requires_client else ssl.CERT_OPTIONAL
    return context


class Renewable:
    """A context that shows a certificate of ours, which may be replaced while it is in use."""

    def __init__(
        self, name: str, context: ssl.SSLContext, certificate: Path, key: Path | None
    ) -> None:
        """Prepare; the context has read the files already.

        Args:
            name: key of the setting.
            context: of a door that is open.
            certificate: PEM chain, the key included when `key` is None.
            key: PEM key.
        """
        self.name = name
        self._context = context
        self._files = (certificate, key)
        self._seen = self._stamp()

    def renew(self) -> bool:
        """Read the files again when they changed; connections begun before keep what they have.

        Returns:
            Whether something was read.

        Raises:
            FatalError: they cannot be used; the old ones go on being shown (RLS-NET-020).
        """
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        # Tried apart: a key that does not fit its certificate must not reach an open door.
        _load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), *self._files)
        _load(self._context, *self._files)
        self._seen = stamp
        return True

    def _stamp(self) -> list[tuple[int, int] | None]:
        return [_stamp_of(path) for path in self._files if path is not None]


def _stamp_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def client_context(
    authority: Path | None = None, *, certificate: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """Build the context of a sender; `authority` None trusts those of the system.

    Raises:
        FatalError: a file is missing or wrong (RLS-NET-020).
    """
    context = _harden(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    if authority is None:
        context.load_default_certs()
    else:
        _trust(context, authority)
    if certificate is not None:
        _load(context, certificate, key)
    return context


def with_certificate(peer: Peer, der: bytes | None) -> Peer:
    """Add to a peer what its certificate says; unchanged when it showed none."""
    if not der:
        return peer
    try:
        subject = x509.load_der_x509_certificate(der).subject.rfc4514_string()
    except ValueError:
        # OpenSSL accepted it; a form that only a stricter reader refuses has no readable subject.
        subject = None
    return Peer(peer.address, hashlib.sha256(der).hexdigest(), subject)


def refusal(error: ssl.SSLError) -> str:
    """Name why a handshake failed, in one word of a closed list."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFY_REASONS.get(error.verify_code, "certificate")
    return _SSL_REASONS.get(error.reason or "", "other")


#: X509_V_ERR_* of OpenSSL.
_VERIFY_REASONS = {
    9: "expired",
    10: "expired",
    12: "crl_stale",
    18: "unknown_ca",
    19: "unknown_ca",
    20: "unknown_ca",
    21: "unknown_ca",
    23: "revoked",
    26: "purpose",
}
_SSL_REASONS = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "no_certificate",
    "WRONG_VERSION_NUMBER": "plain",
    "HTTP_REQUEST": "plain",
    "HTTPS_PROXY_REQUEST": "plain",
    "UNSUPPORTED_PROTOCOL": "protocol",
    "NO_SHARED_CIPHER": "protocol",
    "TLSV1_ALERT_UNKNOWN_CA": "client_refused",
    "SSLV3_ALERT_BAD_CERTIFICATE": "client_refused",
}


def _harden(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_SUITES_12)
    context.options |= (
        ssl.OP_NO_COMPRESSION
        | ssl.OP_NO_RENEGOTIATION
        | ssl.OP_NO_TICKET
        | ssl.OP_CIPHER_SERVER_PREFERENCE
    )
    return context


def _load(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise FatalError([_bad_file("certificate or key")]) from error


def _trust(context: ssl.SSLContext, authority: Path) -> None:
    try:
        context.load_verify_locations(authority)
    except (OSError, ValueError) as error:
        raise FatalError([_bad_file("certificate authority")]) from error


def _bad_file(which: str) -> Issue:
    return Issue(
        code="RLS-NET-020",
        severity=Severity.FATAL,
        where=f"TLS settings, {which}",
        what="the file is missing or cannot be read as PEM.",
        fix="Name a readable PEM file; a required client certificate needs an authority.",
    )
