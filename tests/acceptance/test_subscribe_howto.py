"""The page "Subscribe to gaps", walked through: its body, its commands, against `relais serve`."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect

from gateway.pipeline.publish import gap_changes
from gateway.simulation.receiver import Receiver
from gateway.store.factory import open_store
from tests.conftest import ROOT
from tests.support.absent import absent
from tests.support.gaps import IDS, opened, parameters
from tests.support.pipeline import START
from tests.support.process import GatewayProcess

pytestmark = [pytest.mark.acceptance, pytest.mark.long]

PAGE = (ROOT / "docs" / "howto" / "subscribe-to-gaps.md").read_text(encoding="utf-8")
BODY = re.search(r"```json\n(.*?)```", PAGE, re.S)[1]
COMMANDS = [
    line
    for block in re.findall(r"^```\w*\n(.*?)^```$", PAGE, re.S | re.M)
    for line in block.splitlines()
    if line.startswith("curl")
]


class Walk:
    """Somebody who follows the page."""

    def __init__(self, gateway: GatewayProcess, receiver: Receiver, folder) -> None:
        self.gateway, self.receiver, self.folder = gateway, receiver, folder
        self.ids: dict[str, str] = {}

    def save(self, **changes: object) -> None:
        """Save the body of the page, with the address of this receiver."""
        body = BODY.replace("http://localhost:9000/notify", self.receiver.url)
        made = {**json.loads(body), **changes}
        (self.folder / "subscription.json").write_text(json.dumps(made), encoding="utf-8")

    async def run(self, words: str, id_: str = "", **numbers: str) -> str:
        """Run the command of the page that holds some words; return what it prints."""
        [line] = [one for one in COMMANDS if words in one]
        line = line.replace("http://127.0.0.1:8080", self.gateway.url)
        line = line.replace("Subscription/ID", f"Subscription/{id_}")
        for name, value in numbers.items():
            line = re.sub(rf"{name}=\d+", f"{name}={value}", line)
        process = await asyncio.create_subprocess_shell(
            line.replace("curl ", "curl -s ", 1),
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await process.communicate()
        assert process.returncode == 0
        return printed.decode()

    async def arrived(self, kind: str, count: int = 1) -> list:
        """Wait until the receiver got notifications of a kind."""
        async with asyncio.timeout(20):
            # The receiver keeps what arrives and tells nobody.
            while len(found := [a for a in self.receiver.arrived if a.kind == kind]) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return found


@pytest.fixture
async def walk(tmp_path) -> AsyncIterator[Walk]:
    if shutil.which("curl") is None:
        absent("curl is not here: the commands of the page are run with it")
    receiver = Receiver()
    await receiver.start()
    gateway = GatewayProcess(f"sqlite:///{tmp_path}/relais.db", tmp_path)
    await asyncio.to_thread(gateway.start)
    try:
        yield Walk(gateway, receiver, tmp_path)
    finally:
        gateway.kill()
        await receiver.stop()


async def test_the_page_does_what_it_says(walk, tmp_path):
    walk.save()
    answer = await walk.run("curl -i")
    head, _, body = answer.replace("\r", "").partition("\n\n")
    made = json.loads(body)
    id_ = made["id"]

    assert " 201 " in head.splitlines()[0]
    assert made["status"] == "requested"
    assert made["channel"]["header"] == ["Authorization: ***"]
    await walk.arrived("handshake")
    await _until_active(walk, id_)

    store = open_store(f"sqlite:///{tmp_path}/relais.db", timeout_s=10)
    await store.open()
    await store.write(lambda tx: gap_changes(tx, [opened()], START, IDS))
    [event] = await walk.arrived("event-notification")
    assert event.number == 1
    assert event.headers["authorization"] == "Bearer what-your-receiver-knows-us-by"
    names = [
        part["name"]
        for one in event.bundle["entry"][0]["resource"]["parameter"]
        for part in one.get("part", ())
    ]
    assert names == ["event-number", "timestamp", "focus", "additional-context"]

    missed = json.loads(await walk.run("$events", id_, eventsSinceNumber="1"))
    assert parameters(missed)["type"] == "query-event"
    assert parameters(missed)["events-since-subscription-start"] == "1"

    walk.save(id=id_, status="requested")
    again = json.loads(await walk.run("-X PUT", id_))
    assert again["status"] == "requested"
    await walk.arrived("handshake", 2)
    await _until_active(walk, id_)

    assert await walk.run("-X DELETE", id_) == ""
    gone = await walk.run("status", id_)
    assert json.loads(gone)["resourceType"] == "OperationOutcome"
    await store.close()


async def _until_active(walk, id_):
    async with asyncio.timeout(20):
        while parameters(json.loads(await walk.run("status", id_)))["status"] != "active":
            continue


async def test_the_socket_of_the_page_opens(walk):
    channel = json.loads(BODY)["channel"]
    kept = {name: channel[name] for name in ("payload", "_payload")}
    walk.save(channel={"type": "websocket", **kept})
    answer = await walk.run("curl -i")
    made = json.loads(answer.replace("\r", "").partition("\n\n")[2])

    given = json.loads(await walk.run("ws-binding", made["id"], eventsSinceNumber="1"))
    told = {p["name"]: p for p in given["parameter"]}

    async with connect(told["websocket-url"]["valueUrl"]) as socket:
        await socket.send(f"bind-with-token {told['token']['valueString']}")
        greeting = json.loads(await asyncio.wait_for(socket.recv(), 10))
    assert parameters(greeting)["type"] == "handshake"
