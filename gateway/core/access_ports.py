"""What access control needs of the store: clients, tokens, assertions already used."""

from datetime import datetime
from typing import Protocol

from gateway.core.access import Client, Grant


class AccessQueries(Protocol):
    """Clients and what they were given."""

    def put_client(self, client: Client) -> None:
        """Keep a client, in the place of one with the same id."""
        ...

    def client(self, client_id: str) -> Client | None:
        """Return a client, active or not."""
        ...

    def clients(self) -> list[Client]:
        """Return every client, by id."""
        ...

    def use_once(self, client_id: str, jti: str, until: datetime) -> bool:
        """Note that a client used an assertion; False when it did before (RFC 7523, jti).

        Shared by every process: of two that ask at the same time one is told True.
        """
        ...

    def keep_grant(self, grant: Grant) -> None:
        """Keep a token that is given."""
        ...

    def grant(self, digest: str) -> Grant | None:
        """Return the token with this hash, expired or not."""
        ...

    def drop_grants(self, client_id: str) -> int:
        """Take back every token of a client; return how many there were."""
        ...

    def forget(self, before: datetime) -> int:
        """Forget tokens and used assertions that ended before an instant; return how many."""
        ...
