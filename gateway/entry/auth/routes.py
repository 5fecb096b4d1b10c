"""`POST /auth/token` and what a client reads before it (SMART 2.2, Backend Services)."""

from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from gateway.entry.api.bodies import read_body
from gateway.entry.auth.assertion import ALGORITHMS
from gateway.entry.auth.buckets import Buckets
from gateway.entry.auth.certificates import certificate_of
from gateway.entry.auth.tokens import LIFE_S, TokenRefusedError, Tokens, TooOftenError

_FORM = frozenset({"application/x-www-form-urlencoded"})
_LIMIT = 32 * 1024
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}
#: Requests of one address: sixty a minute.
_RATE, _BURST = 1.0, 60.0

TOKEN_PATH = "/auth/token"  # noqa: S105 - an address


def auth_router(tokens: Tokens, public_url: str) -> APIRouter:
    """Return the routes.

    Args:
        tokens: gives tokens.
        public_url: base of every link, without trailing slash.
    """
    router = APIRouter(tags=["Access"])
    buckets = Buckets(_RATE, _BURST)

    async def token(request: Request) -> Response:
        """Give an access token for a client assertion."""
        wait = buckets.wait(request.client.host if request.client else "")
        if wait:
            return _refused("slow_down", 429, {"Retry-After": str(max(1, round(wait)))})
        body = await read_body(request, _FORM, _LIMIT)
        pairs = parse_qsl(body.data.decode("latin-1"), keep_blank_values=True)
        form = dict(pairs)
        if len(form) != len(pairs):
            return _refused("invalid_request")
        if form.get("grant_type") != "client_credentials":
            return _refused("unsupported_grant_type")
        if form.get("client_assertion_type") != _ASSERTION_TYPE or "client_assertion" not in form:
            return _refused("invalid_request")
        try:
            shown = certificate_of(request.scope)
            issued = await tokens.issue(form["client_assertion"], form.get("scope", ""), shown)
        except TooOftenError as often:
            return _refused("slow_down", 429, {"Retry-After": str(max(1, round(often.wait_s)))})
        except TokenRefusedError as refused:
            return _refused(str(refused))
        answer = {
            "access_token": issued.token,
            "token_type": "bearer",
            "expires_in": LIFE_S,
            "scope": issued.scopes,
        }
        return JSONResponse(answer, headers=_NOT_KEPT)

    def configuration() -> Response:
        """Say how a client gets a token."""
        return JSONResponse(
            {
                "token_endpoint": f"{public_url}{TOKEN_PATH}",
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
                "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
                "grant_types_supported": ["client_credentials"],
                "scopes_supported": ["system/*.cruds", "system/*.rs"],
                "tls_client_certificate_bound_access_tokens": True,
                "capabilities": ["client-confidential-asymmetric", "permission-v2"],
            }
        )

    router.add_api_route(TOKEN_PATH, token, methods=["POST"])
    router.add_api_route("/fhir/.well-known/smart-configuration", configuration)
    return router


def _refused(error: str, status: int = 400, headers: dict[str, str] | None = None) -> Response:
    """Answer as RFC 6749 5.2 says; why is in the log of the gateway."""
    return JSONResponse({"error": error}, status, {**_NOT_KEPT, **(headers or {})})
