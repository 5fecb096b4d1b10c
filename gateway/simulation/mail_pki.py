"""Throw-away certificates of a mail operator and its client, made anew each time."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


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
    root, chain = folder / "authority.pem", folder / "client.pem"
    authority.cert_pem.write_to_path(root)
    client.private_key_and_cert_chain_pem.write_to_path(chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    operator.configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return MailPki(root, chain, context)
