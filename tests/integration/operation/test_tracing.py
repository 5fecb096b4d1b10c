"""Spans reach a collector over OTLP, tell where the time of an input goes, and name nobody."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from gateway.core.errors import FatalError
from gateway.entry import telemetry
from gateway.entry.settings_parts import OtelSettings
from tests.conftest import ROOT
from tests.support.process import GatewayProcess

ADMISSION = (
    ROOT / "fixtures/hl7v2/adt_a01_admission_of_a_validated_identity/input.er7"
).read_bytes()
#: INS, IPP, names, stay, address and year of birth of the patient; the number of the message.
_PERSONAL = (
    "280049999900166",
    "P0042",
    "SAULNIER",
    "LACOMBE",
    "V26101",
    "impasse",
    "1980",
    "D0001",
)


@dataclass
class Collector:
    """What a collector of spans was sent."""

    port: int
    bodies: list[bytes] = field(default_factory=list)

    def spans(self) -> list:
        """Return the spans that came, decoded by the schema of OpenTelemetry."""
        found = []
        for body in list(self.bodies):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                found += [span for scope in resource.scope_spans for span in scope.spans]
        return found

    def named(self, name: str) -> list:
        return [span for span in self.spans() if span.name == f"relais.{name}"]


def told(span) -> dict:
    """Return the values of a span."""
    values = {one.key: one.value for one in span.attributes}
    return {key: getattr(value, value.WhichOneof("value")) for key, value in values.items()}


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector(0)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            made.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def _post(gateway: GatewayProcess, body: bytes) -> httpx2.Response:
    kind = {"Content-Type": "application/hl7-v2"}
    return httpx2.post(f"{gateway.url}/hl7v2", content=body, headers=kind, timeout=60)


def test_an_admission_is_told_step_by_step_without_a_word_about_the_patient(tmp_path, collector):
    # A batch is sent at the end at the latest.
    environment = {"RELAIS_OTEL_ENDPOINT": f"http://127.0.0.1:{collector.port}/v1/traces"}
    gateway = GatewayProcess(f"sqlite:///{tmp_path}/relais.db", tmp_path, environment).start()
    try:
        assert b"MSA|AA" in _post(gateway, ADMISSION).content
        refused = ADMISSION.replace(b"ADT^A01^ADT_A01|D0001|", b"ADT^A99^ADT_A99|D0002|")
        assert b"MSA|AR" in _post(gateway, refused).content
        httpx2.get(f"{gateway.url}/fhir/Patient/P0042-SAULNIER", timeout=60)
        httpx2.get(f"{gateway.url}/LACOMBE/P0042", timeout=60)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not collector.named("look"):
            time.sleep(0.1)
    finally:
        assert gateway.stop() == 0

    good, bad = sorted(collector.named("input"), key=lambda span: span.start_time_unix_nano)
    assert told(good) == {
        "relais.channel": "http", "relais.outcome": "accepted", "relais.inbox_id": 1
    }  # fmt: skip
    assert good.status.code == 0
    parts = [one.name for one in collector.spans() if one.parent_span_id == good.span_id]
    assert sorted(parts) == ["relais.open", "relais.prepare"]
    requests = {one.span_id: told(one) for one in collector.named("request")}
    assert requests[good.parent_span_id] == {
        "http.request.method": "POST", "http.route": "/hl7v2", "http.response.status_code": 200
    }  # fmt: skip
    routes = [one["http.route"] for one in requests.values()]
    assert "(none)" in routes
    assert "/fhir/{type}/{id}" in routes
    [commit] = [one for one in collector.named("commit") if one.links[0].span_id == good.span_id]
    assert told(commit) == {"relais.inputs": 1}
    # Refused: an error, with the code of its Issue.
    assert (bad.status.code, bad.status.message) == (2, "RLS-HL7-022")
    assert told(collector.named("look")[0]) == {"relais.persons": 1}
    raw = b"".join(collector.bodies)
    assert raw
    assert [word for word in _PERSONAL if word.encode() in raw] == []


def test_nothing_of_it_is_loaded_without_a_collector():
    code = (
        "import sys; import gateway.entry.serve; from gateway.core import tracing; "
        "assert tracing.start('input', channel='mllp') is tracing.NOTHING; "
        # The API alone comes with a library that is there for other reasons.
        "sent = ('opentelemetry.sdk', 'opentelemetry.exporter', 'opentelemetry.proto'); "
        "print([name for name in sys.modules if name.startswith(sent)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_collector_that_is_named_without_the_extra_is_refused_with_the_fix(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    with pytest.raises(FatalError) as caught:
        telemetry.Telemetry(OtelSettings(endpoint="http://127.0.0.1:9/v1/traces"), "all")

    assert caught.value.issues[0].code == "RLS-CFG-139"
    assert "relais-gateway[otel]" in caught.value.issues[0].fix


def test_a_collector_that_is_away_delays_no_answer_and_no_end(tmp_path):
    environment = {
        "RELAIS_OTEL_ENDPOINT": "http://127.0.0.1:9/v1/traces", "RELAIS_OTEL_TIMEOUT_S": "0.5"
    }  # fmt: skip
    gateway = GatewayProcess(f"sqlite:///{tmp_path}/relais.db", tmp_path, environment).start()
    try:
        assert b"MSA|AA" in _post(gateway, ADMISSION).content
    finally:
        began = time.monotonic()
        assert gateway.stop() == 0
    assert time.monotonic() - began < 30
