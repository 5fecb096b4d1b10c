"""The official validator finds nothing wrong in what we emit, and its explanations still hold."""

from pathlib import Path

import pytest

from tests.conftest import packages
from tests.official.explained import absent
from tests.official.resources import telling
from tests.official.validator import Finding, findings, missing
from tests.official.verdict import VERSIONS, Verdict, verdict
from tests.support.absent import absent as left_out

pytestmark = pytest.mark.long

OURS = "https://relais.example/fhir/CodeSystem"


@pytest.fixture(scope="session")
def folder(corpus_folder: Path) -> Path:
    """Give the published packages; what is missing fails in CI and skips elsewhere."""
    found = packages()
    if found is None:
        left_out("FR Core not found: set RELAIS_TEST_PACKAGES")
    if reason := missing():
        left_out(reason)
    return found


@pytest.mark.field("FL-201")
@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_is_wrong_that_is_not_explained(version: str, folder: Path) -> None:
    found = verdict(version, folder)

    assert len(found.resources) > 200
    assert found.failures() == []


@pytest.mark.parametrize("version", VERSIONS)
def test_every_explanation_is_still_needed(version: str, folder: Path) -> None:
    assert verdict(version, folder).idle() == []


def test_the_validator_sees_what_is_wrong(folder: Path) -> None:
    ours = {"system": f"{OURS}/care-sector", "code": "nowhere"}
    stay = {
        "resourceType": "Encounter",
        "id": "wrong",
        "meta": {
            "profile": ["https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-encounter"],
            "tag": [ours],
        },
        "status": "over",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "type": [{"coding": [{"system": f"{OURS}/unheard-of", "code": "1"}]}],
    }

    found = findings(folder / f"hl7.fhir.fr.core-{VERSIONS[0]}.tgz", [stay])
    told = Verdict(VERSIONS[0], [stay], found).failures()
    wrong = {(one.severity, one.place) for _, one in told}

    assert ("error", "Encounter.status") in wrong
    # Its number and its period are demanded by the profile.
    assert ("error", "Encounter") in wrong
    # A code our own system lacks, and a system of ours that is nowhere defined.
    assert {place for _, place in wrong} >= {"Encounter.meta.tag[0]", "Encounter.type[0]"}


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("CodeSystem is unknown and can't be validated: http://loinc.org for 'x'", "code systems"),
        (
            f"CodeSystem is unknown and can't be validated: {OURS}/local/a/OBR-4 for 'x'",
            "code systems of a sender",
        ),
        (f"CodeSystem is unknown and can't be validated: {OURS}/care-sector for 'x'", None),
        ("Unknown code 'http://loinc.org#1'", None),
    ],
)
def test_what_is_absent_is_outside_of_the_project(message: str, kind: str | None) -> None:
    assert absent(Finding(0, "warning", "Observation.code", "", message)) == kind


def test_a_resource_is_judged_when_it_shows_anything_new() -> None:
    first = {"resourceType": "Basic", "id": "1", "code": {"text": "This one"}}
    alike = {"resourceType": "Basic", "id": "2", "code": {"text": "That two"}}
    other = {"resourceType": "Basic", "id": "3", "code": {"coding": [{"code": "x"}]}}
    twice = {"resourceType": "Basic", "id": "4", "code": {"coding": [{"code": "x"}] * 2}}

    assert telling([first, alike, other, twice]) == [first, other, twice]
