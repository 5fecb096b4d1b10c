"""The public keys of clients: given at registration, or at their address and kept a while."""

from dataclasses import dataclass, field

from joserfc.jwk import KeySet

from gateway.connectors.jwks import JwksFetcher, KeysNotFetchedError
from gateway.core.access import Client
from gateway.core.clock import Clock
from gateway.entry.auth.assertion import AssertionRefusedError, Why, public_keys

#: An unknown key asks the address again, once in this time at most.
_AGAIN_S = 60.0
#: How long keys that ended are used while the address does not answer.
_STALE_S = 900.0
_MOST = 10_000


@dataclass(slots=True)
class _Kept:
    keys: KeySet
    until: float


@dataclass(slots=True)
class ClientKeys:
    """Gives the keys of a client."""

    fetcher: JwksFetcher
    clock: Clock
    _kept: dict[str, _Kept] = field(default_factory=dict)
    _tried: dict[str, float] = field(default_factory=dict)

    async def of(self, client: Client, kid: str) -> KeySet:
        """Return the keys of a client, asking its address when that is due.

        Args:
            client: a registered client.
            kid: the key that is wanted; one that is unknown asks again, once a minute.

        Raises:
            AssertionRefusedError: there are none.
        """
        if client.jwks:
            return _read(client.jwks)
        now = self.clock.now().timestamp()
        kept = self._kept.get(client.jwks_url)
        is_known = kept is not None and any(key.kid == kid for key in kept.keys.keys)
        if kept is not None and now < kept.until and is_known:
            return kept.keys
        if now - self._tried.get(client.jwks_url, -_AGAIN_S) >= _AGAIN_S or kept is None:
            fetched = await self._fetch(client.jwks_url, now)
            kept = fetched or kept
        if kept is None or now > kept.until + _STALE_S:
            raise AssertionRefusedError(Why.KEYS)
        return kept.keys

    async def _fetch(self, url: str, now: float) -> _Kept | None:
        if len(self._tried) > _MOST:
            self._tried.clear()
            self._kept.clear()
        self._tried[url] = now
        try:
            got = await self.fetcher.fetch(url)
            made = _Kept(_read(got.jwks), now + got.fresh_s)
        except (KeysNotFetchedError, AssertionRefusedError):
            return None
        self._kept[url] = made
        return made


def _read(jwks: bytes | str) -> KeySet:
    try:
        return public_keys(jwks)
    except ValueError:
        raise AssertionRefusedError(Why.KEYS) from None
