"""Answers of the HTTP door do not wait for the other end to say that it has their first piece."""

import asyncio
import socket

import pytest

from gateway.entry.serve import http_socket


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_what_is_accepted_sends_small_pieces_at_once(host: str) -> None:
    accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = writer.get_extra_info("socket")
        accepted.set_result(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()
        await writer.wait_closed()

    listening = http_socket(host, 0)
    async with await asyncio.start_server(answer, sock=listening):
        _reader, writer = await asyncio.open_connection(*listening.getsockname()[:2])
        told = await asyncio.wait_for(accepted, 5)
        writer.close()

    assert told != 0
