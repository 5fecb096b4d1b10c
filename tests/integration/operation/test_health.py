"""Health that is true: each check holds in a running gateway, and fails when its thing fails."""

import asyncio
import datetime
from collections.abc import AsyncIterator
from types import SimpleNamespace

import httpx2
import pytest
import trustme
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from gateway.connectors.http import HttpClient
from gateway.entry.serve import Gateway
from gateway.entry.settings import HttpSettings, MllpSettings, Settings, StoreSettings
from gateway.entry.vitals import STUCK_S, LoopState, Vitals
from gateway.pipeline import journal
from tests.conftest import ROOT

A03 = ROOT / "fixtures/hl7v2/adt_a03_discharge_to_rehabilitation/input.er7"


def _settings(tmp_path, **more) -> Settings:
    return Settings(
        store=StoreSettings(url=f"sqlite:///{tmp_path}/r.db", **more.pop("store", {})),
        http=HttpSettings(port=0),
        mllp=MllpSettings(port=0),
        **more,
    )


@pytest.fixture
async def gateway(tmp_path) -> AsyncIterator[Gateway]:
    made = Gateway(_settings(tmp_path), registry=CollectorRegistry())
    await made.start()
    yield made
    await made.stop()


async def _ask(gateway: Gateway, path: str) -> tuple[int, dict]:
    async with httpx2.AsyncClient(base_url=gateway.local_url, timeout=60) as client:
        answer = await client.get(path)
    return answer.status_code, answer.json()


