"""Sessions of people, in this process: a random id that is kept hashed, idle and absolute ends.

OWASP, session management. What was begun at Pro Santé Connect waits here for its answer too, bound
to a cookie of its own, for two minutes and one use.
"""

import hashlib
import secrets
from dataclasses import dataclass, field

IDLE_S, ABSOLUTE_S, BEGUN_S = 15 * 60.0, 4 * 3600.0, 120.0
_MOST = 10_000


@dataclass(slots=True)
class Session:
    """Somebody who is in.

    Attributes:
        person: national identifier.
        sub: as the provider knows them, to end sessions from there.
        born: seconds since the epoch.
        seen: of the last request, likewise.
        id_token: hint for the logout at the provider; never logged.
        finess: organisations they work for that count here.
        amr: means of the authentication.
    """

    person: str
    sub: str
    born: float
    seen: float
    id_token: str = field(repr=False)
    finess: tuple[str, ...] = ()
    amr: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """A login that was begun in one browser.

    Attributes:
        verifier: of PKCE (RFC 7636).
        back: page to go to afterwards, a path of ours.
        again: the provider was asked to have them prove once more who they are.
    """

    state: str
    nonce: str
    verifier: str = field(repr=False)
    back: str
    at: float
    again: bool = False


class Sessions:
    """Who is in, and who has begun."""

    def __init__(self) -> None:
        self._open: dict[str, Session] = {}
        self._begun: dict[str, Begun] = {}

    def begin(self, back: str, now: float, *, again: bool = False) -> tuple[str, Begun]:
        """Begin a login; return the secret of its cookie and what is sent along."""
        secret = secrets.token_urlsafe(32)
        made = Begun(
            secrets.token_urlsafe(32),
            secrets.token_urlsafe(32),
            secrets.token_urlsafe(48),
            back,
            now,
            again,
        )
        self._begun = {k: v for k, v in self._begun.items() if v.at > now - BEGUN_S}
        while len(self._begun) >= _MOST:
            self._begun.pop(next(iter(self._begun)))
        self._begun[_key(secret)] = made
        return secret, made

    def begun(self, secret: str, now: float) -> Begun | None:
        """Take what was begun; once, and within two minutes."""
        found = self._begun.pop(_key(secret), None)
        return found if found is not None and now - found.at <= BEGUN_S else None

    def open(self, session: Session) -> str:
        """Let somebody in; return the secret of their cookie."""
        secret = secrets.token_urlsafe(32)
        while len(self._open) >= _MOST:
            self._open.pop(next(iter(self._open)))
        self._open[_key(secret)] = session
        return secret

    def live(self, secret: str, now: float, *, is_used: bool = True) -> Session | None:
        """Return the session of a cookie, None when it is over.

        Args:
            secret: of the cookie.
            now: seconds since the epoch.
            is_used: note that it was used, which puts its idle end off.
        """
        found = self._open.get(_key(secret)) if secret else None
        if found is None:
            return None
        if now - found.seen > IDLE_S or now - found.born > ABSOLUTE_S:
            self.end(secret)
            return None
        if is_used:
            found.seen = now
        return found

    def end(self, secret: str) -> Session | None:
        """End a session."""
        return self._open.pop(_key(secret), None)

    def end_of(self, sub: str) -> int:
        """End every session of somebody at the provider; return how many there were."""
        gone = [key for key, one in self._open.items() if one.sub == sub]
        for key in gone:
            del self._open[key]
        return len(gone)


def _key(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
