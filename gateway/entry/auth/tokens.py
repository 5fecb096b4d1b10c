"""Access tokens of software clients: given for an assertion, kept by hash, short."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import uuid4

import structlog

from gateway.core.access import Client, Grant, Principal
from gateway.core.audit import Trace
from gateway.core.clock import Clock
from gateway.core.ports import Store, Transaction
from gateway.entry.auth.assertion import (
    SKEW_S,
    AssertionRefusedError,
    Claimed,
    Verified,
    Why,
    claimed,
    verify,
)
from gateway.entry.auth.buckets import Buckets
from gateway.entry.auth.keys import ClientKeys
from gateway.sharing.scopes import granted

#: Longest life of a token (SMART 2.2, Backend Services).
LIFE_S = 300
#: Used assertions are remembered a little longer than they are valid.
_REMEMBERED_S = 60
#: Tokens of one client: ten a minute.
_RATE, _BURST = 1 / 6, 10.0

_log = structlog.get_logger()


class OAuthError(StrEnum):
    """Error codes of RFC 6749 5.2."""

    CLIENT = "invalid_client"
    SCOPE = "invalid_scope"


class TooOftenError(Exception):
    """A client asks for more tokens than it may.

    Attributes:
        wait_s: how long to wait, seconds.
    """

    def __init__(self, wait_s: float) -> None:
        super().__init__()
        self.wait_s = wait_s


class TokenRefusedError(Exception):
    """No token is given; its text is an `OAuthError`."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A token, as the client gets it once."""

    token: str
    scopes: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """Gives tokens and recognises them.

    Attributes:
        audience: address of the token endpoint, which assertions must name to the letter.
    """

    store: Store
    clock: Clock
    keys: ClientKeys
    audience: str
    buckets: Buckets = field(default_factory=lambda: Buckets(_RATE, _BURST))

    async def issue(self, assertion: str, scope: str, certificate: str = "") -> Issued:
        """Give a token for an assertion.

        Args:
            assertion: signed by the client.
            scope: what it asks for.
            certificate: SHA-256 of the one its connection showed, hex; empty: none.

        Raises:
            TokenRefusedError: `invalid_client` or `invalid_scope`; why is in the log only.
            TooOftenError: it asks more often than it may.
        """
        said: Claimed | None = None
        try:
            said = claimed(assertion)
            client = await self.store.read(lambda tx: tx.access.client(said.client))
            verified = await self._verified(assertion, said, client)
            if client is not None and client.certificate not in ("", certificate):
                raise AssertionRefusedError(Why.CERTIFICATE)
        except AssertionRefusedError as refused:
            await self._refused(said.client if said else "", Why(str(refused)))
            raise TokenRefusedError(OAuthError.CLIENT) from None
        scopes = granted(scope, client.scopes if client else "")
        if client is None or not scopes:
            await self._refused(said.client, Why.SCOPE)
            raise TokenRefusedError(OAuthError.SCOPE)
        # Counted once it is known who asks: nobody uses up the requests of another.
        wait = self.buckets.wait(client.id)
        if wait:
            raise TooOftenError(wait)
        token = secrets.token_urlsafe(32)
        now = self.clock.now()
        grant = Grant(digest_of(token), client.id, scopes, now + timedelta(seconds=LIFE_S))
        until = datetime.fromtimestamp(verified.expires + SKEW_S + _REMEMBERED_S, UTC)

        def work(tx: Transaction) -> bool:
            # Asked last, so that an assertion that is refused for another reason burns nothing.
            if not tx.access.use_once(client.id, verified.jti, until):
                return False
            tx.access.keep_grant(grant)
            tx.access.forget(now)
            tx.audit.append([_trace(client.id, now, "0", "", scopes, said.key)])
            return True

        if not await self.store.write(work):
            await self._refused(client.id, Why.REPLAY)
            raise TokenRefusedError(OAuthError.CLIENT)
        _log.info("token_issued", client=client.id)
        return Issued(token, scopes)

    async def _verified(self, assertion: str, said: Claimed, client: Client | None) -> Verified:
        if client is None or not client.active:
            raise AssertionRefusedError(Why.CLIENT)
        if said.jwks_url and said.jwks_url != client.jwks_url:
            raise AssertionRefusedError(Why.KEY_ADDRESS)
        keys = await self.keys.of(client, said.key)
        return verify(assertion, said, keys, self.audience, self.clock.now().timestamp())

    async def _refused(self, client_id: str, why: Why) -> None:
        """Tell operators and the journal why; the caller is not told."""
        now = self.clock.now()
        known = await self.store.read(lambda tx: tx.access.client(client_id))
        # What an unknown caller calls itself is not repeated.
        name = known.id if known else ""
        _log.warning("token_refused", client=name, reason=why.value)
        trace = _trace(name, now, "8", why.value)
        await self.store.write(lambda tx: tx.audit.append([trace]))

    async def principal(self, token: str) -> Principal | None:
        """Return whom a token stands for; None when it is unknown, ended or taken back."""
        digest = digest_of(token)

        def work(tx: Transaction) -> tuple[Grant | None, Client | None]:
            grant = tx.access.grant(digest)
            return grant, tx.access.client(grant.client) if grant else None

        grant, client = await self.store.read(work)
        if grant is None or grant.expires <= self.clock.now() or client is None:
            return None
        if not client.active:
            return None
        sees_some = client.territory is not None
        return Principal(
            grant.client, grant.scopes, digest, sees_some, client.audience, client.certificate
        )


def digest_of(token: str) -> str:
    """Return the hash a token is kept by."""
    return sha256(token.encode()).hexdigest()


def _trace(
    client_id: str, now: datetime, outcome: str, why: str, scopes: str = "", key: str = ""
) -> Trace:
    """Return the entry of a token that was asked for."""
    told = " ".join(part for part in (why, scopes, f"kid {key}" if key else "") if part)
    return Trace(str(uuid4()), now, "token", outcome, client_id, "", {"why": told})
