"""`relais send`: a sender for tests that prints each acknowledgement."""

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from gateway.connectors.http import HttpClient
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.messages import Channel
from gateway.entry.cli_convert import read_input
from gateway.entry.sender import Address, HttpAnswer, SendPlan, Sent
from gateway.entry.sender import send as send_all
from gateway.entry.tls import client_context

_XML = {"Content-Type": "application/xml"}


def send(
    files: Annotated[list[Path], typer.Argument(help="HL7 v2 or CDA files; - for stdin.")],
    to: Annotated[str, typer.Option(help="mllp://host:port, mllps://…, http://host:port/hl7v2")],
    repeat: Annotated[int, typer.Option(min=1, help="Send the whole series so often.")] = 1,
    rate: Annotated[float | None, typer.Option(min=0.01, help="Messages per second.")] = None,
    connections: Annotated[int, typer.Option(min=1, max=512, help="At the same time.")] = 1,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds an answer may take.")] = 30.0,
    ca: Annotated[Path | None, typer.Option(help="PEM authorities of the other side.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="PEM of our certificate.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM of its key.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only the counts at the end.")] = False,
) -> None:
    """Send messages and print each acknowledgement; exit 1 when one is not positive.

    Example: relais send admission.er7 --to mllp://127.0.0.1:2575
    """
    address = Address.parse(to)
    inputs = [read_input(file) for file in files]
    documents = [raw.body for raw in inputs if raw.channel is Channel.CDA]
    if documents and (len(documents) < len(inputs) or not to.startswith("http")):
        raise RejectedError([_mixed()])
    tls = client_context(ca, certificate=certificate, key=key) if ca or certificate else None
    plan = SendPlan(connections=connections, repeat=repeat, rate=rate, timeout_s=timeout, tls=tls)
    if documents:
        counts = asyncio.run(_send_documents(documents * repeat, to, plan, quiet=quiet))
    else:
        counts = asyncio.run(
            _send_messages([raw.body for raw in inputs], address, plan, quiet=quiet)
        )
    print(", ".join(f"{n} {code}" for code, n in sorted(counts.items())), file=sys.stderr)
    if set(counts) - {"AA", "CA", "200", "201"}:
        raise typer.Exit(1)


async def _send_messages(
    bodies: list[bytes], to: Address, plan: SendPlan, *, quiet: bool
) -> Counter[str]:
    counts: Counter[str] = Counter()
    async with HttpClient(plan.tls, plan.connections) as client:

        async def post(
            url: str, body: bytes, headers: Mapping[str, str], timeout_s: float
        ) -> HttpAnswer:
            reply = await client.post(url, body, headers, timeout_s)
            return HttpAnswer(reply.status, reply.body)

        plan = SendPlan(plan.connections, plan.repeat, plan.rate, plan.timeout_s, plan.tls, post)
        async for sent in send_all(bodies, to, plan):
            counts[sent.code or "unanswered"] += 1
            if not quiet:
                _print(sent)
    return counts


def _print(sent: Sent) -> None:
    delay = f"{sent.latency_s * 1000:.1f} ms"
    if sent.issue is not None:
        print(f"{sent.index}: {sent.issue} ({delay})", file=sys.stderr)
        return
    print(sent.ack.decode("latin-1").replace("\r", "\n").rstrip())
    print(f"{sent.index}: {sent.code} in {delay}", file=sys.stderr)


async def _send_documents(
    bodies: list[bytes], to: str, plan: SendPlan, *, quiet: bool
) -> Counter[str]:
    counts: Counter[str] = Counter()
    url = to if to.rstrip("/").endswith("/cda") else f"{to.rstrip('/')}/cda"
    async with HttpClient(plan.tls, plan.connections) as client:
        for body in bodies:
            reply = await client.post(url, body, _XML, plan.timeout_s)
            counts[str(reply.status)] += 1
            if not quiet:
                print(reply.body.decode("utf-8", "replace"))
                if location := reply.headers.get("location"):
                    print(location, file=sys.stderr)
    return counts


def _mixed() -> Issue:
    return Issue(
        code="RLS-NET-051",
        severity=Severity.ERROR,
        where="files",
        what="CDA documents travel by HTTP and apart from HL7 v2 messages.",
        fix="Send documents alone with --to http://host:port/cda, or inside an MDM message.",
    )
