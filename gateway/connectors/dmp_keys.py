"""Certificates of the organisation towards the shared record: one for TLS, one to sign.

Does not read settings; files are read again at each use, so that a renewed certificate counts
without a restart. Standards: ANSSI, recommandations de sécurité relatives à TLS, 1.2; IGC-Santé,
certificates ORG of type AUTH_CLI and SIGN.
"""

import ssl
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from gateway.connectors import dmp_faults as faults
from gateway.core.errors import FatalError, RejectedError

#: Suites of the national record for software (ECDHE with RSA, AEAD).
_SUITES_12 = ":".join(
    f"ECDHE-RSA-{cipher}"
    for cipher in ("AES256-GCM-SHA384", "AES128-GCM-SHA256", "CHACHA20-POLY1305")
)
_TEST_ISSUER = "TEST "


@dataclass(frozen=True, slots=True)
class Signer:
    """The signing certificate of the organisation with its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def subject(self) -> str:
        """Return the subject as RFC 4514 writes it: the Issuer of assertions."""
        return self.certificate.subject.rfc4514_string()

    @property
    def der_base64(self) -> str:
        """Return the certificate as `ds:X509Certificate` holds it."""
        return b64encode(self.certificate.public_bytes(serialization.Encoding.DER)).decode("ascii")

    def sign(self, data: bytes) -> bytes:
        """Sign with RSA and SHA-256 (PKCS #1 v1.5, as XML signatures do)."""
        return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def client_context(authority: Path, certificate: Path, key: Path | None = None) -> ssl.SSLContext:
    """Build the context towards the endpoint: its authorities alone, our client certificate.

    Args:
        authority: PEM of the authorities; those of the system never count.
        certificate: PEM chain, the key included when `key` is None.
        key: PEM key.

    Raises:
        FatalError: a file is missing or wrong (RLS-DMP-040).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_SUITES_12)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    _use(lambda: context.load_verify_locations(authority), "authority")
    _use(lambda: context.load_cert_chain(certificate, key), "certificate")
    return context


def load_signer(certificate: Path, key: Path | None = None) -> Signer:
    """Read the signing certificate and its RSA key.

    Raises:
        FatalError: a file is missing or wrong, or the two do not belong together (RLS-DMP-040).
    """
    return SigningFiles(certificate, key)()


class SigningFiles:
    """The files of a signer, read at each call and understood anew when they changed.

    Checking an RSA key takes more time than to sign with it.
    """

    def __init__(self, certificate: Path, key: Path | None = None) -> None:
        self._paths = (certificate, key or certificate)
        self._known: tuple[tuple[bytes, ...], Signer] | None = None

    def __call__(self) -> Signer:
        """Return the signer of this moment.

        Raises:
            FatalError: as `load_signer`.
        """
        try:
            data = tuple(path.read_bytes() for path in self._paths)
        except OSError as error:
            raise FatalError([faults.bad_file("signing certificate")]) from error
        known = self._known
        if known is None or known[0] != data:
            known = self._known = (data, _signer(*data))
        return known[1]


def _signer(certificate: bytes, key: bytes) -> Signer:
    try:
        found = x509.load_pem_x509_certificate(certificate)
        private = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError) as error:
        raise FatalError([faults.bad_file("signing certificate")]) from error
    if not isinstance(private, rsa.RSAPrivateKey) or private.public_key() != found.public_key():
        raise FatalError([faults.bad_file("signing certificate")])
    return Signer(found, private)


def agree(signer: Signer, *, production: bool) -> None:
    """Refuse a certificate of the test authorities in production.

    Raises:
        RejectedError: it is one (RLS-DMP-003).
    """
    issuer = signer.certificate.issuer
    names = [
        *issuer.get_attributes_for_oid(NameOID.COMMON_NAME),
        *issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME),
    ]
    if production and any(str(one.value).startswith(_TEST_ISSUER) for one in names):
        raise RejectedError([faults.other_environment("signing certificate")])


def _use(load: Callable[[], None], which: str) -> None:
    try:
        load()
    except (OSError, ValueError) as error:
        raise FatalError([faults.bad_file(which)]) from error
