"""The two resources of a gap along its life; what people wrote in a Task stays."""

from datetime import timedelta

import orjson
import pytest

from gateway.conformance.packages import definitions_of
from gateway.core.facts import Status
from gateway.fhir import gap_words, gaps, shape
from gateway.fhir.gaps import GapView, detected_issue, gap_task, retracted_task
from gateway.fhir.profiles.judge import Judge
from tests.conftest import ROOT
from tests.support.gaps import IDS, PATIENT, SENTENCES, row
from tests.support.pipeline import START

AT = START + timedelta(days=3)
REFERENCES = {
    "ENC.DISCHARGE|ipp|V1": ("Encounter/e1",),
    "ENC.ADMIT|ipp|V2": ("Encounter/e2",),
    "LDL|promise": ("Appointment/a1", "DocumentReference/d1"),
}


JUDGE = Judge(definitions_of([]))


def _wrong(resource, profile):
    """Judge a resource by base R4 and by our own profile of it."""
    asked = f"https://relais.example/fhir/StructureDefinition/{profile}"
    found = [one.issue for one in JUDGE.findings(resource, profiles=[asked])]
    # The extension of the gap status is another's: its definition is in no package at hand.
    return [
        *shape.check(resource),
        *(one for one in found if one.severity.refuses or one.code != "RLS-FHR-215"),
    ]


def _view(status=Status.OVERDUE, **changes):
    return GapView(row(status, **changes), AT, SENTENCES, REFERENCES)


def _issue(status=Status.OVERDUE, before=None, task=None, **changes):
    made = detected_issue(_view(status, **changes), IDS, before, task)
    assert _wrong(made, "handoff-gap") == []
    return made


def _task(status=Status.OVERDUE, before=None, **changes):
    made = gap_task(_view(status, **changes), IDS, before)
    assert _wrong(made, "handoff-gap-task") == []
    return made


def _gap_status(issue):
    found = [e for e in issue.get("modifierExtension", ()) if e["url"] == gaps.GAP_STATUS]
    return found[0]["valueCodeableConcept"]["coding"][0]["code"] if found else None


def _business(task):
    return task["businessStatus"]["coding"][0]["code"]


def test_an_open_gap_says_who_what_when_and_why():
    issue = _issue()

    assert issue["id"] == IDS.gap("g1")
    assert issue["identifier"] == [{"system": "https://relais.example/ns/gap", "value": "g1"}]
    assert issue["status"] == "final"
    assert [c["code"] for c in issue["code"]["coding"]] == ["CAREGAP", "TRX-08"]
    assert issue["severity"] == "high"
    assert issue["patient"] == {"reference": f"Patient/{PATIENT}"}
    assert issue["identifiedDateTime"] == "2026-03-04T08:00:00Z"
    assert issue["detail"] == SENTENCES[0]
    assert issue["evidence"] == [
        {
            "code": [
                {"coding": [{"system": gap_words.PATHWAY_RULE, "version": "2", "code": "TRX-08"}]}
            ],
            "detail": [{"reference": "Encounter/e1"}],
        }
    ]
    assert issue["implicated"] == [{"reference": "Encounter/e1"}]
    assert _gap_status(issue) == "open-gap"
    assert "mitigation" not in issue
    assert gaps.task_reference(issue) == f"Task/{IDS.gap_task('g1', 1)}"
    assert gaps.organization_of(issue) == (
        f"Organization/{IDS.organization('https://finess.esante.gouv.fr', '380000000')}"
    )


def test_a_promise_implicates_what_was_promised_and_shows_who_promised_it():
    issue = _issue(trigger="LDL|promise", evidence=("LDL|promise",))

    assert issue["implicated"] == [{"reference": "Appointment/a1"}]
    assert gaps.evidence_of(issue) == ("Appointment/a1", "DocumentReference/d1")
    assert "encounter" not in _task(trigger="LDL|promise")


