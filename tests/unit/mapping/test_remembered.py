"""What a rule made of a text is known again for the same sender."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.core.issues import Issue, Severity
from gateway.fhir import elements
from gateway.mapping.converters import REMOVED, Converters, Flawed
from gateway.mapping.engine import CompiledPlan, compile_plan
from gateway.mapping.plan import ResourcePlan

RULE = {"to": "gender", "from": "PID-8", "via": "code"}


@dataclass
class Text:
    """A message with one field."""

    raw: str
    place: str = "PID-8"

    def select(self, _path: str) -> "list[Text]":
        return [self]

    def text(self) -> str:
        return self.raw


@dataclass
class Counted:
    """A plan of one rule whose converter counts its calls."""

    answer: Any
    of_text: bool = True
    asked: list[str] = field(default_factory=list)

    def plan(self) -> CompiledPlan:
        table = Converters()

        @table.converter("code", of_text=self.of_text)
        def code(node: Text, _context: Any) -> Any:
            self.asked.append(node.raw)
            return self.answer

        plan = ResourcePlan.model_validate({"resource": "Patient", "rules": [RULE]})
        return compile_plan(plan, {}, table, {}, elements.table())


ISSUE = Issue("RLS-HL7-000", Severity.WARNING, "PID-8", "odd.", "none.")


def test_a_text_that_comes_again_is_converted_once():
    counted, known = Counted("male"), {}
    plan = counted.plan()

    made = [plan.run(Text(raw), None, known=known)[0].resource for raw in ("M", "M", "X")]

    assert counted.asked == ["M", "X"]
    assert [one["gender"] for one in made] == ["male"] * 3


def test_each_sender_has_a_memory_of_its_own():
    counted = Counted("male")
    plan = counted.plan()

    plan.run(Text("M"), None, known={})
    plan.run(Text("M"), None, known={})

    assert counted.asked == ["M", "M"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(REMOVED, id="a removal"),
        pytest.param(Flawed("unknown", (ISSUE,)), id="an issue, which names its own place"),
    ],
)
def test_what_says_more_than_a_value_is_said_each_time(answer):
    counted, known = Counted(answer), {}
    plan = counted.plan()

    said = [plan.run(Text("M"), None, known=known)[0] for _ in range(2)]

    assert counted.asked == ["M", "M"]
    assert [(one.removals, one.issues) for one in said] == [(said[0].removals, said[0].issues)] * 2
    assert said[0].removals or said[0].issues


def test_a_converter_that_does_not_promise_it_is_always_asked():
    counted, known = Counted("male", of_text=False), {}
    plan = counted.plan()

    plan.run(Text("M"), None, known=known)
    plan.run(Text("M"), None, known=known)

    assert counted.asked == ["M", "M"]


def test_a_trace_is_written_of_what_is_remembered():
    counted, known = Counted("male"), {}
    plan = counted.plan()
    plan.run(Text("M"), None, known=known)

    (traced,) = plan.run(Text("M"), None, trace=True, known=known)

    assert [(line.target, line.source) for line in traced.trace] == [("gender", "PID-8")]
