"""What people may write of the Task of a gap, and what each state asks of them."""

from datetime import timedelta

import pytest

from gateway.core.errors import RejectedError
from gateway.fhir import gap_words as words
from gateway.fhir import gaps
from gateway.fhir.gap_work import promised, worked
from gateway.fhir.gaps import GapView
from tests.support.gaps import IDS, SENTENCES, row
from tests.support.pipeline import START

NOW = START + timedelta(days=3)
LATER = "2030-01-01T08:00:00+01:00"


def task(**changes):
    """Return the Task of an open gap, as it is read."""
    made = gaps.gap_task(GapView(row(), START, SENTENCES), IDS, None)
    return {**made, "meta": {"versionId": "1"}, **changes}


def done(**output):
    return [{"type": {"text": "Action"}, **(output or {"valueString": "Lit trouvé à Lyon"})}]


def refused(current, sent):
    with pytest.raises(RejectedError) as caught:
        worked(current, sent, NOW)
    return [(issue.code, issue.where) for issue in caught.value.issues]


def code_of(made):
    return made["businessStatus"]["coding"][0]["code"]


@pytest.mark.parametrize(
    ("status", "business"),
    [("received", "a-traiter"), ("accepted", "en-cours"), ("in-progress", "en-cours")],
)
def test_a_task_is_taken(status, business):
    made = worked(task(), task(status=status, owner={"display": "DAC des Essais"}), NOW)

    assert (made["status"], code_of(made)) == (status, business)
    assert made["owner"] == {"display": "DAC des Essais"}
    assert made["lastModified"] == NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert made["focus"] == task()["focus"]


def test_who_has_it_may_say_whom_they_wait_for():
    sent = task(status="in-progress", businessStatus=words.business("attente-etablissement"))

    assert code_of(worked(task(), sent, NOW)) == "attente-etablissement"


def test_a_task_is_put_off_until_an_instant_to_come_and_with_a_reason():
    sent = task(
        status="on-hold",
        statusReason={"text": "La famille rappelle lundi"},
        restriction={"period": {"end": LATER}},
    )

    made = worked(task(), sent, NOW)

    assert (made["status"], code_of(made)) == ("on-hold", "reporte")
    assert promised(made).isoformat() == "2030-01-01T07:00:00+00:00"
    assert promised(task()) is None


@pytest.mark.parametrize(
    "end", [None, "2030-01-01", "2030-01-01T08:00:00", "soon", NOW.isoformat(), 7],
    ids=["none", "a day", "no offset", "words", "now", "a number"],
)  # fmt: skip
def test_an_instant_that_is_not_to_come_is_refused(end):
    restriction = {"period": {"end": end} if end is not None else {}}
    sent = task(status="on-hold", statusReason={"text": "x"}, restriction=restriction)

    assert refused(task(), sent) == [("RLS-GAP-006", "Task.restriction.period.end")]


@pytest.mark.parametrize("reason", [None, {}, {"text": "  "}, {"coding": [{"code": "x"}]}, "x"])
@pytest.mark.parametrize("status", ["rejected", "cancelled", "failed"])
def test_a_task_is_not_given_back_without_a_reason_in_words(status, reason):
    sent = task(status=status, **({} if reason is None else {"statusReason": reason}))

    assert refused(task(), sent) == [("RLS-GAP-005", "Task.statusReason.text")]


def test_a_task_that_is_refused_waits_for_the_next_one_with_the_refusal_in_its_notes():
    had = task(status="accepted", owner={"display": "A"}, note=[{"text": "Appelé"}])
    sent = {**had, "status": "rejected", "statusReason": {"text": "Hors secteur"}}

    made = worked(had, sent, NOW)

    assert (made["status"], code_of(made)) == ("requested", "escalade")
    assert "owner" not in made
    assert "statusReason" not in made
    assert [one["text"] for one in made["note"]] == ["Appelé", "Refusé : Hors secteur"]


@pytest.mark.parametrize(
    "output",
    [
        {"valueString": "Vu au téléphone"},
        {"valueCodeableConcept": {"text": "Patient rentré chez lui"}},
        {"valueReference": {"reference": "Encounter/e1"}},
    ],
    ids=lambda value: next(iter(value)),
)
def test_a_task_is_settled_by_telling_how(output):
    made = worked(task(), task(status="completed", output=done(**output)), NOW)

    assert (made["status"], code_of(made)) == ("completed", "resolu-manuel")


@pytest.mark.parametrize("output", [None, [], [{"type": {"text": "x"}}], ["x"], {}, "x"])
def test_a_task_is_not_settled_without_telling_how(output):
    sent = task(status="completed", **({} if output is None else {"output": output}))

    assert refused(task(), sent) == [("RLS-GAP-007", "Task.output")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("for", {"reference": "Patient/other"}),
        ("focus", {"reference": "DetectedIssue/other"}),
        ("authoredOn", "2020-01-01T00:00:00Z"),
        ("priority", "stat"),
        ("description", "Rien"),
        ("identifier", []),
        ("intent", "proposal"),
        ("input", [{"type": {"text": "x"}, "valueString": "y"}]),
    ],
)
def test_what_the_engine_says_stays_as_it_was(name, value):
    sent = task(status="accepted", **{name: value})

    assert refused(task(), sent) == [("RLS-GAP-002", f"Task.{name}")]


def test_every_fault_is_told_at_once():
    sent = task(status="completed", priority="stat", intent="plan")

    assert refused(task(), sent) == [
        ("RLS-GAP-002", "Task.intent"),
        ("RLS-GAP-002", "Task.priority"),
        ("RLS-GAP-007", "Task.output"),
    ]


@pytest.mark.parametrize("name", ["id", "intent", "code"])
def test_the_whole_task_is_sent(name):
    sent = task(status="accepted")
    del sent[name]

    assert refused(task(), sent) == [("RLS-GAP-012", f"Task.{name}")]


def test_what_a_client_leaves_out_of_the_frame_stays():
    sent = task(status="accepted")
    del sent["description"]

    assert worked(task(), sent, NOW)["description"] == task()["description"]


def test_what_people_take_back_is_gone():
    had = task(status="on-hold", statusReason={"text": "x"}, note=[{"text": "n"}])
    sent = {name: value for name, value in had.items() if name not in ("statusReason", "note")}

    made = worked(had, {**sent, "status": "in-progress"}, NOW)

    assert "statusReason" not in made
    assert "note" not in made


@pytest.mark.parametrize("status", ["draft", "ready", "entered-in-error", "", 7, None, ["x"]])
def test_a_status_that_is_not_theirs_is_refused(status):
    assert refused(task(), task(status=status)) == [("RLS-GAP-004", "Task.status")]


def test_a_business_status_goes_with_its_status():
    sent = task(status="accepted", businessStatus=words.business("resolu-manuel"))

    assert refused(task(), sent) == [("RLS-GAP-013", "Task.businessStatus")]


@pytest.mark.parametrize("status", ["completed", "cancelled", "failed", "entered-in-error"])
def test_a_task_that_is_over_is_not_woken(status):
    had = task(status=status)

    assert refused(had, {**had, "status": "in-progress"}) == [("RLS-GAP-003", "Task.status")]


def test_another_resource_is_refused():
    assert refused(task(), {"resourceType": "Patient"})[0] == ("RLS-GAP-001", "Task")


def test_the_same_again_changes_nothing():
    taken = worked(task(), task(status="accepted"), NOW)
    read = {**taken, "meta": {"versionId": "2"}}

    again = worked(read, read, NOW + timedelta(hours=1))

    assert again == taken