def test_evidence_is_named_once_and_without_a_resource_there_is_none():
    twice = _issue(evidence=(row().trigger, "ENC.ADMIT|ipp|V2", row().trigger, "SND|unknown"))
    none = _issue(trigger="SND|unknown")

    assert gaps.evidence_of(twice) == ("Encounter/e1", "Encounter/e2")
    assert gaps.evidence_of(none) == ()
    assert "implicated" not in none


def test_its_task_is_work_to_be_done():
    task = _task()

    assert task["id"] == IDS.gap_task("g1", 1)
    assert task["identifier"][0]["value"] == "g1#1"
    assert (task["status"], _business(task), task["intent"]) == ("requested", "a-traiter", "order")
    assert task["priority"] == "asap"
    assert task["focus"] == {"reference": f"DetectedIssue/{IDS.gap('g1')}"}
    assert task["encounter"] == {"reference": "Encounter/e1"}
    assert task["authoredOn"] == "2026-03-04T09:00:00Z"
    assert task["description"] == " ".join(SENTENCES)


@pytest.mark.parametrize(
    ("severity", "expected", "priority"),
    [
        ("critical", "high", "asap"),
        ("major", "moderate", "urgent"),
        ("minor", "low", "routine"),
        ("info", "low", "routine"),
    ],
)
def test_severity_comes_from_the_rule(severity, expected, priority):
    assert _issue(severity=severity)["severity"] == expected
    assert _task(severity=severity)["priority"] == priority


@pytest.mark.parametrize(
    ("status", "fact", "gap_status", "mitigation", "task", "business"),
    [
        (Status.MET_LATE, "final", "closed-gap", "late-event", "completed", "resolu-tardif"),
        (Status.MET, "final", "closed-gap", "reported-late", "completed", "signale-tardivement"),
        (Status.PENDING, "final", "closed-gap", "deadline-moved", "cancelled", "sans-objet"),
        (Status.PAUSED, "final", "closed-gap", "deadline-moved", "cancelled", "sans-objet"),
        (Status.UNCONFIRMED, "final", "closed-gap", "deadline-moved", "cancelled", "sans-objet"),
        (Status.MOOT, "final", "closed-gap", "moot", "cancelled", "sans-objet"),
        (Status.CANCELLED, "cancelled", "not-applicable", None, "cancelled", "sans-objet"),
        (Status.VOID, "entered-in-error", None, None, "entered-in-error", "a-traiter"),
    ],
)
def test_every_end_of_a_gap(status, fact, gap_status, mitigation, task, business):
    before = _task()

    issue, after = _issue(status), _task(status, before)

    assert (issue["status"], _gap_status(issue)) == (fact, gap_status)
    found = [m["action"]["coding"][0]["code"] for m in issue.get("mitigation", ())]
    assert found == ([mitigation] if mitigation else [])
    assert (after["status"], _business(after)) == (task, business)
    needs_reason = task in ("cancelled", "entered-in-error")
    assert bool(after.get("statusReason", {}).get("text")) is needs_reason


def test_the_closing_event_is_the_output_of_the_task():
    after = _task(Status.MET_LATE, _task(), closer="ENC.ADMIT|ipp|V2")

    [output] = after["output"]
    assert output["valueReference"] == {"reference": "Encounter/e2"}


def test_a_closing_fact_without_resource_is_told_without_its_key():
    after = _task(Status.MET_LATE, _task(), closer="SND.MSS_OK|secret-visit")

    assert "valueCodeableConcept" in after["output"][0]
    assert b"secret-visit" not in orjson.dumps(after)


TAKEN = {
    "status": "in-progress",
    "businessStatus": gap_words.business("attente-etablissement"),
    "owner": {"reference": "Practitioner/p1"},
    "note": [{"text": "rappelé le service"}],
}
DEFERRED = {
    "status": "on-hold",
    "businessStatus": gap_words.business("reporte"),
    "statusReason": {"text": "lit promis demain"},
    "restriction": {"period": {"end": "2026-03-09T08:00:00Z"}},
}
CLOSED = {
    "status": "completed",
    "businessStatus": gap_words.business("resolu-manuel"),
    "output": [{"type": {"text": "motif"}, "valueCodeableConcept": {"text": "refus du patient"}}],
}


