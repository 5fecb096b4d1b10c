"""A gateway with accounts, its provider of identities played by a double, and a browser."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from prometheus_client import CollectorRegistry

from gateway.core.audit import Trace, Wanted
from gateway.entry.serve import Gateway
from gateway.entry.settings import load
from tests.support.pipeline import START, HandClock
from tests.support.psc import CLIENT, RPPS, SECRET, PscDouble

TABLE = '[people.{}]\nrole = "{}"\nfiness = ["690000010"]\n'


class Office:
    """A gateway with accounts, its provider, and the browser of a person."""

    def __init__(self, gateway: Gateway, psc: PscDouble, clock: HandClock, people: Path) -> None:
        self.gateway, self.psc, self.clock, self.people = gateway, psc, clock, people
        self.browser = httpx2.AsyncClient(base_url=gateway.base_url, timeout=60)

    async def login(self, to: str = "/") -> httpx2.Response:
        """Go the whole way to the provider and back; return the last answer of the gateway."""
        asked = await self.browser.get("/login", params={"to": to})
        sent = await self.browser.get(asked.headers["location"])
        return await self.browser.get(sent.headers["location"])

    async def traces(self, *kinds: str) -> list[Trace]:
        """Return entries of the journal, oldest first."""
        await self.gateway.journal.flush()
        found = await self.gateway.store.read(lambda tx: tx.audit.find(Wanted(kinds=kinds), 99))
        return [entry.trace for entry in reversed(found)]

    async def entries(self, *kinds: str) -> list[tuple[str, str, str]]:
        """Return (kind, outcome, who) of entries of the journal, oldest first."""
        return [(one.kind, one.outcome, one.agent) for one in await self.traces(*kinds)]


async def serve(app: Any) -> tuple[uvicorn.Server, "asyncio.Task[None]", int]:
    """Serve an application on a free port of this machine."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve([listening]))
    return server, task, listening.getsockname()[1]


@asynccontextmanager
async def open_office(folder: Path, **more: Any) -> AsyncIterator[Office]:
    """Open a gateway that knows one pilot; `more` are settings beside those of the provider."""
    clock = HandClock(START)
    double = PscDouble("", lambda: clock.now().timestamp())
    server, task, port = await serve(double.app())
    double.base = f"http://127.0.0.1:{port}"
    people, secret = folder / "people.toml", folder / "secret"
    people.write_text(TABLE.format(RPPS, "pilot"), encoding="utf-8")
    secret.write_text(f"{SECRET}\n", encoding="utf-8")
    psc = {
        "issuer": double.base,
        "authorization": f"{double.base}/auth",
        "token": f"{double.base}/token",
        "userinfo": f"{double.base}/userinfo",
        "keys": f"{double.base}/certs",
        "logout": f"{double.base}/logout",
        "client": CLIENT,
        "credential": secret,
        "people": people,
        **more.pop("psc", {}),
    }
    known = {"store": {"url": "memory://"}, "http": {"port": 0}, "mllp": {"port": 0}, **more}
    gateway = Gateway(load(psc=psc, **known), clock=clock, registry=CollectorRegistry())
    await gateway.start()
    found = Office(gateway, double, clock, people)
    try:
        yield found
    finally:
        await found.browser.aclose()
        await gateway.stop()
        server.should_exit = True
        await task
