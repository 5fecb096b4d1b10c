"""Signature and encryption of a mail, where a recipient's domain asks for them; off by default.

The headers that route and describe a mail stay outside, in clear: operators and the software of
recipients read them. Signed first, then encrypted, for the recipient and us. A signature has its
time and an envelope a new key, so that two attempts at one mail differ here, under one Message-ID.
Standards: RFC 8551 (S/MIME 4.0), RFC 1847 (multipart/signed), RFC 5652 (CMS).
"""

from base64 import encodebytes
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import pkcs7

from gateway.connectors import mail_faults as faults
from gateway.connectors.mssante_mail import Mail
from gateway.core.errors import FatalError, RejectedError
from gateway.sharing.routing import is_patient_mailbox

_CRLF = b"\r\n"
#: Headers of the entity itself: they go inside with it.
_OF_ENTITY = (b"content-", b"mime-version")


@dataclass(frozen=True, slots=True)
class Smime:
    """What mails are protected with.

    Attributes:
        certificate: of the organisation, that signs and reads what is encrypted for ourselves.
        key: of that certificate.
        signed: domains whose mails are signed, sub-domains included; `*` all.
        recipients: certificate of a mailbox, or of every mailbox of a domain, by its name.
    """

    certificate: x509.Certificate
    key: RSAPrivateKey | EllipticCurvePrivateKey
    signed: frozenset[str] = frozenset()
    recipients: Mapping[str, x509.Certificate] = field(default_factory=dict)

    def protect(self, mail: Mail, now: datetime) -> Mail:
        """Return a mail as it goes to its recipient; unchanged where nothing is asked for.

        A patient's mailbox is never encrypted for: the patient could not read it.

        Raises:
            RejectedError: the certificate of the recipient is not valid now (RLS-MSS-018); a mail
                that was to be encrypted does not leave in clear.
        """
        domain = mail.recipient.rpartition("@")[2].lower()
        head, entity = _parts(mail.data)
        if "*" in self.signed or _is_under(domain, self.signed):
            entity = self._signed(entity, mail.envelope_id)
        theirs = self.recipients.get(mail.recipient.lower()) or self.recipients.get(domain)
        if theirs is not None and not is_patient_mailbox(mail.recipient):
            if not theirs.not_valid_before_utc <= now <= theirs.not_valid_after_utc:
                raise RejectedError([faults.certificate_not_valid()])
            entity = self._encrypted(entity, theirs)
        return replace(mail, data=head + b"MIME-Version: 1.0" + _CRLF + entity)

    def _signed(self, entity: bytes, key: str) -> bytes:
        options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
        builder = pkcs7.PKCS7SignatureBuilder().set_data(entity)
        signer = builder.add_signer(self.certificate, self.key, hashes.SHA256())
        signature = signer.sign(serialization.Encoding.DER, options)
        boundary = f"relais-signed-{key[:32]}".encode()
        return _CRLF.join(
            [
                b'Content-Type: multipart/signed; protocol="application/x-pkcs7-signature";',
                b' micalg="sha-256"; boundary="' + boundary + b'"',
                b"",
                b"--" + boundary,
                entity,
                b"--" + boundary,
                b'Content-Type: application/x-pkcs7-signature; name="smime.p7s"',
                b"Content-Transfer-Encoding: base64",
                b'Content-Disposition: attachment; filename="smime.p7s"',
                b"",
                _base64(signature),
                b"--" + boundary + b"--",
                b"",
            ]
        )

    def _encrypted(self, entity: bytes, theirs: x509.Certificate) -> bytes:
        builder = pkcs7.PKCS7EnvelopeBuilder().set_data(entity)
        builder = builder.set_content_encryption_algorithm(algorithms.AES256)
        builder = builder.add_recipient(theirs)
        if isinstance(self.certificate.public_key(), RSAPublicKey):
            builder = builder.add_recipient(self.certificate)
        packed = builder.encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
        return _CRLF.join(
            [
                b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data;",
                b' name="smime.p7m"',
                b"Content-Transfer-Encoding: base64",
                b'Content-Disposition: attachment; filename="smime.p7m"',
                b"",
                _base64(packed),
                b"",
            ]
        )


def load_smime(
    certificate: Path, key: Path | None, signed: tuple[str, ...], recipients: Mapping[str, Path]
) -> Smime:
    """Read certificates and key.

    Args:
        certificate: PEM of the organisation, the key included when `key` is None.
        key: PEM key.
        signed: domains whose mails are signed.
        recipients: PEM certificate by mailbox or domain.

    Raises:
        FatalError: a file is missing or of the wrong kind (RLS-MSS-043).
    """
    try:
        own = x509.load_pem_x509_certificate(certificate.read_bytes())
        secret = serialization.load_pem_private_key((key or certificate).read_bytes(), None)
        theirs = {
            name.lower(): x509.load_pem_x509_certificate(path.read_bytes())
            for name, path in recipients.items()
        }
    except (OSError, ValueError, TypeError) as error:
        raise FatalError([faults.bad_smime_file()]) from error
    encryptable = all(isinstance(one.public_key(), RSAPublicKey) for one in theirs.values())
    if not isinstance(secret, RSAPrivateKey | EllipticCurvePrivateKey) or not encryptable:
        raise FatalError([faults.bad_smime_file()])
    return Smime(own, secret, frozenset(name.lower() for name in signed), theirs)


def _parts(data: bytes) -> tuple[bytes, bytes]:
    """Part a mail into the headers that stay outside and the entity that is protected."""
    header, _, body = data.partition(_CRLF * 2)
    outside, inside = b"", b""
    inner = False
    for line in header.split(_CRLF):
        if not line.startswith((b" ", b"\t")):
            inner = line.lower().startswith(_OF_ENTITY)
        if line.lower().startswith(b"mime-version"):
            continue
        if inner:
            inside += line + _CRLF
        else:
            outside += line + _CRLF
    return outside, inside + _CRLF + body


def _base64(data: bytes) -> bytes:
    return encodebytes(data).rstrip(b"\n").replace(b"\n", _CRLF)


def _is_under(domain: str, names: frozenset[str]) -> bool:
    while domain:
        if domain in names:
            return True
        domain = domain.partition(".")[2]
    return False