@pytest.mark.parametrize(
    "by_person", [TAKEN, DEFERRED, CLOSED], ids=["taken", "deferred", "closed"]
)
def test_an_open_gap_leaves_a_task_to_people(by_person):
    written = {**_task(), **by_person}

    assert _task(before=written) == written


def test_a_task_that_was_taken_is_completed_by_the_event_and_keeps_what_people_wrote():
    written = {**_task(), **TAKEN}

    after = _task(Status.MET_LATE, written, closer="ENC.ADMIT|ipp|V2")

    assert (after["status"], _business(after)) == ("completed", "resolu-tardif")
    assert (after["owner"], after["note"]) == (TAKEN["owner"], TAKEN["note"])


def test_a_task_closed_by_a_person_stays_closed_by_that_person():
    written = {**_task(), **CLOSED}

    after = _task(Status.MET_LATE, written)

    assert (after["status"], _business(after)) == ("completed", "resolu-manuel")
    assert after["output"] == CLOSED["output"]


def test_a_gap_closed_by_a_person_is_shown_closed_while_the_truth_stays():
    task = {**_task(), **CLOSED}

    issue = _issue(task=task)

    assert (issue["status"], _gap_status(issue)) == ("final", "closed-gap")
    assert issue["mitigation"][0]["action"]["coding"][0]["code"] == "resolved-by-person"


def test_what_the_engine_ended_the_engine_may_correct():
    late = _task(Status.MET_LATE, _task(), closer="ENC.ADMIT|ipp|V2")

    in_time = _task(Status.MET, late, closer="ENC.ADMIT|ipp|V2")

    assert _business(in_time) == "signale-tardivement"
    assert len(in_time["output"]) == 1


def test_a_retracted_trigger_ends_even_what_a_person_closed():
    after = retracted_task({**_task(), **CLOSED}, AT)

    assert after["status"] == "entered-in-error"
    assert after["output"] == CLOSED["output"]
    assert retracted_task(after, AT + timedelta(days=1)) == after


def test_a_new_episode_is_a_new_task_of_the_same_gap():
    first, second = _task(episode=1), _task(episode=2)

    assert first["id"] != second["id"]
    assert first["focus"] == second["focus"]
    assert _issue(episode=1)["id"] == _issue(episode=2)["id"]


def test_a_missed_deadline_stays_told_while_a_pause_leaves_it_undefined():
    before = _issue()

    paused = _issue(Status.PAUSED, before, deadline=None)

    assert paused["identifiedDateTime"] == before["identifiedDateTime"]


def test_the_code_systems_that_are_published_hold_the_codes_that_are_written():
    published = {}
    for path in sorted((ROOT / "profiles" / "fhir").glob("CodeSystem-*.json")):
        system = orjson.loads(path.read_bytes())
        concepts = system["concept"]
        published[system["url"]] = {one["code"]: one["display"] for one in concepts}

    assert {url: published[url] for url in gap_words.SYSTEMS} == gap_words.SYSTEMS
    assert set(published[gap_words.GAP_TYPE]) == set(published[gap_words.PATHWAY_RULE])


def test_every_rule_has_its_type_of_gap():
    # A later version of a rule has its number behind its name.
    rules = {
        path.stem.partition(".")[0] for path in (ROOT / "profiles" / "pathways").glob("*.yaml")
    }
    path = ROOT / "profiles" / "fhir" / "CodeSystem-gap-type.json"
    known = {one["code"] for one in orjson.loads(path.read_bytes())["concept"]}

    assert rules <= known
    assert "TRX-08" in known


@pytest.mark.parametrize("status", [Status.OVERDUE, Status.MET_LATE, Status.CANCELLED, Status.VOID])
def test_the_models_of_fhir_find_nothing_wrong_either(status):
    task = _task(status, _task())

    assert shape.full(_issue(status, task=task)) == []
    assert shape.full(task) == []
