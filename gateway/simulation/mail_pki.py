"""Throw-away certificates of a mail operator and its client, kept for an operator that restarts."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

_AUTHORITY, _CLIENT, _OPERATOR = "authority.pem", "client.pem", "operator.pem"


@dataclass(frozen=True, slots=True)
class MailPki:
    """Files and contexts of one made-up health authority.

    Attributes:
        authority: PEM of the authority.
        client: PEM chain and key of the mailbox that sends.
        server: context of the operator; a client certificate is required.
    """

    authority: Path
    client: Path
    server: ssl.SSLContext


def make_pki(folder: Path) -> MailPki:
    """Make an authority, the operator's certificate and the client's, under a folder."""
    authority = trustme.CA(organization_name="AC ESSAI ELEMENTAIRE ORGANISATIONS")
    operator = authority.issue_cert("localhost", "127.0.0.1")
    client = authority.issue_cert("relais.mssante.example", common_name="relais")
    authority.cert_pem.write_to_path(folder / _AUTHORITY)
    client.private_key_and_cert_chain_pem.write_to_path(folder / _CLIENT)
    operator.private_key_and_cert_chain_pem.write_to_path(folder / _OPERATOR)
    return read_pki(folder)


def read_pki(folder: Path) -> MailPki:
    """Read what `make_pki` made, so that clients of an earlier life still trust the operator.

    Raises:
        OSError: nothing was made under that folder.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(folder / _OPERATOR)
    context.load_verify_locations(folder / _AUTHORITY)
    context.verify_mode = ssl.CERT_REQUIRED
    return MailPki(folder / _AUTHORITY, folder / _CLIENT, context)
