"""`relais admin client`: the software clients that may ask for tokens."""

import re
import sys
from dataclasses import replace
from getpass import getuser
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from gateway.core.access import Audience, Client
from gateway.core.audit import Trace
from gateway.core.egress import EndpointError, read_endpoint
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Store, Transaction
from gateway.entry import settings as settings_module
from gateway.entry.auth.assertion import public_keys
from gateway.entry.auth.certificates import digest_in
from gateway.entry.egress import build_egress
from gateway.entry.wiring import SystemClock
from gateway.entry.with_store import with_store
from gateway.sharing import scopes as smart

client = typer.Typer(help="Software clients and what they may ask for (SMART Backend Services).")

_Id = Annotated[str, typer.Argument(help="client_id, as the client names itself in `iss`.")]
_ID_LIMIT = 128


@client.command("add")
def add(
    client_id: _Id,
    scopes: Annotated[str, typer.Option(help="What it may have, separated by spaces.")],
    name: Annotated[str, typer.Option(help="For people.")] = "",
    jwks: Annotated[Path | None, typer.Option(help="File with its public keys.")] = None,
    jwks_url: Annotated[str, typer.Option(help="https address of its public keys.")] = "",
    organisation: Annotated[str, typer.Option(help="FINESS of the client itself.")] = "",
    territory: Annotated[
        str, typer.Option(help="FINESS whose patients it may be shown, separated by commas.")
    ] = "",
    team_reference: Annotated[
        str, typer.Option(help="Signed reference by which it is of the care team (CSP L1110-12).")
    ] = "",
    audience: Annotated[
        str, typer.Option(help="professional, patient or representative.")
    ] = "professional",
    certificate: Annotated[
        Path | None, typer.Option(help="PEM of the certificate it has to connect with.")
    ] = None,
    records_consents: Annotated[
        bool, typer.Option("--records-consents", help="Consents it writes count for itself too.")
    ] = False,
    everybody: Annotated[
        bool, typer.Option("--everybody", help="No perimeter: a tool of the operator.")
    ] = False,
) -> None:
    """Register a client, or change it; from the first one on every request needs a token.

    Example: relais admin client add dac-69 --jwks-url https://dac.example/jwks.json --scopes
    "system/Task.rus system/DetectedIssue.rs system/Patient.rs system/Subscription.cruds"
    --organisation 690000001 --territory 690000002,690000003
    """
    made = Client(
        client_id,
        name or client_id,
        _scopes(scopes),
        jwks_url,
        _keys(jwks, jwks_url),
        territory=None if everybody else _territory(territory),
        organisation=organisation,
        team_reference=team_reference,
        audience=_audience(audience),
        records_consents=records_consents,
        certificate=digest_in(certificate) if certificate else "",
    )
    if not client_id.isprintable() or not 0 < len(client_id) <= _ID_LIMIT:
        raise RejectedError([_wrong_id()])

    async def work(store: Store) -> int:
        def put(tx: Transaction) -> int:
            tx.access.put_client(made)
            tx.access.mark_everybody()
            # What it was given before may be more than it may have now.
            dropped = tx.access.drop_grants(client_id)
            tx.audit.append([_trace("registered", made)])
            return dropped

        return await store.write(put)

    dropped = with_store(work)
    print(_line(made))
    if not made.territory and made.territory is not None and not made.organisation:
        print("it has no territory: it is shown nobody.", file=sys.stderr)
    if dropped:
        print(f"{dropped} tokens given before were taken back.", file=sys.stderr)


@client.command("list")
def list_() -> None:
    """Show the clients: whether they are on, what they may have, where their keys are.

    Example: relais admin client list
    """

    async def work(store: Store) -> list[Client]:
        return await store.read(lambda tx: tx.access.clients())

    found = with_store(work)
    for one in found:
        print(_line(one))
    if not found:
        print("no client is registered: whoever is on this machine is `local`.", file=sys.stderr)


@client.command("off")
def off(client_id: _Id) -> None:
    """Turn a client off and take its tokens back, at once.

    Example: relais admin client off dac-69
    """
    _turn(client_id, active=False)


@client.command("on")
def on(client_id: _Id) -> None:
    """Turn a client on again.

    Example: relais admin client on dac-69
    """
    _turn(client_id, active=True)


