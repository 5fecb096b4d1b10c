"""A pathway as EpisodeOfCare and CarePlan."""

from dataclasses import replace

import orjson
import pytest

from gateway.core.care import Activity, Pathway, Phase, Progress, Stage, State
from gateway.core.facts import dossier_part
from gateway.fhir import care_words, shape
from gateway.fhir.care import PathwayView, episode_of_care, pathway_plan
from tests.conftest import ROOT
from tests.support.assertions import paris
from tests.support.gaps import IDS, PATIENT

START, DECIDED = paris("2026-02-03 09:00"), paris("2026-02-10 14:00")
ABOUT = "ServiceRequest/s1"


def pathway(*activities, **changes):
    stages = (Stage(State.PLANNED, START, DECIDED), Stage(State.ACTIVE, DECIDED))
    made = Pathway("DOC|1", PATIENT, stages, Phase.ANNOUNCED, activities=activities)
    return replace(made, **changes)


def view(*activities, live=(ABOUT,), **changes):
    return PathwayView(pathway(*activities, **changes), PATIENT, live=frozenset(live))


def plan(*activities, **changes):
    made = pathway_plan(view(*activities, **changes), IDS)
    assert shape.check(made) == shape.full(made) == []
    return made


def test_the_states_it_was_in_are_told_with_their_times():
    made = episode_of_care(view(), IDS)

    assert shape.check(made) == shape.full(made) == []
    assert made["statusHistory"] == [
        {
            "status": "planned",
            "period": {"start": "2026-02-03T08:00:00Z", "end": "2026-02-10T13:00:00Z"},
        },
        {"status": "active", "period": {"start": "2026-02-10T13:00:00Z"}},
    ]
    assert made["period"] == {"start": "2026-02-03T08:00:00Z"}


def test_an_establishment_that_nothing_tells_more_of_is_named_by_its_number():
    made = episode_of_care(view(estab="990000001"), IDS)

    number = {"system": "https://finess.esante.gouv.fr", "value": "990000001"}
    assert made["managingOrganization"] == {"type": "Organization", "identifier": number}
    assert "careManager" not in made


def test_the_ids_are_those_of_the_patient_its_first_fact_was_told_under():
    moved = pathway(holder=dossier_part(PATIENT, "dossier"))

    made = episode_of_care(PathwayView(moved, "other"), IDS)

    assert made["id"] == episode_of_care(view(), IDS)["id"] == IDS.episode(PATIENT, "DOC|1")
    assert made["patient"] == {"reference": "Patient/other"}


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (State.PLANNED, "draft"),
        (State.ACTIVE, "active"),
        (State.FINISHED, "completed"),
        (State.CANCELLED, "revoked"),
    ],
)
def test_the_plan_has_the_state_of_its_pathway(state, status):
    assert plan(stages=(Stage(state, START),))["status"] == status


def test_what_can_be_read_is_referred_to_and_the_rest_told():
    known = Activity("k1", ABOUT, Progress.PLANNED, low=START)
    unknown = Activity("k2", "ServiceRequest/gone", Progress.DONE, "psychology", START, DECIDED)

    first, second = plan(known, unknown)["activity"]

    assert first["reference"] == {"reference": ABOUT}
    assert "detail" not in first
    assert second["detail"] == {
        "code": {"coding": [{"system": care_words.CANCER_CARE, "code": "psychology"}]},
        "status": "completed",
        "scheduledPeriod": {"start": "2026-02-03T08:00:00Z", "end": "2026-02-10T13:00:00Z"},
    }


def test_an_end_before_its_begin_is_left_out():
    odd = Activity("k1", "", Progress.PLANNED, low=DECIDED, high=START)

    (made,) = plan(odd)["activity"]
    assert made["detail"]["scheduledPeriod"] == {"start": "2026-02-10T13:00:00Z"}


@pytest.mark.parametrize("progress", list(Progress))
def test_each_progress_has_its_words(progress):
    (made,) = plan(Activity("k1", "", progress))["activity"]

    (concept,) = made["outcomeCodeableConcept"]
    assert concept["coding"][0]["code"] == progress
    assert concept["text"]


def test_what_was_done_is_shown_and_never_the_line_itself():
    done = Activity("k1", ABOUT, Progress.DONE, outcomes=("visit", "self"))
    shown = {"visit": ("Encounter/v", "Encounter/w"), "self": (ABOUT,)}

    made = pathway_plan(replace(view(done), shown=shown), IDS)

    assert made["activity"][0]["outcomeReference"] == [{"reference": "Encounter/v"}]


def test_open_gaps_are_activities_by_their_tasks():
    made = plan(overdue=(("g1", 2),))

    assert made["activity"] == [{"reference": {"reference": f"Task/{IDS.gap_task('g1', 2)}"}}]


def test_the_code_systems_that_are_published_hold_the_codes_that_are_written():
    published = {}
    for path in sorted((ROOT / "profiles" / "fhir").glob("CodeSystem-*.json")):
        system = orjson.loads(path.read_bytes())
        published[system["url"]] = {one["code"]: one["display"] for one in system["concept"]}

    assert {url: published[url] for url in care_words.SYSTEMS} == care_words.SYSTEMS
    assert set(care_words.SYSTEMS[care_words.PHASE]) == {one.value for one in Phase}
    assert set(care_words.SYSTEMS[care_words.PROGRESS]) == {one.value for one in Progress}
