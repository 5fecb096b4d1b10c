"""Who calls: software clients, the tokens they were given, and whom a request acts for.

Values only. What a scope allows is in `sharing.scopes`; how a client proves itself is in
`entry.auth` (SMART App Launch 2.2, Backend Services).
"""

from dataclasses import dataclass
from datetime import datetime

#: The one client there is on this machine while none is registered (design decision 11).
LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Client:
    """A registered software client.

    Attributes:
        id: `client_id`, chosen at registration.
        name: for people.
        scopes: what it may be given, separated by spaces (`system/Task.rus system/Patient.rs`).
        jwks_url: where its public keys are; empty when they were given.
        jwks: its public keys as JSON text, a JWK Set; empty when they are at an address.
        active: it may ask for tokens.
    """

    id: str
    name: str
    scopes: str
    jwks_url: str = ""
    jwks: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class Grant:
    """An access token as it is kept: its hash, never itself.

    Attributes:
        digest: SHA-256 of the token, in hex.
        client: whose it is.
        scopes: what was granted.
        expires: UTC.
    """

    digest: str
    client: str
    scopes: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a request acts for.

    Attributes:
        client: id of the software client, `local` for the implicit one.
        scopes: what it was granted; None for the implicit client, which may do everything.
    """

    client: str
    scopes: str | None
