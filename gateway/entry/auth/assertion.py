"""What the token endpoint checks of a client assertion (SMART 2.2 client-confidential-asymmetric).

Two algorithms and nothing else; the reason of a refusal goes to the log, never to the caller.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeGuard

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeySet, RSAKey

#: RS384 and ES384: those SMART asks for.
ALGORITHMS = ("RS384", "ES384")
_KEY_TYPES = {"RS384": "RSA", "ES384": "EC"}
#: Ways to smuggle another key or a demand we do not understand.
_FORBIDDEN = frozenset({"crit", "jwk", "x5u", "x5c"})
LONGEST = 8192
#: How far in the future an assertion may end, and how far clocks may differ, seconds.
LIFE_S = 300
SKEW_S = 30
_MOST_KEYS = 20
_RSA_BITS = 2048


class Why(StrEnum):
    """Why an assertion is not taken: for the log, never for the caller."""

    SHAPE = "shape"
    HEADER = "header"
    CLIENT = "client"
    KEY_ADDRESS = "jku"
    KEYS = "keys"
    KEY = "kid"
    SIGNATURE = "signature"
    SUBJECT = "sub"
    AUDIENCE = "aud"
    EXPIRY = "exp"
    ISSUED = "iat"
    ID = "jti"
    REPLAY = "replay"
    SCOPE = "scope"
    CERTIFICATE = "certificate"


class AssertionRefusedError(Exception):
    """The assertion is not taken; its text is a `Why`."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What an assertion says of itself, before anything is verified.

    Attributes:
        client: `iss`.
        key: `kid`.
        algorithm: one of ALGORITHMS.
        jwks_url: `jku`, empty when it names none.
    """

    client: str
    key: str
    algorithm: str
    jwks_url: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verified assertion says.

    Attributes:
        jti: its own id, to be used once.
        expires: seconds since the epoch.
    """

    jti: str
    expires: int


def claimed(assertion: str) -> Claimed:
    """Read an assertion without believing it.

    Raises:
        AssertionRefusedError: it has not the shape of one.
    """
    if len(assertion) > LONGEST or assertion.count(".") != 2:
        raise AssertionRefusedError(Why.SHAPE)
    try:
        read = jws.extract_compact(assertion.encode())
        header, body = read.headers(), json.loads(read.payload)
    except (JoseError, ValueError, RecursionError):
        raise AssertionRefusedError(Why.SHAPE) from None
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS or header.get("typ") != "JWT" or _FORBIDDEN & header.keys():
        raise AssertionRefusedError(Why.HEADER)
    if not isinstance(body, dict) or not isinstance(body.get("iss"), str):
        raise AssertionRefusedError(Why.CLIENT)
    jku = header.get("jku", "")
    return Claimed(
        client=body["iss"],
        key=kid if isinstance(kid, str) else "",
        algorithm=str(algorithm),
        jwks_url=jku if isinstance(jku, str) else "?",
    )


def public_keys(jwks: bytes | str) -> KeySet:
    """Read a JWK Set (RFC 7517); keys of other kinds, private or weak ones are left out.

    Raises:
        ValueError: it is not one, or has too many keys.
    """
    content = json.loads(jwks)
    listed = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
        msg = f"a JWK Set has `keys`, {_MOST_KEYS} at most"
        raise ValueError(msg)
    found = [_key(one) for one in listed if isinstance(one, dict)]
    return KeySet([key for key in found if key is not None])


def _key(raw: dict[str, Any]) -> Key | None:
    if raw.get("use", "sig") != "sig" or "d" in raw or not isinstance(raw.get("kid"), str):
        return None
    try:
        if raw.get("kty") == "RSA" and _bits(raw.get("n")) >= _RSA_BITS:
            return RSAKey.import_key(raw)
        if raw.get("kty") == "EC" and raw.get("crv") == "P-384":
            return ECKey.import_key(raw)
    except (JoseError, ValueError, TypeError):
        return None
    return None


def _bits(modulus: Any) -> int:
    """Return the size of a number written in base64url (RFC 7518 2), at least about."""
    return len(modulus) * 6 if isinstance(modulus, str) else 0


def verify(assertion: str, said: Claimed, keys: KeySet, audience: str, now: float) -> Verified:
    """Verify an assertion with the keys of the client it names.

    Args:
        assertion: as sent.
        said: from `claimed`.
        keys: from `public_keys`.
        audience: address of the token endpoint, to the letter.
        now: seconds since the epoch.

    Raises:
        AssertionRefusedError: no such key, a wrong signature, or a claim that is not right.
    """
    kind = _KEY_TYPES[said.algorithm]
    fitting = [key for key in keys.keys if key.kid == said.key and key.key_type == kind]
    if len(fitting) != 1:
        raise AssertionRefusedError(Why.KEY)
    try:
        claims = jwt.decode(assertion, fitting[0], algorithms=[said.algorithm]).claims
    except (JoseError, ValueError):
        raise AssertionRefusedError(Why.SIGNATURE) from None
    return _checked(claims, said, audience, now)


def _checked(claims: Mapping[str, Any], said: Claimed, audience: str, now: float) -> Verified:
    if claims.get("iss") != said.client or claims.get("sub") != said.client:
        raise AssertionRefusedError(Why.SUBJECT)
    if claims.get("aud") != audience:
        raise AssertionRefusedError(Why.AUDIENCE)
    expires, jti = claims.get("exp"), claims.get("jti")
    if not _is_time(expires) or not now - SKEW_S < expires <= now + LIFE_S + SKEW_S:
        raise AssertionRefusedError(Why.EXPIRY)
    for name in ("iat", "nbf"):
        if name in claims and not (_is_time(claims[name]) and claims[name] <= now + SKEW_S):
            raise AssertionRefusedError(Why.ISSUED)
    if not isinstance(jti, str) or not 8 <= len(jti) <= 128:
        raise AssertionRefusedError(Why.ID)
    return Verified(jti, expires)


def _is_time(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
