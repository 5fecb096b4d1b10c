"""A source made of plain dicts, and the names rules may use in these tests."""

from dataclasses import dataclass, field
from typing import Any

from gateway.core.issues import Issue, Severity
from gateway.fhir import elements
from gateway.mapping.conceptmaps import ConceptMap
from gateway.mapping.converters import Converters, Flawed, Removed
from gateway.mapping.engine import CompiledPlan, Result, compile_plan
from gateway.mapping.plan import EventPlan, ResourcePlan

TABLE = Converters()

#: A constant that many messages share: writing below it must not change it.
SHARED = {"coding": [{"system": "urn:s", "code": "c"}]}


@dataclass
class Node:
    """One place of an input with the nodes that can be selected from it."""

    place: str = "MSH"
    content: str = ""
    below: dict[str, list["Node"]] = field(default_factory=dict)
    is_null: bool = False

    def select(self, path: str) -> list["Node"]:
        return self.below.get(path, [])

    def text(self) -> str:
        return self.content


def source(**fields: str | list[str]) -> Node:
    """Build a message: `source(PID_5=["A", "B"])`; the text `""` in quotes is HL7 null."""
    root = Node()
    for name, said in fields.items():
        path = name.replace("_", "-")
        texts = [said] if isinstance(said, str) else said
        root.below[path] = [
            Node(f"{path}[{n}]", text, is_null=text == '""') for n, text in enumerate(texts, 1)
        ]
    return root


@TABLE.converter("name", reads=("PID-9",))
def name(node: Node, _context: Any) -> Any:
    if node.text() == '""':
        return Removed("usual")
    return {"family": node.text(), "given": ["", node.text()], "period": {"start": ""}}


@TABLE.converter("many")
def many(node: Node, _context: Any) -> Any:
    return [{"system": "urn:a", "value": node.text()}, None, {}, {"system": "urn:b", "value": "2"}]


@TABLE.converter("shared")
def shared(_node: Node, _context: Any) -> Any:
    return SHARED


@TABLE.converter("flawed")
def flawed(node: Node, _context: Any) -> Any:
    issue = Issue("RLS-HL7-000", Severity.WARNING, node.place, "odd.", "none.")
    return Flawed("unknown", (issue,))


@TABLE.converter("from_context")
def from_context(_node: Node, context: Any) -> Any:
    return context


GENDER = ConceptMap.model_validate(
    {
        "name": "gender",
        "source": "invented",
        "version": "1",
        "system": "urn:gender",
        "codes": {"F": "female", "M": {"code": "male", "display": "Male"}, "X": ""},
    }
)


def compiled(
    *rules: dict[str, Any], resource: str = "Patient", fragments: Any = None, **keys: Any
) -> CompiledPlan:
    """Compile one resource plan."""
    plan = ResourcePlan.model_validate({"resource": resource, "rules": list(rules), **keys})
    return compile_plan(plan, fragments or {}, TABLE, {"gender": GENDER}, elements.table())


def compiled_event(plan: dict[str, Any], fragments: dict[str, Any]) -> CompiledPlan:
    """Compile an event plan with its fragments."""
    return compile_plan(
        EventPlan.model_validate(plan),
        {name: ResourcePlan.model_validate(one) for name, one in fragments.items()},
        TABLE,
        {"gender": GENDER},
        elements.table(),
    )


def made(plan: CompiledPlan, input_: Node, context: Any = None, **keys: Any) -> Result:
    """Run a plan that makes one resource."""
    (result,) = plan.run(input_, context, **keys)
    return result
