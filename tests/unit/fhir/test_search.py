"""Index entries of resources, and the table of parameters."""

import pytest

from gateway.core.ports import IndexEntry
from gateway.fhir import elements
from gateway.fhir.search import index
from gateway.fhir.search_dates import LAST
from gateway.fhir.search_table import PARAMETERS, Parameter

ENCOUNTER = {
    "resourceType": "Encounter",
    "id": "e1",
    "identifier": [
        {
            "type": {"coding": [{"system": "urn:types", "code": "VN"}]},
            "system": "urn:visits",
            "value": "V1",
        }
    ],
    "status": "in-progress",
    "class": {"system": "urn:classes", "code": "IMP"},
    "type": [{"coding": [{"system": "urn:a", "code": "C"}, {"system": "urn:b", "code": "D"}]}],
    "subject": {"reference": "Patient/p1"},
    "period": {"start": "2026-03-02T08:15:00+01:00"},
    "location": [
        {"location": {"reference": "Location/l1"}},
        {"location": {"reference": "Location/l1"}},
        {"location": {"reference": "Location/l2"}},
    ],
    "serviceProvider": {"reference": "Organization/o1"},
}


def _of(resource: dict[str, object], param: str) -> list[IndexEntry]:
    return [entry for entry in index(resource) if entry.param == param]


def test_a_stay_is_found_by_all_it_says() -> None:
    assert index(ENCOUNTER) == (
        IndexEntry("identifier", "urn:visits", "V1", high="^urn:types|VN^"),
        IndexEntry("status", "http://hl7.org/fhir/encounter-status", "in-progress"),
        IndexEntry("class", "urn:classes", "IMP"),
        IndexEntry("type", "urn:a", "C"),
        IndexEntry("type", "urn:b", "D"),
        IndexEntry("date", "", "", "2026-03-02T07:15:00.000000Z", LAST),
        IndexEntry("patient", "Patient", "p1"),
        IndexEntry("subject", "Patient", "p1"),
        IndexEntry("service-provider", "Organization", "o1"),
        IndexEntry("location", "Location", "l1"),
        IndexEntry("location", "Location", "l2"),
    )


def test_a_boolean_is_a_token_without_system() -> None:
    assert _of({"resourceType": "Patient", "id": "p", "active": False}, "active") == [
        IndexEntry("active", "", "false")
    ]


def test_a_birth_date_is_a_day() -> None:
    patient = {"resourceType": "Patient", "id": "p", "birthDate": "1988-05-12"}

    assert _of(patient, "birthdate") == [
        IndexEntry(
            "birthdate", "", "", "1988-05-11T22:00:00.000000Z", "1988-05-12T22:00:00.000000Z"
        )
    ]


@pytest.mark.parametrize(
    ("reference", "entry"),
    [
        pytest.param(
            {"reference": "Patient/p1/_history/3"}, ("Patient", "p1"), id="version is left out"
        ),
        pytest.param(
            {"reference": "https://elsewhere.example/fhir/Patient/p1"},
            ("Patient", "https://elsewhere.example/fhir/Patient/p1"),
            id="absolute address",
        ),
        pytest.param({"reference": "urn:uuid:1"}, ("", "urn:uuid:1"), id="urn"),
        pytest.param({"reference": "#contained"}, ("", ""), id="contained has no value"),
        pytest.param(
            {"identifier": {"system": "urn:ipp", "value": "x"}},
            ("", "", "", "^urn:ipp|x^"),
            id="identifier is beside",
        ),
    ],
)
def test_references_are_read_in_every_form(
    reference: dict[str, object], entry: tuple[str, ...]
) -> None:
    plan = {"resourceType": "CarePlan", "id": "c", "subject": reference}

    assert _of(plan, "subject") == [IndexEntry("subject", *entry)]


NAME = {
    "family": "D'ARTAGNAN",
    "given": ["Hélène", "JEAN-PIERRE"],
    "prefix": ["Mme"],
}


@pytest.mark.field("FL-232")
@pytest.mark.parametrize(
    ("param", "found"),
    [
        ("family", {"dartagnan": "D'ARTAGNAN", "artagnan": ""}),
        ("given", {"helene": "Hélène", "jeanpierre": "JEAN-PIERRE", "pierre": ""}),
        (
            "name",
            {
                "dartagnan": "D'ARTAGNAN",
                "artagnan": "",
                "helene": "Hélène",
                "jeanpierre": "JEAN-PIERRE",
                "pierre": "",
                "mme": "Mme",
            },
        ),
    ],
)
def test_a_name_is_found_from_each_of_its_words_on(param: str, found: dict[str, str]) -> None:
    entries = _of({"resourceType": "Patient", "id": "p", "name": [NAME]}, param)

    assert {entry.value: entry.system for entry in entries} == found


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({}, "false"),
        ({"deceasedBoolean": False}, "false"),
        ({"deceasedBoolean": True}, "true"),
        ({"deceasedDateTime": "2026-03"}, "true"),
    ],
    ids=str,
)
def test_every_patient_is_deceased_or_not(said: dict[str, object], value: str) -> None:
    entries = _of({"resourceType": "Patient", "id": "p", **said}, "deceased")

    assert entries == [IndexEntry("deceased", "", value)]


