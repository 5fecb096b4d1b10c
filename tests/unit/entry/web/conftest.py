"""The pages over the invented territory, asked in process as a browser on this machine would."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.support.pages_sample import SamplePageData
from tests.support.pages_site import site

BASE = "http://127.0.0.1:8080"


def browser(
    data: SamplePageData,
    *,
    address: str = "127.0.0.1",
    language: str = "fr",
    behind_boundary: bool = False,
) -> httpx2.AsyncClient:
    """Return a client at an address that asks for a language."""
    app = site(data, behind_boundary=behind_boundary).app
    transport = httpx2.ASGITransport(app, client=(address, 50_000))
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
