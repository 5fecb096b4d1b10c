"""When a Patient shows its INS."""

from datetime import UTC, datetime

import pytest

from gateway.core.contributions import Contribution, Target, Version
from gateway.core.identity import TABLE_0445
from gateway.fhir.patient import (
    BIRTH_PLACE,
    INSEE_CODE,
    PATIENT,
    PATIENT_INS,
    RELIABILITY,
    PatientFold,
)

TARGET = Target("Patient", "p1")
OTHER = Target("Patient", "p2")
INS = {"use": "official", "system": "urn:oid:1.2.250.1.213.1.4.10", "value": "260058815400233"}
IPP = {"use": "usual", "system": "urn:oid:1.2.250.1.999.1.1", "value": "IPP1"}
VERSION = Version(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC), 0, "a")


def reliability(*codes):
    return [
        {
            "url": RELIABILITY,
            "extension": [
                {"url": "identityStatus", "valueCoding": {"system": TABLE_0445, "code": code}}
            ],
        }
        for code in codes
    ]


def birth_place(code="63220"):
    return {
        "url": BIRTH_PLACE,
        "valueAddress": {"extension": [{"url": INSEE_CODE, "valueCoding": {"code": code}}]},
    }


def patient(*statuses, family="ESSAI", place="63220", **more):
    return {
        "identifier": [IPP, INS],
        "name": [{"use": "official", "family": family, "given": ["CAMILLE"]}],
        "gender": "female",
        "birthDate": "1960-05-12",
        "extension": [*reliability(*statuses), birth_place(place)],
        **more,
    }


def folded(partial, rivals=()):
    [resource] = PatientFold().resources(TARGET, [Contribution(TARGET, VERSION, partial)], rivals)
    return resource


def test_a_validated_identity_shows_its_ins_under_the_ins_profile():
    resource = folded(patient("VALI"))

    assert resource["identifier"] == [IPP, INS]
    assert resource["meta"]["profile"] == [PATIENT_INS]


@pytest.mark.parametrize(
    "statuses",
    [(), ("PROV",), ("VIDE",), ("VALI", "DOUT"), ("VALI", "FICT"), ("VALI", "USUR")],
    ids=["no status", "provisional", "unqualified", "doubtful", "fictitious", "usurped"],
)
def test_any_other_status_hides_the_ins(statuses):
    resource = folded(patient(*statuses))

    assert resource["identifier"] == [IPP]
    assert resource["meta"]["profile"] == [PATIENT]


@pytest.mark.parametrize(
    "change",
    [{"birthDate": "1960-05"}, {"gender": ""}, {"name": []}],
    ids=["partial birth date", "no sex", "no birth name"],
)
def test_an_ins_without_its_five_traits_is_hidden(change):
    assert folded(patient("VALI", **change))["identifier"] == [IPP]


def ins_claim(target, partial):
    """Return what a Patient claims about its INS."""
    claims = PatientFold().claims(target, [Contribution(target, VERSION, partial)])
    [claim] = [claim for claim in claims if claim.kind == "ins"]
    return claim


def test_two_patients_that_disagree_about_one_ins_both_lose_it():
    claim = ins_claim(OTHER, patient("VALI", family="AUTRE"))

    resource = folded(patient("VALI"), [claim])

    assert resource["identifier"] == [IPP]
    assert resource["meta"]["tag"][-1]["code"] == "ins-traits-conflict"


def test_case_accents_and_separators_do_not_make_a_disagreement():
    claim = ins_claim(OTHER, patient("VALI", family="Éssai-"))

    assert folded(patient("VALI"), [claim])["identifier"] == [IPP, INS]


def test_no_claim_holds_the_matricule_nor_the_name_in_its_value():
    claims = PatientFold().claims(TARGET, [Contribution(TARGET, VERSION, patient("VALI"))])

    assert {claim.kind for claim in claims} == {"ins", "look"}
    assert not [c for c in claims if INS["value"] in c.value or "ESSAI" in c.value]


@pytest.mark.field("FL-122")
def test_a_nir_wins_over_the_nia_it_replaced_which_stays_as_old():
    nir = {**INS, "system": "urn:oid:1.2.250.1.213.1.4.8"}
    nia = {**INS, "system": "urn:oid:1.2.250.1.213.1.4.9", "value": "160058815400233"}

    resource = folded(patient("VALI", identifier=[nia, IPP, nir]))

    assert resource["identifier"] == [IPP, nir, {**nia, "use": "old"}]
