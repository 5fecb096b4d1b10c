"""The engine: compiles an event plan to closures once, then runs it on inputs.

Knows neither HL7 v2 nor CDA nor the FHIR model: it sees an input as a `Source`, converters as
functions, and asks an `Elements` table whether a place repeats. Reads no file (`mapping.loader`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.core.contributions import TraceLine
from gateway.core.errors import FatalError
from gateway.core.issues import Issue
from gateway.mapping import faults
from gateway.mapping.conceptmaps import ConceptMap
from gateway.mapping.converters import (
    REMOVED,
    Converter,
    Converters,
    Flawed,
    Removed,
    Source,
)
from gateway.mapping.places import Elements, Place, compile_place
from gateway.mapping.plan import EventPlan, ResourcePlan, Rule, Use
from gateway.mapping.values import (
    copied,
    is_nothing,
    look_up,
    mapped_value,
    needs_typing,
    pruned,
    source_code,
    typed,
    typed_constant,
)

__all__ = [
    "REMOVED",
    "CompiledPlan",
    "Elements",
    "Flawed",
    "Removed",
    "Result",
    "Source",
    "compile_plan",
]

Json = dict[str, Any]
LocalCodes = Mapping[str, Mapping[str, str]]


@dataclass(slots=True)
class Result:
    """One resource made of an input.

    Attributes:
        resource: partial FHIR resource with `resourceType`, `id` when a rule gave one.
        removals: places the source declared empty, `birthDate` or `name:usual`.
        trace: one line a written value; empty unless asked for.
        issues: what is wrong with the input, for this resource.
        plan: name of the fragment (`segments/PID.patient`), or the resource type.
    """

    resource: Json
    removals: tuple[str, ...]
    trace: list[TraceLine]
    issues: list[Issue]
    plan: str


@dataclass(slots=True)
class _Run:
    """What the rules of one resource share while they run."""

    resource: Json
    context: Any
    local: LocalCodes | None
    trace: list[tuple[str, str, str, str]] | None
    removals: list[str] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    padded: dict[str, list[Any]] = field(default_factory=dict)


Step = Callable[[Source, _Run], None]
Condition = Callable[[Source], bool]


@dataclass(frozen=True, slots=True)
class _CompiledResource:
    name: str
    type: str
    profile: str | None
    each: str | None
    id_steps: tuple[Step, ...]
    id_required: bool
    steps: tuple[Step, ...]


class CompiledPlan:
    """An event plan ready to run; holds no state between two runs."""

    def __init__(
        self, plan: EventPlan | ResourcePlan, resources: tuple[_CompiledResource, ...]
    ) -> None:
        self.plan = plan
        self._resources = resources

    def run(
        self,
        source: Source,
        context: Any,
        *,
        trace: bool = False,
        local: LocalCodes | None = None,
    ) -> list[Result]:
        """Make the resources of one input, in the order of the mapping file.

        Args:
            source: the input.
            context: handed to every converter.
            trace: keep where each value comes from.
            local: codes of the site by concept map name, looked up before the map's own.
        """
        results: list[Result] = []
        for compiled in self._resources:
            scopes = (source,) if compiled.each is None else source.select(compiled.each)
            for scope in scopes:
                run = _Run({"resourceType": compiled.type}, context, local, [] if trace else None)
                result = _run_resource(compiled, scope, run)
                if result is not None:
                    results.append(result)
        return results


def _run_resource(compiled: _CompiledResource, scope: Source, run: _Run) -> Result | None:
    resource = run.resource
    for step in compiled.id_steps:
        step(scope, run)
    if compiled.id_steps and "id" not in resource and not compiled.id_required:
        return None
    if compiled.profile is not None:
        resource["meta"] = {"profile": [compiled.profile]}
        if run.trace is not None:
            run.trace.append(("meta.profile[0]", "constant", "profile", compiled.profile))
    for step in compiled.steps:
        step(scope, run)
    if run.padded:
        _close_gaps(run)
    name = f"{compiled.type}/{resource.get('id', '')}"
    lines = [TraceLine(name, *line) for line in run.trace or ()]
    return Result(resource, tuple(run.removals), lines, run.issues, compiled.name)


def _close_gaps(run: _Run) -> None:
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


def compile_plan(
    plan: EventPlan | ResourcePlan,
    fragments: Mapping[str, ResourcePlan],
    converters: Converters,
    conceptmaps: Mapping[str, ConceptMap],
    elements: Elements,
) -> CompiledPlan:
    """Compile a plan: every path, converter and concept map is resolved now.

    Args:
        plan: an event or document plan, or a single resource plan.
        fragments: by name, `segments/PID.patient`.
        converters: the table of the adapter.
        conceptmaps: by name.
        elements: the FHIR model, `fhir.elements.table()`.

    Raises:
        FatalError: something named does not exist (RLS-CFG-004 to 009), every fault listed.
    """
    entries = plan.resources if isinstance(plan, EventPlan) else [plan]
    where = (plan.message or plan.name or "plan") if isinstance(plan, EventPlan) else plan.resource
    issues: list[Issue] = []
    compiled: list[_CompiledResource] = []
    for entry in entries:
        if isinstance(entry, Use):
            fragment = fragments.get(entry.use)
            if fragment is None:
                issues.append(faults.unknown_fragment(where, entry.use, fragments))
                continue
            name, rules = entry.use, [*fragment.rules, *entry.add]
        else:
            fragment, name, rules = entry, entry.resource, entry.rules
        compiler = _Compiler(
            f"{where} {name}", fragment.resource, converters, conceptmaps, elements
        )
        compiled.append(compiler.resource(name, fragment, rules))
        issues += compiler.issues
    if issues:
        raise FatalError(issues)
    return CompiledPlan(plan, tuple(compiled))


class _Compiler:
    """Compiles the rules of one resource and collects what is wrong with them."""

    def __init__(
        self,
        where: str,
        resource: str,
        converters: Converters,
        conceptmaps: Mapping[str, ConceptMap],
        elements: Elements,
    ) -> None:
        self.where = where
        self.type = resource
        self.converters = converters
        self.conceptmaps = conceptmaps
        self.elements = elements
        self.issues: list[Issue] = []

    def resource(self, name: str, plan: ResourcePlan, rules: list[Rule]) -> _CompiledResource:
        """Compile one resource plan with the rules an event adds."""
        placed = [(rule, place) for rule in rules if (place := self._place(rule)) is not None]
        names = [place.names for _, place in placed]
        ids: list[Step] = []
        others: list[Step] = []
        for rule, place in placed:
            # A value that another rule completes must not be a constant shared by all inputs.
            length = len(place.names)
            shared = any(n[:length] == place.names and len(n) > length for n in names)
            step = self._rule(rule, place, copy=shared)
            if step is not None:
                (ids if place.path == "id" else others).append(step)
        return _CompiledResource(
            name=name,
            type=plan.resource,
            profile=plan.profile,
            each=plan.each,
            id_steps=tuple(ids),
            id_required=any(rule.required for rule, place in placed if place.path == "id"),
            steps=tuple(others),
        )

    def _place(self, rule: Rule) -> Place | None:
        try:
            return compile_place(self.type, rule.to, self.elements)
        except KeyError as error:
            path = str(error.args[0])
            known = self.elements.names(path.rpartition(".")[0])
            self.issues.append(faults.unknown_target(self.where, path, known))
            return None

    def _rule(self, rule: Rule, place: Place, *, copy: bool) -> Step | None:
        if rule.value is not None:
            return self._constant(rule, place)
        convert = self.converters.get(rule.via)
        conceptmap = self.conceptmaps.get(rule.map) if rule.map else None
        if convert is None:
            self.issues.append(faults.unknown_converter(self.where, rule.via, self.converters))
        if rule.map and conceptmap is None:
            self.issues.append(faults.unknown_conceptmap(self.where, rule.map, self.conceptmaps))
        if convert is None or (rule.map and conceptmap is None):
            return None
        return _reading_step(rule, place, f"{self.type}.{rule.to}", convert, conceptmap, copy=copy)

    def _constant(self, rule: Rule, place: Place) -> Step | None:
        if rule.from_ is not None or rule.via != "text" or rule.map:
            reason = f"'value' of '{rule.to}' stands beside 'from', 'via' or 'map'"
            self.issues.append(faults.contradictory_rule(self.where, reason))
            return None
        path = ".".join((self.type, *place.names))
        try:
            value = typed_constant(rule.value, path, self.elements.type_of)
        except (KeyError, ValueError) as error:
            reason = f"the constant does not fit {error.args[0]}"
            self.issues.append(faults.wrong_key(self.where, "value", reason))
            return None
        return _constant_step(rule, place, value)


def _condition(when: Mapping[str, list[str]]) -> Condition | None:
    """Compile `when`: absent counts as the empty text, `*` accepts any text."""
    tests = tuple((path, frozenset(accepted)) for path, accepted in when.items())
    if not tests:
        return None

    def holds(scope: Source) -> bool:
        for path, accepted in tests:
            said = [node.text() for node in scope.select(path)] or [""]
            if not any(text in accepted or (text and "*" in accepted) for text in said):
                return False
        return True

    return holds


def _constant_step(rule: Rule, place: Place, value: Any) -> Step:
    holds = _condition(rule.when)
    members = value if isinstance(value, list) else [value]
    is_tree = any(isinstance(member, dict) for member in members)

    def step(scope: Source, run: _Run) -> None:
        if holds is not None and not holds(scope):
            return
        for member in members:
            index = place.put(run.resource, copied(member) if is_tree else member, run.padded)
            if run.trace is not None:
                run.trace.append((_shown(place, index), "constant", "value", rule.spec))

    return step


def _shown(place: Place, index: int | None) -> str:
    return place.prefix if index is None or not place.is_list else f"{place.prefix}[{index}]"


def _reading_step(
    rule: Rule,
    place: Place,
    target: str,
    convert: Converter,
    conceptmap: ConceptMap | None,
    *,
    copy: bool,
) -> Step:
    holds = _condition(rule.when)
    path, via, spec, required = rule.from_, rule.via, rule.spec, rule.required
    single = not place.is_list
    put = place.put
    refine = _refiner(rule, place, target, conceptmap)

    def step(scope: Source, run: _Run) -> None:
        if holds is not None and not holds(scope):
            return
        written = False
        reported = len(run.issues)
        for node in (scope,) if path is None else scope.select(path):
            value = convert(node, run.context)
            if value is None:
                continue
            for member in _members(value, place, run):
                if refine is not None:
                    member = refine(member, node, run)
                    if member is None:
                        continue
                index = put(run.resource, copied(member) if copy else member, run.padded)
                written = True
                if run.trace is not None:
                    shown = _shown(place, index)
                    run.trace.append((shown, node.place, via, spec))
                    if conceptmap is not None:
                        origin = f"conceptmap {conceptmap.name}"
                        run.trace.append((shown, origin, "map", spec))
                if single:
                    return
        if required and not written and not _refused(run.issues[reported:]):
            run.issues.append(faults.no_value(_wanted(scope, path), target, spec))

    return step


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


def _members(value: Any, place: Place, run: _Run) -> list[Any]:
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
) -> Callable[[Any, Source, _Run], Any] | None:
    """Return what is done to a converted value before it is written, None when nothing is."""
    required, fhir_type = rule.required, place.type

    if conceptmap is not None:

        def translate(value: Any, node: Source, run: _Run) -> Any:
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

        def convert_type(value: Any, node: Source, run: _Run) -> Any:
            if not isinstance(value, str):
                return value
            try:
                return typed(value, fhir_type)
            except ValueError:
                run.issues.append(faults.wrong_type(node.place, target, fhir_type, required))
                return None

        return convert_type

    return None
