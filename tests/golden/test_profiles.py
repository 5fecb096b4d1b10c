"""Our judge of profiles on the published FR Core packages.

Two oracles that nobody here wrote: the findings of the official validator that each package
carries about its own examples, and the faults listed below, each of which breaks one known rule.
"""

import json
import tarfile
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gateway.conformance.packages import own_definitions
from gateway.core.issues import Severity
from gateway.fhir.profiles.definitions import Definitions
from gateway.fhir.profiles.judge import Judge
from tests.conftest import packages
from tests.golden.test_fr_core import of_fixtures
from tests.support.absent import absent

Json = dict[str, Any]
FR = "https://hl7.fr/ig/fhir/core/"
#: What the official validator says of something else than the resource and its profiles.
_ELSEWHERE = ("Unable to resolve resource", "Wrong Display Name", "A definition for CodeSystem")


@cache
def _package(version: str) -> dict[str, Any]:
    folder = packages()
    path = (folder or Path("/nonexistent")) / f"hl7.fhir.fr.core-{version}.tgz"
    if not path.is_file():
        absent(f"FR Core {version} not found: set RELAIS_TEST_PACKAGES")
    with tarfile.open(path) as archive:
        names = [name for name in archive.getnames() if name.endswith(".json")]
        read = {name: json.load(archive.extractfile(name)) for name in names}  # type: ignore[arg-type]
    return {name.removeprefix("package/"): content for name, content in read.items()}


@cache
def _judge(version: str) -> Judge:
    files = _package(version)
    published = [content for name, content in files.items() if "/" not in name]
    return Judge(Definitions.of([*published, *own_definitions()]))


def _wrong(version: str, resource: Json) -> set[str]:
    """Return the errors about a resource, as `code element`."""
    return {
        f"{one.issue.code[-3:]} {one.element or one.issue.where}"
        for one in _judge(version).findings(resource)
        if one.issue.severity is Severity.ERROR
    }


@pytest.mark.parametrize("version", ["2.2.0", "2.1.0"])
def test_the_examples_of_the_package_are_judged_as_the_official_validator_did(version: str) -> None:
    files = _package(version)
    examples = {n: r for n, r in files.items() if n.startswith("example/")}
    outcomes = {
        entry["resource"]["id"]: entry["resource"].get("issue", ())
        for entry in files["other/validation-oo.json"]["entry"]
    }
    ours, official = {}, {}
    for name, resource in examples.items():
        id_ = name.removeprefix("example/").removesuffix(".json")
        ours[id_] = bool(_wrong(version, resource))
        official[id_] = any(
            issue["severity"] == "error" and not issue["details"]["text"].startswith(_ELSEWHERE)
            for issue in outcomes[id_]
        )

    assert len(examples) >= 12
    assert ours == official


def _patient() -> Json:
    """Return a patient with a qualified identity, of a synthetic person."""

    def coding(system: str, code: str) -> Json:
        return {"system": system, "code": code}

    status = coding(f"{FR}CodeSystem/fr-core-cs-v2-0445", "VALI")
    mode = coding(f"{FR}CodeSystem/fr-core-cs-mode-validation-identity", "CN")
    commune = "https://mos.esante.gouv.fr/NOS/TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM"
    birth_place = {
        "extension": [
            {
                "url": f"{FR}StructureDefinition/fr-core-address-insee-code",
                "valueCoding": coding(commune, "63220"),
            }
        ]
    }
    local = coding("http://terminology.hl7.org/CodeSystem/v2-0203", "PI")
    local["display"] = "Patient internal identifier"
    return {
        "resourceType": "Patient",
        "meta": {"profile": [f"{FR}StructureDefinition/fr-core-patient-ins"]},
        "extension": [
            {
                "url": f"{FR}StructureDefinition/fr-core-identity-reliability",
                "extension": [
                    {"url": "identityStatus", "valueCoding": status},
                    {"url": "validationMode", "valueCoding": mode},
                ],
            },
            {
                "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
                "valueAddress": birth_place,
            },
        ],
        "identifier": [
            {
                "use": "official",
                "type": {"coding": [coding(f"{FR}CodeSystem/fr-core-cs-v2-0203", "INS-NIR-TEST")]},
                "system": "urn:oid:1.2.250.1.213.1.4.10",
                "value": "260058815400233",
            },
            {
                "use": "usual",
                "type": {"coding": [local]},
                "system": "urn:oid:1.2.250.1.999.1.1",
                "value": "IPP000123",
            },
        ],
        "name": [
            {
                "use": "official",
                "family": "ESSAI",
                "given": ["CAMILLE"],
                "extension": [
                    {
                        "url": f"{FR}StructureDefinition/fr-core-patient-birth-list-given-name",
                        "valueString": "CAMILLE LOUISE",
                    }
                ],
            }
        ],
        "telecom": [{"system": "phone", "value": "0102030405"}],
        "gender": "female",
        "birthDate": "1960-05-12",
    }


def _encounter() -> Json:
    visit = {"system": f"{FR}CodeSystem/fr-core-cs-identifier-type", "code": "VN"}
    return {
        "resourceType": "Encounter",
        "meta": {"profile": [f"{FR}StructureDefinition/fr-core-encounter"]},
        "identifier": [
            {
                "type": {"coding": [visit]},
                "system": "urn:oid:1.2.250.1.999.1.2",
                "value": "V2026000045",
            }
        ],
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": "Patient/pat-0001"},
        "period": {"start": "2026-03-02T08:15:00+01:00", "end": "2026-03-08T14:30:00+01:00"},
    }


@pytest.mark.parametrize("version", ["2.2.0", "2.1.0"])
@pytest.mark.parametrize("resource", [_patient(), _encounter()])
def test_a_whole_resource_is_right(version: str, resource: Json) -> None:
    assert _wrong(version, resource) == set()


