"""Handoffs fail where the behaviours say so, and each failure has its truth."""

from collections import Counter
from dataclasses import fields, replace
from datetime import timedelta

import pytest

from gateway.simulation.behaviours import FLAWLESS, USUAL, Behaviours, Cause, Done, feed_truths
from gateway.simulation.draws import Draws
from gateway.simulation.establishments import ESTABLISHMENTS, HAD, SMR
from gateway.simulation.faults import Transport
from gateway.simulation.region import FIRST_DAY, Region
from gateway.simulation.steps import Booking, LetterSent, Movement

#: What befalls things one by one, each with chance of its own.
_HAPPENS = (
    "unfinished", "entered_late", "opened_twice", "never_merged", "wrongly_parted", "withdrawn",
    "no_show",
)  # fmt: skip
REGION = Region(5, 120)
TRUTHS = tuple(truth for patient in REGION.patients() for truth in patient.truths)


def _steps(patient, kind):
    return [step for step in patient.steps if isinstance(step.content, kind)]


def _visits_with_letter(patient):
    return {step.content.visit.number for step in _steps(patient, LetterSent)}


def test_every_kind_of_rupture_happens_in_a_region() -> None:
    causes = {truth.cause for truth in Region(2, 1500).patients() for truth in truth.truths}

    assert causes == set(Cause) - {Cause.SILENT}


def test_a_flawless_region_has_no_truth_but_people_who_leave_on_their_own() -> None:
    truths = [t for patient in Region(5, 120, FLAWLESS).patients() for t in patient.truths]

    assert {(truth.rule, truth.cause) for truth in truths} == {("TRX-01", Cause.FORGOTTEN)}


def test_a_forgotten_letter_is_never_sent_and_a_late_one_is_sent_after_the_day() -> None:
    for patient in REGION.patients():
        sent = {step.content.visit.number: step.sent for step in _steps(patient, LetterSent)[::-1]}
        for truth in patient.truths:
            if truth.cause is Cause.FORGOTTEN:
                assert truth.visit not in sent
            if truth.cause is Cause.LATE:
                assert truth.ends is not None
                assert truth.ends >= truth.begins + timedelta(days=2)
                assert sent[truth.visit] >= truth.ends


def test_a_lost_patient_never_arrives_at_the_next_establishment() -> None:
    patients = {patient.person.order: patient for patient in Region(11, 300).patients()}
    lost = [t for p in patients.values() for t in p.truths if t.cause is Cause.LOST]

    assert lost
    for truth in lost:
        arrivals = [
            step
            for step in _steps(patients[truth.patient], Movement)
            if step.content.event == "A01"
            and step.content.visit.establishment in (SMR, HAD)
            and step.content.visit.number != truth.visit
        ]
        assert arrivals == []


def test_a_leave_that_is_not_returned_has_no_way_back() -> None:
    patients = {patient.person.order: patient for patient in Region(11, 300).patients()}
    ruptures = [t for p in patients.values() for t in p.truths if t.rule == "ORI-08"]

    assert {truth.cause for truth in ruptures} == {Cause.NOT_BACK, Cause.LATE_BACK}
    for truth in ruptures:
        back = [
            step.occurred
            for step in _steps(patients[truth.patient], Movement)
            if step.content.event == "A22" and step.content.visit.number == truth.visit
        ]
        assert back == ([] if truth.cause is Cause.NOT_BACK else [truth.ends])


def test_a_promise_that_is_never_booked_is_followed_by_no_appointment() -> None:
    patients = {patient.person.order: patient for patient in REGION.patients()}
    unkept = [truth for truth in TRUTHS if truth.cause is Cause.NOT_BOOKED]

    assert unkept
    for truth in unkept:
        later = [
            step
            for step in _steps(patients[truth.patient], Booking)
            if step.content.service[1] == "Consultation de contrôle"
            and step.content.establishment.finess == truth.finess
        ]
        assert later == []


def test_truths_name_the_visit_that_is_not_followed() -> None:
    known = {
        step.content.visit.number
        for patient in REGION.patients()
        for step in _steps(patient, Movement)
    }

    assert TRUTHS
    # An appointment nobody came to belongs to no visit.
    assert {truth.visit for truth in TRUTHS if truth.rule != "ONC-14"} <= known


@pytest.mark.parametrize("name", [one.name for one in fields(USUAL)])
def test_one_behaviour_moves_no_other(name) -> None:
    def told(rates):
        behaviours = Behaviours(Draws("one", 1), rates)
        visits = [f"V{number}" for number in range(60)]
        return {
            "letter": [behaviours.letter(visit) for visit in visits],
            "transfer": [behaviours.transfer(visit) for visit in visits],
            "leave": [behaviours.leave(visit) for visit in visits],
            "not_booked": [behaviours.booking(visit) for visit in visits],
            "wrong_mailbox": [behaviours.wrong_mailbox(visit) for visit in visits],
            "identity": [behaviours.identity(visit) for visit in visits],
            "gp": [behaviours.has_gp()],
            "request": [behaviours.request(visit) for visit in visits],
            "refused": [behaviours.refused(visit) for visit in visits],
            "board": [behaviours.board(visit) for visit in visits],
            "programme": [behaviours.programme(visit) for visit in visits],
            "rebooking": [behaviours.rebooking(visit) for visit in visits],
            "declaring": [behaviours.declaring()],
            **{what: [behaviours.happens(what, visit) for visit in visits] for what in _HAPPENS},
        }

    purpose = {
        "no_gp": "gp", "unqualified": "identity", "qualified_late": "identity",
        "unanswered": "request", "answered_late": "request", "refused": "refused",
        "board_silent": "board", "board_late": "board", "no_programme": "programme",
        "programme_late": "programme", "not_rebooked": "rebooking", "rebooked_late": "rebooking",
        "gp_declared": "declaring", "gp_declared_late": "declaring",
        **{what: what for what in _HAPPENS},
    }  # fmt: skip
    changed = purpose.get(name) or next(
        one for one in ("letter", "transfer", "leave", "not_booked", "wrong_mailbox")
        if name.startswith(one)
    )  # fmt: skip

    usual = replace(USUAL, gp_declared=1.0 if name == "gp_declared_late" else 0.0)
    before, after = told(usual), told(replace(usual, **{name: 1.0}))

    assert {key for key in before if before[key] != after[key]} == {changed}


def test_rates_are_met_over_many_visits() -> None:
    behaviours = Behaviours(Draws("many", 1))

    done = Counter(behaviours.letter(f"V{number}").done for number in range(4000))

    assert 0.04 < done[Done.NEVER] / 4000 < 0.06
    assert 0.16 < done[Done.LATE] / 4000 < 0.20


def test_a_silent_feed_is_nobodys_ward() -> None:
    numbers = {site.key: site.finess for site in ESTABLISHMENTS}

    truths = list(feed_truths(Transport(), FIRST_DAY, numbers))

    assert {truth.cause for truth in truths} == {Cause.SILENT}
    assert {truth.finess for truth in truths} >= {HAD.finess}
    assert all(truth.ends is not None and truth.ends > truth.begins for truth in truths)
