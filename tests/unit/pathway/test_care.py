"""The cancer pathway of a person, drawn from facts."""

from itertools import permutations

import pytest

from gateway.core.care import Phase, Progress, State
from gateway.core.facts import Op, Received, Status
from gateway.pathway.care import pathway_of
from gateway.pathway.facts import reduce
from tests.support import assertions
from tests.support.assertions import paris
from tests.support.gaps import row

ASKED, BOARD, PROGRAMME = "ServiceRequest/r1|sent", "DOC|frcp", "DOC|pps"


def says(event, at, key="key", **more):
    """Return a word that is received when it happens."""
    return assertions.says(event, key, at, at, **more)


def drawn(*log: Received, rows=()):
    return pathway_of(reduce(log), rows)


def board(at="2026-02-10 16:00", **more):
    return says("DOC.FRCP", at, key=BOARD, setid="frcp", estab="990000001", **more)


def programme(at="2026-03-02 10:00", **more):
    return says("DOC.PPS", at, key=PROGRAMME, setid="pps", estab="990000002", **more)


def asked(at="2026-02-03 09:00", **more):
    return says("REQ.rcp.SENT", at, key=ASKED, request="r1", **more)


def step(key="PPS|s1", at="2026-03-02 10:00", **more):
    said = {"mood": "INT", "setid": "pps", "version": 1, "about": f"ServiceRequest/{key[4:]}"}
    return says("PPS.STEP", at, key=key, **(said | more))


def progress(pathway):
    return {one.key: one.progress for one in pathway.activities}


def expected(trigger, status, closer=""):
    return row(status, trigger=trigger, closer=closer, anchor=paris("2026-03-05 00:00"))


def test_a_person_without_cancer_has_no_pathway():
    stay, letter = (
        says("ENC.ADMIT", "2026-02-01 08:00", "v"),
        says("DOC.LDL_SES", "2026-02-03 08:00"),
    )

    assert drawn(stay, letter) is None


def test_a_benign_report_opens_nothing():
    assert drawn(says("DOC.ACP", "2026-02-01 08:00", malignant=False)) is None


def test_a_malignant_report_plans_a_pathway():
    found = drawn(says("DOC.ACP", "2026-02-01 08:00", key="acp", malignant=True))

    assert (found.state, found.phase, found.opener) == (State.PLANNED, Phase.SUSPICION, "acp")


def test_it_is_planned_from_the_request_for_a_board_and_active_from_its_meeting():
    found = drawn(asked(), board(session_time="2026-02-10T13:00:00Z"), programme())

    assert [(stage.state, stage.start, stage.end) for stage in found.stages] == [
        (State.PLANNED, paris("2026-02-03 09:00"), paris("2026-02-10 14:00")),
        (State.ACTIVE, paris("2026-02-10 14:00"), None),
    ]
    assert (found.opener, found.phase) == (ASKED, Phase.ANNOUNCED)
    assert (found.documents, found.estab) == ((BOARD, PROGRAMME), "990000002")


def test_a_board_that_is_not_asked_for_any_more_cancels_it():
    withdrawn = says("REQ.rcp.WITHDRAWN", "2026-02-05 09:00", key="ServiceRequest/r1|withdrawn")

    assert drawn(asked(), withdrawn).state is State.CANCELLED
    assert drawn(asked(), withdrawn, board()).state is State.ACTIVE
    assert drawn(asked(), withdrawn).end == paris("2026-02-05 09:00")


def test_death_ends_it():
    found = drawn(board(), says("PAT.DEATH", "2026-04-01 06:00", key="Patient/p|death"))

    assert (found.state, found.end) == (State.FINISHED, paris("2026-04-01 06:00"))


def test_what_comes_after_the_death_is_no_later_stage():
    found = drawn(asked(), board(), says("PAT.DEATH", "2026-02-06 06:00", key="Patient/p|death"))

    assert [stage.state for stage in found.stages] == [State.PLANNED, State.FINISHED]


@pytest.mark.parametrize(
    ("fact", "phase"),
    [
        (says("DOC.CRO", "2026-03-20 10:00", key="cro"), Phase.TREATMENT),
        (says("ENC.OUTPT", "2026-03-20 10:00", key="v", purpose="chemotherapy"), Phase.TREATMENT),
        (says("APPT.DONE", "2026-03-20 10:00", key="a", kind="radiotherapy"), Phase.TREATMENT),
        (step("PPS|stop", "2026-03-20 10:00", code="MED-052", mood="EVN"), Phase.FOLLOW_UP),
        (says("REQ.palliative.SENT", "2026-03-20 10:00", key="r|sent"), Phase.PALLIATIVE),
        (says("ENC.OUTPT", "2026-03-20 10:00", key="v"), Phase.ANNOUNCED),
    ],
    ids=["operation", "session", "appointment kept", "all stopped", "palliative", "any visit"],
)
def test_the_phase_is_that_of_the_latest_mark(fact, phase):
    assert drawn(board(), programme(), fact).phase is phase


