"""The offer of a territory, the same from a table, a Bundle and NDJSON."""

import json

import pytest

from gateway.connectors.offers_file import read_offers
from gateway.core.errors import RejectedError
from gateway.fhir.identity import FINESS_SYSTEM
from gateway.fhir.offers import KINDS, SECTORS, Offer
from tests.support.mail import CONCEPTMAPS

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
    found = read_offers(made(tmp_path), CONCEPTMAPS).offers

    assert sorted(found, key=lambda one: one.finess) == EXPECTED


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
        read_offers(bundle(tmp_path, spoilt(**changes)), CONCEPTMAPS)

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
        read_offers(path, CONCEPTMAPS)

    assert caught.value.issues[0].code == "RLS-DIR-037"


# --- codes of the ROR --------------------------------------------------------------------------

NOS = "https://mos.esante.gouv.fr/NOS"
FIELD, MODE, TYPE = (
    f"{NOS}/{name}/FHIR/{name.replace('_', '-')}"
    for name in ("TRE_R227-ChampActivite", "TRE_R213-ModePriseEnCharge",
                 "TRE_R244-CategorieOrganisation")
)  # fmt: skip


def coded(*pairs):
    return [{"coding": [{"system": system, "code": code}]} for system, code in pairs]


def of_the_ror(field="", mode="", type_=""):
    """Return the first service as the ROR codes it: type, characteristic, category."""
    first, *others = resources()
    own = {name: value for name, value in first.items() if name != "type"}
    own |= {"type": coded((FIELD, field))} if field else {}
    own |= {"characteristic": coded((MODE, mode))} if mode else {}
    own |= {"category": coded((TYPE, type_))} if type_ else {}
    return [own, *others]


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ({"field": "02"}, "smr"),
        ({"field": "03"}, "psy"),
        ({"field": "04"}, "ms"),
        ({"field": "01", "mode": "31"}, "had"),
        ({"field": "02", "mode": "31"}, "had"),
        ({"field": "02", "mode": "28", "type_": "111"}, "smr"),
        ({"field": "02", "mode": "31", "type_": "130"}, "had"),
        ({"field": "01", "type_": "249"}, "usld"),
        ({"field": "01", "mode": "28", "type_": "317"}, "support"),
        ({"field": "02", "type_": "9999"}, "smr"),
    ],
    ids=["rehabilitation", "psychiatry", "medico-social", "home care of medicine",
         "home care of rehabilitation", "a type agrees with its field", "a type of home care",
         "long stay", "support care", "a newer type in a field that names the kind"],
)  # fmt: skip
def test_codes_of_the_ror_name_the_kind(tmp_path, codes, kind):
    found = read_offers(bundle(tmp_path, of_the_ror(**codes)), CONCEPTMAPS)

    [offer] = [one for one in found.offers if one.finess == "990004004"]
    assert offer.kind == kind
    assert found.passed_over == ()


@pytest.mark.parametrize(
    ("codes", "named"),
    [
        ({"field": "01", "mode": "28"}, "TRE_R227 01"),
        ({"field": "05"}, "TRE_R227 05"),
        ({"field": "99"}, "TRE_R227 99"),
        ({"type_": "20", "field": "01"}, "TRE_R244 20"),
        ({"mode": "28"}, "TRE_R213 28"),
    ],
)
def test_codes_that_name_no_kind_are_told_and_the_others_are_taken(tmp_path, codes, named):
    found = read_offers(bundle(tmp_path, of_the_ror(**codes) * 2), CONCEPTMAPS)

    [issue] = found.passed_over
    assert (issue.code, issue.what.partition(",")[0]) == ("RLS-DIR-038", f"services of {named}: 2")
    assert "990004004" not in {one.finess for one in found.offers}
    assert "990005005" in {one.finess for one in found.offers}


def test_codes_that_name_two_kinds_are_refused(tmp_path):
    with pytest.raises(RejectedError) as caught:
        read_offers(bundle(tmp_path, of_the_ror(mode="31", type_="100")), CONCEPTMAPS)

    [issue] = caught.value.issues
    assert issue.code == "RLS-DIR-014"
    assert "two kinds of care (TRE_R244 100, TRE_R213 31)" in issue.what


def test_a_file_with_nothing_but_other_services_says_which(tmp_path):
    first, owner, *_ = of_the_ror(field="01")

    with pytest.raises(RejectedError) as caught:
        read_offers(bundle(tmp_path, [first, owner]), CONCEPTMAPS)

    assert [one.code for one in caught.value.issues] == ["RLS-DIR-037", "RLS-DIR-038"]


def test_every_kind_of_the_tables_is_one_that_is_proposed():
    names = ("ror-offer-type", "ror-care-mode", "ror-activity-field")
    kinds = {one.code for name in names for one in CONCEPTMAPS[name].codes.values()}

    assert kinds - {""} == set(KINDS)
