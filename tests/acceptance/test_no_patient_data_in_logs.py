"""One sentinel person through every door, right and wrong: no log, metric or error names them."""

import asyncio
import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
from urllib.parse import quote

import pytest

from tests.conftest import ROOT
from tests.support.process import GatewayProcess
from tests.support.sentinel import (
    FAMILY,
    INS,
    NUMBER,
    SPOILED,
    SPOILED_DOCUMENTS,
    WORDS,
    found_in,
    life,
    numbered,
)

pytestmark = [pytest.mark.acceptance, pytest.mark.field("FL-314")]

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
#: Requests of the FHIR door that carry the sentinel and fail.
WRONG_REQUESTS = [
    ("GET", f"/fhir/{FAMILY}", {}, b""),
    ("GET", f"/fhir/Patient/{FAMILY}", {}, b""),
    ("GET", f"/fhir/Patient/{INS}/_history/{FAMILY}", {}, b""),
    ("GET", f"/fhir/Patient/{quote('a/' + FAMILY)}", {}, b""),
    ("GET", f"/fhir/Patient?family={FAMILY}", {}, b""),
    ("GET", f"/fhir/Patient?identifer={INS}", {}, b""),
    ("GET", f"/fhir/Patient?birthdate={FAMILY}", {}, b""),
    ("GET", f"/fhir/Patient?identifier:exact={INS}", {}, b""),
    ("GET", f"/fhir/Patient?_count={FAMILY}", {}, b""),
    ("GET", f"/fhir/Patient?_page={FAMILY}&identifier={INS}", {}, b""),
    ("GET", f"/fhir/Encounter?patient.identifier={INS}", {}, b""),
    ("GET", f"/fhir/Patient?_format={FAMILY}", {}, b""),
    ("GET", f"/fhir/Patient/${FAMILY}", {}, b""),
    ("GET", f"/{FAMILY}?{INS}", {}, b""),
    ("GET", "/fhir/Patient", {"Accept": f"application/{FAMILY}"}, b""),
    ("GET", "/fhir/Patient", {"Host": f"{FAMILY}.example"}, b""),
    ("PUT", f"/fhir/Patient/{NUMBER}", {}, f'{{"id":"{FAMILY}"}}'.encode()),
    ("POST", "/fhir/Patient", {}, f'{{"name":"{FAMILY}"'.encode()),
    ("POST", "/fhir", {}, f'{{"resourceType":"{FAMILY}"}}'.encode()),
    ("POST", "/fhir/Patient/_search", _FORM, f"identifer={INS}&name={FAMILY}".encode()),
    ("POST", "/fhir/Patient/_search", {"Content-Type": FAMILY}, b"a=b"),
    (FAMILY, "/fhir/Patient", {}, b""),
    ("POST", "/hl7v2", {"Content-Type": FAMILY}, FAMILY.encode()),
    ("POST", "/hl7v2", {"Content-Type": "application/hl7-v2"}, FAMILY.encode()),
    ("POST", "/cda", {"Content-Type": f"text/xml; charset={FAMILY}"}, f"<{FAMILY}/>".encode()),
]


def ask(port, method, path, headers, body):
    """Send one request; give the status and the whole answer, headers included."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body=body or None, headers=headers)
        answer = connection.getresponse()
        told = "\n".join(f"{name}: {value}" for name, value in answer.getheaders())
        return answer.status, f"{told}\n{answer.read().decode('utf-8', 'replace')}"
    finally:
        connection.close()


async def over_mllp(port, bodies):
    """Send messages one by one and give the answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    answers = []
    try:
        for body in bodies:
            writer.write(b"\x0b" + body + b"\x1c\r")
            async with asyncio.timeout(30):
                answers.append(await reader.readuntil(b"\x1c\r"))
    finally:
        writer.close()
    return answers


def errors_of(ack):
    """Return an acknowledgement without its header, which repeats the sender's by standard."""
    return "\n".join(line for line in re.split("[\r\n]", ack) if line[:3] in ("MSA", "ERR"))


