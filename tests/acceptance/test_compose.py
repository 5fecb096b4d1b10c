"""What compose.yaml and the Dockerfile say exists in the program, and starts."""

import http.client
import json
import os
import re
import shlex
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import httpx2
import pytest
import yaml
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from gateway.core.errors import FatalError
from gateway.entry.cli_config import flat, variable
from gateway.entry.exposure import refuse_exposure
from gateway.entry.serve import Gateway, Role
from gateway.entry.settings import Settings
from gateway.simulation.faults import PERFECT
from gateway.simulation.play import events
from gateway.simulation.region import Region
from tests.conftest import ROOT
from tests.support import postgres
from tests.support.docs.commands import commands
from tests.support.process import GatewayProcess, send_until_cut

pytestmark = pytest.mark.acceptance

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
#: The services that run our image.
OURS = {name: said for name, said in COMPOSE["services"].items() if said.get("build")}
VARIABLES = {variable(key) for key, _ in flat(Settings())}


def _words(service):
    return " ".join(service["command"])


def _instructions(name):
    return [
        line.partition(" ")[2].strip()
        for line in DOCKERFILE.splitlines()
        if line.strip().startswith(f"{name} ")
    ]


@pytest.mark.parametrize("service", OURS.values(), ids=OURS)
def test_command_of_a_service_is_one_of_ours(service):
    name, *options = service["command"]
    known = {option for p in commands()[name].params for option in p.opts}

    assert {option for option in options if option.startswith("-")} <= known


def test_roles_of_the_services_are_roles_of_serve():
    said = {
        service["command"][service["command"].index("--role") + 1]
        for service in OURS.values()
        if "--role" in service["command"]
    }

    assert said == {Role.DOORS.value, Role.WORKER.value}


@pytest.mark.parametrize("service", OURS.values(), ids=OURS)
def test_every_variable_of_a_service_is_a_setting(service):
    assert {name for name in service["environment"] if name.startswith("RELAIS_")} <= VARIABLES
    assert set(service["environment"]) == {
        name for name in service["environment"] if name.startswith("RELAIS_")
    }


@pytest.mark.parametrize("service", OURS.values(), ids=OURS)
def test_published_ports_are_loopback_and_lead_to_our_doors(service):
    settings = Settings()
    doors = {settings.http.port, settings.mllp.port, settings.mllps.port}
    published = [port.split(":") for port in service.get("ports", ())]

    assert {host for host, _, _ in published} <= {"127.0.0.1"}
    assert {int(inside) for _, _, inside in published} <= doors


@pytest.mark.parametrize("service", OURS.values(), ids=OURS)
def test_health_is_asked_with_our_own_command(service):
    kind, program, *words = service["healthcheck"]["test"]

    assert (kind, program) == ("CMD", "relais")
    assert " ".join(words) in commands()


@pytest.mark.parametrize("service", OURS.values(), ids=OURS)
def test_no_secret_stands_in_the_file(service):
    secret = [
        name
        for name, value in service["environment"].items()
        if re.search("PASSWORD|SECRET|NAMESPACE|KEY", name) and "${" not in str(value)
    ]
    addresses = [v for v in map(str, service["environment"].values()) if "@" in v]

    assert secret == []
    assert [one for one in addresses if "${" not in one.partition("@")[0]] == []


def test_the_image_exposes_our_ports_and_runs_our_command():
    settings = Settings()
    [exposed] = _instructions("EXPOSE")
    [entry] = _instructions("ENTRYPOINT")
    [command] = [line for line in _instructions("CMD") if line.startswith("[")][-1:]

    assert {int(port) for port in exposed.split()} == {
        settings.http.port,
        settings.mllp.port,
        settings.mllps.port,
    }
    assert json.loads(entry) == ["relais"]
    assert json.loads(command)[0] in commands()
    assert re.search(r'HEALTHCHECK .*CMD \["relais", "health"\]', DOCKERFILE)


def test_the_image_is_made_of_files_that_are_there():
    sources = [
        word
        for line in _instructions("COPY")
        if "--from" not in line
        for word in shlex.split(line)[:-1]
    ]

    assert [name for name in sources if not (ROOT / name).exists()] == []
    assert {"gateway", "mappings", "profiles", "requirements.lock"} <= set(sources)
    assert {name for line in _instructions("ENV") for name in re.findall(r"RELAIS_\w+", line)} <= (
        VARIABLES
    )


