"""Every resource we make, against the FR Core profiles it claims and base R4.

Sources: our fixtures, a synthetic region folded in a store, the published samples.
"""

from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gateway.fhir.claimed import CLAIMED
from tests.conftest import packages
from tests.support.absent import absent
from tests.support.frcore import CANONICAL, CATEGORY, FALSE, RELIABILITY, Judge
from tests.support.leaves import dangling
from tests.support.made import SOURCES, of_fixtures, of_region, of_samples

#: The published packages, by the hash of what was read: another content is another judge.
VERSIONS = {
    "2.2.0": "085e61bf579829a6d5520c6f388d763d27ba400f9f6ca548bc88da5545ba13f9",
    "2.1.0": "86e36ed8d4f5f4528892ddd25a7236688e9c0dddc64a74f75f195339623d2c5d",
}


@pytest.fixture(scope="session", params=VERSIONS)
def judge(request: pytest.FixtureRequest) -> Judge:
    """Give the judge of a version; the absence of its package fails in CI and skips elsewhere."""
    folder = packages()
    path = (folder or Path("/nonexistent")) / f"hl7.fhir.fr.core-{request.param}.tgz"
    if not path.is_file():
        absent(f"FR Core {request.param} not found: set RELAIS_TEST_PACKAGES")
    assert sha256(path.read_bytes()).hexdigest() == VERSIONS[request.param]
    return Judge(request.param, path)


@pytest.fixture(params=SOURCES)
def resources(request: pytest.FixtureRequest) -> list[dict]:
    """Give the resources of one source; the published samples may be absent."""
    if request.param == "samples":
        request.getfixturevalue("corpus_folder")
    return SOURCES[request.param]()


def test_every_resource_is_valid(judge: Judge, resources: list[dict]) -> None:
    wrong = {
        (resource["resourceType"], resource["id"], *fault)
        for resource in resources
        if resource["resourceType"] != "Binary"
        for fault in judge.faults(resource)
    }

    assert wrong == set()


@pytest.mark.field("FL-201")
def test_every_finding_held_for_false_still_occurs(judge: Judge, corpus_folder: Path) -> None:
    told = {
        finding
        for resource in (*of_fixtures(), *of_region(), *of_samples())
        if resource["resourceType"] != "Binary"
        for finding in judge.findings(resource)
    }

    idle = [known for known in FALSE[judge.version] if not any(known.covers(f) for f in told)]

    assert idle == []


def test_each_type_claims_its_profiles_and_no_other(resources: list[dict]) -> None:
    claims = {
        (resource["resourceType"], canonical)
        for resource in resources
        for canonical in resource.get("meta", {}).get("profile", ["none"])
    }
    allowed = {(type_, canonical) for type_, all_ in CLAIMED.items() for canonical in all_}

    assert {claim for claim in claims if claim[0] in CLAIMED} <= allowed
    assert {canonical for type_, canonical in claims if type_ not in CLAIMED} == {"none"}


def test_no_reference_of_the_region_dangles() -> None:
    assert dangling(of_region()) == []


def _found(type_: str, profile: str) -> dict:
    """Return a resource of the fixtures that claims a profile."""
    return deepcopy(
        next(
            resource
            for resource in of_fixtures()
            if resource["resourceType"] == type_
            and CANONICAL + profile in resource["meta"]["profile"]
        )
    )


def _without_birth_place(patient: dict) -> None:
    patient["extension"] = [e for e in patient["extension"] if "birthPlace" not in e["url"]]


def _without_insee_code(patient: dict) -> None:
    place = next(e for e in patient["extension"] if "birthPlace" in e["url"])
    place["valueAddress"] = {"city": "LYON"}


def _without_given_list(patient: dict) -> None:
    del patient["name"][0]["extension"]


def _two_given_names(patient: dict) -> None:
    patient["name"][0]["given"].append("JEANNE")


def _without_official_name(patient: dict) -> None:
    del patient["name"][0]


