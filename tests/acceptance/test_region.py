"""A synthetic region with known truth: exact ledgers, honest alarms, nothing of the engine idle."""

import pytest

from gateway.simulation.region import Region
from tests.region.ablations import ABLATIONS, walked, walked_without
from tests.region.measure import Wanted, measure, on_sqlite
from tests.region.play import play
from tests.region.score import FEED_RULE, JUDGED

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


@pytest.fixture(scope="module")
def few():
    """Some patients, played without a watch over their feeds."""
    region = Region(_WANTED.seed, _WANTED.patients, days=_WANTED.days)
    return play(region, range(1, 16), _WANTED.transport, watches=False)


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


@pytest.mark.parametrize("name", ABLATIONS)
def test_an_ablation_leaves_the_rules_alone_that_never_had_the_thing(few, name) -> None:
    judged = {*JUDGED, FEED_RULE}
    rows, lines = walked(few, name)

    some, told = walked_without(few, name, judged)

    assert some == {gap_id: row for gap_id, row in rows.items() if row.rule in judged}
    assert _by_gap(told) == _by_gap(line for line in lines if line.rule in judged)


def _by_gap(lines):
    found = {}
    for line in lines:
        found.setdefault(line.gap_id, []).append(line)
    return found


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