def _no_birth_place(patient: Json) -> None:
    del patient["extension"][1]


def _no_commune(patient: Json) -> None:
    patient["extension"][1]["valueAddress"] = {"city": "Ailleurs"}


def _no_list_of_given_names(patient: Json) -> None:
    del patient["name"][0]["extension"]


def _two_given_names(patient: Json) -> None:
    patient["name"][0]["given"].append("LOUISE")


def _no_official_name(patient: Json) -> None:
    patient["name"][0]["use"] = "usual"


def _second_official(patient: Json) -> None:
    patient["identifier"][1]["use"] = "official"


def _no_ins(patient: Json) -> None:
    del patient["identifier"][0]


def _wrong_oid(patient: Json) -> None:
    patient["identifier"][0]["system"] = "urn:oid:1.2.250.1.213.1.4.8"


def _telecom_without_value(patient: Json) -> None:
    patient["telecom"] = [{"system": "phone"}]


def _empty_contact(patient: Json) -> None:
    patient["contact"] = [{"gender": "male"}]


def _gender_other(patient: Json) -> None:
    patient["gender"] = "other"


def _unknown_status(patient: Json) -> None:
    patient["extension"][0]["extension"][1]["valueCoding"]["code"] = "XX"


_NAME = "Patient.name:officialName"
_INS = "Patient.identifier:INS-NIR-TEST"
_RELIABILITY = "Patient.extension:identityReliability"


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (_no_birth_place, {"201 Patient.extension:birthPlace"}),
        (_no_commune, {"201 Patient.extension:birthPlace.value[x].extension:inseeCode"}),
        (_no_list_of_given_names, {f"201 {_NAME}.extension:birth-list-given-name"}),
        (_two_given_names, {f"202 {_NAME}.given"}),
        (_no_official_name, {f"201 {_NAME}"}),
        # The value set of 2.2.0 for the use of an IPP leaves official out.
        (_second_official, {"210 Patient", "207 Patient.identifier:PI.use"}),
        (_no_ins, {"210 Patient"}),
        (_wrong_oid, {f"204 {_INS}.system", "210 Patient"}),
        (_telecom_without_value, {"201 ContactPoint.value"}),
        (_empty_contact, {"210 Patient.contact"}),
        (_gender_other, {"207 Patient.gender"}),
        (
            _unknown_status,
            # The extension has a list, the profile of the INS a shorter one.
            {
                "207 Extension.extension:validationMode.value[x]",
                f"207 {_RELIABILITY}.extension:validationMode.value[x]",
            },
        ),
    ],
)
def test_each_fault_of_a_patient_is_found_by_name(spoil: Any, expected: set[str]) -> None:
    patient = deepcopy(_patient())
    spoil(patient)

    assert _wrong("2.2.0", patient) == expected


_PRE = "Encounter.hospitalization.preAdmissionIdentifier"


def _no_period(encounter: Json) -> None:
    del encounter["period"]


def _no_identifier_type(encounter: Json) -> None:
    del encounter["identifier"][0]["type"]


def _pre_admission(encounter: Json) -> None:
    identifier = {"system": "urn:oid:1.2.250.1.999.1.3", "value": "PA1"}
    encounter["hospitalization"] = {"preAdmissionIdentifier": identifier}


def _subject_is_a_practitioner(encounter: Json) -> None:
    encounter["subject"]["reference"] = "Practitioner/1"


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (_no_period, {"201 Encounter.period"}),
        (_no_identifier_type, {"201 Encounter.identifier.type"}),
        (_pre_admission, {f"203 {_PRE}.system", f"201 {_PRE}.type"}),
        (_subject_is_a_practitioner, {"212 Encounter.subject"}),
    ],
)
def test_each_fault_of_a_stay_is_found_by_name(spoil: Any, expected: set[str]) -> None:
    encounter = deepcopy(_encounter())
    spoil(encounter)

    assert _wrong("2.2.0", encounter) == expected


def test_an_unknown_birth_place_is_a_warning_for_a_qualified_identity() -> None:
    patient = _patient()
    place = patient["extension"][1]["valueAddress"]
    place["extension"][0]["valueCoding"]["code"] = "99999"
    found = _judge("2.2.0").findings(patient)

    assert [
        (one.issue.code, one.issue.severity)
        for one in found
        if one.issue.severity is not Severity.INFORMATION
    ] == [("RLS-FHR-210", Severity.WARNING)]


def test_a_display_that_throws_an_ipp_out_of_its_slice_is_a_warning() -> None:
    patient = _patient()
    del patient["identifier"][1]["type"]["coding"][0]["display"]

    assert _wrong("2.2.0", patient) == set()
    assert "RLS-FHR-221" in {one.issue.code for one in _judge("2.2.0").findings(patient)}


#: Our own profiles, by the type of what they are about.
_OWN = {
    "CarePlan": "document-care-plan",
    "CareTeam": "document-care-team",
    "ServiceRequest": "planned-service",
}


def test_what_we_make_of_inputs_claims_our_own_profiles_and_meets_them() -> None:
    judge = Judge(Definitions.of(own_definitions()))
    made = [one for one in of_fixtures() if one["resourceType"] in _OWN]
    found = {
        (one.issue.code, one.element, resource["id"])
        for resource in made
        for one in judge.findings(resource)
        if one.issue.severity is not Severity.INFORMATION
    }
    claims = {one["resourceType"]: one["meta"]["profile"] for one in made}

    own = "https://relais.example/fhir/StructureDefinition/"
    assert claims == {type_: [own + name] for type_, name in _OWN.items()}
    assert found == set()