async def raw_bytes(port, data):
    """Send bytes that are no frame, then hang up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    with contextlib.suppress(OSError):
        writer.write_eof()
        await asyncio.wait_for(reader.read(), 5)
    writer.close()


def command(gateway, *words):
    """Run a command of the operator on the same store."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway.entry.cli", *words],
        cwd=gateway.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "RELAIS_STORE_URL": gateway.store_url},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A gateway that says as much as it can."""
    folder = tmp_path_factory.mktemp("sentinel")
    process = GatewayProcess(f"sqlite:///{folder}/s.db", folder, {"RELAIS_LOG_LEVEL": "DEBUG"})
    yield process.start()
    process.stop()


@pytest.fixture(scope="module")
def told(gateway):
    """Everything the gateway said: acknowledgements, failed requests, logs, metrics, commands."""
    messages, documents = life()
    bodies = {
        "identity": messages[0].body,
        "movement": next(sent.body for sent in messages if b"\rZBE|" in sent.body),
        "letter": next(sent.body for sent in messages if sent.name.startswith("MDM")),
    }
    spoiled = {
        f"{kind}, {name}": (spoil, body)
        for kind, body in bodies.items()
        for name, spoil in SPOILED.items()
    }
    right = [sent.body for sent in messages]
    mllp, web = gateway.ports["mllp"], gateway.ports["http"]
    said = {
        "right messages": errors_of(b"".join(asyncio.run(over_mllp(mllp, right))).decode("latin-1"))
    }
    er7 = {"Content-Type": "application/hl7-v2"}
    for at, (name, (spoil, body)) in enumerate(spoiled.items()):
        [ack] = asyncio.run(over_mllp(mllp, [spoil(numbered(body, f"M{at}"))]))
        said[f"MLLP, {name}"] = errors_of(ack.decode("utf-8", "replace"))
        status, answer = ask(web, "POST", "/hl7v2", er7, spoil(numbered(body, f"H{at}")))
        said[f"HTTP, {name}"] = errors_of(answer) if status == 200 else answer
    xml = {"Content-Type": "text/xml"}
    for sent in documents:
        said[f"CDA {sent.name}"] = ask(web, "POST", "/cda", xml, sent.body)[1]
        for name, spoil in SPOILED_DOCUMENTS.items():
            said[f"CDA, {name}"] = ask(web, "POST", "/cda", xml, spoil(sent.body))[1]
    for method, path, headers, body in WRONG_REQUESTS:
        status, answer = ask(web, method, path, headers, body)
        said[f"{method} {path} {headers}"] = answer if status >= 400 else f"status {status}"
    for data in (
        b"\x16\x03\x01" + FAMILY.encode(),
        b"GET /" + FAMILY.encode() + b" HTTP/1.1\r\n\r\n",
        b"\x0bMSH|^~\\&|A|B\rPID|||" + FAMILY.encode(),
        FAMILY.encode() * 50,
    ):
        asyncio.run(raw_bytes(mllp, data))
    said["metrics"] = ask(web, "GET", "/metrics", {}, b"")[1]
    said["health"] = ask(web, "GET", "/health/ready", {}, b"")[1]
    for file, name in (("bad", "impossible birth date"), ("worse", "no patient number")):
        (gateway.folder / f"{file}.er7").write_bytes(SPOILED[name](bodies["identity"]))
    said["convert"] = command(gateway, "convert", "bad.er7")[1]
    said["convert, refused"] = command(gateway, "convert", "worse.er7")[1]
    rows, words = command(gateway, "quarantine", "list", "--format", "ndjson")
    # The message type is shown as sent; the reasons are ours.
    reasons = [str(json.loads(row)["issues"]) for row in rows.splitlines()]
    said["quarantine"] = "\n".join([*reasons, words])
    said["log"] = gateway.log()
    return said


def test_nothing_that_was_said_names_the_person(told):
    named = {where: words for where, text in told.items() if (words := found_in(text))}

    assert named == {}


def test_the_person_was_read_and_stored(gateway, told):
    status, body = ask(gateway.ports["http"], "GET", "/fhir/Patient", {}, b"")

    assert status == 200
    # Stored and served in full: what is not in the log was there to be logged.
    assert set(found_in(body)) >= {FAMILY, NUMBER}
    assert "MSA|AA|" in told["right messages"]


def test_the_wrong_inputs_were_refused_with_words(told):
    refused = [text for name, text in told.items() if name.startswith(("MLLP, ", "CDA, "))]

    assert sum("RLS-" in text for text in refused) > len(refused) / 2
    assert "RLS-" in told["quarantine"]
    assert "RLS-INS-001" in told["convert, refused"] or "RLS-HL7-020" in told["convert, refused"]


def test_the_log_and_the_metrics_hold_something(told):
    assert "mllp_listening" in told["log"]
    assert "relais_inbox_messages_total" in told["metrics"]


def test_the_words_of_the_sentinel_are_found_when_they_are_there():
    assert found_in(f"a {FAMILY.lower()} b".encode()) == [FAMILY]
    assert len(set(WORDS)) == 7
