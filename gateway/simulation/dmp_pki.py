"""Throw-away certificates of a shared record and of the organisation that feeds it.

Subjects follow the health authority: OU holds the Struct_IdNat; one certificate is for TLS, one to
sign, with different keys.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

_AUTHORITY, _CLIENT, _SIGNER, _SERVER = "authority.pem", "client.pem", "signer.pem", "server.pem"


@dataclass(frozen=True, slots=True)
class DmpPki:
    """Files and contexts of one made-up health authority.

    Attributes:
        authority: PEM of the authority.
        client: PEM chain and key for TLS.
        signer: PEM certificate and key to sign.
        server: context of the double; a client certificate is required.
    """

    authority: Path
    client: Path
    signer: Path
    server: ssl.SSLContext


def make_dmp_pki(folder: Path, structure: str) -> DmpPki:
    """Make an authority, the certificates of the record and of an organisation, in a folder.

    Args:
        folder: where the files go.
        structure: Struct_IdNat of the organisation (OU of its certificates).
    """
    kind = trustme.KeyType.RSA
    name = "TEST AC ESSAI ELEMENTAIRE ORGANISATIONS"
    authority = trustme.CA(organization_name=name, key_type=kind)
    server = authority.issue_cert("localhost", "127.0.0.1", key_type=kind)
    client, signer = (
        authority.issue_cert(
            f"{use.lower().replace('_', '-')}.ch.example",
            common_name=use,
            organization_name="CH FICTIF",
            organization_unit_name=structure,
            key_type=kind,
        )
        for use in ("AUTH_CLI", "SIGN")
    )
    authority.cert_pem.write_to_path(folder / _AUTHORITY)
    client.private_key_and_cert_chain_pem.write_to_path(folder / _CLIENT)
    signer.private_key_and_cert_chain_pem.write_to_path(folder / _SIGNER)
    server.private_key_and_cert_chain_pem.write_to_path(folder / _SERVER)
    return read_dmp_pki(folder)


def read_dmp_pki(folder: Path) -> DmpPki:
    """Read what `make_dmp_pki` made.

    Raises:
        OSError: nothing was made under that folder.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(folder / _SERVER)
    context.load_verify_locations(folder / _AUTHORITY)
    context.verify_mode = ssl.CERT_REQUIRED
    return DmpPki(folder / _AUTHORITY, folder / _CLIENT, folder / _SIGNER, context)
