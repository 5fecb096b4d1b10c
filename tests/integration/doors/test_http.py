"""POST /hl7v2 and POST /cda through a real HTTP server on loopback."""

import asyncio
import socket
from contextlib import asynccontextmanager

import httpx2 as httpx
import pytest
import uvicorn
from fastapi import FastAPI

from gateway.core.errors import RejectedError
from gateway.core.messages import Channel, Outcome, Receipt
from gateway.entry.api.cda import cda_router
from gateway.entry.api.hl7v2 import hl7v2_router
from gateway.hl7v2 import ack as hl7_ack
from gateway.hl7v2.reader import read
from tests.integration.doors.house import NOW, ack, adt, eventually, framed, refused

ER7 = {"Content-Type": "application/hl7-v2; charset=utf-8"}
XML = {"Content-Type": "application/xml"}
CDA = b"<?xml version='1.0'?><ClinicalDocument xmlns='urn:hl7-org:v3'/>"


class _Server(uvicorn.Server):
    def install_signal_handlers(self):
        """Leave signals to pytest."""


@asynccontextmanager
async def serving(house, **options):
    """Serve both doors on a free port and give a client."""
    app = FastAPI()
    app.include_router(hl7v2_router(house.doors(), **options))
    app.include_router(cda_router(house.doors(), house.outcome, **options))
    listening = socket.create_server(("127.0.0.1", 0))
    server = _Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve([listening]))
    await eventually(lambda: server.started)
    port = listening.getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield client
    server.should_exit = True
    await task
    listening.close()


async def test_message_is_answered_with_its_ack(house):
    async with serving(house) as client:
        answer = await client.post("/hl7v2", content=adt("MSG1"), headers=ER7)

    raw = house.received[0]
    assert (answer.status_code, answer.content) == (200, ack("AA", adt("MSG1")))
    assert answer.headers["content-type"] == "application/hl7-v2; charset=utf-8"
    assert (raw.body, raw.channel, raw.charset, raw.flags, raw.received_at) == (
        adt("MSG1"),
        Channel.HTTP,
        "utf-8",
        (),
        NOW,
    )
    assert raw.peer.address.startswith("127.0.0.1:")


@pytest.mark.parametrize("code", ["AE", "AR"])
async def test_refusal_by_hl7_is_a_success_of_the_transport(house, code):
    house.receipt = lambda raw: Receipt(Outcome.REJECTED, (refused(),), ack(code, raw.body))

    async with serving(house) as client:
        answer = await client.post("/hl7v2", content=adt("MSG1"), headers=ER7)

    assert (answer.status_code, answer.content) == (200, ack(code, adt("MSG1")))


async def test_answer_names_the_character_set_it_is_in(house):
    latin = ack("AA", adt()).replace(b"UNICODE UTF-8", b"8859/15")
    house.receipt = lambda raw: Receipt(Outcome.ACCEPTED, ack=latin)

    async with serving(house) as client:
        answer = await client.post(
            "/hl7v2", content=adt("MSG1"), headers={"Content-Type": "application/hl7-v2"}
        )

    assert answer.headers["content-type"] == "application/hl7-v2; charset=iso-8859-15"
    assert house.received[0].charset is None


@pytest.mark.field("FL-021")
async def test_message_without_line_ends_is_told_how_to_send_them(house):
    def judge(raw):
        with pytest.raises(RejectedError) as caught:
            read(raw.body, lenient=True, declared_charset=raw.charset)
        issues = caught.value.issues
        answer = hl7_ack.build(raw.body, "AE", issues, now=NOW, control_id="9")
        return Receipt(Outcome.REJECTED, issues, answer)

    house.receipt = judge
    one_line = adt("MSG1").replace(b"\r", b"")

    async with serving(house) as client:
        answer = await client.post("/hl7v2", content=one_line, headers=ER7)

    segments = answer.content.split(b"\r")
    assert (answer.status_code, house.received[0].body) == (200, one_line)
    assert segments[1].startswith(b"MSA|AE|MSG1")
    assert segments[2].split(b"|")[3].startswith(b"100^")
    assert b"--data-binary" in segments[2]


