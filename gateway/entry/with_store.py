"""Work of a command on the store of the installation."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.core.ports import Store
from gateway.entry import settings as settings_module
from gateway.entry.wiring import build_store

T = TypeVar("T")


def with_store(work: Callable[[Store], Awaitable[T]]) -> T:
    """Open the store the settings name, do some work on it, close it."""

    async def run() -> T:
        store = build_store(settings_module.load())
        await store.open()
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())
