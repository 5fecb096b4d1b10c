"""What the region sends is accepted, except what is meant to be refused."""

from functools import cache

import pytest

from gateway.hl7v2 import ack, intake
from gateway.hl7v2.reader import read
from gateway.simulation.faults import Transport
from gateway.simulation.play import Event, events
from gateway.simulation.region import Region

_REFUSED = {"no-identifier": "PID-3", "impossible-date": "EVN-2", "unknown-event": "MSH-9.2"}


@cache
def _played() -> tuple[Event, ...]:
    played = events(Region(1, 120), Transport(malformed=0.05))
    return tuple(event for event in played if event.door != "cda")


def _judge(event: Event) -> intake.Verdict:
    return intake.judge(
        read(event.body),
        processing_ids=frozenset({"T"}),
        versions=intake.VERSIONS,
        lenient=False,
    )


def test_right_messages_are_taken_even_strictly_and_without_a_remark() -> None:
    verdicts = [_judge(event) for event in _played() if event.label.answer == "AA"]

    assert len(verdicts) > 1000
    assert {(verdict.action, verdict.issues) for verdict in verdicts} == {
        (intake.Action.PROCESS, ())
    }


@pytest.mark.parametrize("fault", _REFUSED)
def test_a_broken_message_is_refused_as_its_label_says(fault: str) -> None:
    broken = [event for event in _played() if event.label.fault == fault]

    assert broken
    for event in broken:
        verdict = _judge(event)
        assert verdict.action is intake.Action.REJECT
        assert _REFUSED[fault] in [issue.where for issue in verdict.issues]
        assert ack.code_for(verdict.issues) == event.label.answer
