"""Computed ids: the same business identifier gives the same id."""

import unicodedata
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fhir.identity import DEFAULT_NAMESPACE, Ids, document_key, master_identifier

VISIT_DOMAIN = "https://relais.example/ns/visit/990000001"


def test_published_vector_of_a_stay():
    ids = Ids()

    found = ids.stay(VISIT_DOMAIN, "V25001")

    assert str(DEFAULT_NAMESPACE) == "c161d2fc-e762-55e6-8dbf-d7c81d337edd"
    assert found == "50e4ea1c-e15b-5c7a-9066-209a06962b3b"


@given(st.text(min_size=1), st.uuids())
def test_id_is_the_uuid5_of_the_standard_library(value, namespace):
    ids = Ids(namespace)

    found = ids.make("Patient", "urn:oid:1.2.3", value)

    name = unicodedata.normalize("NFC", f"Patient|urn:oid:1.2.3|{value.strip()}")
    assert found == str(uuid5(namespace, name))
    assert UUID(found).version == 5


def test_composed_and_decomposed_letters_give_one_id():
    ids = Ids()

    assert ids.patient("urn:x", "\u00e91") == ids.patient("urn:x", "e\u03011")


def test_surrounding_spaces_do_not_count_and_case_does():
    ids = Ids()

    assert ids.patient("urn:x", " A1 ") == ids.patient("urn:x", "A1")
    assert ids.patient("urn:x", "a1") != ids.patient("urn:x", "A1")


def test_another_namespace_gives_another_id():
    other = Ids(UUID(int=1))

    assert other.stay(VISIT_DOMAIN, "V25001") != Ids().stay(VISIT_DOMAIN, "V25001")


def test_movement_number_that_repeats_in_another_visit_is_another_movement():
    ids = Ids()

    first = ids.movement(VISIT_DOMAIN, "V1", "1", "MVT")
    second = ids.movement(VISIT_DOMAIN, "V2", "1", "MVT")

    assert first != second


def test_stay_and_movement_never_share_an_id():
    ids = Ids()

    assert ids.stay(VISIT_DOMAIN, "V1") != ids.movement(VISIT_DOMAIN, "V1", "", "")


def test_empty_room_keeps_its_place_in_the_key_of_a_location():
    ids = Ids()

    assert ids.location("990000001", "3310", "", "B1") != ids.location("990000001", "3310", "B1")


def test_each_method_keeps_its_own_key_space():
    ids = Ids()
    made = [
        ids.patient("s", "v"),
        ids.stay("s", "v"),
        ids.document_stay("v"),
        ids.account("s", "v"),
        ids.episode("p", "v"),
        ids.practitioner("s", "v"),
        ids.organization("s", "v"),
        ids.unit("990000001", "v"),
        ids.practitioner_role("p", "o"),
        ids.location("990000001", "v"),
        ids.related_person("p", "v"),
        ids.consent("p", "", "v"),
        ids.document("s", "v"),
        ids.composition("s", "v"),
        ids.binary("v"),
        ids.care_plan("d", "s", "1"),
        ids.care_team("v"),
        ids.document_entry("Condition", "d", "s", "c", "q", 1),
        ids.document_entry("Condition", "d", "s", "c", "q", 2),
        ids.order("s", "v"),
        ids.appointment("s", "v"),
        ids.gap("v"),
        ids.gap_task("v", 1),
        ids.gap_task("v", 2),
        ids.communication("v"),
        ids.provenance("v"),
    ]

    assert len(set(made)) == len(made)


def test_consent_without_visit_has_a_dash_in_its_key():
    ids = Ids()

    expected = ids.make("Consent", "https://relais.example/ns/consent", "p#-#OUI")
    assert ids.consent("p", "", "OUI") == expected


@pytest.mark.field("FL-167")
def test_document_id_in_mixed_case_uuid_is_one_key():
    lower = "0b6f8a52-91f4-4a4e-8b39-d6a7a4b1c7aa"

    assert document_key(lower.upper()) == document_key(lower) == lower
    assert document_key("1.2.3", lower.upper()) == f"1.2.3#{lower}"
    assert document_key("1.2.3", "Doc77") == "1.2.3#Doc77"


@pytest.mark.parametrize(
    ("root", "extension", "expected"),
    [
        pytest.param("1.2.3", "", ("urn:ietf:rfc:3986", "urn:oid:1.2.3"), id="oid alone"),
        pytest.param("1.2.3", "77", ("urn:oid:1.2.3", "77"), id="oid with extension"),
        pytest.param(
            "0B6F8A52-91F4-4A4E-8B39-D6A7A4B1C7AA",
            "",
            ("urn:ietf:rfc:3986", "urn:uuid:0b6f8a52-91f4-4a4e-8b39-d6a7a4b1c7aa"),
            id="uuid alone is written in lower case",
        ),
    ],
)
def test_master_identifier_of_a_document(root, extension, expected):
    assert master_identifier(root, extension) == expected
