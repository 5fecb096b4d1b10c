"""Asks an HTTP server over connections that stay open, as fast as it answers."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_LENGTH = b"content-length:"


@dataclass(frozen=True, slots=True)
class Asked:
    """How a server answered.

    Attributes:
        answers: how many.
        seconds: from the first request to the last answer.
        p50: median time of one, seconds.
        p99: of the slowest hundredth.
        statuses: that were met.
    """

    answers: int
    seconds: float
    p50: float
    p99: float
    statuses: frozenset[int]


def ask(port: int, paths: Sequence[str], connections: int, seconds: float) -> Asked:
    """Ask for paths in turn on each connection until the time is over."""
    return asyncio.run(_ask(port, paths, connections, seconds))


async def _ask(port: int, paths: Sequence[str], connections: int, seconds: float) -> Asked:
    given = _in_turn(paths)
    times: list[float] = []
    statuses: set[int] = set()
    began = time.perf_counter()

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
        while (start := time.perf_counter()) - began < seconds:
            head = f"GET {next(given)} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            writer.write(f"{head}Accept: application/fhir+json\r\n\r\n".encode())
            statuses.add(await _answer(reader))
            times.append(time.perf_counter() - start)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(one() for _ in range(connections)))
    spent = time.perf_counter() - began
    times.sort()
    place = min(len(times) - 1, len(times) * 99 // 100)
    return Asked(len(times), spent, times[len(times) // 2], times[place], frozenset(statuses))


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    named = [line for line in lines if line.lower().startswith(_LENGTH)]
    if named:
        await reader.readexactly(int(named[0][len(_LENGTH) :]))
    else:
        # In chunks: each tells its length, the last one none.
        while size := int((await reader.readline()).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    return int(lines[0].split()[1])


def _in_turn(paths: Sequence[str]) -> Iterator[str]:
    while True:
        yield from paths
