"""XML, layout, methods: the same content in every form a client asks for."""

import json
from decimal import Decimal

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from gateway.fhir.bundle import read_exact, to_bytes
from gateway.fhir.xml import to_xml
from tests.integration.rest.conftest import Shelf, encounter, patient

F = "{http://hl7.org/fhir}"
H = "{http://www.w3.org/1999/xhtml}"
XML = "application/fhir+xml; charset=utf-8; fhirVersion=4.0"
DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p>Une <b>personne</b> &amp; fils</p></div>'


async def _xml(client: httpx2.AsyncClient, address: str, status: int = 200) -> etree._Element:
    answer = await client.get(address, headers={"Accept": "application/fhir+xml"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, XML)
    return etree.fromstring(answer.content)


async def test_a_resource_is_written_in_the_order_of_its_definition(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    extension = {"url": "urn:x", "id": "a", "valueBoolean": True}
    await shelf.put(
        patient(
            birthDate="1988-05-12",
            _birthDate={"extension": [extension]},
            name=[{"given": ["Anne", None], "_given": [None, {"id": "g"}], "family": "M<&>"}],
            active=False,
            text={"status": "generated", "div": DIV},
            multipleBirthInteger=2,
        )
    )

    root = await _xml(client, "/fhir/Patient/p1")

    names = ["id", "meta", "text", "identifier", "active", "name", "birthDate"]
    assert root.tag == f"{F}Patient"
    assert [child.tag.removeprefix(F) for child in root] == [*names, "multipleBirthInteger"]
    assert root.find(f"{F}active").attrib == {"value": "false"}
    name = root.find(f"{F}name")
    assert [child.tag.removeprefix(F) for child in name] == ["family", "given", "given"]
    assert [child.attrib for child in name] == [{"value": "M<&>"}, {"value": "Anne"}, {"id": "g"}]
    born = root.find(f"{F}birthDate")
    assert born.attrib == {"value": "1988-05-12"}
    assert born.find(f"{F}extension").attrib == {"id": "a", "url": "urn:x"}
    assert root.find(f"{F}text/{H}div/{H}p/{H}b").text == "personne"


@pytest.mark.parametrize("div", ["<div>no end", '<!DOCTYPE d [<!ENTITY a "b">]><div>&a;</div>'])
async def test_a_narrative_that_is_none_is_told_as_text(
    client: httpx2.AsyncClient, shelf: Shelf, div: str
) -> None:
    await shelf.put(patient(text={"status": "generated", "div": div}))

    root = await _xml(client, "/fhir/Patient/p1")

    assert root.find(f"{F}text/{H}div").text == div


async def test_bundles_and_outcomes_are_xml_too(client: httpx2.AsyncClient, shelf: Shelf) -> None:
    await shelf.put(patient(), encounter("e1"))

    bundle = await _xml(client, "/fhir/Encounter?_include=Encounter:subject")
    history = await _xml(client, "/fhir/_history")
    metadata = await _xml(client, "/fhir/metadata")
    missing = await _xml(client, "/fhir/Patient/none", 404)
    refused = await _xml(client, "/fhir/Patient?nothing=1", 400)
    nowhere = await _xml(client, "/fhir/a/b/c/d/e", 404)

    assert [one.tag for one in bundle.findall(f"{F}entry/{F}resource/*")] == [
        f"{F}Encounter",
        f"{F}Patient",
    ]
    assert (history.tag, metadata.tag) == (f"{F}Bundle", f"{F}CapabilityStatement")
    assert {one.tag for one in (missing, refused, nowhere)} == {f"{F}OperationOutcome"}


@pytest.mark.parametrize("format_", ["json", "xml"])
async def test_pretty_is_laid_out_and_says_the_same(
    client: httpx2.AsyncClient, shelf: Shelf, format_: str
) -> None:
    await shelf.put(patient(text={"status": "generated", "div": DIV}))

    plain = (await client.get(f"/fhir/Patient/p1?_format={format_}")).text
    pretty = (await client.get(f"/fhir/Patient/p1?_format={format_}&_pretty=true")).text

    assert pretty.count("\n") > 10 > plain.count("\n")
    assert "Une <b>personne</b> &amp; fils" in pretty
    if format_ == "json":
        assert json.loads(pretty) == json.loads(plain)
    else:
        assert [e.attrib for e in etree.fromstring(pretty.encode()).iter()] == [
            e.attrib for e in etree.fromstring(plain.encode()).iter()
        ]


DIGITS = st.decimals(allow_nan=False, allow_infinity=False, places=6).map(str)


@example("0.0000000")
@given(DIGITS | st.from_regex(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,12}", fullmatch=True))
def test_decimals_keep_their_digits(text: str) -> None:
    body = b'{"resourceType":"Observation","valueQuantity":{"value":%s}}' % text.encode()

    resource = read_exact(body)

    assert to_bytes(resource) == body
    root = etree.fromstring(to_xml(resource))
    assert root.find(f"{F}valueQuantity/{F}value").attrib == {"value": text}
    assert Decimal(text) == resource["valueQuantity"]["value"]


@given(st.text())
def test_no_text_breaks_the_xml(text: str) -> None:
    root = etree.fromstring(to_xml({"resourceType": "Basic", "note": [{"x": text}]}))

    assert root.find(f"{F}note/{F}x") is not None


@pytest.mark.parametrize(
    ("address", "allow"),
    [
        ("/fhir/Patient/p1", {"GET", "HEAD"}),
        ("/fhir/Patient", {"GET", "HEAD"}),
        ("/fhir/Patient/_search", {"POST", "GET", "HEAD"}),
        ("/fhir/metadata", {"GET", "HEAD"}),
        ("/fhir/_history", {"GET", "HEAD"}),
    ],
)
async def test_the_methods_of_an_address_are_told(
    client: httpx2.AsyncClient, address: str, allow: set[str]
) -> None:
    options = await client.options(address)
    wrong = await client.delete(address)

    assert (options.status_code, options.content) == (204, b"")
    assert set(options.headers["allow"].split(", ")) == allow
    assert (wrong.status_code, set(wrong.headers["allow"].split(", "))) == (405, allow)


@pytest.mark.parametrize("address", ["Patient/p1", "Patient?active=true", "_history", "metadata"])
async def test_head_tells_what_get_would(
    client: httpx2.AsyncClient, shelf: Shelf, address: str
) -> None:
    await shelf.put(patient("p1", active=True))

    full = await client.get(f"/fhir/{address}")
    head = await client.head(f"/fhir/{address}")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(full.content))
