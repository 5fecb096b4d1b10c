"""Whether the gateway lives and is ready, and its metrics."""

import ipaddress
from collections.abc import Callable

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from gateway.core.contributions import Json
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Store
from gateway.entry.api.errors import refusal
from gateway.fhir.bundle import to_bytes


def health_router(
    store: Store, stalled_for: Callable[[], float], stall_limit_s: float
) -> APIRouter:
    """Return `/health/live`, `/health/ready` and `/metrics`.

    Args:
        store: asked whether it answers.
        stalled_for: age in seconds of the oldest input that is not stored yet.
        stall_limit_s: from this age on the gateway takes inputs without storing them: not ready.
    """
    router = APIRouter(tags=["Operation"])

    async def live() -> Response:
        """Tell that the process answers."""
        return _json({"status": "live"}, 200)

    async def ready() -> Response:
        """Tell whether inputs sent now would be stored: 200, or 503 with what is wrong."""
        age_s = stalled_for()
        checks = {"store": await store.healthy(), "receiver": age_s < stall_limit_s}
        well = all(checks.values())
        state = {
            "status": "ready" if well else "not-ready",
            "checks": checks,
            "oldest_input_s": round(age_s, 1),
        }
        return _json(state, 200 if well else 503)

    async def metrics(request: Request) -> Response:
        """Give the metrics to a client on this machine."""
        if not _is_local(request):
            return refusal([_loopback_only()])
        return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    router.add_api_route("/health/live", live, summary="Does the process live?")
    router.add_api_route("/health/ready", ready, summary="Would inputs be stored?")
    router.add_api_route("/metrics", metrics, summary="Prometheus metrics")
    return router


def _json(value: Json, status: int) -> Response:
    return Response(to_bytes(value), status, media_type="application/json")


def _is_local(request: Request) -> bool:
    if request.client is None:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _loopback_only() -> Issue:
    return Issue(
        code="RLS-FHR-067",
        severity=Severity.ERROR,
        where="http.path",
        what="This address answers clients on the machine of the gateway only.",
        fix="Collect the metrics from the machine itself.",
    )
