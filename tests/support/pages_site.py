"""The pages over the invented territory as an application."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import FastAPI

from gateway.entry.api.guard import Guard
from gateway.entry.web.live import Hub
from gateway.entry.web.render import WebSettings
from gateway.entry.web.routes import web_router
from tests.support.pages_sample import NOW, SamplePageData
from tests.support.pipeline import HandClock


@dataclass
class Site:
    """Pages with what a test may move: the data, the live stream, the address once served."""

    app: FastAPI
    data: SamplePageData
    hub: Hub
    base: str = ""
    call: Callable[[Awaitable[object]], object] | None = None


def site(data: SamplePageData, *, behind_boundary: bool = False) -> Site:
    """Return the pages behind the guard of the gateway."""
    settings = WebSettings("0.1.0", demo=True, behind_boundary=behind_boundary)
    app = FastAPI(redirect_slashes=False)
    hub = Hub(data.pulse, "e1", every_s=0.1)
    app.include_router(web_router(data, HandClock(NOW), hub, settings))
    app.add_middleware(Guard, public_url="http://127.0.0.1")
    return Site(app, data, hub)
