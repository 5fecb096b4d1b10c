"""Bodies of every kind: always an answer of FHIR, and what is taken in is right and can be read."""

import asyncio
import base64
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.contributions import Json
from gateway.fhir import shape, strict_json
from gateway.fhir.search_table import PARAMETERS
from gateway.store.factory import open_store
from tests.contract.rest.conftest import Hand
from tests.integration.rest.conftest import BASE, Shelf, patient
from tests.support.writing import care_team, writing_app

DIV = '<div xmlns="http://www.w3.org/1999/xhtml">a<script>b</script></div>'
RESOURCES: list[Json] = [
    {
        **care_team(id="t1", text={"status": "generated", "div": DIV}),
        "subject": {"reference": "Patient/p1"},
        "participant": [{"member": {"reference": "#c1"}}],
        "extension": [{"url": "urn:e", "valueDecimal": 1.5}],
        "contained": [{"resourceType": "Practitioner", "id": "c1", "active": True}],
    },
    {"resourceType": "Communication", "id": "m1", "status": "completed", "sent": "2026-03-09"},
    {
        "resourceType": "Consent",
        "id": "s1",
        "status": "active",
        "scope": {"text": "partage"},
        "category": [{"text": "partage"}],
        "patient": {"reference": "Patient/p1"},
        "policyRule": {"text": "loi"},
    },
    {"resourceType": "Task", "id": "k1", "status": "requested", "intent": "order"},
]
BUNDLES: list[Json] = [
    {
        "resourceType": "Bundle",
        "type": type_,
        "entry": [
            {
                "fullUrl": "urn:uuid:a",
                "resource": RESOURCES[0],
                "request": {
                    "method": "POST",
                    "url": "CareTeam",
                    "ifNoneExist": "identifier=urn:x|1",
                },
            },
            {
                "resource": {**RESOURCES[1], "about": [{"reference": "urn:uuid:a"}]},
                "request": {"method": "PUT", "url": "Communication/m2", "ifMatch": 'W/"1"'},
            },
            {
                "resource": {
                    "resourceType": "Binary",
                    "contentType": "application/json-patch+json",
                    "data": base64.b64encode(b'[{"op":"remove","path":"/sent"}]').decode(),
                },
                "request": {"method": "PATCH", "url": "Communication/m1"},
            },
            {"request": {"method": "DELETE", "url": "CareTeam?identifier=urn:x|2"}},
            {"request": {"method": "GET", "url": "Patient/p1"}},
        ],
    }
    for type_ in ("transaction", "batch")
]
PATCHES: list[Any] = [
    [
        {"op": "test", "path": "/status", "value": "active"},
        {"op": "add", "path": "/note", "value": [{"text": "vu"}]},
        {"op": "move", "from": "/note/0", "path": "/note/0"},
        {"op": "copy", "from": "/name", "path": "/note/0/text"},
        {"op": "remove", "path": "/name"},
    ],
    {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "operation",
                "part": [
                    {"name": "type", "valueCode": "replace"},
                    {"name": "path", "valueString": "CareTeam.identifier.where(value='T-1').value"},
                    {"name": "value", "valueString": "T-2"},
                ],
            }
        ],
    },
]
ODD: list[Any] = [
    None, True, 0, -1, 2**31, 10**17, 1.5, 1e300, "", " ", "x", "Patient/p1", "Patient/none",
    "urn:uuid:a", "urn:uuid:zz", "#c1", "CareTeam?identifier=urn:x|1", "CareTeam/t1/_history/1",
    "' OR 1=1 --", "\u0000", "\ud800", "\u202e", "é\u0301", "https://x.test/fhir/Patient/1",
    "2026-02-30", "255068815400233", "../../etc", "Type/" * 30, [], {}, [[]], [{}], [None],
    {"reference": "Patient/p1"}, {"resourceType": "Patient"}, {"resourceType": "Bundle"},
    {"url": "urn:e", "valueString": "x"}, "<div xmlns='http://www.w3.org/1999/xhtml'>é</div>",
    "https://relais.example/ns/gap", ["a"] * 50, "GET", "PATCH", "$validate", "_history",
]  # fmt: skip
NAMES = [
    "id",
    "extension",
    "_status",
    "resourceType",
    "meta",
    "text",
    "colour",
    "contained",
    "path",
]
TEXTS = st.text(st.characters(exclude_categories=[]), max_size=8)
VALUES = st.sampled_from(ODD) | TEXTS | st.integers() | st.floats()


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    return [at] + [place for name, one in pairs for place in _places(one, (*at, name))]


