"""Both event loops: uvicorn brings uvloop, `relais send` may run on asyncio's own."""

import asyncio

import pytest
import uvloop

from tests.integration.doors.house import FakeHouse


def pytest_asyncio_loop_factories(config, item):
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def house() -> FakeHouse:
    return FakeHouse()
