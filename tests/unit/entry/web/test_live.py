"""The live stream: that something changed, once, and nothing about what."""

import asyncio

import pytest

from gateway.core.errors import RetriableError
from gateway.entry.web.data import Pulse
from gateway.entry.web.live import Hub, changed_zones
from tests.support.pages_sample import ISSUE

QUIET = Pulse(1, (("last", 1),), ())


class Source:
    """A store whose pulse a test sets."""

    def __init__(self) -> None:
        self.pulse = QUIET
        self.asked: list[int] = []
        self.fails = False
        self.looked = asyncio.Event()

    async def __call__(self, after: int) -> Pulse:
        self.asked.append(after)
        self.looked.set()
        if self.fails:
            raise RetriableError([ISSUE])
        return self.pulse


def hub_of(source: Source, epoch: str = "e1") -> Hub:
    return Hub(source, epoch, every_s=0.005, pause_s=0.0)


async def next_event(stream) -> bytes:
    async with asyncio.timeout(2):
        return await anext(stream)


async def begun(hub: Hub, source: Source, after: str = ""):
    """Open a stream, read its greeting, and wait until the store was looked at."""
    stream = hub.listen(after)
    assert await next_event(stream) == b"retry: 3000\n\n"
    return stream


async def settled(source: Source) -> None:
    """Wait for two looks: the first may have begun before the test changed anything."""
    async with asyncio.timeout(2):
        source.looked.clear()
        await source.looked.wait()
        source.looked.clear()
        await source.looked.wait()


async def test_a_change_names_zones_and_nothing_else() -> None:
    source = Source()
    hub = hub_of(source)
    stream = await begun(hub, source)
    waiting = asyncio.create_task(next_event(stream))
    await settled(source)

    source.pulse = Pulse(2, (("last", 1),), (), frozenset({"g-1"}))

    assert await waiting == (
        b'id: e1-1\nevent: change\ndata: {"zones":["badges","gap:g-1","list","overview"]}\n\n'
    )
    await stream.aclose()


async def test_nobody_looks_at_the_store_while_nobody_listens() -> None:
    source = Source()
    hub = hub_of(source)
    stream = await begun(hub, source)
    waiting = asyncio.create_task(next_event(stream))
    await settled(source)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await stream.aclose()
    asked = len(source.asked)

    await asyncio.sleep(0.03)

    assert len(source.asked) <= asked + 1


async def test_a_browser_that_comes_back_hears_what_it_missed() -> None:
    source = Source()
    hub = hub_of(source)
    hub.tell(frozenset({"list"}))
    hub.tell(frozenset({"messages"}))
    stream = await begun(hub, source, "e1-1")

    event = await next_event(stream)

    assert event == b'id: e1-2\nevent: change\ndata: {"zones":["messages"]}\n\n'
    await stream.aclose()


@pytest.mark.parametrize("after", ["e0-1", "e1-9999", "e1-x", "nonsense", "e1-0"])
async def test_a_number_that_is_not_known_means_reload(after: str) -> None:
    source = Source()
    hub = hub_of(source)
    for _ in range(1001):
        hub.tell(frozenset({"list"}))
    stream = await begun(hub, source, after)

    event = await next_event(stream)

    assert b"event: reset" in event
    await stream.aclose()


async def test_a_stop_says_goodbye_to_every_page() -> None:
    source = Source()
    hub = hub_of(source)
    streams = [await begun(hub, source) for _ in range(3)]
    waiting = [asyncio.create_task(next_event(stream)) for stream in streams]
    await settled(source)

    hub.close()
    said = await asyncio.gather(*waiting)

    assert said == [b'id: e1-0\nevent: bye\ndata: {"why":"restart"}\n\n'] * 3
    with pytest.raises(StopAsyncIteration):
        await next_event(streams[0])


async def test_a_store_that_is_away_does_not_end_the_stream() -> None:
    source = Source()
    hub = hub_of(source)
    stream = await begun(hub, source)
    waiting = asyncio.create_task(next_event(stream))
    await settled(source)
    source.fails = True
    await settled(source)

    source.fails = False
    source.pulse = Pulse(1, (("last", 2),), ())

    assert b'"messages"' in await waiting
    await stream.aclose()


async def test_changes_close_together_are_one_event() -> None:
    source = Source()
    hub = hub_of(source)
    stream = await begun(hub, source)
    hub.tell(frozenset({"list"}))
    hub.tell(frozenset({"deliveries", "list"}))

    event = await next_event(stream)

    assert event.endswith(b'data: {"zones":["list","deliveries"]}\n\n')
    await stream.aclose()


def test_what_did_not_change_is_not_told() -> None:
    assert changed_zones(QUIET, QUIET) == frozenset()
    assert changed_zones(QUIET, Pulse(1, (("last", 1),), (("sent", 1),))) == {
        "overview",
        "deliveries",
    }