@pytest.mark.field("FL-022")
@pytest.mark.parametrize("end", [b"\x1c\r", b"\x1c", b"\x1c\r\n"], ids=["FS CR", "FS", "FS CR LF"])
async def test_frame_bytes_are_taken_off_and_flagged(house, end):
    async with serving(house) as client:
        answer = await client.post("/hl7v2", content=b"\x0b" + adt("MSG1") + end, headers=ER7)

    assert answer.content == ack("AA", adt("MSG1"))
    assert [(raw.body, raw.flags) for raw in house.received] == [(adt("MSG1"), ("mllp-in-http",))]


async def test_two_frames_in_one_body_are_left_to_the_reader(house):
    both = framed(adt("MSG1")) + framed(adt("MSG2"))

    async with serving(house) as client:
        await client.post("/hl7v2", content=both, headers=ER7)

    assert [(raw.body, raw.flags) for raw in house.received] == [(both, ())]


@pytest.mark.field("FL-023")
async def test_acknowledgement_that_is_posted_is_not_answered(house):
    house.receipt = lambda raw: Receipt(Outcome.UNANSWERED)

    async with serving(house) as client:
        answer = await client.post("/hl7v2", content=ack("AA", adt()), headers=ER7)

    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.field("FL-083")
@pytest.mark.parametrize("raised", [True, False], ids=["raised", "told"])
async def test_store_that_is_away_is_503_with_a_time_and_an_ack(house, raised):
    told = Receipt(Outcome.UNAVAILABLE, (refused(),), ack("AR", adt("MSG1"), 206))
    house.receipt = house.away if raised else lambda raw: told

    async with serving(house) as client:
        answer = await client.post("/hl7v2", content=adt("MSG1"), headers=ER7)

    assert (answer.status_code, answer.content) == (503, ack("AR", adt("MSG1"), 206))
    assert answer.headers["retry-after"] == ("7" if raised else "5")


async def test_body_no_ack_can_be_made_of_is_400_with_the_reason(house):
    house.receipt = lambda raw: Receipt(Outcome.REJECTED, (refused("RLS-HL7-001"),))

    async with serving(house) as client:
        answer = await client.post("/hl7v2", content=b"\xff\xfe", headers=ER7)

    assert answer.status_code == 400
    assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "RLS-HL7-001"


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/json", ""],
)
@pytest.mark.parametrize("path", ["/hl7v2", "/cda"])
async def test_media_types_a_foreign_page_may_send_are_refused(house, path, content_type):
    async with serving(house) as client:
        answer = await client.post(path, content=adt(), headers={"Content-Type": content_type})

    assert answer.status_code == 415
    assert b"RLS-NET-003" in answer.content
    assert house.received == []


async def test_compressed_body_is_refused(house):
    async with serving(house) as client:
        answer = await client.post(
            "/hl7v2", content=b"\x1f\x8b", headers={**ER7, "Content-Encoding": "gzip"}
        )

    assert answer.status_code == 415
    assert b"RLS-NET-004" in answer.content


@pytest.mark.field("FL-011")
@pytest.mark.parametrize("path", ["/hl7v2", "/cda"])
@pytest.mark.parametrize("announced", [True, False], ids=["announced", "streamed"])
async def test_body_over_the_limit_is_413_and_not_kept(house, path, announced):
    sent = 0

    async def stream():
        nonlocal sent
        for _ in range(64):
            sent += 1
            yield b"x" * 65_536

    headers = ER7 if path == "/hl7v2" else XML
    async with serving(house, body_limit=100_000) as client:
        content = b"x" * 200_000 if announced else stream()
        answer = await client.post(path, content=content, headers=headers)

    assert answer.status_code == 413
    assert b"RLS-NET-001" in answer.content
    assert house.received == []


