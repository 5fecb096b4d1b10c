"""Which slice a value belongs to, one kind of discriminator a test."""

from tests.unit.fhir.profiles.definitions import HOME, element, judged, profile, sliced

PATIENT = {"resourceType": "Patient"}
SYSTEM = {"slicing": sliced(("value", "system"))}


def test_by_value_of_a_child() -> None:
    asked = profile(
        "p",
        "Patient",
        element("Patient.identifier", **SYSTEM),
        element("Patient.identifier:ins", min=1, max="1"),
        element("Patient.identifier:ins.system", min=1, fixedUri="urn:oid:1"),
        element("Patient.identifier:ins.value", min=1),
    )
    other, own = {"system": "urn:oid:2"}, {"system": "urn:oid:1", "value": "v"}

    assert judged({**PATIENT, "identifier": [other, own]}, asked) == []
    assert judged({**PATIENT, "identifier": [other]}, asked) == ["201 Patient.identifier"]
    assert judged({**PATIENT, "identifier": [own, own]}, asked) == ["202 Patient.identifier"]
    assert judged({**PATIENT, "identifier": [other, {"system": "urn:oid:1"}]}, asked) == [
        "201 Patient.identifier[1].value"
    ]


def test_by_pattern_above_the_path_of_the_discriminator() -> None:
    kind = {"coding": [{"system": "s", "code": "PI"}]}
    asked = profile(
        "p",
        "Patient",
        element("Patient.identifier", slicing=sliced(("pattern", "type.coding.code"))),
        element("Patient.identifier:pi", max="1"),
        element("Patient.identifier:pi.type", patternCodeableConcept=kind),
    )
    own = {"type": {"coding": [{"system": "s", "code": "PI", "display": "d"}]}}

    assert judged({**PATIENT, "identifier": [own, own]}, asked) == ["202 Patient.identifier"]
    assert judged({**PATIENT, "identifier": [own, {"value": "x"}, {"value": "y"}]}, asked) == []


def test_by_a_slice_inside_the_slice() -> None:
    asked = profile(
        "p",
        "Patient",
        element("Patient.identifier", slicing=sliced(("value", "type.coding.code"))),
        element("Patient.identifier:pi", min=1, max="1"),
        element("Patient.identifier:pi.type.coding", slicing=sliced(("value", "code"))),
        element("Patient.identifier:pi.type.coding:own", min=1, max="1"),
        element("Patient.identifier:pi.type.coding:own.code", min=1, fixedCode="PI"),
    )

    assert judged({**PATIENT, "identifier": [{"type": {"coding": [{"code": "PI"}]}}]}, asked) == []
    assert judged({**PATIENT, "identifier": [{"type": {"coding": [{"code": "X"}]}}]}, asked) == [
        "201 Patient.identifier"
    ]


def test_by_the_value_itself() -> None:
    asked = profile(
        "p",
        "Patient",
        element("Patient.communication.language", slicing=sliced(("pattern", "$this"))),
        element("Patient.name.given", slicing=sliced(("value", "$this"), rules="closed")),
        element("Patient.name.given:a", max="1", fixedString="A"),
    )

    assert judged({**PATIENT, "name": [{"given": ["A"]}]}, asked) == []
    assert judged({**PATIENT, "name": [{"given": ["A", "B"]}]}, asked) == [
        "206 Patient.name[0].given[1]"
    ]


def test_by_type_of_a_choice() -> None:
    asked = profile(
        "p",
        "Observation",
        element("Observation.value[x]", slicing=sliced(("type", "$this"), rules="closed")),
        element("Observation.value[x]:valueQuantity", max="1", type=[{"code": "Quantity"}]),
        element("Observation.value[x]:valueQuantity.unit", min=1),
    )
    resource = {"resourceType": "Observation"}

    assert judged({**resource, "valueQuantity": {"value": 1}}, asked) == [
        "201 Observation.valueQuantity.unit"
    ]
    assert judged({**resource, "valueString": "a"}, asked) == ["206 Observation.valueString"]


