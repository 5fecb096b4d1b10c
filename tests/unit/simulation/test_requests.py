"""Requests for a place in rehabilitation, answered or not, with a label for each that fails."""

from dataclasses import replace

from gateway.core.facts import Op
from gateway.core.messages import Channel, RawMessage
from gateway.simulation.behaviours import FLAWLESS, Cause
from gateway.simulation.faults import Arrival, rendered
from gateway.simulation.region import Region
from gateway.simulation.steps import Request
from tests.support.gateway import converter

_SIZE = 40


def _asked(region):
    """Return (patient, requests and answers) of those who asked for a place."""
    found = []
    for patient in region.patients():
        said = [step for step in patient.steps if _is_for_a_place(step.content)]
        if said:
            found.append((patient, said))
    return found


def _is_for_a_place(content):
    return isinstance(content, Request) and content.service[0] == "SMR"


def _region(**rates):
    return Region(4, _SIZE, replace(FLAWLESS, **rates))


def test_every_request_is_answered_where_nothing_fails() -> None:
    asked = _asked(Region(4, _SIZE, FLAWLESS))

    assert asked
    for _patient, said in asked:
        assert [step.content.control for step in said] == ["NW", "OK"]
        assert said[0].content.number == said[1].content.number


def test_a_request_without_answer_is_labelled() -> None:
    for patient, said in _asked(_region(unanswered=1.0, answered_late=0, refused=0)):
        labels = [one for one in patient.truths if one.rule == "ORI-01"]
        assert [step.content.control for step in said] == ["NW"]
        assert [(one.cause, one.ends) for one in labels] == [(Cause.UNANSWERED, None)]
        assert labels[0].visit == said[0].content.visit.number


def test_an_answer_after_days_is_labelled_with_its_end() -> None:
    for patient, said in _asked(_region(unanswered=0, answered_late=1.0, refused=0)):
        [label] = [one for one in patient.truths if one.rule == "ORI-01"]
        assert label.cause is Cause.ANSWERED_LATE
        assert label.ends == said[1].content.at


def test_a_refusal_is_labelled_for_the_rule_about_refusals() -> None:
    for patient, said in _asked(_region(unanswered=0, answered_late=0, refused=1.0)):
        labels = [(one.rule, one.cause) for one in patient.truths]
        assert [step.content.control for step in said] == ["NW", "UA"]
        assert ("ORI-02", Cause.REFUSED) in labels


def test_requests_leave_the_story_as_it_was() -> None:
    silent = _region(unanswered=1.0, answered_late=0, refused=0)
    answered = _region(unanswered=0, answered_late=0, refused=0)

    for one, other in zip(silent.patients(), answered.patients(), strict=True):
        plain = [_told(step) for step in other.steps if not _is_for_a_place(step.content)]
        assert [_told(step) for step in one.steps if not _is_for_a_place(step.content)] == plain


def _told(step):
    """Return a step without its number, which counts the answers too."""
    return replace(step, order=0)


def test_the_gateway_reads_question_and_answer_as_facts() -> None:
    told = []
    for _patient, said in _asked(Region(4, _SIZE, FLAWLESS))[:2]:
        for step in said:
            body = rendered(Arrival(step.sent, step)).body
            made = converter()
            item = made.prepare(made.open(RawMessage(body, Channel.MLLP, step.sent)))
            told.append([(one.event, one.op) for one in item.assertions if "REQ" in one.event])

    asked, answered = [("REQ.smr.SENT", Op.ASSERT)], [("REQ.smr.ACCEPTED", Op.ASSERT)]
    assert told == [asked, answered] * 2
