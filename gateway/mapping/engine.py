"""The engine: compiles an event plan to closures once, then runs it on inputs.

Knows neither HL7 v2 nor CDA nor the FHIR model: it sees an input as a `Source`, converters as
functions, and asks an `Elements` table whether a place repeats. Reads no file (`mapping.loader`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.core.contributions import TraceLine
from gateway.core.errors import FatalError
from gateway.core.issues import Issue
from gateway.mapping import faults
from gateway.mapping.conceptmaps import ConceptMap
from gateway.mapping.converters import REMOVED, Converters, Flawed, Removed, Selector, Source
from gateway.mapping.places import Elements, Place, compile_place
from gateway.mapping.plan import EventPlan, ResourcePlan, Rule, Use
from gateway.mapping.steps import (
    Known,
    LocalCodes,
    Run,
    Step,
    close_gaps,
    constant_step,
    reading_step,
)
from gateway.mapping.values import is_nothing, pruned, typed_constant

__all__ = [
    "REMOVED",
    "CompiledPlan",
    "CompiledResource",
    "Elements",
    "Flawed",
    "Removed",
    "Result",
    "Source",
    "Vocabulary",
    "compile_plan",
    "compile_rules",
]

Json = dict[str, Any]


class Result:
    """One resource made of an input.

    Attributes:
        resource: partial FHIR resource with `resourceType`, `id` when a rule gave one.
        removals: places the source declared empty, `birthDate` or `name:usual`.
        trace: one line a written value; empty unless asked for.
        issues: what is wrong with the input, for this resource.
        plan: name of the fragment (`segments/PID.patient`), or the resource type.
    """

    __slots__ = ("issues", "plan", "removals", "resource", "trace")

    def __init__(
        self,
        resource: Json,
        removals: tuple[str, ...],
        trace: list[TraceLine],
        issues: list[Issue],
        plan: str,
    ) -> None:
        self.resource = resource
        self.removals = removals
        self.trace = trace
        self.issues = issues
        self.plan = plan


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names rules may use."""

    converters: Converters
    conceptmaps: Mapping[str, ConceptMap]
    elements: Elements


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """The rules of one resource; `issues` tells which of them could not be compiled."""

    id_steps: tuple[Step, ...]
    id_required: bool
    steps: tuple[Step, ...]
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class CompiledResource:
    """One resource of a plan, compiled."""

    name: str
    type: str
    profile: str | None
    each: Selector | None
    rules: CompiledRules


class CompiledPlan:
    """An event plan ready to run; holds no state between two runs."""

    def __init__(
        self, plan: EventPlan | ResourcePlan, resources: tuple[CompiledResource, ...]
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
        known: Known | None = None,
    ) -> list[Result]:
        """Make the resources of one input, in the order of the mapping file.

        Args:
            source: the input.
            context: handed to every converter.
            trace: keep where each value comes from.
            local: codes of the site by concept map name, looked up before the map's own.
            known: what rules made of texts of this sender, and grows; None remembers nothing.
        """
        results: list[Result] = []
        for compiled in self._resources:
            scopes = (source,) if compiled.each is None else compiled.each(source)
            for scope in scopes:
                told: list[tuple[str, str, str, str]] | None = [] if trace else None
                run = Run({"resourceType": compiled.type}, context, local, told, known)
                result = _run_resource(compiled, scope, run)
                if result is not None:
                    results.append(result)
        return results


def _run_resource(compiled: CompiledResource, scope: Source, run: Run) -> Result | None:
    resource = run.resource
    for step in compiled.rules.id_steps:
        step(scope, run)
    if compiled.rules.id_steps and "id" not in resource and not compiled.rules.id_required:
        return None
    if compiled.profile is not None:
        resource["meta"] = {"profile": [compiled.profile]}
        if run.trace is not None:
            run.trace.append(("meta.profile[0]", "constant", "profile", compiled.profile))
    for step in compiled.rules.steps:
        step(scope, run)
    if run.padded:
        close_gaps(run)
    name = f"{compiled.type}/{resource.get('id', '')}"
    lines = [TraceLine(name, *line) for line in run.trace or ()]
    return Result(resource, tuple(run.removals), lines, run.issues, compiled.name)