def test_what_every_resource_says_of_itself_is_searched() -> None:
    coding = {"system": "urn:s", "code": "c", "display": "Secret médical"}
    meta = {"profile": ["urn:p"], "source": "urn:m", "tag": [coding], "security": [coding]}

    assert index({"resourceType": "Encounter", "id": "e", "meta": meta}) == (
        IndexEntry("_profile", "", "urn:p"),
        IndexEntry("_security", "urn:s", "c", high="|secretmedical"),
        IndexEntry("_source", "", "urn:m"),
        IndexEntry("_tag", "urn:s", "c", high="|secretmedical"),
    )


@pytest.mark.parametrize(
    ("quantity", "units"),
    [
        ({"value": 5.4, "system": "urn:u", "code": "mg", "unit": "mg"}, ["mg"]),
        ({"value": 5.4, "system": "urn:u", "code": "d", "unit": "jours"}, ["d", "jours"]),
        ({"code": "mg"}, []),
    ],
)
def test_a_quantity_is_a_number_with_its_units(
    quantity: dict[str, object], units: list[str]
) -> None:
    found = _of({"resourceType": "Encounter", "id": "e", "length": quantity}, "length")

    assert [entry.value for entry in found] == units
    assert {(entry.low, entry.high) for entry in found} <= {
        ("1000000000000005.400000000", "1000000000000005.400000001")
    }


def test_only_a_patient_counts_as_patient() -> None:
    actors = [{"actor": {"reference": ref}} for ref in ("Patient/p", "Location/l")]
    appointment = {"resourceType": "Appointment", "id": "a", "participant": actors}

    assert _of(appointment, "patient") == [IndexEntry("patient", "Patient", "p")]
    assert _of(appointment, "location") == [IndexEntry("location", "Location", "l")]
    assert len(_of(appointment, "actor")) == 2


def test_an_element_without_searchable_value_is_there_all_the_same() -> None:
    condition = {"resourceType": "Condition", "id": "c", "code": {"text": "fatigue"}}

    assert _of(condition, "code") == [IndexEntry("code", high="|fatigue")]


def test_one_value_said_by_two_elements_is_kept_once() -> None:
    name = {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3"}
    document = {
        "resourceType": "DocumentReference",
        "id": "d",
        "masterIdentifier": name,
        "identifier": [name, {"system": "urn:sets", "value": "7"}],
    }

    assert _of(document, "identifier") == [
        IndexEntry("identifier", "urn:ietf:rfc:3986", "urn:oid:1.2.3"),
        IndexEntry("identifier", "urn:sets", "7"),
    ]


def test_a_type_that_is_not_searched_has_no_entries() -> None:
    assert index({"resourceType": "Binary", "id": "b", "data": "AA=="}) == ()
    assert index({"resourceType": "Basic", "id": "b", "code": {"text": "x"}}) == ()


@pytest.mark.parametrize("type_", sorted(PARAMETERS))
def test_each_code_of_a_type_is_there_once(type_: str) -> None:
    codes = [parameter.code for parameter in PARAMETERS[type_]]

    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    "type_", sorted(set(PARAMETERS) - {"Binary", "Provenance", "Subscription"})
)
def test_every_type_with_an_identifier_is_found_by_it(type_: str) -> None:
    assert "identifier" in [parameter.code for parameter in PARAMETERS[type_]]


ELEMENT_TYPES = {
    "token": {"code", "boolean", "dateTime", "Coding", "CodeableConcept", "Identifier"}
    | {"ContactPoint"},
    "string": {"string", "HumanName"},
    "uri": {"url"},
    "quantity": {"Quantity", "Duration"},
    "reference": {"Reference"},
    "date": {"date", "dateTime", "instant", "Period", "Timing"},
}
#: Codes of these are media types: they are of no code system.
MEDIA_TYPES = ("contenttype", "payload")
#: A choice element is written with all date types; only some exist on each resource.
CHOICE_FORMS = ("DateTime", "Period", "Instant", "Timing")


@pytest.mark.parametrize(
    ("type_", "parameter"),
    [(type_, parameter) for type_, found in PARAMETERS.items() for parameter in found],
    ids=lambda value: getattr(value, "code", value),
)
def test_each_parameter_reads_elements_of_its_kind(type_: str, parameter: Parameter) -> None:
    found = {path: elements.table().find(f"{type_}.{path}") for path in parameter.paths}

    types = {element.type for element in found.values() if element is not None}
    unknown = [path for path, element in found.items() if element is None]
    assert types
    assert types <= ELEMENT_TYPES[parameter.kind]
    assert "dateTime" not in types or parameter.kind == "date" or parameter.code == "deceased"
    assert all(path.endswith(CHOICE_FORMS) for path in unknown)
    assert bool(parameter.system) is ("code" in types and parameter.code not in MEDIA_TYPES)


def test_definitions_are_those_of_r4() -> None:
    urls = {p.code: p.url for p in PARAMETERS["Encounter"]}

    assert urls["patient"] == "http://hl7.org/fhir/SearchParameter/clinical-patient"
    assert urls["part-of"] == "http://hl7.org/fhir/SearchParameter/Encounter-part-of"
