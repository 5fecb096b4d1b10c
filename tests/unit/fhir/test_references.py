"""What a resource points to is found and rewritten where its type says so."""

from gateway.core.contributions import Json
from gateway.fhir.references import rewritten, told_by

RESOURCE: Json = {
    "resourceType": "CareTeam",
    "text": {
        "status": "generated",
        "div": "<div><a href=\"urn:a\">urn:a</a><img src='urn:a'/></div>",
    },
    "contained": [{"resourceType": "Practitioner", "id": "c"}],
    "extension": [{"url": "urn:e", "valueReference": {"reference": "urn:a"}}],
    "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:a"}],
    "name": "urn:a",
    "subject": {"reference": "urn:a", "display": "urn:a"},
    "participant": [{"member": {"reference": "#c"}}, {"onBehalfOf": {"reference": "urn:b"}}],
}


def test_every_reference_is_found_with_its_place() -> None:
    assert list(told_by(RESOURCE)) == [
        ("CareTeam.extension[0].valueReference.reference", "urn:a"),
        ("CareTeam.subject.reference", "urn:a"),
        ("CareTeam.participant[0].member.reference", "#c"),
        ("CareTeam.participant[1].onBehalfOf.reference", "urn:b"),
    ]


def test_texts_that_only_look_like_references_stay() -> None:
    known = {"urn:a": "Patient/p"}

    made = rewritten(RESOURCE, lambda t: known.get(t, t), lambda t: known.get(t, t))

    assert made["subject"] == {"reference": "Patient/p", "display": "urn:a"}
    assert made["extension"][0]["valueReference"] == {"reference": "Patient/p"}
    assert (made["name"], made["identifier"]) == (RESOURCE["name"], RESOURCE["identifier"])
    assert made["text"]["div"] == (
        "<div><a href=\"Patient/p\">urn:a</a><img src='Patient/p'/></div>"
    )
    assert made["participant"] == RESOURCE["participant"]
    assert RESOURCE["subject"]["reference"] == "urn:a"
