"""Pro Santé Connect for people at the pages: authorisation code with PKCE (OpenID Connect Core).

Every address is configured, none is derived from another. An identity is not a right: who may
enter, and as what, is the table of the installation (`entry.auth.people`).
"""

import base64
import hashlib
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gateway.connectors.oidc import OidcProvider, ProviderError
from gateway.core.clock import Clock
from gateway.entry.auth.id_token import (
    ACR,
    ID_NAT,
    LoginRefusedError,
    check_id_token,
    check_logout_token,
    employers,
)
from gateway.entry.auth.people import People, Person
from gateway.entry.auth.sessions import Begun, Session, Sessions

#: Keys of the provider are asked for again after this, and once a minute for an unknown one.
_KEPT_S, _AGAIN_S = 3600.0, 60.0


@dataclass(frozen=True, slots=True)
class PscAddresses:
    """Where the provider is, and who we are there.

    Attributes:
        secret: of the client; stays on this machine.
        redirect: our address the browser comes back to.
        after: our address the browser comes back to after a logout.
    """

    issuer: str
    authorization: str
    token: str
    userinfo: str
    keys: str
    logout: str
    client_id: str
    secret: str = field(repr=False)
    redirect: str = ""
    after: str = ""


@dataclass(slots=True)
class Psc:
    """Lets people in."""

    at: PscAddresses
    provider: OidcProvider
    people: People
    clock: Clock
    sessions: Sessions = field(default_factory=Sessions)
    _keys: KeySet | None = None
    _fetched: float = 0.0

    def now(self) -> float:
        """Return the present instant, seconds since the epoch."""
        return self.clock.now().timestamp()

    def begin(self, back: str, *, again: bool = False) -> tuple[str, str]:
        """Begin a login; return the secret of the browser's cookie, and where it is sent.

        Args:
            back: page to go to afterwards, a path of ours.
            again: whoever is in proves once more who they are (OpenID Connect Core 3.1.2.1).
        """
        secret, begun = self.sessions.begin(back, self.now(), again=again)
        challenge = hashlib.sha256(begun.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.at.client_id,
            "redirect_uri": self.at.redirect,
            "scope": "openid scope_all",
            "acr_values": ACR,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if again else {}),
        }
        return secret, f"{self.at.authorization}?{urlencode(asked)}"

    async def enter(self, begun: Begun, code: str) -> Session:
        """Return the session of who comes back with a code; it is not open yet.

        Raises:
            LoginRefusedError: the provider, its tokens or our table do not let them in.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.at.redirect,
            "code_verifier": begun.verifier,
        }
        try:
            given = await self.provider.tokens(
                self.at.token, form, self.at.client_id, self.at.secret
            )
            token = str(given.get("id_token", ""))
            claims = check_id_token(
                token,
                await self._key_set(),
                issuer=self.at.issuer,
                client_id=self.at.client_id,
                nonce=begun.nonce,
                now=self.now(),
            )
            known = await self.provider.userinfo(
                self.at.userinfo, str(given.get("access_token", ""))
            )
        except ProviderError as error:
            msg = "provider"
            raise LoginRefusedError(msg) from error
        if known.get("sub") != claims["sub"]:
            msg = "userinfo"
            raise LoginRefusedError(msg)
        # With max_age the provider has to say when (OpenID Connect Core 2, auth_time).
        if begun.again and not begun.at - 60 <= _seconds(claims.get("auth_time")):
            msg = "auth_time"
            raise LoginRefusedError(msg)
        name = str(known.get("SubjectNameID", ""))
        if not ID_NAT.fullmatch(name):
            msg = "SubjectNameID"
            raise LoginRefusedError(msg)
        person = self.people.find(name)
        if person is None:
            msg = "not-in-table"
            raise LoginRefusedError(msg)
        works = sorted(set(employers(known)) & (person.finess or set(employers(known))))
        if person.finess and not works:
            msg = "finess"
            raise LoginRefusedError(msg)
        amr, now = claims.get("amr", ""), self.now()
        told = " ".join(map(str, amr)) if isinstance(amr, list) else str(amr)
        return Session(name, str(claims["sub"]), now, now, token, tuple(works), told)

    def person(self, secret: str) -> tuple[Session, Person] | None:
        """Return who a cookie stands for; None when nobody, or nobody who may enter any more."""
        return self._known(self.sessions.live(secret, self.now()))

    def listener(self, secret: str) -> tuple[Session, Person] | None:
        """Return who a cookie stands for without a sign of life: an open page asks for itself."""
        return self._known(self.sessions.live(secret, self.now(), is_used=False))

    def _known(self, session: Session | None) -> tuple[Session, Person] | None:
        person = self.people.find(session.person) if session is not None else None
        if session is None or person is None:
            return None
        # What the table took away since the login counts now.
        works = tuple(one for one in session.finess if one in (person.finess or session.finess))
        if person.finess and not works:
            return None
        return replace(session, finess=works), person

    def leave(self, secret: str) -> tuple[Session | None, str]:
        """End a session; return it, and where the provider ends its own."""
        session = self.sessions.end(secret)
        if session is None or not self.at.logout:
            return session, ""
        asked = {
            "id_token_hint": session.id_token,
            "post_logout_redirect_uri": self.at.after,
            "client_id": self.at.client_id,
        }
        return session, f"{self.at.logout}?{urlencode(asked)}"

    async def ended(self, logout_token: str) -> int:
        """End the sessions a logout token of the provider names; return how many.

        Raises:
            LoginRefusedError: it is no such token.
        """
        try:
            keys = await self._key_set()
        except ProviderError as error:
            msg = "provider"
            raise LoginRefusedError(msg) from error
        named = {"issuer": self.at.issuer, "client_id": self.at.client_id}
        sub = check_logout_token(logout_token, keys, now=self.now(), **named)
        return self.sessions.end_of(sub)

    async def _key_set(self) -> KeySet:
        age = self.now() - self._fetched
        if self._keys is None or age > _KEPT_S or age < 0:
            given = await self.provider.keys(self.at.keys)
            try:
                self._keys = KeySet.import_key_set(given)  # type: ignore[arg-type] # judged by it
            except (JoseError, ValueError, TypeError, KeyError) as error:
                msg = "no key set"
                raise ProviderError(msg) from error
            self._fetched = self.now()
        return self._keys


def _seconds(said: object) -> float:
    """Return an instant of a claim, seconds since the epoch; 0 when it says none."""
    is_number = isinstance(said, int | float) and not isinstance(said, bool)
    return float(said) if is_number else 0.0  # type: ignore[arg-type] # just looked at
