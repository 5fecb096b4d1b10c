"""A synthetic region with known truth: exact ledgers, honest alarms, nothing of the engine idle."""

import pytest

from tests.region.ablations import ABLATIONS
from tests.region.measure import Wanted, measure, on_sqlite

pytestmark = pytest.mark.long

_WANTED = Wanted(seed=2, patients=120, days=90)
#: Why a rupture may never be told without fault of the engine.
_NO_FAULT = {
    # Appointments name no promise: one for another stay may be taken for it.
    "another appointment taken for it",
    "a message lost",
    "a timestamp in a year to come",
    # The discharge was entered after the letter that was late.
    "made good before it was told: DOC.LDL_SES",
    # Nobody waits for what the dead were to get.
    "cancelled PAT.DEATH",
}


@pytest.fixture(scope="module")
def outcome():
    """The region with every fault of transport, measured once."""
    return measure(_WANTED)


def test_every_ledger_is_that_of_the_naive_engine(outcome) -> None:
    assert outcome.transitions > 1000
    assert outcome.differences == []


def test_a_look_in_the_end_writes_what_looks_after_each_message_wrote(outcome) -> None:
    assert outcome.once == 0


def test_nothing_is_told_twice(outcome) -> None:
    assert outcome.duplicates == 0


def test_what_is_never_told_has_a_reason_that_is_no_fault_of_the_engine(outcome) -> None:
    reasons = {reason for one in outcome.scores.values() for reason in one.missed}

    assert reasons <= _NO_FAULT


def test_every_false_alarm_is_explained(outcome) -> None:
    reasons = {reason for one in outcome.scores.values() for reason in one.false}

    assert "unexplained" not in reasons


@pytest.mark.parametrize("name", ABLATIONS)
def test_each_part_of_the_engine_is_missed_when_it_is_gone(outcome, name) -> None:
    assert outcome.wrong(outcome.without[name]) > outcome.wrong()


def test_without_faults_every_rupture_that_lasts_is_found() -> None:
    calm = measure(Wanted(seed=3, patients=60, days=90, faults=False))

    assert calm.differences == []
    missed = {reason for one in calm.scores.values() for reason in one.missed}
    assert missed <= _NO_FAULT - {"a message lost", "a timestamp in a year to come"}
    assert sum(one.found for one in calm.scores.values()) > 40


def test_intervals_hold_the_share_and_are_the_same_each_time(outcome) -> None:
    letters = outcome.scores["TRX-01"]

    precise, recalled = letters.intervals("TRX-01")

    assert precise[0] <= letters.precision <= precise[1]
    assert recalled[0] <= letters.recall <= recalled[1]
    assert letters.intervals("TRX-01") == (precise, recalled)


def test_the_ledger_is_the_same_on_sqlite() -> None:
    assert on_sqlite(_WANTED, 12) == 0