@st.composite
def changed(draw: st.DrawFn, told: Any) -> Any:
    """Draw a value with some of what it holds replaced, taken away, said twice or added to."""
    made = copy.deepcopy(told)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from(_places(made)))
        if not place:
            continue
        holder = made
        for name in place[:-1]:
            holder = holder[name]
        how = draw(st.integers(0, 3))
        if how == 0:
            del holder[place[-1]]
        elif how == 1 and isinstance(holder, dict):
            holder[draw(st.sampled_from(NAMES) | TEXTS)] = copy.deepcopy(draw(VALUES))
        elif how == 2 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[place[-1]]))
        else:
            holder[place[-1]] = copy.deepcopy(draw(VALUES))
    return made


@st.composite
def bodies(draw: st.DrawFn, told: Any) -> bytes:
    """Draw the bytes of a body: of a changed value, or broken."""
    value = draw(changed(told))
    body = json.dumps(value).encode("utf-8", "surrogatepass")
    how = draw(st.integers(0, 12))
    if how == 0:
        return body[: draw(st.integers(0, len(body)))]
    if how == 1:
        at = draw(st.integers(0, len(body)))
        return body[:at] + draw(st.binary(max_size=6)) + body[at:]
    if how == 2:
        return b'{"resourceType":"CareTeam",' + body[1:]
    if how == 3:
        deep = draw(st.sampled_from([20, 59, 61, 2000, 100_000]))
        return b'{"a":' * deep + body + b"}" * deep
    if how == 4:
        return json.dumps(value, ensure_ascii=False).encode("utf-16", "replace")
    return body


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, str], bytes]:
    """Draw method, address, headers and body of a write."""
    form = draw(st.integers(0, 9))
    headers = {"Content-Type": "application/fhir+json"}
    if form < 3:
        return "POST", "/fhir", headers, draw(bodies(draw(st.sampled_from(BUNDLES))))
    told = draw(st.sampled_from(RESOURCES))
    type_, id_ = told["resourceType"], told["id"]
    if draw(st.integers(0, 9)) == 0:
        type_ = draw(st.sampled_from([*sorted(PARAMETERS), "Basic", "$x", "careteam"]))
    address = draw(
        st.sampled_from(
            [f"/fhir/{type_}", f"/fhir/{type_}/{id_}", f"/fhir/{type_}?identifier=urn:x|1",
             f"/fhir/{type_}?_id={id_}", f"/fhir/{type_}/new-{id_}", f"/fhir/{type_}?x=1"]
        )
    )  # fmt: skip
    for name, values in (
        ("If-Match", ['W/"1"', "*", "x"]),
        ("If-None-Match", ["*"]),
        ("If-None-Exist", ["identifier=urn:x|1", "", "x", "_id=t1"]),
        ("Prefer", ["return=minimal", "return=OperationOutcome", "x"]),
    ):
        if draw(st.integers(0, 5)) == 0:
            headers[name] = draw(st.sampled_from(values))
    method = draw(st.sampled_from(["POST", "PUT", "PATCH", "DELETE"]))
    if method != "PATCH":
        if draw(st.integers(0, 15)) == 0:
            kinds = ["application/fhir+xml", "text/plain", "application/json; charset=latin-1"]
            headers["Content-Type"] = draw(st.sampled_from(kinds))
        return method, address, headers, draw(bodies(told))
    patch = draw(st.sampled_from(PATCHES))
    if isinstance(patch, list):
        headers["Content-Type"] = "application/json-patch+json"
    return method, address, headers, draw(bodies(patch))


