"""What one rule does when it runs: test, read, convert, write, explain.

A rule is compiled to one closure, so that a message costs calls and no parsing of paths. Which
rules run for which resource is decided in `mapping.engine`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.core.issues import Issue
from gateway.mapping import faults
from gateway.mapping.conceptmaps import ConceptMap
from gateway.mapping.converters import Converter, Flawed, Removed, Source
from gateway.mapping.places import Place, writer
from gateway.mapping.plan import Rule
from gateway.mapping.values import (
    copied,
    is_nothing,
    look_up,
    mapped_value,
    needs_typing,
    pruned,
    source_code,
    typed,
)

Json = dict[str, Any]
LocalCodes = Mapping[str, Mapping[str, str]]


@dataclass(slots=True)
class Run:
    """What the rules of one resource share while they run."""

    resource: Json
    context: Any
    local: LocalCodes | None
    trace: list[tuple[str, str, str, str]] | None
    removals: list[str] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    padded: dict[str, list[Any]] = field(default_factory=dict)


Step = Callable[[Source, Run], None]
Condition = Callable[[Source], bool]


def close_gaps(run: Run) -> None:
    """Drop members that no rule filled, deepest lists first, and renumber their trace."""
    for path in sorted(run.padded, key=len, reverse=True):
        values = run.padded[path]
        moved = {
            old: new for new, old in enumerate(i for i, v in enumerate(values) if v is not None)
        }
        values[:] = [value for value in values if value is not None]
        if run.trace is None:
            continue
        for number, (target, *rest) in enumerate(run.trace):
            index, bracket, below = target.removeprefix(f"{path}[").partition("]")
            if target.startswith(f"{path}[") and bracket:
                run.trace[number] = (f"{path}[{moved[int(index)]}]{below}", *rest)  # type: ignore[assignment]


def condition(when: Mapping[str, list[str]]) -> Condition | None:
    """Compile `when`: absent counts as the empty text, `*` accepts any text."""
    tests = tuple((path, frozenset(accepted)) for path, accepted in when.items())
    if not tests:
        return None

    def holds(scope: Source) -> bool:
        for path, accepted in tests:
            nodes = scope.select(path)
            if not nodes:
                if "" not in accepted:
                    return False
                continue
            for node in nodes:
                text = node.text()
                if text in accepted or (text and "*" in accepted):
                    break
            else:
                return False
        return True

    return holds


def constant_step(rule: Rule, place: Place, value: Any) -> Step:
    """Compile a rule that writes a constant, already of the JSON type of its place."""
    holds = condition(rule.when)
    members = value if isinstance(value, list) else [value]
    is_tree = any(isinstance(member, dict) for member in members)
    put = writer(place)

    def step(scope: Source, run: Run) -> None:
        if holds is not None and not holds(scope):
            return
        for member in members:
            index = put(run.resource, copied(member) if is_tree else member, run.padded)
            if run.trace is not None:
                run.trace.append((_shown(place, index), "constant", "value", rule.spec))

    return step


def _shown(place: Place, index: int | None) -> str:
    return place.prefix if index is None or not place.is_list else f"{place.prefix}[{index}]"


def reading_step(
    rule: Rule,
    place: Place,
    target: str,
    convert: Converter,
    conceptmap: ConceptMap | None,
    *,
    copy: bool,
) -> Step:
    """Compile a rule that reads the input.

    Args:
        rule: the rule.
        place: where it writes.
        target: that place for messages, `Patient.name`.
        convert: the function of `via`.
        conceptmap: the table of `map`.
        copy: another rule writes below the value, which may be shared: write a copy.
    """
    holds = condition(rule.when)
    path, required = rule.from_, rule.required
    single = not place.is_list
    put = writer(place)
    refine = _refiner(rule, place, target, conceptmap)

    def step(scope: Source, run: Run) -> None:
        if holds is not None and not holds(scope):
            return
        written = False
        reported = len(run.issues)
        for node in (scope,) if path is None else scope.select(path):
            value = convert(node, run.context)
            if value is None:
                continue
            # Most values are texts; the call is spared for them.
            is_text = value.__class__ is str and value
            for member in (value,) if is_text else _members(value, place, run):
                if refine is not None:
                    member = refine(member, node, run)
                    if member is None:
                        continue
                index = put(run.resource, copied(member) if copy else member, run.padded)
                written = True
                if run.trace is not None:
                    run.trace += _explained(rule, _shown(place, index), node, conceptmap)
                if single:
                    return
        if required and not written and not _refused(run.issues[reported:]):
            run.issues.append(faults.no_value(_wanted(scope, path), target, rule.spec))

    return step


def _explained(
    rule: Rule, shown: str, node: Source, conceptmap: ConceptMap | None
) -> list[tuple[str, str, str, str]]:
    """Tell where a written value comes from: the place, and the code table it went through."""
    lines = [(shown, node.place, rule.via, rule.spec)]
    if conceptmap is not None:
        lines.append((shown, f"conceptmap {conceptmap.name}", "map", rule.spec))
    return lines


def _refused(issues: list[Issue]) -> bool:
    return any(issue.severity.refuses for issue in issues)


def _wanted(scope: Source, path: str | None) -> str:
    """Name the place where a value was expected, seen from the whole input."""
    if path is None:
        return scope.place
    segment, dash, rest = path.partition("-")
    if dash and scope.place.partition("[")[0] == segment:
        return f"{scope.place}-{rest}"
    return f"{scope.place}/{path}" if "/" in scope.place else path


def _members(value: Any, place: Place, run: Run) -> list[Any]:
    """Return the values to write; take note of removals and issues on the way."""
    kind = value.__class__
    if kind is str:
        return [value] if value else []
    if kind is dict:
        clean = pruned(value)
        return [clean] if clean else []
    if kind is list or kind is tuple:
        return [member for item in value for member in _members(item, place, run)]
    if kind is Removed:
        name = ".".join(place.names)
        run.removals.append(f"{name}:{value.key}" if value.key else name)
        return []
    if kind is Flawed:
        run.issues.extend(value.issues)
        return _members(value.value, place, run)
    return [] if is_nothing(value) else [value]


def _refiner(
    rule: Rule, place: Place, target: str, conceptmap: ConceptMap | None
) -> Callable[[Any, Source, Run], Any] | None:
    """Return what is done to a converted value before it is written, None when nothing is."""
    required, fhir_type = rule.required, place.type

    if conceptmap is not None:

        def translate(value: Any, node: Source, run: Run) -> Any:
            code = source_code(value)
            found = None if code is None else look_up(conceptmap, code, run.local)
            if found is None:
                run.issues.append(faults.unknown_code(node.place, conceptmap.name, required))
                found = conceptmap.unmapped
            if found is None or not found.code:
                return None
            return mapped_value(conceptmap, found, fhir_type)

        return translate

    if needs_typing(fhir_type):

        def convert_type(value: Any, node: Source, run: Run) -> Any:
            if not isinstance(value, str):
                return value
            try:
                return typed(value, fhir_type)
            except ValueError:
                run.issues.append(faults.wrong_type(node.place, target, fhir_type, required))
                return None

        return convert_type

    return None
