"""What a profile asks of one resource, one demand a test."""

import pytest

from tests.unit.fhir.profiles.definitions import HOME, element, judged, profile

PATIENT = {"resourceType": "Patient"}


def test_what_meets_a_profile_has_no_finding() -> None:
    asked = profile("p", "Patient", element("Patient.gender", min=1, max="1"))

    assert judged({**PATIENT, "gender": "female"}, asked) == []


def test_too_few_is_told_at_the_place_that_lacks_it() -> None:
    asked = profile("p", "Patient", element("Patient.name.family", min=1, max="1"))

    assert judged({**PATIENT, "name": [{"family": "A"}, {"text": "B"}]}, asked) == [
        "201 Patient.name[1].family"
    ]


def test_an_element_of_an_absent_element_is_not_asked_for() -> None:
    asked = profile("p", "Patient", element("Patient.name.family", min=1, max="1"))

    assert judged(PATIENT, asked) == []


def test_too_many() -> None:
    asked = profile("p", "Patient", element("Patient.name", min=0, max="1"))

    assert judged({**PATIENT, "name": [{"text": "A"}, {"text": "B"}]}, asked) == [
        "202 Patient.name"
    ]


def test_a_prohibited_element() -> None:
    asked = profile("p", "Patient", element("Patient.photo", min=0, max="0"))

    assert judged({**PATIENT, "photo": [{"url": "x"}]}, asked) == ["202 Patient.photo"]


def test_a_primitive_with_an_extension_only_counts() -> None:
    asked = profile("p", "Patient", element("Patient.birthDate", min=1, max="1"))
    masked = {"extension": [{"url": "masked", "valueCode": "masked"}]}

    assert judged({**PATIENT, "_birthDate": masked}, asked) == []


def test_fixed_is_equal_and_pattern_is_held() -> None:
    type_ = {"coding": [{"system": "s", "code": "c"}]}
    more = {"coding": [{"system": "s", "code": "c", "display": "d"}, {"code": "e"}]}
    fixed = profile("f", "Patient", element("Patient.maritalStatus", fixedCodeableConcept=type_))
    pattern = profile(
        "p", "Patient", element("Patient.maritalStatus", patternCodeableConcept=type_)
    )

    assert judged({**PATIENT, "maritalStatus": type_}, fixed) == []
    assert judged({**PATIENT, "maritalStatus": more}, fixed) == ["203 Patient.maritalStatus"]
    assert judged({**PATIENT, "maritalStatus": more}, pattern) == []
    assert judged({**PATIENT, "maritalStatus": {"text": "c"}}, pattern) == [
        "204 Patient.maritalStatus"
    ]


def test_true_is_no_pattern_for_one() -> None:
    asked = profile("p", "Patient", element("Patient.multipleBirth[x]", patternInteger=1))

    assert judged({**PATIENT, "multipleBirthInteger": 1}, asked) == []
    assert judged({**PATIENT, "multipleBirthBoolean": True}, asked) == [
        "204 Patient.multipleBirthBoolean"
    ]


def test_a_choice_may_be_narrowed() -> None:
    asked = profile(
        "p", "Patient", element("Patient.deceased[x]", min=1, max="1", type=[{"code": "dateTime"}])
    )

    assert judged({**PATIENT, "deceasedDateTime": "2026"}, asked) == []
    assert judged({**PATIENT, "deceasedBoolean": True}, asked) == ["205 Patient.deceasedBoolean"]
    assert judged(PATIENT, asked) == ["201 Patient.deceased[x]"]


def test_a_value_has_the_profile_of_its_type() -> None:
    name = profile("n", "HumanName", element("HumanName.family", min=1, max="1"))
    type_ = [{"code": "HumanName", "profile": [HOME + "n|1.0"]}]
    asked = profile("p", "Patient", element("Patient.name", type=type_))

    assert judged({**PATIENT, "name": [{"text": "A"}]}, asked, name) == [
        "201 Patient.name[0].family"
    ]


def test_of_several_profiles_of_a_type_one_is_enough() -> None:
    family = profile("n", "HumanName", element("HumanName.family", min=1, max="1"))
    text = profile("t", "HumanName", element("HumanName.text", min=1, max="1"))
    type_ = [{"code": "HumanName", "profile": [HOME + "n", HOME + "t"]}]
    asked = profile("p", "Patient", element("Patient.name", type=type_))

    assert judged({**PATIENT, "name": [{"text": "A"}, {"family": "A"}]}, asked, family, text) == []
    assert judged({**PATIENT, "name": [{"given": ["A"]}]}, asked, family, text) == [
        "217 Patient.name[0]"
    ]


