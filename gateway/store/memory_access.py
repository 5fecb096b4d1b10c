"""Clients, tokens and used assertions, in memory."""

from collections.abc import Iterable
from datetime import datetime

from gateway.core.access import Client, Grant
from gateway.store.accesscodec import (
    ClientColumns,
    GrantColumns,
    client_columns,
    grant_columns,
    read_client,
    read_grant,
)
from gateway.store.codec import instant_text, storable
from gateway.store.journal import Journal


class MemoryAccess:
    """Access control, kept as the columns the SQL stores write."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._clients: dict[str, ClientColumns] = {}
        self._grants: dict[str, GrantColumns] = {}
        self._used: dict[tuple[str, str], str] = {}

    def put_client(self, client: Client) -> None:
        """Keep a client, in the place of one with the same id."""
        row = client_columns(client)
        self._journal.put(self._clients, row.id, row)

    def client(self, client_id: str) -> Client | None:
        """Return a client, active or not."""
        row = self._clients.get(client_id)
        return None if row is None else read_client(row)

    def clients(self) -> list[Client]:
        """Return every client, by id."""
        return [read_client(self._clients[id_]) for id_ in sorted(self._clients)]

    def use_once(self, client_id: str, jti: str, until: datetime) -> bool:
        """Note that a client used an assertion; False when it did before."""
        key = (storable(client_id), storable(jti))
        if key in self._used:
            return False
        self._journal.put(self._used, key, instant_text(until))
        return True

    def keep_grant(self, grant: Grant) -> None:
        """Keep a token that is given."""
        row = grant_columns(grant)
        self._journal.put(self._grants, row.digest, row)

    def grant(self, digest: str) -> Grant | None:
        """Return the token with this hash, expired or not."""
        row = self._grants.get(digest)
        return None if row is None else read_grant(row)

    def drop_grants(self, client_id: str) -> int:
        """Take back every token of a client."""
        return self._drop_grants(d for d, row in self._grants.items() if row.client == client_id)

    def forget(self, before: datetime) -> int:
        """Forget what ended before an instant."""
        at = instant_text(before)
        used = [key for key, until in self._used.items() if until < at]
        for key in used:
            self._journal.drop(self._used, key)
        old = self._drop_grants(d for d, row in self._grants.items() if row.expires < at)
        return len(used) + old

    def _drop_grants(self, digests: Iterable[str]) -> int:
        found = list(digests)
        for digest in found:
            self._journal.drop(self._grants, digest)
        return len(found)