def _second_official_identifier(patient: dict) -> None:
    patient["identifier"].append({"use": "official", "system": "urn:oid:1.2.3", "value": "1"})


def _validated_without_ins(patient: dict) -> None:
    patient["identifier"] = [i for i in patient["identifier"] if i["use"] != "official"]


def _wrong_ins_system(patient: dict) -> None:
    ins = next(i for i in patient["identifier"] if i["use"] == "official")
    ins["system"] = "urn:oid:1.2.250.1.213.1.4.99"


def _provisional_with_ins(patient: dict) -> None:
    said = next(e for e in patient["extension"] if e["url"] == RELIABILITY)
    said["extension"][0]["valueCoding"]["code"] = "PROV"


def _number_without_value(patient: dict) -> None:
    del patient["telecom"][0]["value"]


def _contact_of_nobody(patient: dict) -> None:
    patient["contact"] = [{"gender": "female"}]


def _two_roles(patient: dict) -> None:
    role = {"extension": [{"url": CATEGORY, "valueCode": "role"}], "text": "x"}
    patient["contact"][0]["relationship"] = [role, role]


def _ipp_without_display(patient: dict) -> None:
    shown = (item["type"]["coding"][0] for item in patient["identifier"])
    del next(coding for coding in shown if "display" in coding)["display"]


def _other_gender(patient: dict) -> None:
    patient["gender"] = "other"


def _versioned(patient: dict) -> None:
    patient["meta"]["profile"] = [f"{patient['meta']['profile'][0]}|2.2.0"]


@pytest.mark.parametrize("judge", ["2.2.0"], indirect=True)
@pytest.mark.parametrize(
    "spoil",
    [
        _without_birth_place,
        _without_insee_code,
        _without_given_list,
        _two_given_names,
        _without_official_name,
        _second_official_identifier,
        _validated_without_ins,
        _wrong_ins_system,
        _provisional_with_ins,
        _number_without_value,
        _contact_of_nobody,
        _two_roles,
        _ipp_without_display,
        _other_gender,
        _versioned,
    ],
    ids=lambda spoil: spoil.__name__.strip("_"),
)
def test_the_judges_see_a_spoilt_patient(judge: Judge, spoil: Any) -> None:
    patient = _found("Patient", "fr-core-patient-ins")
    assert judge.faults(patient) == []

    spoil(patient)

    assert judge.faults(patient) != []


@pytest.mark.parametrize("judge", ["2.2.0"], indirect=True)
@pytest.mark.parametrize(
    ("type_", "profile", "element", "value"),
    [
        pytest.param("Encounter", "fr-core-encounter", "period", None, id="stay without period"),
        pytest.param(
            "Encounter", "fr-core-encounter", "identifier", None, id="stay without number"
        ),
        pytest.param("Encounter", "fr-core-encounter", "status", "over", id="status of a stay"),
        pytest.param(
            "Encounter",
            "fr-core-encounter",
            "identifier",
            [{"system": "urn:oid:1.2.3", "value": "1"}],
            id="number of a stay without type",
        ),
        pytest.param(
            "Encounter",
            "fr-core-encounter",
            "subject",
            {"reference": "Practitioner/1"},
            id="stay of a professional",
        ),
        pytest.param(
            "Location",
            "fr-core-location",
            "type",
            [{"coding": [{"system": "urn:oid:1.2.3", "code": "UF"}]}],
            id="place outside of the required value set",
        ),
        pytest.param(
            "Organization",
            "fr-core-organization-uf",
            "type",
            [{"text": "UF"}],
            id="unit without its fixed type",
        ),
        pytest.param(
            "RelatedPerson",
            "fr-core-related-person",
            "identifier",
            None,
            id="person without number",
        ),
    ],
)
def test_the_judges_see_a_spoilt_element(
    judge: Judge, type_: str, profile: str, element: str, value: Any
) -> None:
    resource = _found(type_, profile)
    assert judge.faults(resource) == []

    resource[element] = value
    spoilt = {name: said for name, said in resource.items() if said is not None}

    assert judge.faults(spoilt) != []
