"""`relais conformance`: the test kit against a running gateway, ours or another."""

import asyncio
import secrets
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import typer

from gateway.conformance import ack_suite
from gateway.connectors.http import HttpClient
from gateway.core.timestamps import PARIS
from gateway.entry.sender import Address, HttpAnswer, MllpLine
from gateway.entry.sender_lines import HttpLine, Line, Scheme
from gateway.entry.tls import client_context
from gateway.entry.wiring import SystemClock

conformance = typer.Typer(name="conformance", help="Judge a running gateway.", no_args_is_help=True)


class Suite(StrEnum):
    """What can be judged."""

    HL7V2_ACK = ack_suite.NAME


class Mode(StrEnum):
    """MSH-11 of the messages that are to be accepted."""

    P = "P"
    T = "T"
    D = "D"


@conformance.callback()
def _conformance() -> None:
    """Judge a running gateway."""


@conformance.command("run")
def run(
    target: Annotated[str, typer.Option(help="mllp://host:port, mllps://…, http://host/hl7v2")],
    suite: Annotated[Suite, typer.Option(help="What to judge.")] = Suite.HL7V2_ACK,
    matrix: Annotated[bool, typer.Option("--matrix", help="Print a line a check.")] = False,
    mode: Annotated[Mode, typer.Option(help="MSH-11 of the messages.")] = Mode.T,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds an answer may take.")] = 30.0,
) -> None:
    """Send the messages of a suite and judge each answer; exit 1 when one is wrong.

    Invented patients are sent: give the address of a test installation.

    Example: relais conformance run --target mllp://127.0.0.1:2575 --matrix
    """
    results = asyncio.run(judge(Address.parse(target), mode, timeout))
    failed = [result for result in results if not result.passed]
    for line in ack_suite.matrix(results if matrix else failed) if matrix or failed else []:
        print(line)
    print(f"{suite}: {len(results) - len(failed)} of {len(results)} checks passed")
    if failed:
        raise typer.Exit(1)


async def judge(address: Address, mode: str, limit_s: float) -> list[ack_suite.Result]:
    """Run the suite over one line; a line that was lost is opened again for the next check."""
    sent = SystemClock().now().astimezone(PARIS).strftime("%Y%m%d%H%M%S")
    one_run = ack_suite.Run(f"K{secrets.token_hex(4).upper()}", sent, mode)
    async with HttpClient() as client:

        async def post(
            url: str, body: bytes, headers: Mapping[str, str], timeout_s: float
        ) -> HttpAnswer:
            reply = await client.post(url, body, headers, timeout_s)
            return HttpAnswer(reply.status, reply.body)

        async def open_line() -> Line:
            if address.scheme in (Scheme.HTTP, Scheme.HTTPS):
                return HttpLine(address, post)
            tls = client_context() if address.scheme is Scheme.MLLPS else None
            return await MllpLine.open(address, tls=tls, timeout_s=limit_s)

        async def exchange(body: bytes) -> bytes:
            line = await open_line()
            try:
                return await line.exchange(body, limit_s)
            finally:
                line.close()

        return [result async for result in ack_suite.run_suite(one_run, exchange)]
