"""A synthetic region with known truth: exact ledgers, honest alarms, nothing of the engine idle."""

import pytest

from tests.region.ablations import ABLATIONS
from tests.region.measure import Wanted, measure, on_sqlite

pytestmark = pytest.mark.long

_WANTED = Wanted(seed=2, patients=200, days=90)
#: Rules of which every rupture is to be found. A promised visit (VIL-04) is also met by another
#: appointment of the same weeks, since appointments name no promise.
_COMPLETE = (
    "ID-01", "ORI-01", "ORI-06", "ORI-08", "RGN-01", "TRX-01", "TRX-03", "TRX-08", "VIL-08",
)  # fmt: skip


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

    assert reasons <= {
        "another appointment taken for it",
        "a message lost",
        "a timestamp in a year to come",
    }


def test_every_false_alarm_is_explained(outcome) -> None:
    reasons = {reason for one in outcome.scores.values() for reason in one.false}

    assert "unexplained" not in reasons


@pytest.mark.parametrize("name", ABLATIONS)
def test_each_part_of_the_engine_is_missed_when_it_is_gone(outcome, name) -> None:
    assert outcome.wrong(outcome.without[name]) > outcome.wrong()


def test_without_faults_every_rupture_is_found() -> None:
    calm = measure(Wanted(seed=3, patients=120, days=90, faults=False))

    recalls = {rule: calm.scores[rule].recall for rule in _COMPLETE}
    assert calm.differences == []
    assert set(recalls.values()) <= {1.0, None}
    assert list(recalls.values()).count(None) <= 1


def test_the_ledger_is_the_same_on_sqlite() -> None:
    assert on_sqlite(_WANTED, 12) == 0
