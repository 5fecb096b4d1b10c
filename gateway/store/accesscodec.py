"""How clients and tokens look inside the store; shared by the three stores."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from gateway.core.access import Client, Grant
from gateway.store.codec import instant_text, json_bytes, read_instant, seal, storable, unseal


class ClientColumns(NamedTuple):
    """A row of `access_client`, in the order of the table."""

    id: str
    active: int
    content: bytes


class GrantColumns(NamedTuple):
    """A row of `access_grant`, in the order of the table."""

    digest: str
    client: str
    scopes: str
    expires: str


def client_columns(client: Client) -> ClientColumns:
    """Return the columns of a client."""
    said = {
        "name": client.name,
        "scopes": client.scopes,
        "jwks_url": client.jwks_url,
        "jwks": client.jwks,
    }
    content = seal(json_bytes(said, orjson.OPT_SORT_KEYS))
    return ClientColumns(storable(client.id), int(client.active), content)


def read_client(row: Sequence[Any]) -> Client:
    """Return the client of a row."""
    columns = ClientColumns(*row)
    said = orjson.loads(unseal(columns.content))
    return Client(columns.id, **said, active=bool(columns.active))


def grant_columns(grant: Grant) -> GrantColumns:
    """Return the columns of a token."""
    expires = instant_text(grant.expires)
    return GrantColumns(grant.digest, storable(grant.client), storable(grant.scopes), expires)


def read_grant(row: Sequence[Any]) -> Grant:
    """Return the token of a row."""
    columns = GrantColumns(*row)
    return Grant(columns.digest, columns.client, columns.scopes, read_instant(columns.expires))