def test_a_differential_is_judged_with_the_profile_it_constrains() -> None:
    base = profile("b", "Patient", element("Patient.gender", min=1, max="1"))
    own = profile("p", "Patient", baseDefinition=HOME + "b")
    own["differential"] = {"element": [element("Patient.birthDate", min=1)]}
    del own["snapshot"]

    assert judged(PATIENT, own, base) == ["201 Patient.birthDate", "201 Patient.gender"]


def test_content_of_another_element() -> None:
    asked = profile(
        "p",
        "Bundle",
        element("Bundle.link.relation", min=1, max="1"),
        element("Bundle.entry.link", contentReference="#Bundle.link"),
    )
    bundle = {"resourceType": "Bundle", "entry": [{"link": [{"url": "a"}]}]}

    assert judged(bundle, asked) == ["201 Bundle.entry[0].link[0].relation"]


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ({"reference": "Organization/1"}, []),
        ({"reference": "Practitioner/1"}, ["212 Patient.managingOrganization.reference"]),
        (
            {"reference": "https://other.test/fhir/Device/1"},
            ["212 Patient.managingOrganization.reference"],
        ),
        ({"reference": "urn:uuid:0"}, []),
        ({"display": "somebody"}, []),
        ({"type": "Device", "display": "d"}, ["212 Patient.managingOrganization"]),
    ],
)
def test_a_reference_names_an_allowed_type(target: dict, found: list[str]) -> None:
    type_ = [{"code": "Reference", "targetProfile": [f"{BASE}Organization|4.0.1"]}]
    asked = profile("p", "Patient", element("Patient.managingOrganization", type=type_))

    assert judged({**PATIENT, "managingOrganization": target}, asked) == found


BASE = "http://hl7.org/fhir/StructureDefinition/"


def test_the_target_in_the_same_bundle_meets_the_profile() -> None:
    named = profile("o", "Organization", element("Organization.name", min=1, max="1"))
    type_ = [{"code": "Reference", "targetProfile": [HOME + "o"]}]
    asked = profile("p", "Patient", element("Patient.managingOrganization", type=type_))

    def bundle(**organization: str) -> dict:
        patient = {
            **PATIENT,
            "meta": {"profile": [HOME + "p"]},
            "managingOrganization": {"reference": "urn:uuid:1"},
        }
        held = {"resourceType": "Organization", **organization}
        return {
            "resourceType": "Bundle",
            "entry": [{"resource": patient}, {"fullUrl": "urn:uuid:1", "resource": held}],
        }

    whole = profile("b", "Bundle")
    assert judged(bundle(name="A"), whole, asked, named) == []
    assert judged(bundle(alias="A"), whole, asked, named) == [
        "212 Bundle.entry[0].resource.managingOrganization.reference"
    ]


def test_an_invariant() -> None:
    rule = {
        "key": "x-1",
        "severity": "error",
        "human": "a name or an address",
        "expression": "name.exists() or address.exists()",
    }
    wish = {**rule, "key": "x-2", "severity": "warning"}
    asked = profile("p", "Patient", element("Patient.contact", constraint=[rule, wish]))

    assert judged({**PATIENT, "contact": [{"gender": "male"}]}, asked) == [
        "210 Patient.contact[0]",
        "210 Patient.contact[0]",
    ]
    assert judged({**PATIENT, "contact": [{"name": {"text": "A"}}]}, asked) == []


def test_an_invariant_sees_the_resource_around_it() -> None:
    rule = {"key": "x", "severity": "error", "expression": "%resource.active = true"}
    asked = profile("p", "Patient", element("Patient.name", constraint=[rule]))

    assert judged({**PATIENT, "active": True, "name": [{"text": "A"}]}, asked) == []
    assert judged({**PATIENT, "active": False, "name": [{"text": "A"}]}, asked) == [
        "210 Patient.name[0]"
    ]


def test_an_invariant_that_cannot_be_evaluated_is_told() -> None:
    rule = {"key": "x", "severity": "error", "expression": "name.frobnicate()"}
    asked = profile("p", "Patient", element("Patient.contact", constraint=[rule]))

    assert judged({**PATIENT, "contact": [{"gender": "male"}]}, asked) == ["211 Patient.contact[0]"]


def test_a_profile_of_another_type_and_one_not_loaded() -> None:
    asked = profile("o", "Organization")
    claimed = {**PATIENT, "meta": {"profile": [HOME + "unknown"]}}

    assert judged(claimed, asked) == ["214 Patient.meta.profile", "213 Patient.meta.profile"]


def test_a_circle_of_references_ends() -> None:
    type_ = [{"code": "Reference", "targetProfile": [HOME + "p"]}]
    asked = profile("p", "Patient", element("Patient.link.other", min=1, type=type_))
    other = {"resourceType": "Patient", "link": [{"other": {"reference": "Patient/1"}}]}

    found = judged(other, asked, resolve=lambda _reference: {**other, "link": other["link"] * 2})

    assert found == []
