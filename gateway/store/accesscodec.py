"""How clients and tokens look inside the store; shared by the three stores."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from gateway.core.access import Audience, Client, Glass, Grant, Permit
from gateway.store.codec import instant_text, json_bytes, read_instant, seal, storable, unseal
from gateway.store.columns import NEVER


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
        "territory": client.territory,
        "organisation": client.organisation,
        "team_reference": client.team_reference,
        "audience": client.audience.value,
        "records_consents": client.records_consents,
        "certificate": client.certificate,
        "further": client.further,
        "people": client.people,
    }
    content = seal(json_bytes(said, orjson.OPT_SORT_KEYS))
    return ClientColumns(storable(client.id), int(client.active), content)


def read_client(row: Sequence[Any]) -> Client:
    """Return the client of a row."""
    columns = ClientColumns(*row)
    said = orjson.loads(unseal(columns.content))
    # Registered before there were territories: shown to nobody until one is given.
    territory = said.pop("territory", [])
    audience = Audience(said.pop("audience", Audience.PROFESSIONAL))
    further = tuple(said.pop("further", ()))
    return Client(
        columns.id,
        **said,
        active=bool(columns.active),
        territory=None if territory is None else tuple(territory),
        audience=audience,
        further=further,
    )


def grant_columns(grant: Grant) -> GrantColumns:
    """Return the columns of a token."""
    expires = instant_text(grant.expires)
    return GrantColumns(grant.digest, storable(grant.client), storable(grant.scopes), expires)


def read_grant(row: Sequence[Any]) -> Grant:
    """Return the token of a row."""
    columns = GrantColumns(*row)
    return Grant(columns.digest, columns.client, columns.scopes, read_instant(columns.expires))


class PermitColumns(NamedTuple):
    """A row of `access_permit`, in the order of the table."""

    client: str
    category: str
    patient: str
    basis: str
    source: str
    until: str


def permit_columns(permit: Permit) -> PermitColumns:
    """Return the columns of a permit."""
    until = NEVER if permit.until is None else instant_text(permit.until)
    return PermitColumns(
        storable(permit.client),
        permit.category,
        storable(permit.patient),
        permit.basis,
        permit.source,
        until,
    )


def read_permit(row: Sequence[Any]) -> Permit:
    """Return the permit of a row."""
    columns = PermitColumns(*row)
    until = None if columns.until == NEVER else read_instant(columns.until)
    return Permit(
        columns.client, columns.patient, columns.category, columns.basis, columns.source, until
    )


class GlassColumns(NamedTuple):
    """A row of `access_glass`, in the order of the table."""

    id: str
    who: str
    patient: str
    since: str
    until: str
    content: bytes


def glass_columns(glass: Glass) -> GlassColumns:
    """Return the columns of a break-glass."""
    return GlassColumns(
        storable(glass.id),
        storable(glass.who),
        storable(glass.patient),
        instant_text(glass.since),
        instant_text(glass.until),
        seal(json_bytes({"reason": glass.reason}, orjson.OPT_SORT_KEYS)),
    )


def read_glass(row: Sequence[Any]) -> Glass:
    """Return the break-glass of a row."""
    columns = GlassColumns(*row)
    reason = str(orjson.loads(unseal(columns.content))["reason"])
    since, until = read_instant(columns.since), read_instant(columns.until)
    return Glass(columns.id, columns.who, columns.patient, reason, since, until)
