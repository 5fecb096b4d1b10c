"""FHIRPath Patch: every operation, and what cannot be done (FHIR R4 fhirpatch)."""

from typing import Any

import pytest

from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.fhir.patch_path import path_patch

PATIENT: Json = {
    "resourceType": "Patient",
    "id": "p1",
    "birthDate": "1988-05-12",
    "identifier": [{"system": "urn:a", "value": "1"}, {"system": "urn:b", "value": "2"}],
    "name": [{"use": "official", "family": "ESSAI", "given": ["Zoé", "Anne"]}],
    "contact": [{"name": {"text": "a"}, "gender": "male"}],
    "deceasedBoolean": False,
}


def operation(type_: str, path: str, *more: Json) -> Json:
    """Return an operation as a parameter."""
    parts = [{"name": "type", "valueCode": type_}, {"name": "path", "valueString": path}, *more]
    return {"name": "operation", "part": parts}


def parameters(*operations: Json) -> Json:
    """Return a patch."""
    return {"resourceType": "Parameters", "parameter": list(operations)}


def named(name: str) -> Json:
    """Return the part that names an element."""
    return {"name": "name", "valueString": name}


def number(name: str, value: int) -> Json:
    """Return a part with a place in a list."""
    return {"name": name, "valueInteger": value}


def patched(*operations: Json) -> Json:
    """Return the patient after some operations."""
    before = repr(PATIENT)
    after = path_patch(parameters(*operations))(PATIENT)
    assert repr(PATIENT) == before
    return after


def value(**one: Any) -> Json:
    """Return the part with the value."""
    return {"name": "value", **one}


@pytest.mark.parametrize(
    ("told", "element", "after"),
    [
        (operation("add", "Patient", named("gender"), value(valueCode="male")), "gender", "male"),
        (
            operation("add", "Patient.name[0]", named("given"), value(valueString="Iris")),
            "name",
            [{**PATIENT["name"][0], "given": ["Zoé", "Anne", "Iris"]}],
        ),
        (
            operation(
                "add", "Patient", named("maritalStatus"), value(valueCodeableConcept={"text": "x"})
            ),
            "maritalStatus",
            {"text": "x"},
        ),
        (
            operation(
                "add",
                "Patient",
                named("contact"),
                value(
                    part=[
                        {"name": "name", "valueHumanName": {"text": "b"}},
                        {"name": "gender", "valueCode": "female"},
                    ]
                ),
            ),
            "contact",
            [*PATIENT["contact"], {"name": {"text": "b"}, "gender": "female"}],
        ),
        (
            operation("add", "Patient", named("multipleBirth"), value(valueInteger=2)),
            "multipleBirthInteger",
            2,
        ),
        (
            operation(
                "insert",
                "Patient.identifier",
                number("index", 1),
                value(valueIdentifier={"value": "3"}),
            ),
            "identifier",
            [PATIENT["identifier"][0], {"value": "3"}, PATIENT["identifier"][1]],
        ),
        (
            operation("delete", "Patient.identifier.where(system='urn:a')"),
            "identifier",
            PATIENT["identifier"][1:],
        ),
        (operation("delete", "Patient.birthDate"), "birthDate", None),
        (operation("delete", "Patient.photo"), "photo", None),
        (operation("delete", "Patient.contact[0].gender"), "contact", [{"name": {"text": "a"}}]),
        (operation("delete", "Patient.contact"), "contact", None),
        (
            operation("replace", "Patient.birthDate", value(valueDate="1990-01-01")),
            "birthDate",
            "1990-01-01",
        ),
        (
            operation(
                "replace",
                "Patient.name.where(use='official').given.first()",
                value(valueString="Eve"),
            ),
            "name",
            [{**PATIENT["name"][0], "given": ["Eve", "Anne"]}],
        ),
        (
            operation("replace", "Patient.deceased", value(valueDateTime="2026-01-01")),
            "deceasedDateTime",
            "2026-01-01",
        ),
        (
            operation("replace", "Patient.deceased", value(valueDateTime="2026-01-01")),
            "deceasedBoolean",
            None,
        ),
        (
            operation("replace", "Patient.contact[0].name.text", value(valueString="c")),
            "contact",
            [{"name": {"text": "c"}, "gender": "male"}],
        ),
        (
            operation(
                "move", "Patient.name.last().given", number("source", 0), number("destination", 1)
            ),
            "name",
            [{**PATIENT["name"][0], "given": ["Anne", "Zoé"]}],
        ),
    ],
)
def test_an_operation_is_done(told: Json, element: str, after: Any) -> None:
    assert patched(told).get(element) == after


@pytest.mark.parametrize(
    "told",
    [
        operation(
            "add", "Patient.contact.where(gender='other')", named("gender"), value(valueCode="x")
        ),
        operation("add", "Patient", named("birthDate"), value(valueDate="1990")),
        operation("add", "Patient", named("deceased"), value(valueDateTime="2026")),
        operation("add", "Patient", named("colour"), value(valueString="x")),
        operation("add", "Patient.birthDate", named("x"), value(valueString="x")),
        operation("insert", "Patient.identifier", number("index", 3), value(valueIdentifier={})),
        operation("insert", "Patient.birthDate", number("index", 0), value(valueDate="1990")),
        operation("insert", "Patient.identifier[0]", number("index", 0), value(valueIdentifier={})),
        operation("delete", "Patient.identifier"),
        operation("delete", "Patient"),
        operation("replace", "Patient.photo", value(valueString="x")),
        operation("replace", "Patient", value(valueString="x")),
        operation("replace", "Patient.deceased", value(valueQuantity={})),
        operation("move", "Patient.name.given", number("source", 0), number("destination", 2)),
        operation("delete", "Patient.identifier.where(system"),
        operation("delete", "Patient.identifier.where(((("),
        operation("delete", "Patient.identifier.repeat(system)"),
        operation("delete", "Patient..identifier"),
        operation("delete", "Patient.colour"),
        operation("delete", ""),
    ],
)
def test_what_cannot_be_done_names_its_operation(told: Json) -> None:
    fine = operation("delete", "Patient.photo")

    with pytest.raises(RejectedError) as refused:
        patched(fine, told)

    (issue,) = refused.value.issues
    assert (issue.code, issue.where) == ("RLS-FHR-261", "operation[1]")


@pytest.mark.parametrize(
    "told",
    [
        {},
        parameters(),
        parameters({"name": "other"}),
        parameters({"name": "operation"}),
        parameters(operation("spring", "Patient")),
        parameters(operation("add", "Patient")),
        parameters(operation("move", "Patient.name", number("source", 0))),
        parameters(
            operation("move", "Patient.name", number("source", 0), number("destination", -1))
        ),
        parameters(
            operation("add", "Patient", {"name": "name", "valueInteger": 1}, value(valueCode="x"))
        ),
        parameters(operation("add", "Patient", named("x"), {"name": "value"})),
    ],
)
def test_what_is_no_patch(told: Json) -> None:
    with pytest.raises(RejectedError) as refused:
        path_patch(told)

    assert [issue.code for issue in refused.value.issues] == ["RLS-FHR-260"]