async def _figures(gateway: Gateway) -> dict[str, float]:
    """Return the samples as `name{a="b"}`."""
    async with httpx2.AsyncClient(base_url=gateway.local_url, timeout=60) as client:
        text = (await client.get("/metrics")).text
    return {
        sample.name + "".join(f"[{v}]" for _, v in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_a_gateway_that_is_well_says_so_check_by_check(gateway):
    status, told = await _ask(gateway, "/health/ready")
    alive = await _ask(gateway, "/health/live")

    assert (status, told["status"]) == (200, "ready")
    assert told["checks"] == dict.fromkeys(
        ["store", "receiver", "loops", "doors", "disk", "journal"], True
    )
    assert alive == (200, {"status": "live", "checks": {"loops": True}})


async def test_a_loop_that_ends_by_a_fault_makes_the_process_unwell_and_is_told(gateway):
    async def broken() -> int:
        msg = "a bug"
        raise ValueError(msg)

    with capture_logs() as logs:
        gateway.workers._run("broken", broken, 1.0)
        await asyncio.wait(gateway.workers._tasks[-1:], timeout=5)
        await asyncio.sleep(0)
    ready, alive = await _ask(gateway, "/health/ready"), await _ask(gateway, "/health/live")

    assert (ready[0], ready[1]["checks"]["loops"]) == (503, False)
    assert (alive[0], alive[1]["status"]) == (503, "ended")
    [line] = [log for log in logs if log["event"] == "worker_stopped"]
    assert (line["kind"], line["error"], line["log_level"]) == ("broken", "ValueError", "critical")
    assert "a bug" not in str(line)


def test_a_loop_that_ends_no_step_is_not_well_but_a_restart_is_not_asked_for():
    loops = {"watch": LoopState(ended=False, idle_s=STUCK_S + 1)}
    vitals = Vitals(lambda: loops)

    assert vitals.checks()["loops"] is False
    assert vitals.alive() == {"loops": True}


def test_an_export_may_take_hours():
    assert LoopState(ended=False, idle_s=STUCK_S + 1).is_well("exports")
    assert not LoopState(ended=False, idle_s=7 * 3600).is_well("exports")


async def test_a_door_that_takes_no_connections_is_told(gateway):
    await gateway._listeners[0].stop()

    status, told = await _ask(gateway, "/health/ready")

    assert (status, told["checks"]["doors"], told["checks"]["store"]) == (503, False, True)


async def test_a_disk_that_is_full_is_told(tmp_path):
    made = Gateway(_settings(tmp_path, store={"room": 2**62}), registry=CollectorRegistry())
    await made.start()
    try:
        status, told = await _ask(made, "/health/ready")
    finally:
        await made.stop()

    assert (status, told["checks"]["disk"]) == (503, False)


def test_a_disk_that_is_gone_has_no_room(tmp_path):
    assert Vitals(dict, folder=tmp_path / "gone", room=1).checks()["disk"] is False


def test_a_database_elsewhere_has_a_disk_of_its_own():
    assert Vitals(dict, folder=None, room=2**62).checks()["disk"] is True


async def test_a_store_that_is_away_is_told_and_has_no_figures(gateway):
    await gateway.store.close()
    ready, figures = await _ask(gateway, "/health/ready"), await _figures(gateway)
    alive = await _ask(gateway, "/health/live")
    await gateway.store.open()

    assert (ready[0], ready[1]["checks"]["store"]) == (503, False)
    assert alive[0] == 200
    assert figures["relais_store_up"] == 0
    assert not [name for name in figures if name.startswith("relais_inbox_rows")]


def test_a_journal_that_cannot_be_written_is_told():
    assert Vitals(dict, waiting=lambda: journal.MOST).checks()["journal"] is False


async def test_figures_tell_what_was_received_and_what_waits(gateway):
    async with HttpClient() as sender:
        url, er7 = f"{gateway.local_url}/hl7v2", {"Content-Type": "application/hl7-v2"}
        await sender.post(url, A03.read_bytes(), er7, 20)
        spoiled = A03.read_bytes().replace(b"\rPID|", b"\rPIX|").replace(b"|P|2.5", b"|P|2.5")
        await sender.post(url, spoiled, er7, 20)

    figures = await _figures(gateway)

    assert figures["relais_inbox_rows[converted]"] == 1
    assert figures["relais_inbox_rows[quarantined]"] == 1
    assert figures["relais_inbox_oldest_seconds[quarantined]"] >= 0
    assert figures["relais_check_up[loops]"] == 1
    assert figures["relais_loop_idle_seconds[watch]"] < STUCK_S
    assert figures["relais_input_seconds_count[http]"] >= 2
    assert figures["relais_feed_silent[990000001:ADT]"] == 0


async def test_a_sender_that_names_itself_makes_no_label(gateway):
    foreign = (
        A03.read_bytes()
        .replace(b"|CHU-DEMO|", b"|SENTINEL-4711|")
        .replace(b"DEMO-GAM", b"SENTINEL-4712")
    )
    async with HttpClient() as sender:
        er7 = {"Content-Type": "application/hl7-v2"}
        await sender.post(f"{gateway.local_url}/hl7v2", foreign, er7, 20)

    figures = await _figures(gateway)

    assert [name for name in figures if "SENTINEL" in name] == []


async def test_days_of_a_certificate_are_told_and_a_file_that_is_gone_too(tmp_path):
    authority, ends = trustme.CA(), datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=9)
    issued = authority.issue_cert("localhost", not_after=ends)
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    mllps = {"certificate": tmp_path / "own.pem", "require_client": False, "port": 0}
    made = Gateway(_settings(tmp_path, mllps=mllps), registry=CollectorRegistry())
    await made.start()
    try:
        before = await _figures(made)
        (tmp_path / "own.pem").unlink()
        after = await _figures(made)
        status, _ = await _ask(made, "/health/ready")
    finally:
        await made.stop()

    assert 8.9 < before["relais_certificate_days_left[mllps]"] < 9.1
    assert before["relais_certificate_readable[mllps]"] == 1
    assert after["relais_certificate_readable[mllps]"] == 0
    assert "relais_certificate_days_left[mllps]" not in after
    # Other channels go on.
    assert status == 200


class _Tokens:
    """Tokens of two clients."""

    async def principal(self, token: str):
        scopes = {"good": "system/Task.r system/metrics", "other": "system/*.rs"}.get(token)
        return None if scopes is None else SimpleNamespace(scopes=scopes, certificate="")


@pytest.mark.parametrize(
    ("token", "status"), [("good", 200), ("other", 403), ("unknown", 403), ("", 403)]
)
async def test_a_client_elsewhere_needs_the_scope_for_metrics(token, status):
    from fastapi import FastAPI

    from gateway.entry.api.health import health_router
    from gateway.store.memory import MemoryStore

    app = FastAPI()
    app.include_router(health_router(MemoryStore(), lambda: 0.0, 10.0, None, _Tokens()))
    transport = httpx2.ASGITransport(app=app, client=("10.0.0.7", 1))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.get("/metrics", headers=headers)

    assert answer.status_code == status
