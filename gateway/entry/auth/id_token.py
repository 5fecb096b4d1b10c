"""What is checked of an ID token of Pro Santé Connect, and read of its userinfo (OpenID Connect).

Spec: OpenID Connect Core 1.0, 3.1.3.7; Pro Santé Connect (ANS). A missing `acr` is refused: the
level is what the pages rest on. The reason of a refusal is for the log and the journal.
"""

import hmac
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

ALGORITHMS = ("RS256", "PS256", "ES256")
#: The level of authentication that is asked for and accepted.
ACR = "eidas1"
#: National identifier of a professional: 8 and eleven digits of an RPPS, or older forms.
ID_NAT = re.compile(r"0[0-9A-Z]{8,9}|8[0-9]{11}|[1-7][0-9A-Z/._-]{3,60}", re.ASCII)
_SKEW_S = 30
#: What a logout token says happened (OpenID Connect Back-Channel Logout 1.0, 2.4).
_LOGOUT = "http://schemas.openid.net/event/backchannel-logout"

Claims = Mapping[str, Any]


class LoginRefusedError(Exception):
    """Nobody is let in; the text is a word for the log and the journal."""


def check_id_token(
    token: str, keys: KeySet, *, issuer: str, client_id: str, nonce: str, now: float
) -> Claims:
    """Verify an ID token and return its claims.

    Args:
        token: as the token endpoint gave it.
        keys: of the provider.
        issuer: to the letter.
        client_id: ours.
        nonce: bound to the browser that began.
        now: seconds since the epoch.

    Raises:
        LoginRefusedError: something of it is not right.
    """
    claims = _verified(token, keys, issuer, client_id, now)
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        msg = "nonce"
        raise LoginRefusedError(msg)
    if claims.get("acr") != ACR:
        msg = "acr"
        raise LoginRefusedError(msg)
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        msg = "sub"
        raise LoginRefusedError(msg)
    return claims


def check_logout_token(token: str, keys: KeySet, *, issuer: str, client_id: str, now: float) -> str:
    """Verify a logout token and return the `sub` it ends the sessions of.

    Raises:
        LoginRefusedError: it is none.
    """
    claims = _verified(token, keys, issuer, client_id, now)
    events = claims.get("events")
    if not isinstance(events, dict) or _LOGOUT not in events or "nonce" in claims:
        msg = "events"
        raise LoginRefusedError(msg)
    return str(claims.get("sub", ""))


def _verified(token: str, keys: KeySet, issuer: str, client_id: str, now: float) -> Claims:
    try:
        claims = jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
    except (JoseError, ValueError, TypeError):
        msg = "signature"
        raise LoginRefusedError(msg) from None
    audience = claims.get("aud")
    listed = [audience] if isinstance(audience, str) else audience
    if claims.get("iss") != issuer:
        msg = "iss"
        raise LoginRefusedError(msg)
    if not isinstance(listed, list) or client_id not in listed:
        msg = "aud"
        raise LoginRefusedError(msg)
    if (len(listed) > 1 or "azp" in claims) and claims.get("azp") != client_id:
        msg = "azp"
        raise LoginRefusedError(msg)
    expires, issued = claims.get("exp"), claims.get("iat", 0)
    if not (_is_time(expires) and _is_time(issued)) or not (
        now - _SKEW_S < expires and issued <= now + _SKEW_S
    ):
        msg = "time"
        raise LoginRefusedError(msg)
    return claims


def _is_time(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def employers(userinfo: Claims) -> Iterator[str]:
    """Yield the FINESS of every situation of a professional; absent parts are absent."""
    reference = userinfo.get("SubjectRefPro")
    practices = reference.get("exercices") if isinstance(reference, dict) else None
    for practice in practices if isinstance(practices, list) else ():
        activities = practice.get("activities") if isinstance(practice, dict) else None
        for activity in activities if isinstance(activities, list) else ():
            for name in ("numeroFinessSite", "numeroFinessetablissementJuridique"):
                if isinstance(activity, dict) and activity.get(name):
                    yield str(activity[name])