def test_what_was_before_it_is_not_in_it():
    early = says("REQ.psy.SENT", "2025-11-01 10:00", key="ServiceRequest/old|sent", request="old")

    assert drawn(early, board()).activities == ()


def test_a_step_is_planned_until_the_engine_has_seen_it_done():
    visit = says("ENC.OUTPT", "2026-03-16 10:00", key="visit")
    log = board(), programme(), step(low="2026-03-15T23:00:00Z"), visit

    assert progress(drawn(*log)) == {"PPS|s1": Progress.PLANNED}
    met = drawn(*log, rows=[expected("PPS|s1", Status.MET, "visit")])
    assert progress(met) == {"PPS|s1": Progress.DONE}
    assert met.activities[0].outcomes == ("visit",)
    late = drawn(*log, rows=[expected("PPS|s1", Status.OVERDUE)])
    assert progress(late) == {"PPS|s1": Progress.OVERDUE}
    assert late.overdue == (("g1", 1),)


def test_a_line_that_a_later_version_drops_is_planned_no_more():
    second = programme("2026-04-02 10:00", version=2)

    assert drawn(board(), programme(), step(), second).activities == ()


@pytest.mark.parametrize(
    ("event", "became"),
    [
        ("ACCEPTED", Progress.ACCEPTED),
        ("REFUSED", Progress.REFUSED),
        ("WITHDRAWN", Progress.CANCELLED),
    ],
)
def test_a_request_is_as_it_was_answered(event, became):
    key = "ServiceRequest/r2|sent"
    request = says("REQ.diet.SENT", "2026-03-05 10:00", key=key, request="N2")
    answer = says(f"REQ.diet.{event}", "2026-03-06 10:00", key="ServiceRequest/r2|x", request="N2")

    (found,) = drawn(board(), request, answer).activities
    assert (found.about, found.progress) == ("ServiceRequest/r2", became)


def test_one_line_and_the_request_for_it_are_one_activity():
    request = says("REQ.psy.SENT", "2026-03-02 10:00", key="ServiceRequest/s1|sent", request="s1")

    (found,) = drawn(board(), programme(), step(content="psychology"), request).activities
    assert (found.about, found.content) == ("ServiceRequest/s1", "psychology")


def test_an_appointment_answers_the_request_it_was_made_for():
    request = says("REQ.psy.SENT", "2026-03-05 10:00", key="ServiceRequest/r2|sent", request="N2")
    visit = says("APPT.DONE", "2026-03-09 10:00", key="Appointment/a1", request="N2")

    found = {one.about: one for one in drawn(board(), request, visit).activities}
    assert found["ServiceRequest/r2"].progress is Progress.DONE
    assert found["ServiceRequest/r2"].outcomes == ("Appointment/a1",)


@pytest.mark.parametrize(
    ("event", "became"),
    [("BOOKED", "booked"), ("CANCELLED", "cancelled"), ("NOSHOW", "no-show"), ("DONE", "done")],
)
def test_an_appointment_is_as_it_was_told_last(event, became):
    visit = says(f"APPT.{event}", "2026-03-09 10:00", key="Appointment/a1")

    (found,) = drawn(board(), visit).activities
    assert found.progress == became


def test_activities_are_in_order_of_time_and_those_without_a_date_last():
    log = (
        step("PPS|none"),
        step("PPS|late", low="2026-05-01T00:00:00Z"),
        step("PPS|soon", low="2026-03-10T00:00:00Z"),
    )

    found = drawn(board(), programme(), *log)
    assert [one.key for one in found.activities] == ["PPS|soon", "PPS|late", "PPS|none"]


def test_an_opening_that_is_taken_back_opens_nothing():
    gone = says("DOC.FRCP", "2026-02-11 16:00", BOARD, op=Op.RETRACT, revision="2")

    assert drawn(board(), gone) is drawn(gone, board()) is None


def test_any_order_of_the_words_gives_the_same():
    request = says("REQ.diet.SENT", "2026-03-05 10:00", key="ServiceRequest/r2|sent", request="N2")
    answer = says("REQ.diet.REFUSED", "2026-03-06 10:00", key="ServiceRequest/r2|a", request="N2")
    log = asked(), board(), programme(), step(), request, answer

    assert len({drawn(*order) for order in permutations(log)}) == 1
