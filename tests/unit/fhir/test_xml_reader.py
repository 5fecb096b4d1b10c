"""FHIR XML becomes the JSON it stands for, and goes back the same way (FHIR R4 2.6.1)."""

import pytest

from gateway.core.contributions import Json
from gateway.fhir.bundle import read_exact
from gateway.fhir.strict_json import UnreadableError
from gateway.fhir.xml import to_xml
from gateway.fhir.xml_reader import read

X = b' xmlns="http://hl7.org/fhir"'
RESOURCES = {
    "primitives with extensions": b"""{"resourceType":"Patient","id":"p","active":true,
        "name":[{"family":"ESSAI","given":["Zoe","Anne"],
        "_given":[null,{"extension":[{"url":"urn:e","valueBoolean":false}]}]}],
        "birthDate":"1988","_birthDate":{"id":"b","extension":[{"url":"urn:e","valueInteger":-3}]},
        "multipleBirthInteger":2}""",
    "no value, an extension": b"""{"resourceType":"Patient",
        "_gender":{"extension":[{"url":"urn:e","valueCode":"x"}]}}""",
    "decimals": b"""{"resourceType":"Observation","status":"final","code":{"text":"a"},
        "valueQuantity":{"value":1.10,"unit":"g"},
        "referenceRange":[{"low":{"value":0.0}},{"high":{"value":3e2}}]}""",
    "contained and entries": b"""{"resourceType":"Bundle","type":"collection","entry":[
        {"fullUrl":"urn:uuid:1","resource":{"resourceType":"CareTeam",
        "contained":[{"resourceType":"Practitioner","id":"c","active":true}],
        "participant":[{"member":{"reference":"#c"}}]}}]}""",
}


@pytest.mark.parametrize("text", RESOURCES.values(), ids=RESOURCES)
def test_there_and_back(text: bytes) -> None:
    resource = read_exact(text)

    back = read(to_xml(resource))

    assert back == resource
    assert _texts(back) == _texts(resource)


def _texts(value: object) -> object:
    """Return a value with every number as its text."""
    if isinstance(value, dict):
        return {name: _texts(item) for name, item in value.items()}
    return [_texts(item) for item in value] if isinstance(value, list) else str(value)


@pytest.mark.parametrize(
    ("body", "resource"),
    [
        (
            b"<!-- a --><CareTeam" + X + b"><!-- b --><name value='a'/></CareTeam>",
            {"resourceType": "CareTeam", "name": "a"},
        ),
        (
            b"<f:CareTeam xmlns:f='http://hl7.org/fhir'><f:name value='a'/></f:CareTeam>",
            {"resourceType": "CareTeam", "name": "a"},
        ),
        (
            b"<CareTeam" + X + b"><colour value='x'/></CareTeam>",
            {"resourceType": "CareTeam", "colour": "x"},
        ),
        (
            b"<Patient"
            + X
            + b"><active value='yes'/><multipleBirthInteger value='1_0'/></Patient>",
            {"resourceType": "Patient", "active": "yes", "multipleBirthInteger": "1_0"},
        ),
    ],
    ids=["comments", "prefix", "unknown element", "values of another type"],
)
def test_what_is_read(body: bytes, resource: Json) -> None:
    assert read(body) == resource


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a>",
        b"<CareTeam/>",
        b"<Basic" + X + b"/>",
        b"<!DOCTYPE a><CareTeam" + X + b"/>",
        b"<CareTeam" + X + b"><name value='a'/><name value='b'/></CareTeam>",
        b"<CareTeam" + X + b"><subject value='a'/></CareTeam>",
        b"<CareTeam" + X + b"><contained/></CareTeam>",
        b"<CareTeam" + X + b">" + b"<a>" * 80,
        b"<?xml version='1.0' encoding='klingon'?><CareTeam" + X + b"/>",
    ],
)
def test_what_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        read(body)