def _turn(client_id: str, *, active: bool) -> None:
    async def work(store: Store) -> Client | None:
        def turn(tx: Transaction) -> Client | None:
            known = tx.access.client(client_id)
            if known is None:
                return None
            changed = replace(known, active=active)
            tx.access.put_client(changed)
            tx.access.mark_everybody()
            tx.access.drop_grants(client_id)
            tx.audit.append([_trace("on" if active else "off", changed)])
            return changed

        return await store.write(turn)

    changed = with_store(work)
    if changed is None:
        raise RejectedError([unknown_client()])
    print(_line(changed))


def _line(one: Client) -> str:
    keys = one.jwks_url or f"{len(public_keys(one.jwks).keys)} keys given"
    state = "on" if one.active else "off"
    seen = "everybody" if one.territory is None else f"{len(one.territory)} organisations"
    return f"{one.id}: {state}, {one.scopes}, {keys}, sees {seen}, {one.name}"


def _trace(what: str, one: Client) -> Trace:
    """Return the entry of the journal: what was done to a client, by whom on this machine."""
    territory = "everybody" if one.territory is None else ",".join(one.territory)
    why = f"scopes {one.scopes}; territory {territory}; organisation {one.organisation}"
    details = {"what": f"client {one.id} {what}", "why": why}
    return Trace(str(uuid4()), SystemClock().now(), "security", "0", getuser(), "", details)


def _scopes(text: str) -> str:
    wrong = smart.unknown(text)
    if wrong or not text.split():
        raise RejectedError([_wrong_scopes(wrong)])
    return " ".join(text.split())


def _territory(text: str) -> tuple[str, ...]:
    found = tuple(one.strip() for one in text.split(",") if one.strip())
    wrong = [one for one in found if not re.fullmatch(r"[0-9AB]{2}[0-9]{7}", one)]
    if wrong:
        raise RejectedError([_wrong_finess()])
    return found


def _audience(text: str) -> Audience:
    try:
        return Audience[text.upper()]
    except KeyError:
        raise RejectedError([_wrong_audience()]) from None


def _keys(file: Path | None, url: str) -> str:
    """Return the keys that are given; either a file or an address is."""
    if (file is None) == (not url):
        raise RejectedError([_no_keys()])
    if file is None:
        try:
            read_endpoint(url, build_egress(settings_module.load()))
        except EndpointError as error:
            raise RejectedError([_wrong_address(str(error))]) from error
        return ""
    try:
        text = file.read_text(encoding="utf-8")
        usable = public_keys(text).keys
    except (OSError, ValueError) as error:
        raise RejectedError([_wrong_keys(str(file))]) from error
    if not usable:
        raise RejectedError([_wrong_keys(str(file))])
    return text


def _issue(code: str, where: str, what: str, fix: str) -> Issue:
    return Issue(code=code, severity=Severity.ERROR, where=where, what=what, fix=fix)


def _wrong_id() -> Issue:
    return _issue(
        "RLS-SEC-030",
        "client_id",
        f"a client has an id of 1 to {_ID_LIMIT} printable characters.",
        "Give the text the client writes in `iss` and `sub`.",
    )


def _wrong_scopes(wrong: list[str]) -> Issue:
    shown = ", ".join(wrong[:3]) or "none is given"
    return _issue(
        "RLS-SEC-031",
        "--scopes",
        f"scopes that are not understood: {shown}.",
        "Write system/Type.letters, letters in the order c r u d s; filters are not supported.",
    )


def _no_keys() -> Issue:
    return _issue(
        "RLS-SEC-032",
        "--jwks",
        "a client has its public keys either in a file or at an address.",
        "Give one of --jwks and --jwks-url.",
    )


def _wrong_keys(where: str) -> Issue:
    return _issue(
        "RLS-SEC-033",
        where,
        "there is no public key in it that can be used.",
        "Give a JWK Set with an RSA key of 2048 bits or more, or one on P-384, each with a kid.",
    )


def _wrong_address(why: str) -> Issue:
    return _issue(
        "RLS-SEC-034",
        "--jwks-url",
        f"the address may not be called: {why}.",
        "Admit its host with RELAIS_HOOKS_HOSTS, or give the keys in a file.",
    )


def _wrong_finess() -> Issue:
    return _issue(
        "RLS-SEC-041",
        "--territory",
        "a territory is a list of FINESS numbers.",
        "Write numbers of nine characters, separated by commas.",
    )


def _wrong_audience() -> Issue:
    return _issue(
        "RLS-SEC-042",
        "--audience",
        "nobody is known by this word.",
        "Write professional, patient or representative.",
    )


def unknown_client() -> Issue:
    """Say that no client has an id."""
    return _issue(
        "RLS-SEC-035",
        "client_id",
        "no such client is registered.",
        "`relais admin client list` shows those there are.",
    )