def _settings_of(service, monkeypatch):
    """Return the settings a service starts with, its secrets filled in."""
    for name, value in OURS[service]["environment"].items():
        filled = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value))
        filled = re.sub(
            r"\$\{\w*NAMESPACE:\?[^}]*\}", "6f8b1c52-8d5e-4a8e-9f10-3f6f0a9b7c11", filled
        )
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:\?[^}]*\}", "hidden", filled))
    return Settings()


def test_the_settings_of_a_service_are_accepted_and_open_beyond_this_machine(monkeypatch):
    settings = _settings_of("doors", monkeypatch)

    with capture_logs() as logs:
        refuse_exposure(settings)
    assert not settings.on_loopback
    assert "doors_unprotected" in {log["event"] for log in logs if log["log_level"] == "warning"}

    with pytest.raises(FatalError, match="RLS-SEC-001"):
        refuse_exposure(settings.model_copy(update={"unprotected": False}))


@pytest.mark.parametrize("environment", ["production", ""])
def test_the_same_settings_are_refused_in_production(monkeypatch, environment):
    settings = _settings_of("doors", monkeypatch)

    with pytest.raises(FatalError, match="RLS-SEC-002"):
        refuse_exposure(settings.model_copy(update={"environment": environment}))


@pytest.mark.parametrize("service", ["doors", "demo"])
async def test_a_browser_that_comes_through_the_bridge_sees_the_pages(monkeypatch, service):
    settings = _settings_of(service, monkeypatch)
    own = {"store": {"url": "sqlite://"}, "http": {"port": 0}, "mllp": {"port": 0}}
    kept = {name: getattr(settings, name) for name in ("host", "unprotected", "environment")}
    # The port of the host, which the browser names, is not that of the door.
    kept["public_url"] = settings.public_url
    gateway = Gateway(Settings(**kept, **own), Role.DOORS, registry=CollectorRegistry())
    await gateway.start()
    try:
        # What the door sees of such a client is the address of the bridge.
        through_the_bridge = {
            "Host": urlsplit(settings.public_url).netloc,
            "X-Forwarded-For": "172.18.0.1",
        }
        async with httpx2.AsyncClient(base_url=gateway.local_url, timeout=60) as client:
            answers = {
                path: await client.get(path, headers=through_the_bridge)
                for path in ("/", "/gaps", "/messages", "/about")
            }
            elsewhere = await client.get("/", headers={"Host": "attacker.example"})
    finally:
        await gateway.stop()

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(
        answers, 200
    )
    assert "visible pour qui atteint ce réseau" in answers["/"].text
    # A page of another site that points its name at this machine still sees nothing.
    assert elsewhere.status_code >= 400


@contextmanager
def _store(kind, folder):
    if kind == "sqlite":
        yield f"sqlite:///{folder}/compose.db"
        return
    with ExitStack() as stack:
        address = stack.enter_context(postgres.server())
        yield stack.enter_context(postgres.database(address))


def _get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Accept": "application/fhir+json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def _ask_health(port):
    return subprocess.run(
        [sys.executable, "-m", "gateway.entry.cli", "health"],
        cwd=ROOT,
        env={**os.environ, "RELAIS_HTTP_PORT": str(port)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_doors_and_worker_run_as_two_processes_on_one_store(kind, tmp_path):
    kept = {"RELAIS_ENVIRONMENT": OURS["doors"]["environment"]["RELAIS_ENVIRONMENT"]}
    body = next(event.body for event in events(Region("compose", 2), PERFECT))
    acks: dict[bytes, bytes] = {}
    with _store(kind, tmp_path) as url:
        doors = GatewayProcess(url, tmp_path, kept, role="doors").start()
        worker = GatewayProcess(url, tmp_path, kept, role="worker")
        try:
            worker.start()
            await send_until_cut(doors.ports["mllp"], [body], acks)
            found = _get(worker.ports["http"], "/fhir/Patient")
            asked = [_ask_health(one.ports["http"]) for one in (doors, worker)]
        finally:
            ended = [worker.stop(), doors.stop()]
    nobody = _ask_health(doors.ports["http"])

    assert b"MSA|AA|" in acks[body]
    assert (found[0], found[1]["total"]) == (200, 1)
    assert "mllp" not in worker.ports
    assert [one.returncode for one in asked] == [0, 0]
    assert {json.loads(one.stdout)["status"] for one in asked} == {"ready"}
    assert ended == [0, 0]
    assert (nobody.returncode, nobody.stdout) == (1, "")
