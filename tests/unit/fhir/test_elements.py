"""The element table: what it says, and that it is what the models say."""

import json
from pathlib import Path

import pytest

from gateway.fhir import elements, r4b

FILE = Path(__file__).parents[3] / "profiles" / "fhir" / "elements.json"


def test_shipped_table_is_the_one_the_models_give():
    made = elements.table_text(r4b.introspect())

    assert made == FILE.read_text(encoding="utf-8")
    assert json.loads(made)["resources"] == sorted(r4b.RESOURCES)


@pytest.mark.parametrize(
    ("path", "repeats", "kind"),
    [
        pytest.param("Patient.name", True, "HumanName", id="list of a datatype"),
        pytest.param("Patient.birthDate", False, "date", id="single primitive"),
        pytest.param("Patient.name.given", True, "string", id="list of a primitive"),
        pytest.param("Encounter.location", True, "EncounterLocation", id="backbone list"),
        pytest.param("Encounter.class", False, "Coding", id="name that is a Python keyword"),
        pytest.param("Patient.deceased[x]", False, "boolean|dateTime", id="choice"),
        pytest.param("Patient.deceasedDateTime", False, "dateTime", id="one form of a choice"),
        pytest.param(
            "Composition.section.section.section.title", False, "string", id="own type inside"
        ),
        pytest.param("Bundle.entry.resource", False, "Resource", id="any resource"),
        pytest.param("Extension.extension.extension.url", False, "uri", id="extension inside"),
    ],
)
def test_table_tells_repetition_and_type(path, repeats, kind):
    assert elements.is_list(path) is repeats
    assert elements.type_of(path) == kind


@pytest.mark.parametrize(
    "path", ["Patient.nom", "Patient.name.family.x", "Pation.name", "Patient.died[x]"]
)
def test_unknown_path_is_refused(path):
    with pytest.raises(KeyError):
        elements.type_of(path)


def test_required_codes_are_complete_where_the_models_cut_them_short():
    status = elements.table().find("Encounter.status")

    assert status is not None
    assert status.required
    assert {"finished", "entered-in-error", "unknown"} <= status.codes
    assert "+" not in status.codes


def test_no_closed_list_holds_a_word_that_is_no_code():
    table = elements.table()
    found = {
        code
        for name in table.type_names
        for element in table.elements_of(name).values()
        for code in element.codes
    }

    assert "male" in found
    assert {code for code in found if code in {"+", "etc.", "formats", "mime"}} == set()