def compile_plan(
    plan: EventPlan | ResourcePlan,
    fragments: Mapping[str, ResourcePlan],
    converters: Converters,
    conceptmaps: Mapping[str, ConceptMap],
    elements: Elements,
    shared: dict[str, CompiledResource] | None = None,
) -> CompiledPlan:
    """Compile a plan: every path, converter and concept map is resolved now.

    Args:
        plan: an event or document plan, or a single resource plan.
        fragments: by name, `segments/PID.patient`.
        converters: the table of the adapter.
        conceptmaps: by name.
        elements: the FHIR model, `fhir.elements.table()`.
        shared: fragments that other plans use as they stand, by name, and grows.

    Raises:
        FatalError: something named does not exist (RLS-CFG-004 to 009), every fault listed.
    """
    entries = plan.resources if isinstance(plan, EventPlan) else [plan]
    where = (plan.message or plan.name or "plan") if isinstance(plan, EventPlan) else plan.resource
    vocabulary = Vocabulary(converters, conceptmaps, elements)
    issues: list[Issue] = []
    compiled: list[CompiledResource] = []
    shared = {} if shared is None else shared
    for entry in entries:
        if isinstance(entry, Use):
            if not entry.add and entry.use in shared:
                compiled.append(shared[entry.use])
                continue
            fragment = fragments.get(entry.use)
            if fragment is None:
                issues.append(faults.unknown_fragment(where, entry.use, fragments))
                continue
            name, rules = entry.use, [*fragment.rules, *entry.add]
        else:
            fragment, name, rules = entry, entry.resource, entry.rules
        place = f"{where} {name}"
        made = compile_rules(fragment.resource, rules, vocabulary, _always(place))
        each = converters.selector(fragment.each) if fragment.each else None
        compiled.append(CompiledResource(name, fragment.resource, fragment.profile, each, made))
        issues += made.issues
        if isinstance(entry, Use) and not entry.add and not made.issues:
            shared[name] = compiled[-1]
    if issues:
        raise FatalError(issues)
    return CompiledPlan(plan, tuple(compiled))


def _always(place: str) -> Callable[[int, str], str]:
    def where(_index: int, _key: str) -> str:
        return place

    return where


def compile_rules(
    resource: str,
    rules: Sequence[Rule],
    vocabulary: Vocabulary,
    where: Callable[[int, str], str],
) -> CompiledRules:
    """Compile the rules of one resource.

    Args:
        resource: resource type.
        rules: in the order they run.
        vocabulary: what they may name.
        where: names the place of a key (`via`) of the rule at an index, for issues.
    """
    compiler = _Compiler(resource, vocabulary, where)
    placed = [
        (index, rule, place)
        for index, rule in enumerate(rules)
        if (place := compiler.place(index, rule)) is not None
    ]
    names = [place.names for _, _, place in placed]
    ids: list[Step] = []
    others: list[Step] = []
    for index, rule, place in placed:
        # A value that another rule completes must not be a constant shared by all inputs.
        length = len(place.names)
        shared = any(n[:length] == place.names and len(n) > length for n in names)
        step = compiler.step(index, rule, place, copy=shared)
        if step is not None:
            (ids if place.path == "id" else others).append(step)
    required = any(rule.required for _, rule, place in placed if place.path == "id")
    return CompiledRules(tuple(ids), required, tuple(others), tuple(compiler.issues))


class _Compiler:
    """Compiles single rules of one resource and collects what is wrong with them."""

    def __init__(
        self, resource: str, vocabulary: Vocabulary, where: Callable[[int, str], str]
    ) -> None:
        self.type = resource
        self.known = vocabulary
        self.where = where
        self.issues: list[Issue] = []

    def place(self, index: int, rule: Rule) -> Place | None:
        """Compile where a rule writes."""
        try:
            return compile_place(self.type, rule.to, self.known.elements)
        except KeyError as error:
            path = str(error.args[0])
            near = self.known.elements.names(path.rpartition(".")[0])
            self.issues.append(faults.unknown_target(self.where(index, "to"), path, near))
            return None

    def step(self, index: int, rule: Rule, place: Place, *, copy: bool) -> Step | None:
        """Compile what a rule does."""
        if rule.value is not None:
            return self._constant(index, rule, place)
        converters, conceptmaps = self.known.converters, self.known.conceptmaps
        convert = converters.get(rule.via)
        conceptmap = conceptmaps.get(rule.map) if rule.map else None
        if convert is None:
            at = self.where(index, "via")
            self.issues.append(faults.unknown_converter(at, rule.via, converters))
        if rule.map and conceptmap is None:
            at = self.where(index, "map")
            self.issues.append(faults.unknown_conceptmap(at, rule.map, conceptmaps))
        if convert is None or (rule.map and conceptmap is None):
            return None
        target = f"{self.type}.{rule.to}"
        return reading_step(
            rule,
            place,
            target,
            convert,
            conceptmap,
            converters.selector,
            copy=copy,
            of_text=converters.is_of_text(rule.via),
        )

    def _constant(self, index: int, rule: Rule, place: Place) -> Step | None:
        if rule.from_ is not None or rule.via != "text" or rule.map:
            reason = "'value' stands beside 'from', 'via' or 'map'"
            self.issues.append(faults.contradictory_rule(self.where(index, "value"), reason))
            return None
        path = ".".join((self.type, *place.names))
        try:
            value = typed_constant(rule.value, path, self.known.elements.type_of)
        except (KeyError, ValueError) as error:
            reason = f"the constant does not fit {error.args[0]}"
            self.issues.append(faults.wrong_key(self.where(index, "value"), "value", reason))
            return None
        if pruned(value) is not value or is_nothing(value):
            at = self.where(index, "value")
            self.issues.append(faults.wrong_key(at, "value", "the constant holds nothing"))
            return None
        return constant_step(rule, place, value, self.known.converters.selector)
