"""Whether the gateway lives and is ready, and its metrics."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from starlette.responses import Response

from gateway.core.contributions import Json
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Store
from gateway.entry.api.errors import refusal
from gateway.entry.auth.certificates import certificate_of
from gateway.entry.auth.loopback import is_loopback
from gateway.entry.auth.tokens import Tokens
from gateway.fhir.bundle import to_bytes
from gateway.sharing.scopes import METRICS


class Watched(Protocol):
    """What a process knows of itself."""

    def alive(self) -> dict[str, bool]:
        """Return what only a restart mends."""
        ...

    def checks(self) -> dict[str, bool]:
        """Return what has to hold for inputs to be taken and carried on."""
        ...


@dataclass(frozen=True, slots=True)
class Operation:
    """How a process is watched over.

    Attributes:
        vitals: its own checks; None: it has none but those of the store.
        registries: where metrics are counted.
        refresh: awaited before a scrape.
        behind_boundary: who passes the boundary before this machine may collect metrics.
        warned: what people should look at though inputs are taken: certificates near their end.
        directory: what people should know of the directory: old, or away.
    """

    vitals: Watched | None = None
    registries: tuple[CollectorRegistry, ...] = (REGISTRY,)
    refresh: Callable[[], Awaitable[None]] | None = None
    behind_boundary: bool = False
    warned: Callable[[], Sequence[Issue]] = tuple
    directory: Callable[[Store], Awaitable[Sequence[Issue]]] | None = None


def health_router(
    store: Store,
    stalled_for: Callable[[], float],
    stall_limit_s: float,
    operation: Operation | None = None,
    tokens: Tokens | None = None,
) -> APIRouter:
    """Return `/health/live`, `/health/ready` and `/metrics`.

    Args:
        store: asked whether it answers.
        stalled_for: age in seconds of the oldest input that is not stored yet.
        stall_limit_s: from this age on the gateway takes inputs without storing them: not ready.
        operation: how the process is watched over.
        tokens: a client elsewhere collects metrics with the scope `system/metrics`; None: no.
    """
    router = APIRouter(tags=["Operation"])
    watched = operation or Operation()

    async def live() -> Response:
        """Tell whether the process goes on by itself: 200, or 503 when only a restart mends it."""
        checks = watched.vitals.alive() if watched.vitals else {}
        well = all(checks.values())
        return _json({"status": "live" if well else "ended", "checks": checks}, _status(well))

    async def ready() -> Response:
        """Tell whether inputs sent now would be stored: 200, or 503 with what is wrong."""
        age_s = stalled_for()
        checks = {"store": await store.healthy(), "receiver": age_s < stall_limit_s}
        checks |= watched.vitals.checks() if watched.vitals else {}
        well = all(checks.values())
        told = await watched.directory(store) if watched.directory and checks["store"] else ()
        state = {
            "status": "ready" if well else "not-ready",
            "checks": checks,
            "oldest_input_s": round(age_s, 1),
            "warnings": [
                {"code": one.code, "where": one.where, "what": one.what, "fix": one.fix}
                for one in (*watched.warned(), *told)
            ],
        }
        return _json(state, _status(well))

    async def metrics(request: Request) -> Response:
        """Give the metrics to a client on this machine, or with the scope `system/metrics`."""
        here = _is_local(request) or watched.behind_boundary
        if not here and not await _may_collect(request, tokens):
            return refusal([_loopback_only()])
        if watched.refresh is not None:
            await watched.refresh()
        said = b"".join(generate_latest(registry) for registry in watched.registries)
        return Response(said, headers={"Content-Type": CONTENT_TYPE_LATEST})

    router.add_api_route("/health/live", live, summary="Does the process live?")
    router.add_api_route("/health/ready", ready, summary="Would inputs be stored?")
    router.add_api_route("/metrics", metrics, summary="Prometheus metrics")
    return router


async def _may_collect(request: Request, tokens: Tokens | None) -> bool:
    """Tell whether a request has a token with the scope for metrics."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if tokens is None or scheme.lower() != "bearer" or not token.strip():
        return False
    principal = await tokens.principal(token.strip())
    if principal is None or METRICS not in (principal.scopes or "").split():
        return False
    return not principal.certificate or principal.certificate == certificate_of(request.scope)


def _status(well: bool) -> int:
    return 200 if well else 503


def _json(value: Json, status: int) -> Response:
    return Response(to_bytes(value), status, media_type="application/json")


def _is_local(request: Request) -> bool:
    return request.client is not None and is_loopback(request.client.host)


def _loopback_only() -> Issue:
    return Issue(
        code="RLS-FHR-067",
        severity=Severity.ERROR,
        where="http.path",
        what="This address answers clients on the machine of the gateway, or with a scope for it.",
        fix="Collect from the machine itself, or with a token of the scope system/metrics.",
    )