def test_by_type_of_an_entry() -> None:
    asked = profile(
        "p",
        "Bundle",
        element("Bundle.entry", slicing=sliced(("type", "resource"))),
        element("Bundle.entry:patient", min=1, max="1"),
        element("Bundle.entry:patient.resource", min=1, type=[{"code": "Patient"}]),
    )

    assert judged({"resourceType": "Bundle", "entry": [{"resource": PATIENT}]}, asked) == []
    assert judged(
        {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Device"}}]}, asked
    ) == ["201 Bundle.entry"]


def test_by_type_of_what_is_referred_to() -> None:
    asked = profile(
        "p",
        "Encounter",
        element("Encounter.participant.individual", slicing=sliced(("type", "resolve()"))),
        element(
            "Encounter.participant.individual:role", type=[{"code": "PractitionerRole"}], min=1
        ),
    )

    def encounter(target: str) -> dict:
        participant = {"individual": {"reference": target}}
        return {"resourceType": "Encounter", "participant": [participant]}

    assert judged(encounter("PractitionerRole/1"), asked) == []
    assert judged(encounter("Practitioner/1"), asked) == ["201 Encounter.participant[0].individual"]


def test_by_existence() -> None:
    asked = profile(
        "p",
        "Patient",
        element("Patient.name", slicing=sliced(("exists", "period"))),
        element("Patient.name:old", max="1"),
        element("Patient.name:old.period", min=1),
        element("Patient.name:now", min=1),
        element("Patient.name:now.period", max="0"),
    )
    old = {"period": {"end": "2020"}}

    assert judged({**PATIENT, "name": [old, {"text": "A"}]}, asked) == []
    assert judged({**PATIENT, "name": [old, old]}, asked) == [
        "202 Patient.name",
        "201 Patient.name",
    ]


def test_by_profile() -> None:
    french = profile("a", "Address", element("Address.country", min=1, fixedString="FR"))
    type_ = [{"code": "Address", "profile": [HOME + "a"]}]
    asked = profile(
        "p",
        "Patient",
        element("Patient.address", slicing=sliced(("profile", "$this"))),
        element("Patient.address:french", min=1, type=type_),
    )

    assert judged({**PATIENT, "address": [{"country": "FR"}]}, asked, french) == []
    assert judged({**PATIENT, "address": [{"country": "BE"}]}, asked, french) == [
        "201 Patient.address"
    ]


def test_by_the_value_of_an_extension() -> None:
    path = "extension('https://example.test/category').value"
    inner = "Patient.contact.relationship:role.extension"
    asked = profile(
        "p",
        "Patient",
        element("Patient.contact.relationship", slicing=sliced(("value", path))),
        element("Patient.contact.relationship:role", max="1"),
        element(inner, slicing=sliced(("value", "url"))),
        element(f"{inner}:category", min=1, max="1"),
        element(f"{inner}:category.url", fixedUri="https://example.test/category"),
        element(f"{inner}:category.value[x]", patternCode="role"),
    )

    def contact(*categories: str) -> dict:
        members = [
            {"extension": [{"url": "https://example.test/category", "valueCode": one}]}
            for one in categories
        ]
        return {**PATIENT, "contact": [{"relationship": members}]}

    found = judged(contact("role", "role", "kin"), asked)

    assert [one for one in found if not one.startswith("215")] == [
        "202 Patient.contact[0].relationship"
    ]


def test_an_extension_known_by_the_profile_of_its_type() -> None:
    place = profile("place", "Extension", element("Extension.url", fixedUri=HOME + "place"))
    type_ = [{"code": "Extension", "profile": [HOME + "place|2"]}]
    asked = profile(
        "p",
        "Patient",
        element("Patient.extension", slicing=sliced(("value", "url"))),
        element("Patient.extension:place", min=1, max="1", type=type_),
    )
    own = {"url": HOME + "place", "valueString": "x"}

    assert judged({**PATIENT, "extension": [own]}, asked, place) == []
    assert judged({**PATIENT, "extension": [own, own]}, asked, place) == ["202 Patient.extension"]
    assert judged(PATIENT, asked, place) == ["201 Patient.extension"]


def test_a_slice_of_a_slice() -> None:
    asked = profile(
        "p",
        "Patient",
        element("Patient.identifier", **SYSTEM),
        element("Patient.identifier:a", **SYSTEM),
        element("Patient.identifier:a.system", min=1, fixedUri="a"),
        element("Patient.identifier:a/old", max="1"),
        element("Patient.identifier:a/old.system", min=1, fixedUri="a"),
    )

    assert judged({**PATIENT, "identifier": [{"system": "a"}, {"system": "a"}]}, asked) == [
        "202 Patient.identifier"
    ]
