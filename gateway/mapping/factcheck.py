"""The static check of fact plans: events, attributes, converters and places exist and are used.

A part of `mapping.check`, with the same limits: it knows neither HL7 v2 nor XPath.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gateway.core.issues import Issue
from gateway.mapping import faults
from gateway.mapping.converters import Converters
from gateway.mapping.facts import FactVocabulary, compile_fact
from gateway.mapping.loader import Mappings
from gateway.mapping.plan import FactPlan
from gateway.mapping.yamltext import Keys, TextDocument


@dataclass(slots=True)
class FactFindings:
    """What the check of one family found.

    Attributes:
        issues: what is wrong.
        conceptmaps: concept maps the fact plans use.
    """

    issues: list[Issue] = field(default_factory=list)
    conceptmaps: set[str] = field(default_factory=set)


def check_facts(
    mappings: Mappings, kind: str, converters: Converters, path_fault: Callable[[str], str]
) -> FactFindings:
    """Judge the fact plans of a family and what nobody uses.

    Args:
        mappings: what `loader.load_mappings` read.
        kind: `hl7v2` or `cda`.
        converters: the table of the adapter for facts.
        path_fault: tells what is wrong with a place in the input.
    """
    found = FactFindings()
    vocabulary = FactVocabulary(converters, mappings.conceptmaps)
    used: set[str] = set()
    for plan, document, keys in _plans(mappings, kind, path_fault, found.issues):
        where = _where(document, keys)
        found.issues += compile_fact(plan, vocabulary, where)[1]
        found.issues += _faults(plan, where, path_fault)
        used |= {plan.name, plan.key, plan.te, plan.op, *(rule.via for rule in plan.rules)}
        found.conceptmaps |= {rule.map for rule in plan.rules if rule.map}
    for name in sorted(set(converters) - used - {"text"}):
        found.issues.append(faults.unused(f"gateway/{kind}", "fact converter", name))
    return found


def _plans(
    mappings: Mappings, kind: str, path_fault: Callable[[str], str], issues: list[Issue]
) -> Iterator[tuple[FactPlan, TextDocument, Keys]]:
    """Yield every fact plan with its file; report fragments that are unknown or unused."""
    known = {name: plan for (family, name), plan in mappings.facts.items() if family == kind}
    used: set[str] = set()
    plans = mappings.events if kind == "hl7v2" else mappings.documents
    for name, event in plans.items():
        document = mappings.files[f"plan {name}"]
        for number, entry in enumerate(event.emits):
            at: Keys = ("emits", number)
            if isinstance(entry, FactPlan):
                yield entry, document, at
                continue
            used.add(entry.use)
            if entry.use not in known:
                issues.append(faults.unknown_fragment(document.place(at), entry.use, known))
            for path in entry.when:
                if fault := path_fault(path):
                    issues.append(faults.bad_source(document.place(at), "when", path, fault))
    for name, plan in known.items():
        document = mappings.files[f"facts {kind} {name}"]
        keys: Keys = (name.rpartition(".")[2],)
        if name not in used:
            issues.append(faults.unused(document.place(keys), "fragment", name))
        yield plan, document, keys


def _where(document: TextDocument, above: Keys) -> Callable[[Keys], str]:
    return lambda keys: document.place((*above, *keys))


def _faults(
    plan: FactPlan, where: Callable[[Keys], str], path_fault: Callable[[str], str]
) -> Iterator[Issue]:
    if not plan.spec.strip():
        yield faults.no_spec(where(("event",)), plan.event)
    for key, path in (("each", plan.each), *(("when", path) for path in plan.when)):
        if path is not None and (fault := path_fault(path)):
            yield faults.bad_source(where((key,)), key, path, fault)
    for index, rule in enumerate(plan.rules):
        if not rule.spec.strip():
            yield faults.no_spec(where(("rules", index)), f"{plan.event} {rule.to}")
        for key, path in (("from", rule.from_), *(("when", path) for path in rule.when)):
            if path is not None and (fault := path_fault(path)):
                yield faults.bad_source(where(("rules", index, key)), key, path, fault)
