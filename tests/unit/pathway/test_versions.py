"""What a later version of a letter no longer says is expected no more, whatever came first."""

import pytest

from gateway.core.facts import Op
from tests.support.assertions import MCO, says
from tests.unit.pathway.conftest import Play, rule

STAY = {"estab": MCO, "visit": "V1", "patient_class": "I"}
PROMISED = """
trigger: {event: LDL.PROMISE}
deadline: {n: 5, unit: bd}
closes: [{event: APPT.BOOKED}]
"""
LETTER = "DOC|S1"


def version(number, received, *promised, event="LDL.PROMISE", op=Op.ASSERT):
    """Return what one version of a letter says, received at once."""
    te = f"2025-11-{13 + number} 10:00"
    common = {"revision": f"{number}", "op": op}
    said = [says("DOC.LDL_SES", LETTER, te, received, order=number, **common, setid="S1")]
    said += [says(event, key, te, received, order=number, **common, setid="S1") for key in promised]
    return said


@pytest.mark.field("FL-187")
def test_a_promise_that_a_new_version_drops_is_expected_no_more():
    log = [
        *version(1, "2025-11-14 10:05", "visit", "exam"),
        *version(2, "2025-11-15 10:05", "exam"),
    ]

    play = Play(rule(PROMISED)).until(log, "2025-11-24 00:00")

    assert play.statuses == {("TST-01", "visit"): "void", ("TST-01", "exam"): "overdue"}
    assert ("2025-11-15 10:05:00", "pending", "void", "trigger-retracted") in play.story


@pytest.mark.field("FL-187")
def test_an_old_version_that_arrives_last_promises_nothing():
    log = [
        *version(2, "2025-11-15 10:05", "exam"),
        *version(1, "2025-11-16 10:05", "visit", "exam"),
    ]

    play = Play(rule(PROMISED)).until(log, "2025-11-24 00:00")

    assert play.statuses == {("TST-01", "exam"): "overdue"}


@pytest.mark.parametrize("order", [(1, 2), (2, 1)], ids=["in order", "new before old"])
def test_an_appointment_that_a_new_version_drops_answers_nothing(order):
    wish = says("LDL.PROMISE", "wish", "2025-11-14 10:00", "2025-11-14 10:05")
    said = {1: ("booked",), 2: ()}
    log = [wish]
    for day, number in enumerate(order, 14):
        log += version(number, f"2025-11-{day} 10:05", *said[number], event="APPT.BOOKED")

    play = Play(rule(PROMISED)).until(log, "2025-11-24 00:00")

    assert play.statuses == {("TST-01", "wish"): "overdue"}


def test_a_letter_that_is_taken_back_promises_nothing():
    log = [*version(1, "2025-11-14 10:05", "visit"), *version(2, "2025-11-15 10:05", op=Op.RETRACT)]

    play = Play(rule(PROMISED)).until(log, "2025-11-24 00:00")

    assert play.statuses == {("TST-01", "visit"): "void"}


@pytest.mark.parametrize("order", [(1, 2), (2, 1)], ids=["in order", "new before old"])
def test_a_transfer_that_a_new_version_drops_is_expected_no_more(only, order):
    left = says("ENC.DISCHARGE", "d", "2025-11-14 16:40", "2025-11-14 16:52", **STAY)
    goes = {1: "109", 2: "160849004"}
    log = [left]
    for day, number in enumerate(order, 14):
        log.append(
            says(
                "DOC.LDL_SES", LETTER, f"2025-11-{13 + number} 16:00", f"2025-11-{day} 17:00",
                revision=f"{number}", order=number, setid="S1", discharge_modality=goes[number],
                **STAY,
            )
        )  # fmt: skip

    play = Play(only("TRX-08")).until(log, "2025-11-24 00:00")

    expected = {("TRX-08", "d"): "void"} if order == (1, 2) else {}
    assert play.statuses == expected
