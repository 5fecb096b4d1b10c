"""A double of Pro Santé Connect: an OpenID Connect provider on this machine, with one professional.

For tests and trials, not a product: whoever comes is the professional it was given. It keeps codes
with their PKCE challenge, signs ID tokens, gives userinfo, and can be told to misbehave.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "relais", "a secret of the double"
#: Invented: no such professional.
RPPS = "899700218896"
_ALGORITHM = "RS256"


def professional(**over: Any) -> dict[str, Any]:
    """Return the userinfo of an invented professional, as the provider writes it."""
    activity = {"numeroFinessSite": "690000010", "codeModeExercice": "S"}
    return {
        "sub": "f:0:899700218896",
        "SubjectNameID": RPPS,
        "family_name": "ESSAI",
        "given_name": "CAMILLE",
        "SubjectRole": ["10^1.2.250.1.213.1.1.5.5"],
        "SubjectRefPro": {"exercices": [{"codeProfession": "10", "activities": [activity]}]},
        **over,
    }


@dataclass(slots=True)
class PscDouble:
    """The provider.

    Attributes:
        now: gives the present instant, seconds since the epoch.
        userinfo: of the professional who logs in.
        claims: put over those of the ID token; None takes one out.
        asked: parameters of the last request for a login.
        signer: key of the ID tokens, another one than the published for a forger.
    """

    base: str
    now: Any
    userinfo: dict[str, Any] = field(default_factory=professional)
    claims: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    key: RSAKey = field(
        default_factory=lambda: RSAKey.generate_key(2048, {"kid": "psc"}, private=True)
    )
    signer: RSAKey | None = None
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> Starlette:
        """Return the application of the provider."""
        return Starlette(
            routes=[
                Route("/auth", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/userinfo", self._userinfo, methods=["POST"]),
                Route("/certs", self._certs),
                Route("/logout", self._logout),
            ]
        )

    def sign(self, **claims: Any) -> str:
        """Return a signed token of this provider with some claims."""
        now = int(self.now())
        told = {
            "iss": self.base,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 120,
            "sub": self.userinfo["sub"],
            **claims,
        }
        said = {name: value for name, value in told.items() if value is not None}
        head = {"alg": _ALGORITHM, "kid": "psc"}
        return jwt.encode(head, said, self.signer or self.key)

    async def _authorize(self, request: Request) -> Response:
        self.asked = dict(request.query_params)
        code = secrets.token_urlsafe(16)
        self._codes[code] = self.asked
        back = urlencode({"code": code, "state": self.asked["state"]})
        return RedirectResponse(f"{self.asked['redirect_uri']}?{back}", 302)

    async def _token(self, request: Request) -> Response:
        form = {k: v[0] for k, v in parse_qs((await request.body()).decode()).items()}
        begun = self._codes.pop(form.get("code", ""), {})
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        basic = request.headers.get("authorization", "").partition(" ")[2]
        named = base64.b64decode(basic).decode() if basic else ""
        known = named.partition(":")[0] == CLIENT and bool(named.partition(":")[2])
        fits = begun.get("code_challenge") == challenge
        if not known or not fits or begun.get("redirect_uri") != form.get("redirect_uri"):
            return JSONResponse({"error": "invalid_grant"}, 400)
        claims = {"nonce": begun["nonce"], "acr": "eidas1", "amr": ["cps"], **self.claims}
        given = {"access_token": "of-the-double", "id_token": self.sign(**claims)}
        return JSONResponse({**given, "token_type": "Bearer", "expires_in": 120})

    async def _userinfo(self, request: Request) -> Response:
        if request.headers.get("authorization") != "Bearer of-the-double":
            return Response(status_code=401)
        return Response(json.dumps(self.userinfo), media_type="application/json")

    async def _certs(self, _request: Request) -> Response:
        return JSONResponse(KeySet([self.key]).as_dict(private=False))

    async def _logout(self, _request: Request) -> Response:
        return Response("bye")
