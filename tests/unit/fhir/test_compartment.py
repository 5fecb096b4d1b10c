"""Whose a resource is, and from whom it is hidden."""

import pytest

from gateway.core.access import UNKNOWN_PATIENT
from gateway.core.contributions import Json
from gateway.fhir.compartment import category_of, decides, masks_of, patient_of
from gateway.fhir.search import index
from gateway.fhir.search_table import PARAMETERS


def whose(resource: Json) -> str:
    return patient_of(resource["resourceType"], resource.get("id", "x"), index(resource))


def of(type_: str, **elements: object) -> Json:
    return {"resourceType": type_, "id": "x", **elements}


P1, P2 = {"reference": "Patient/p1"}, {"reference": "Patient/p2"}


@pytest.mark.parametrize(
    ("resource", "patient"),
    [
        (of("Patient", id="p1"), "p1"),
        (of("Encounter", subject=P1), "p1"),
        (of("Task", **{"for": P1}), "p1"),
        (of("Appointment", participant=[{"actor": P1, "status": "accepted"}]), "p1"),
        (of("Provenance", target=[P1, {"reference": "Encounter/e"}]), "p1"),
        (of("Provenance", target=[P1, P2]), UNKNOWN_PATIENT),
        (of("Encounter"), UNKNOWN_PATIENT),
        (of("Observation", subject={"reference": "Device/d"}), UNKNOWN_PATIENT),
        (of("Binary"), UNKNOWN_PATIENT),
        (of("Device", patient=P1), "p1"),
        (of("Device"), ""),
        (of("Organization"), ""),
        (of("Subscription"), ""),
    ],
)
def test_whose_a_resource_is(resource: Json, patient: str) -> None:
    assert whose(resource) == patient


def test_every_type_of_a_patient_has_a_parameter_that_names_it() -> None:
    nobody = {t for t in PARAMETERS if patient_of(t, "x", []) == ""}
    named = {
        type_
        for type_, parameters in PARAMETERS.items()
        if {p.code for p in parameters} & {"patient", "subject", "target"}
    }

    assert set(PARAMETERS) - named - nobody == {"Binary", "Patient"}


@pytest.mark.parametrize(
    ("code", "letters"),
    [
        ("N", ""),
        ("R", ""),
        ("V", "p"),
        ("MASQUE_PS", "p"),
        ("INVISIBLE_PATIENT", "rt"),
        ("INVISIBLE_REPRESENTANTS_LEGAUX", "r"),
    ],
)
def test_from_whom_a_label_hides(code: str, letters: str) -> None:
    letter = of("DocumentReference", subject=P1, securityLabel=[{"coding": [{"code": code}]}])

    assert masks_of(index(letter)) == letters
    assert masks_of(index(of("Observation", meta={"security": [{"code": code}]}))) == letters


def test_what_changes_a_decision() -> None:
    assert decides("Consent", ["date"])
    assert decides("Encounter", ["service-provider"])
    assert not decides("Encounter", ["location"])
    assert not decides("Observation", ["patient"])


def test_categories() -> None:
    assert (category_of("Task"), category_of("Observation")) == ("handoff", "document")
