"""The pages over the invented territory, asked in process as a browser on this machine would."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI

from gateway.entry.api.guard import Guard
from gateway.entry.web.live import Hub
from gateway.entry.web.render import WebSettings
from gateway.entry.web.routes import web_router
from tests.support.pages_sample import NOW, SamplePageData
from tests.support.pipeline import HandClock

BASE = "http://127.0.0.1:8080"


def page_app(data: SamplePageData) -> FastAPI:
    """Return the pages behind the guard of the gateway."""
    app = FastAPI(redirect_slashes=False)
    hub = Hub(data.pulse, "e1")
    app.include_router(web_router(data, HandClock(NOW), hub, WebSettings("0.1.0", demo=True)))
    app.add_middleware(Guard, public_url=BASE)
    return app


def browser(
    data: SamplePageData, *, address: str = "127.0.0.1", language: str = "fr"
) -> httpx2.AsyncClient:
    """Return a client at an address that asks for a language."""
    transport = httpx2.ASGITransport(page_app(data), client=(address, 50_000))
    headers = {"Accept-Language": language}
    return httpx2.AsyncClient(transport=transport, base_url=BASE, headers=headers)


@pytest.fixture
def data() -> SamplePageData:
    """Give the invented territory."""
    return SamplePageData()


@pytest.fixture
async def client(data: SamplePageData) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a browser on this machine that prefers French."""
    async with browser(data) as found:
        yield found