class Door:
    """A door that takes writes, over one store."""

    def __init__(self, path: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.store = open_store(f"sqlite:///{path}")
        app = writing_app(self.store, Hand())
        transport = httpx2.ASGITransport(app=app)
        self.client = httpx2.AsyncClient(transport=transport, base_url=BASE)

    def send(self, *asked: Any, **more: Any) -> httpx2.Response:
        """Send a request and wait for its answer."""
        return self.loop.run_until_complete(self.client.request(*asked, **more))


@pytest.fixture(scope="module")
def door(tmp_path_factory) -> Iterator[Door]:
    """Give a door over a store with one patient and one of each resource."""
    made = Door(tmp_path_factory.mktemp("writes") / "d.db")
    made.loop.run_until_complete(made.store.open())
    made.loop.run_until_complete(Shelf(made.store).put(patient()))
    for one in RESOURCES[:3]:
        answer = made.send("PUT", f"/fhir/{one['resourceType']}/{one['id']}", json=one)
        assert answer.status_code == 201, answer.text
    yield made
    made.loop.run_until_complete(made.client.aclose())
    made.loop.run_until_complete(made.store.close())
    made.loop.close()


@pytest.mark.field("FL-233")
@settings(max_examples=400, deadline=None)
@given(asked=requests())
def test_every_body_is_answered(door: Door, asked: tuple[str, str, dict[str, str], bytes]) -> None:
    method, address, headers, body = asked

    answer = door.send(method, address, headers=headers, content=body)

    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        outcome = answer.json()
        assert outcome["resourceType"] == "OperationOutcome"
        assert all(issue["diagnostics"] for issue in outcome["issue"])
        return
    told = strict_json.read(answer.content) if answer.content else {}
    assert told == {} or shape.check(json.loads(answer.content)) == []
    if "location" in answer.headers:
        read = door.send("GET", answer.headers["location"].removeprefix(BASE))
        assert read.status_code == 200
        assert shape.check(read.json()) == []
        assert b"<script" not in read.content


@settings(max_examples=200, deadline=None)
@given(
    number=st.from_regex(r"-?(0|[1-9][0-9]{0,15})\.[0-9]{1,16}([eE][+-]?[0-9]{1})?", fullmatch=True)
)
def test_a_decimal_is_told_as_it_was_written(door: Door, number: str) -> None:
    number = number.translate(str.maketrans("٠١٢٣٤٥٦٧٨٩", "0123456789"))
    body = (
        '{"resourceType":"CareTeam","id":"d1","name":"x","extension":'
        f'[{{"url":"urn:d","valueDecimal":{number}}}]}}'
    )

    answer = door.send("PUT", "/fhir/CareTeam/d1", json=None, content=body.encode(), headers=JSON)
    read = door.send("GET", "/fhir/CareTeam/d1")
    xml = door.send("GET", "/fhir/CareTeam/d1?_format=xml")
    back = door.send("PUT", "/fhir/CareTeam/d1", content=xml.content, headers=XML)

    assert answer.status_code in (200, 201), answer.text
    assert f'"valueDecimal":{number}}}'.encode() in answer.content
    assert f'"valueDecimal":{number}}}'.encode() in read.content
    assert f'<valueDecimal value="{number}"'.encode() in xml.content
    assert (back.status_code, back.headers["etag"]) == (200, answer.headers["etag"])


JSON = {"Content-Type": "application/fhir+json"}
XML = {"Content-Type": "application/fhir+xml"}


@pytest.mark.field("FL-233")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400),
        (b"[" * 100_000, 400),
        (b'{"resourceType":"CareTeam","status":"active","status":"inactive"}', 400),
        (b'{"resourceType":"CareTeam","name":"a\\u0000b"}', 400),
        (b'{"resourceType":"CareTeam","name":"\\ud800"}', 400),
        (b'{"resourceType":"CareTeam","name":NaN}', 400),
        (b'{"resourceType":"CareTeam","extension":[{"url":"urn:e","valueDecimal":1e999}]}', 400),
        (b'{"resourceType":"CareTeam","x":' + b"1" * 100_000 + b"}", 400),
        (b'{"resourceType":"CareTeam","note":[' + b"{}," * 1_000_000 + b"{}]}", 400),
        (b'{"resourceType":"CareTeam","name":"' + b"x" * 17 * 2**20 + b'"}', 413),
        (b"\xff\xfe{", 400),
        (b'"x"', 400),
        (b"  ", 400),
    ],
    ids=[
        "deep objects", "deep lists", "a name twice", "NUL", "half a surrogate pair", "NaN",
        "endless exponent", "endless integer", "many values", "giant", "not UTF-8", "a text",
        "empty",
    ],
)  # fmt: skip
def test_bodies_that_cost_or_deceive_are_refused(door: Door, body: bytes, status: int) -> None:
    answer = door.send("POST", "/fhir/CareTeam", content=body, headers=JSON)

    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE d [<!ENTITY x "y">]><CareTeam xmlns="http://hl7.org/fhir"/>',
        b'<CareTeam xmlns="http://hl7.org/fhir">' + b'<a xmlns="urn:x">' * 100_000,
        b'<CareTeam xmlns="urn:other"><status value="active"/></CareTeam>',
        b'<CareTeam xmlns="http://hl7.org/fhir"><name value="a"/><name value="b"/></CareTeam>',
        b'<?xml version="1.0" encoding="utf-7"?><CareTeam xmlns="http://hl7.org/fhir"/>',
        b"<CareTeam",
        b"\x00",
    ],
)
def test_xml_that_costs_or_deceives_is_refused(door: Door, body: bytes) -> None:
    answer = door.send("POST", "/fhir/CareTeam", content=body, headers=XML)

    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"
