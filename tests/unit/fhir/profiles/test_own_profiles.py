"""Our own profiles: what we make meets them, and each demand is one that can fail."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from gateway.conformance.packages import definitions_of
from gateway.core.facts import Status
from gateway.fhir.gaps import GapView, detected_issue, gap_task
from gateway.fhir.profiles.judge import Judge
from tests.support.gaps import IDS, SENTENCES, row
from tests.support.pipeline import START

JUDGE = Judge(definitions_of([]))
OWN = "https://relais.example/fhir/StructureDefinition/"
_VIEW = GapView(row(Status.OVERDUE), START + timedelta(days=3), SENTENCES, {})
GAP = detected_issue(_VIEW, IDS, None, None)
TASK = gap_task(_VIEW, IDS, None)


def _wrong(resource: dict[str, Any], profile: str) -> set[str]:
    found = JUDGE.findings(resource, profiles=[OWN + profile])
    return {f"{one.issue.code[-3:]} {one.element}" for one in found if one.issue.severity.refuses}


def _without(resource: dict[str, Any], *path: str | int) -> dict[str, Any]:
    made = deepcopy(resource)
    at: Any = made
    for part in path[:-1]:
        at = at[part]
    del at[path[-1]]
    return made


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("extension", 0), {"201 DetectedIssue.extension:episode"}),
        (("modifierExtension",), {"210 DetectedIssue"}),
        (("identifier",), {"201 DetectedIssue.identifier:gap"}),
        (
            ("code", "coding", 0),
            {"201 DetectedIssue.code.coding", "201 DetectedIssue.code.coding:kind"},
        ),
        (("severity",), {"201 DetectedIssue.severity"}),
        (("patient",), {"201 DetectedIssue.patient"}),
        (("author",), {"201 DetectedIssue.author"}),
        (("evidence",), {"201 DetectedIssue.evidence"}),
    ],
)
def test_a_gap_lacks_what_its_profile_asks_for(path: tuple, expected: set[str]) -> None:
    assert _wrong(GAP, "handoff-gap") == set()
    assert _wrong(_without(GAP, *path), "handoff-gap") == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("identifier",), {"201 Task.identifier:gapTask"}),
        (("code", "coding", 1), {"204 Task.code"}),
        (("priority",), {"201 Task.priority"}),
        (("focus",), {"201 Task.focus"}),
        (("for",), {"201 Task.for"}),
        (("authoredOn",), {"201 Task.authoredOn"}),
        (("lastModified",), {"201 Task.lastModified"}),
        (("requester",), {"201 Task.requester"}),
    ],
)
def test_the_work_on_a_gap_lacks_what_its_profile_asks_for(path: tuple, expected: set[str]) -> None:
    assert _wrong(TASK, "handoff-gap-task") == set()
    assert _wrong(_without(TASK, *path), "handoff-gap-task") == expected


def test_a_closed_gap_says_why() -> None:
    closed = deepcopy(GAP)
    concept = closed["modifierExtension"][0]["valueCodeableConcept"]
    concept["coding"][0]["code"] = "closed-gap"

    assert _wrong(closed, "handoff-gap") == {"210 DetectedIssue"}


@pytest.mark.parametrize("status", ["rejected", "cancelled", "failed", "on-hold"])
def test_who_does_not_do_the_work_says_why(status: str) -> None:
    ended = {**TASK, "status": status}

    assert _wrong(ended, "handoff-gap-task") == {"210 Task"}
    assert _wrong({**ended, "statusReason": {"text": "absent"}}, "handoff-gap-task") == set()


def test_a_business_status_of_another_list_is_refused() -> None:
    other = {"coding": [{"system": "https://example.test", "code": "a-traiter"}]}

    assert _wrong({**TASK, "businessStatus": other}, "handoff-gap-task") == {
        "207 Task.businessStatus"
    }


def test_the_work_is_about_a_gap() -> None:
    focus = {"reference": "Encounter/1"}

    assert _wrong({**TASK, "focus": focus}, "handoff-gap-task") == {"212 Task.focus"}