@pytest.mark.field("FL-010")
async def test_body_that_never_ends_is_given_up(house):
    async def slow():
        yield b"MSH|"
        await asyncio.sleep(1)
        yield b"x"

    async with serving(house, body_timeout_s=0.1) as client:
        answer = await client.post("/hl7v2", content=slow(), headers=ER7)

    assert answer.status_code == 408
    assert house.received == []


@pytest.mark.field("FL-005")
async def test_body_that_is_cut_is_no_message(house):
    async with serving(house) as client:
        host, port = client.base_url.host, client.base_url.port
        _, writer = await asyncio.open_connection(host, port)
        writer.write(
            b"POST /hl7v2 HTTP/1.1\r\nHost: x\r\nContent-Type: application/hl7-v2\r\n"
            b"Content-Length: 1000\r\n\r\nMSH|half"
        )
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()
        await writer.wait_closed()
        await client.post("/hl7v2", content=adt("MSG2"), headers=ER7)

    assert [raw.body for raw in house.received] == [adt("MSG2")]


@pytest.mark.parametrize("path", ["/hl7v2", "/cda"])
async def test_empty_body_is_400(house, path):
    async with serving(house) as client:
        answer = await client.post(path, content=b"\r\n", headers=ER7 if path == "/hl7v2" else XML)

    assert answer.status_code == 400
    assert b"RLS-NET-005" in answer.content


async def test_document_is_201_with_the_place_of_its_reference(house):
    place = "DocumentReference/6a0b1c2d"
    house.receipt = lambda raw: Receipt(Outcome.ACCEPTED, (refused("RLS-CDA-900"),), location=place)

    async with serving(house) as client:
        answer = await client.post(
            "/cda", content=CDA, headers={"Content-Type": 'text/xml; charset="utf-8"'}
        )

    raw = house.received[0]
    assert (answer.status_code, answer.content) == (201, b"RLS-CDA-900")
    assert answer.headers["location"] == "/fhir/DocumentReference/6a0b1c2d"
    assert answer.headers["content-type"].startswith("application/fhir+json")
    assert (raw.body, raw.channel, raw.charset) == (CDA, Channel.CDA, "utf-8")


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(Outcome.DUPLICATE, 200), (Outcome.IGNORED, 200), (Outcome.REJECTED, 422)],
)
async def test_outcome_of_a_document_is_told_by_the_status(house, outcome, status):
    house.receipt = lambda raw: Receipt(outcome, (refused("RLS-CDA-900"),))

    async with serving(house) as client:
        answer = await client.post("/cda", content=CDA, headers=XML)

    assert (answer.status_code, answer.content) == (status, b"RLS-CDA-900")
    assert "location" not in answer.headers


@pytest.mark.field("FL-083")
@pytest.mark.parametrize("raised", [True, False], ids=["raised", "told"])
async def test_document_that_cannot_be_kept_is_503_with_a_time(house, raised):
    told = Receipt(Outcome.UNAVAILABLE, (refused(),))
    house.receipt = house.away if raised else lambda raw: told

    async with serving(house) as client:
        answer = await client.post("/cda", content=CDA, headers=XML)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7" if raised else "5")


async def test_body_that_is_no_xml_is_400(house):
    async with serving(house) as client:
        answer = await client.post("/cda", content=b"%PDF-1.7", headers=XML)

    assert (answer.status_code, answer.content) == (400, b"RLS-NET-006")
    assert house.received == []


@pytest.mark.parametrize(
    "body",
    [b"\xef\xbb\xbf" + CDA, b" \r\n" + CDA, CDA.decode().encode("utf-16")],
    ids=["byte-order mark", "blanks", "UTF-16"],
)
async def test_xml_in_any_dress_goes_to_the_reader(house, body):
    async with serving(house) as client:
        await client.post("/cda", content=body, headers=XML)

    assert [raw.body for raw in house.received] == [body]
