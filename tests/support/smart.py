"""A software client as SMART Backend Services has it: keys, assertions, a form."""

import secrets
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

RSA = RSAKey.generate_key(2048, {"kid": "rsa"}, private=True)
EC = ECKey.generate_key("P-384", {"kid": "ec"}, private=True)
OTHER = RSAKey.generate_key(2048, {"kid": "rsa"}, private=True)
JWKS = KeySet([RSA, EC]).as_dict(private=False)


def assertion(now: float, audience: str, key: Any = RSA, **over: Any) -> str:
    """Return an assertion of client `dac`; `head` and claims can be changed, None drops one."""
    head = {"alg": "RS384" if key.key_type == "RSA" else "ES384", "kid": key.kid, "typ": "JWT"}
    head |= over.pop("head", {})
    claims = {
        "iss": "dac",
        "sub": "dac",
        "aud": audience,
        "exp": int(now) + 240,
        "jti": secrets.token_urlsafe(16),
        **over,
    }
    said = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(head, said, key, algorithms=[head["alg"]])


def form(signed: str, **over: str) -> dict[str, str]:
    """Return the form a client posts."""
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed,
        **over,
    }
