"""What one rule does when it runs: test, read, convert, write, explain.

A rule is compiled to one closure, so that a message costs calls and no parsing of paths. Which
rules run for which resource is decided in `mapping.engine`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.core.issues import Issue
from gateway.mapping import faults
from gateway.mapping.conceptmaps import ConceptMap
from gateway.mapping.converters import Converter, Flawed, Removed, Selector, Source
from gateway.mapping.places import Place, writer
from gateway.mapping.plan import Rule
from gateway.mapping.values import (
    all_clean,
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
#: What rules made of texts, for one sender: by rule and text.
Known = dict[tuple[str, str], Sequence[Any]]
LocalCodes = Mapping[str, Mapping[str, str]]


class Run:
    """What the rules of one resource share while they run.

    Not a dataclass: its `__init__` would stay Python in the compiled build (ADR 13).
    """

    __slots__ = ("context", "issues", "known", "local", "padded", "removals", "resource", "trace")

    def __init__(
        self,
        resource: Json,
        context: Any,
        local: LocalCodes | None,
        trace: list[tuple[str, str, str, str]] | None,
        known: Known | None = None,
    ) -> None:
        self.resource = resource
        self.context = context
        self.local = local
        self.trace = trace
        self.known = known
        self.removals: list[str] = []
        self.issues: list[Issue] = []
        self.padded: dict[str, list[Any]] = {}


Step = Callable[[Source, Run], None]
#: Makes the values to write of a node.
_Reader = Callable[[Any, Run], Sequence[Any]]
#: Translates or types a value; None: nothing can be written.
_Refiner = Callable[[Any, Source, Run], Any]
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


def condition(
    when: Mapping[str, list[str]], selector: Callable[[str], Selector]
) -> Condition | None:
    """Compile `when`: absent counts as the empty text, `*` accepts any text."""
    tests = tuple((selector(path), frozenset(accepted)) for path, accepted in when.items())
    if not tests:
        return None

    def holds(scope: Source) -> bool:
        for select, accepted in tests:
            nodes = select(scope)
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


def constant_step(
    rule: Rule, place: Place, value: Any, selector: Callable[[str], Selector]
) -> Step:
    """Compile a rule that writes a constant, already of the JSON type of its place."""
    holds = condition(rule.when, selector)
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
    selector: Callable[[str], Selector],
    *,
    copy: bool,
    of_text: bool,
) -> Step:
    """Compile a rule that reads the input.

    Args:
        rule: the rule.
        place: where it writes.
        target: that place for messages, `Patient.name`.
        convert: the function of `via`.
        conceptmap: the table of `map`.
        selector: compiles a place of the input.
        copy: another rule writes below the value, which may be shared: write a copy.
        of_text: the value depends on the text of the node and on the sender alone.
    """
    holds = condition(rule.when, selector)
    path, required = rule.from_, rule.required
    select = None if path is None else selector(path)
    single = not place.is_list
    put = writer(place)
    read = _reader(place, convert, _refiner(rule, place, target, conceptmap))
    if of_text:
        read = _remembering(read, f"{target} {path} {rule.via} {rule.map}")

    def step(scope: Source, run: Run) -> None:
        if holds is not None and not holds(scope):
            return
        written = False
        reported = len(run.issues)
        for node in (scope,) if select is None else select(scope):
            for value in read(node, run):
                index = put(run.resource, copied(value) if copy else value, run.padded)
                written = True
                if run.trace is not None:
                    run.trace += _explained(rule, _shown(place, index), node, conceptmap)
            if single and written:
                return
        if required and not written and not _refused(run.issues[reported:]):
            run.issues.append(faults.no_value(_wanted(scope, path), target, rule.spec))

    return step


def _reader(place: Place, convert: Converter, refine: _Refiner | None) -> _Reader:
    """Compile how a node becomes the values to write: all of them, or the one that has room."""
    single = not place.is_list

    def read(node: Source, run: Run) -> Sequence[Any]:
        value = convert(node, run.context)
        if value is None:
            return ()
        # Most values are texts, or objects without anything empty: they are written as they are.
        is_whole = isinstance(value, str) or (isinstance(value, dict) and all_clean(value.values()))
        members = (value,) if is_whole and value else _members(value, place, run)
        if refine is None:
            return members[:1] if single else members
        made = []
        for member in members:
            refined = refine(member, node, run)
            if refined is not None:
                made.append(refined)
                if single:
                    break
        return made

    return read


def _remembering(read: _Reader, rule: str) -> _Reader:
    """Return a reader that knows again what it made of a text, unless there was more to say."""

    def read_once(node: Any, run: Run) -> Sequence[Any]:
        known = run.known
        if known is None:
            return read(node, run)
        key = (rule, node.raw)
        values = known.get(key)
        if values is None:
            told = len(run.issues), len(run.removals)
            values = read(node, run)
            if told == (len(run.issues), len(run.removals)):
                known[key] = values
        return values

    return read_once


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
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, dict):
        clean = pruned(value)
        return [clean] if clean else []
    if isinstance(value, (list, tuple)):
        return [member for item in value for member in _members(item, place, run)]
    if isinstance(value, Removed):
        name = ".".join(place.names)
        run.removals.append(f"{name}:{value.key}" if value.key else name)
        return []
    if isinstance(value, Flawed):
        run.issues.extend(value.issues)
        return _members(value.value, place, run)
    return [] if is_nothing(value) else [value]


def _refiner(
    rule: Rule, place: Place, target: str, conceptmap: ConceptMap | None
) -> _Refiner | None:
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
