"""What one event of a feed would bring is not missed while that event is known to be silent."""

from datetime import timedelta

import pytest

from gateway.core.feed_ports import Ailment, Trouble
from gateway.entry.settings import load
from gateway.entry.wiring import load_pathway_rules
from gateway.mapping.loader import load_mappings
from gateway.pathway.watermarks import NEVER, Feeds
from tests.support.assertions import paris

ADT = "990000027:ADT"
#: Waits for an admission.
RULE = load_pathway_rules(load(), load_mappings()).versions["TRX-08"][0]
SINCE, TOLD, OVER = (paris(f"2026-03-10 {at}") for at in ("08:00", "09:00", "15:00"))
DUE, BELIEVED = paris("2026-03-10 10:00"), paris("2026-03-10 12:00")
SECOND = timedelta(seconds=1)


def silence(lost=("ENC.ADMIT",), over=OVER, since=SINCE):
    return Trouble(ADT, "A01", Ailment.SILENT, since, TOLD, ended_at=over, lost=lost)


def until(*troubles, at=BELIEVED, due=DUE, needed=(ADT,)):
    return Feeds.of(troubles=troubles).heard_again(needed, RULE, due, at)


def test_it_is_waited_for_until_the_event_comes_again():
    assert until(silence()) == OVER
    assert until(silence(over=None)) is NEVER


def test_one_silence_after_the_other_is_waited_for():
    second = Trouble(ADT, "A01", Ailment.SILENT, paris("2026-03-10 09:30"), OVER, ended_at=None,
                     lost=("ENC.ADMIT",))  # fmt: skip

    assert until(silence(), second) is NEVER


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"at": TOLD - SECOND}, id="believed before the silence was told"),
        pytest.param({"at": OVER}, id="believed after the silence"),
        pytest.param({"due": SINCE}, id="due before the silence began"),
        pytest.param({"needed": ("990000027:DOC",)}, id="of a feed that is not waited for"),
    ],
)
def test_what_the_silence_does_not_concern_is_not_held_up(changes):
    assert until(silence(), **changes) is None


def test_a_silence_that_brings_something_else_holds_up_nothing():
    assert until(silence(lost=("ENC.LEAVE_BACK",))) is None
    assert until(silence(lost=())) is None
