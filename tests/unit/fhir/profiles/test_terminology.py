"""Whether a code is in a value set: in, not in, not to be told."""

import pytest

from gateway.fhir.profiles.definitions import Definitions
from gateway.fhir.profiles.terminology import Terminology
from tests.unit.fhir.profiles.definitions import element, judged, profile

COLOURS = {
    "resourceType": "CodeSystem",
    "url": "colours",
    "content": "complete",
    "concept": [{"code": "red", "concept": [{"code": "scarlet"}]}, {"code": "blue"}],
}


def value_set(url: str, *include: dict, exclude: tuple[dict, ...] = ()) -> dict:
    compose = {"include": list(include), **({"exclude": list(exclude)} if exclude else {})}
    return {"resourceType": "ValueSet", "url": url, "compose": compose}


SETS = [
    COLOURS,
    value_set("all", {"system": "colours"}),
    value_set("some", {"system": "colours", "concept": [{"code": "blue"}]}),
    value_set("warm", {"valueSet": ["all"]}, exclude=({"valueSet": ["some"]},)),
    value_set("open", {"system": "elsewhere"}, {"system": "colours"}),
    value_set("filtered", {"system": "colours", "filter": [{"property": "concept"}]}),
    value_set("both", {"system": "colours", "valueSet": ["some"]}),
    value_set("circle", {"valueSet": ["circle"]}),
    {
        "resourceType": "ValueSet",
        "url": "expanded",
        "expansion": {"contains": [{"system": "s", "code": "a", "contains": [{"code": "b"}]}]},
    },
]


@pytest.mark.parametrize(
    ("set_", "system", "code", "told"),
    [
        ("all", "colours", "scarlet", True),
        ("all", "colours", "green", False),
        ("all", "other", "red", False),
        ("all", None, "red", True),
        ("some", "colours", "red", False),
        ("warm", "colours", "red", True),
        ("warm", "colours", "blue", False),
        ("open", "elsewhere", "x", None),
        ("open", "colours", "x", False),
        ("open", None, "x", None),
        ("filtered", "colours", "red", None),
        ("both", "colours", "blue", True),
        ("both", "colours", "red", False),
        ("circle", "s", "c", None),
        ("unknown", "s", "c", None),
        ("expanded", "s", "a", True),
        ("expanded", "s", "c", False),
    ],
)
def test_membership(set_: str, system: str | None, code: str, told: bool | None) -> None:
    assert Terminology(Definitions.of(SETS)).holds(set_, system, code) is told


def _bound(strength: str, set_: str) -> dict:
    binding = {"strength": strength, "valueSet": set_}
    type_ = [{"code": "CodeableConcept"}]
    return profile("p", "Patient", element("Patient.maritalStatus", binding=binding, type=type_))


def _patient(*codings: dict) -> dict:
    concept = {"coding": list(codings)} if codings else {"text": "words"}
    return {"resourceType": "Patient", "maritalStatus": concept}


def test_required_and_extensible_bindings() -> None:
    wrong, right = {"system": "colours", "code": "green"}, {"system": "colours", "code": "red"}

    assert judged(_patient(wrong), _bound("required", "all"), *SETS) == [
        "207 Patient.maritalStatus"
    ]
    assert judged(_patient(wrong, right), _bound("required", "all"), *SETS) == []
    assert judged(_patient(wrong), _bound("extensible", "all"), *SETS) == [
        "208 Patient.maritalStatus"
    ]
    assert judged(_patient(wrong), _bound("preferred", "all"), *SETS) == []


def test_words_alone_will_do_where_the_binding_is_not_required() -> None:
    assert judged(_patient(), _bound("required", "all"), *SETS) == ["207 Patient.maritalStatus"]
    assert judged(_patient(), _bound("extensible", "all"), *SETS) == []


def test_a_list_that_is_not_loaded_is_told_and_refuses_nothing() -> None:
    coding = {"system": "s", "code": "c"}

    assert judged(_patient(coding), _bound("required", "unknown"), *SETS) == [
        "209 Patient.maritalStatus"
    ]
