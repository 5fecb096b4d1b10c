"""What every test with a real browser needs: a site in a thread of its own, and patience."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Protocol, TypeVar

import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Locator, Page

from gateway.entry.web.live import Hub
from tests.support.apart import apart


class Pages(Protocol):
    """An application with pages; `base` is its address once served, `call` reaches its loop."""

    app: FastAPI
    hub: Hub
    base: str
    call: Callable[[Awaitable[object]], object] | None


P = TypeVar("P", bound=Pages)


@contextlib.contextmanager
def served(make: Callable[[], Awaitable[P]]) -> Iterator[P]:
    """Serve pages on a free port, from a thread of their own.

    Args:
        make: makes the pages in that thread, since what they hold belongs to its loop.
    """

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[P]:
        made = await make()
        loop = asyncio.get_running_loop()
        config = uvicorn.Config(made.app, port=0, log_level="error", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            assert not serving.done(), "the pages could not be served"
            await asyncio.sleep(0.01)
        made.base = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        made.call = lambda work: asyncio.run_coroutine_threadsafe(work, loop).result(20)
        try:
            yield made
        finally:
            made.hub.close()
            server.should_exit = True
            await serving

    with apart(opened) as made:
        yield made


def follow(page: Page, link: Locator) -> None:
    """Click on what leads to another page, and wait until that page is there.

    A click returns before; what is read at once may still be the page before, or none.
    """
    with page.expect_navigation():
        link.click()


def signed_in(page: Page, base: str, who: str) -> Page:
    """Return a page in whose browser somebody is signed in."""
    page.context.add_cookies([{"name": "as", "value": who, "url": base}])
    return page


def violations(page: Page) -> dict[str, list[str]]:
    """Return what axe finds, by rule."""
    found = Axe().run(page).response["violations"]
    return {rule["id"]: [node["html"][:200] for node in rule["nodes"]] for rule in found}


def fits(page: Page) -> bool:
    """Tell whether nothing is beside the page."""
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
