"""Somebody at the workbench: forms with files, as a browser without script sends them."""

import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx2

from tests.support.apart import apart
from tests.support.ops_site import A03, OpsSite, ops_site
from tests.support.pipeline import START, HandClock

_TOKEN = re.compile(r'name="token" value="([^"]+)"')


@contextlib.asynccontextmanager
async def bench_pair(folder: Path) -> AsyncIterator[tuple[OpsSite, OpsSite]]:
    """Start a gateway with a workbench and a folder for drafts, and the test gateway beside it."""
    async with ops_site(HandClock(START)) as target:
        targets = {
            "recette": f"mllp://127.0.0.1:{target.gateway.mllp_ports[0]}",
            "recette-http": f"http://127.0.0.1:{target.gateway.http_port}/hl7v2",
            "éteinte": "mllp://127.0.0.1:9",
        }
        more = {"operation": {"drafts": folder}, "workbench": {"targets": targets}}
        async with ops_site(HandClock(START), **more) as bench:
            yield bench, target


@contextlib.contextmanager
def bench_house(folder: Path) -> Iterator[str]:
    """Serve both from a thread of their own, for a browser that waits; give the address."""

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[str]:
        async with bench_pair(folder) as (bench, _target):
            # A browser does not wait as long as a process may take to start.
            await pasted(bench, A03.read_text(encoding="utf-8"))
            yield bench.gateway.local_url

    with apart(opened) as made:
        yield made


async def token_of(site: OpsSite, path: str = "/workbench") -> str:
    """Open a page; return the token of its forms."""
    return _TOKEN.search((await site.client.get(path)).text)[1]


async def sent(
    site: OpsSite, fields: dict[str, str | bytes], path: str = "/workbench", **headers: str
) -> httpx2.Response:
    """Send a form of the workbench.

    Args:
        site: with a browser.
        fields: by name; bytes are a file.
        path: of the form.
        headers: beside those of a browser.
    """
    edge = f"----edge{uuid4().hex}"
    body = b"".join(_part(edge, name, value) for name, value in fields.items())
    told = {
        "Content-Type": f"multipart/form-data; boundary={edge}",
        "Sec-Fetch-Site": "same-origin",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    content = body + f"--{edge}--\r\n".encode()
    return await site.client.post(path, content=content, headers=told)


async def pasted(site: OpsSite, text: str, **more: str | bytes) -> httpx2.Response:
    """Open the workbench, paste a text and convert it."""
    return await sent(site, {"token": await token_of(site), "text": text, **more})


async def held(site: OpsSite, text: str, **more: str) -> httpx2.Response:
    """Paste a text, then send a form of the page that shows it."""
    page = (await pasted(site, text)).text
    kept = re.search(r'name="held" value="([^"]+)"', page)[1]
    return await sent(site, {"token": await token_of(site), "held": kept, **more})


def _part(edge: str, name: str, value: str | bytes) -> bytes:
    file = '; filename="x.er7"' if isinstance(value, bytes) else ""
    raw = value if isinstance(value, bytes) else value.encode()
    head = f'--{edge}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + raw + b"\r\n"
