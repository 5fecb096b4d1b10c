"""The offer of a territory, the same from a table, a Bundle and NDJSON."""

import json

import pytest

from gateway.connectors.offers_file import read_offers
from gateway.core.errors import RejectedError
from gateway.fhir.identity import FINESS_SYSTEM
from gateway.fhir.offers import SECTORS, Offer

EXPECTED = [
    Offer("990004004", "had", "HAD de la Dorde", ("99005", "9901"), "0465710132",
          "had@dorde.mssante.example"),
    Offer("990005005", "smr", "SMR des Érables", ("990",)),
    Offer("990006006", "support", "Soins de support", (), "0465710199"),
]  # fmt: skip


def resources():
    """Return the same three services, as a directory of offers says them."""

    def organization(finess, **more):
        identifier = [{"system": FINESS_SYSTEM, "value": finess}]
        return {"resourceType": "Organization", "id": finess, "identifier": identifier, **more}

    def place(postcode):
        address = {"postalCode": postcode}
        return {"resourceType": "Location", "id": f"l{postcode}", "address": address}

    def service(finess, kind, places=(), **more):
        return {
            "resourceType": "HealthcareService", "id": f"s{finess}", "active": True,
            "providedBy": {"reference": f"Organization/{finess}"},
            "type": [{"coding": [{"system": SECTORS, "code": kind}]}],
            "coverageArea": [{"reference": f"Location/l{one}"} for one in places], **more,
        }  # fmt: skip

    mail = {"system": "email", "value": "had@dorde.mssante.example"}
    return [
        service("990004004", "had", ("99005", "9901"), name="HAD de la Dorde",
                telecom=[{"system": "phone", "value": "0465710132"}, mail]),
        organization("990004004"), place("99005"), place("9901"), place("990"),
        organization("990005005", name="SMR des Érables"),
        # Its name is that of its structure.
        service("990005005", "smr", ("990",)),
        organization("990006006", telecom=[{"system": "phone", "value": "0465710199"}]),
        service("990006006", "support", name="Soins de support"),
        {**service("990007007", "smr", name="Fermé"), "active": False},
    ]  # fmt: skip


def table(folder):
    lines = ["finess;type;nom;territoire;telephone;messagerie"]
    for one in EXPECTED:
        areas = " ".join(one.areas)
        lines.append(";".join((one.finess, one.kind, one.name, areas, one.phone, one.mailbox)))
    path = folder / "offers.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def bundle(folder, found=None):
    path = folder / "offers.json"
    entries = [{"resource": one} for one in (resources() if found is None else found)]
    told = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    path.write_text(json.dumps(told), encoding="utf-8")
    return path


def lines(folder):
    path = folder / "offers.ndjson"
    path.write_text("\n".join(map(json.dumps, resources())), encoding="utf-8")
    return path


@pytest.mark.parametrize("made", [table, bundle, lines])
def test_the_same_offer_is_read(tmp_path, made):
    assert sorted(read_offers(made(tmp_path)), key=lambda one: one.finess) == EXPECTED


def spoilt(**changes):
    """Return the services with the first one changed."""
    first, *others = resources()
    return [{**first, **changes}, *others]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"type": [{"coding": [{"system": "urn:other", "code": "had"}]}]}, "type has none of"),
        ({"providedBy": {"reference": "Organization/none"}}, "no FINESS"),
        ({"name": ""}, "no name"),
        ({"coverageArea": [{"reference": "Location/none"}]}, "no postcode"),
    ],
    ids=["kind", "structure", "name", "territory"],
)
def test_a_service_that_lacks_something_is_named_and_nothing_is_taken(tmp_path, changes, why):
    with pytest.raises(RejectedError) as caught:
        read_offers(bundle(tmp_path, spoilt(**changes)))

    [issue] = caught.value.issues
    assert (issue.code, issue.where) == (
        "RLS-DIR-014", "offers.json, HealthcareService line 1",
    )  # fmt: skip
    assert why in issue.what


@pytest.mark.parametrize("text", ["[]", "{", '{"resourceType": "Bundle"}', "1", '{"a": 1}\nx'])
def test_what_is_no_offer_ends_nobodys_offer(tmp_path, text):
    path = tmp_path / "offers.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(RejectedError) as caught:
        read_offers(path)

    assert caught.value.issues[0].code == "RLS-DIR-037"
