"""Something asynchronous in a thread with a loop of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

T = TypeVar("T")


@contextlib.contextmanager
def apart(opened: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[T]:
    """Open something in a thread of its own: the driver of a browser keeps this one's loop.

    Args:
        opened: makes what is opened, in that thread; its errors are raised here.
    """
    loop, end, ready = asyncio.new_event_loop(), asyncio.Event(), Future[T]()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def hold() -> None:
        async with opened() as made:
            ready.set_result(made)
            await end.wait()

    holding = asyncio.run_coroutine_threadsafe(hold(), loop)
    try:
        wait([ready, holding], timeout=120, return_when=FIRST_COMPLETED)
        if holding.done():
            holding.result()
        yield ready.result(0)
        loop.call_soon_threadsafe(end.set)
        holding.result(20)
    finally:
        holding.cancel()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()
