"""Extensions by their own definitions, and what no profile says."""

import pytest

from tests.unit.fhir.profiles.definitions import HOME, element, judged, profile

PATIENT = {"resourceType": "Patient"}
ANY = profile("any", "Patient")
FR = "https://hl7.fr/ig/fhir/core/StructureDefinition/"


def _extension(*elements: dict, context: tuple[tuple[str, str], ...] = ()) -> dict:
    said = [{"type": kind, "expression": text} for kind, text in context]
    return profile("e", "Extension", *elements, **({"context": said} if said else {}))


EXTENSION = {"url": HOME + "e", "valueString": "x"}


@pytest.mark.parametrize(
    ("context", "resource", "fits"),
    [
        ("Patient", {"extension": [EXTENSION]}, True),
        ("Patient.name", {"name": [{"extension": [EXTENSION]}]}, True),
        ("HumanName", {"name": [{"extension": [EXTENSION]}]}, True),
        ("HumanName.family", {"name": [{"_family": {"extension": [EXTENSION]}}]}, True),
        ("string", {"name": [{"_family": {"extension": [EXTENSION]}}]}, True),
        ("Element", {"birthDate": "2026", "_birthDate": {"extension": [EXTENSION]}}, True),
        ("Patient.deceased[x]", {"_deceasedDateTime": {"extension": [EXTENSION]}}, True),
        ("Patient.contact", {"contact": [{"extension": [EXTENSION]}]}, True),
        ("Encounter", {"extension": [EXTENSION]}, False),
        ("Patient", {"name": [{"extension": [EXTENSION]}]}, False),
        ("Address", {"name": [{"extension": [EXTENSION]}]}, False),
    ],
)
def test_an_extension_stands_where_it_may(context: str, resource: dict, fits: bool) -> None:
    definition = _extension(context=(("element", context),))

    found = judged({**PATIENT, **resource}, ANY, definition)

    assert [one[:3] for one in found] == ([] if fits else ["216"])


def test_an_extension_inside_an_extension() -> None:
    definition = _extension(context=(("extension", "https://example.test/outer"),))
    outer = {"url": "https://example.test/outer", "extension": [EXTENSION]}

    found = judged({**PATIENT, "extension": [outer]}, ANY, definition)

    assert found == ["215 Patient.extension[0]"]


def test_an_extension_is_judged_by_its_definition_wherever_it_stands() -> None:
    definition = _extension(element("Extension.value[x]", type=[{"code": "boolean"}]))

    assert judged({**PATIENT, "address": [{"extension": [EXTENSION]}]}, ANY, definition) == [
        "205 Patient.address[0].extension[0].valueString"
    ]


def test_an_unknown_modifier_is_a_warning() -> None:
    unknown = {"url": "https://example.test/unknown", "valueBoolean": True}

    assert judged({**PATIENT, "modifierExtension": [unknown]}, ANY) == [
        "215 Patient.modifierExtension[0]"
    ]


def _french(**patient: object) -> dict:
    return {**PATIENT, "meta": {"profile": [FR + "fr-core-patient"]}, **patient}


def _codes(resource: dict) -> list[str]:
    return [one for one in judged(resource, ANY) if not one.startswith("213")]


def test_an_ipp_without_the_display_of_the_pattern() -> None:
    kind = {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "PI"}
    shown = {**kind, "display": "Patient internal identifier"}

    assert _codes(_french(identifier=[{"type": {"coding": [kind]}}])) == [
        "221 Patient.identifier[0].type"
    ]
    assert _codes(_french(identifier=[{"type": {"coding": [shown]}}])) == []


def test_an_ins_outside_of_its_profile() -> None:
    ins = {"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "260058815400233"}

    assert _codes(_french(identifier=[ins])) == ["223 Patient.identifier[0]"]


def test_a_canonical_with_version() -> None:
    resource = {**PATIENT, "meta": {"profile": [FR + "fr-core-patient|2.2.0"]}}

    assert "222 Patient.meta.profile[0]" in judged(resource, ANY)


@pytest.mark.parametrize(
    ("start", "end", "is_wrong"),
    [
        ("2026-03-02", "2026-03-01", True),
        ("2026-03", "2026-02-28", True),
        ("2026-03", "2026-03-01", False),
        ("2026-03-02T10:00:00+01:00", "2026-03-02T09:00:00+01:00", True),
        ("2026-10-25T02:30:00+02:00", "2026-10-25T02:10:00+01:00", False),
        ("2026-03-02T10:00:00Z", "2026-03-02T10:00:00Z", False),
    ],
)
def test_a_period_does_not_end_before_it_starts(start: str, end: str, is_wrong: bool) -> None:
    resource = {**PATIENT, "name": [{"period": {"start": start, "end": end}}]}

    assert judged(resource, ANY) == (["224 Patient.name[0].period"] if is_wrong else [])


def test_contained_resources_are_referred_to_and_there() -> None:
    held = {"resourceType": "Organization", "id": "o", "name": "A"}

    assert judged({**PATIENT, "contained": [held]}, ANY) == ["226 Patient.contained[0]"]
    assert (
        judged({**PATIENT, "contained": [held], "managingOrganization": {"reference": "#o"}}, ANY)
        == []
    )
    assert judged({**PATIENT, "managingOrganization": {"reference": "#x"}}, ANY) == [
        "225 Patient.managingOrganization.reference"
    ]
