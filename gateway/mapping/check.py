"""The static check of all mapping files: everything a rule names exists, everything is used.

Pure: an adapter hands in its converters and its judge of paths; this module knows neither HL7 v2
nor XPath. The engine compiles with the same functions, so what passes here starts.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from gateway.core.issues import Issue
from gateway.mapping import faults
from gateway.mapping.conceptmaps import ConceptMap
from gateway.mapping.converters import Converters
from gateway.mapping.engine import Vocabulary, compile_rules
from gateway.mapping.factcheck import check_facts
from gateway.mapping.loader import Mappings
from gateway.mapping.places import Elements
from gateway.mapping.plan import EventPlan, ResourcePlan, Rule, Use
from gateway.mapping.yamltext import Keys, TextDocument


@dataclass(frozen=True, slots=True)
class Adapter:
    """What an adapter lends to the check.

    Attributes:
        family: folder of its plans, `hl7v2` or `cda`.
        converters: its table.
        path_fault: tells what is wrong with a place in the input; empty when it is well formed.
        conceptmaps: concept maps its converters use by themselves.
        facts: its table of converters for facts.
    """

    family: str
    converters: Converters
    path_fault: Callable[[str], str]
    conceptmaps: frozenset[str] = frozenset()
    facts: Converters = field(default_factory=Converters)


@dataclass(slots=True)
class _Used:
    fragments: set[str] = field(default_factory=set)
    conceptmaps: set[str] = field(default_factory=set)
    converters: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Block:
    """Rules of one resource type, with the places of their keys in the file.

    Attributes:
        keys: where the rules are.
        each: `each` of the resource they belong to.
        own_each: it stands in the same place of the same file (not so for `add`).
    """

    resource: str
    rules: list[Rule]
    document: TextDocument
    keys: Keys
    each: str | None
    own_each: bool = True

    def where(self, index: int, key: str) -> str:
        return self.document.place((*self.keys, index, key))


def check_mappings(
    mappings: Mappings,
    adapters: list[Adapter],
    elements: Elements,
    elsewhere: frozenset[str] = frozenset(),
) -> list[Issue]:
    """Judge all mapping files; empty when the program can start with them.

    Args:
        mappings: what `loader.load_mappings` read.
        adapters: one a family.
        elements: the FHIR model, `fhir.elements.table()`.
        elsewhere: concept maps that are read for something else than an input.
    """
    issues: list[Issue] = []
    used = _Used(conceptmaps=set(elsewhere))
    for adapter in adapters:
        vocabulary = Vocabulary(adapter.converters, mappings.conceptmaps, elements)
        used.conceptmaps |= adapter.conceptmaps
        for block in _blocks(mappings, adapter.family, issues, used):
            issues += _judge(block, vocabulary, adapter)
            used.converters |= {rule.via for rule in block.rules}
            used.conceptmaps |= {rule.map for rule in block.rules if rule.map}
        for name in sorted(set(adapter.converters) - used.converters - {"text"}):
            issues.append(faults.unused(f"gateway/{adapter.family}", "converter", name))
        used.converters.clear()
        spoken = check_facts(mappings, adapter.family, adapter.facts, adapter.path_fault)
        issues += spoken.issues
        used.conceptmaps |= spoken.conceptmaps
    issues += _unused(mappings, used)
    issues += _local_code_faults(mappings)
    return issues


def _blocks(mappings: Mappings, family: str, issues: list[Issue], used: _Used) -> Iterator[_Block]:
    plans = mappings.events if family == "hl7v2" else mappings.documents
    for name, plan in plans.items():
        document = mappings.files[f"plan {name}"]
        yield from _plan_blocks(plan, document, mappings.fragments, issues, used)
    for name, fragment in _fragments(mappings, family):
        key = name.rpartition(".")[2]
        document = mappings.files[f"fragment {name}"]
        yield _Block(fragment.resource, fragment.rules, document, (key, "rules"), fragment.each)


def _plan_blocks(
    plan: EventPlan,
    document: TextDocument,
    fragments: Mapping[str, ResourcePlan],
    issues: list[Issue],
    used: _Used,
) -> Iterator[_Block]:
    for number, entry in enumerate(plan.resources):
        at: Keys = ("resources", number)
        if isinstance(entry, Use):
            used.fragments.add(entry.use)
            found = fragments.get(entry.use)
            if found is None:
                place = document.place((*at, "use"))
                issues.append(faults.unknown_fragment(place, entry.use, fragments))
                continue
            keys: Keys = (*at, "add")
            yield _Block(found.resource, entry.add, document, keys, found.each, own_each=False)
        else:
            yield _Block(entry.resource, entry.rules, document, (*at, "rules"), entry.each)


def _fragments(mappings: Mappings, family: str) -> Iterator[tuple[str, ResourcePlan]]:
    for name, fragment in mappings.fragments.items():
        if f"/{family}/" in mappings.files[f"fragment {name}"].name:
            yield name, fragment


def _judge(block: _Block, vocabulary: Vocabulary, adapter: Adapter) -> Iterator[Issue]:
    yield from compile_rules(block.resource, block.rules, vocabulary, block.where).issues
    fault = adapter.path_fault(block.each) if block.each and block.own_each else ""
    if fault:
        at = block.document.place((*block.keys[:-1], "each"))
        yield faults.bad_source(at, "each", str(block.each), fault)
    for index, rule in enumerate(block.rules):
        if not rule.spec.strip():
            yield faults.no_spec(block.where(index, "to"), f"{block.resource}.{rule.to}")
        reads_nothing = rule.from_ is None and rule.value is None and rule.via == "text"
        if reads_nothing and block.each is None:
            reason = "neither 'from', 'via' nor 'value' says what is written"
            yield faults.contradictory_rule(block.where(index, "to"), reason)
        for key, path in (("from", rule.from_), *(("when", path) for path in rule.when)):
            fault = adapter.path_fault(path) if path is not None else ""
            if path is not None and fault:
                yield faults.bad_source(block.where(index, key), key, path, fault)


def _unused(mappings: Mappings, used: _Used) -> Iterator[Issue]:
    for name in sorted(set(mappings.fragments) - used.fragments):
        document = mappings.files[f"fragment {name}"]
        at = document.place((name.rpartition(".")[2],))
        yield faults.unused(at, "fragment", name)
    for name in sorted(set(mappings.conceptmaps) - used.conceptmaps):
        yield faults.unused(mappings.files[f"conceptmap {name}"].name, "concept map", name)


def _local_code_faults(mappings: Mappings) -> Iterator[Issue]:
    for site in mappings.sites.by_name.values():
        for name, codes in site.local_codes.items():
            at = mappings.files[f"site {site.name}"].place(("local_codes", name))
            conceptmap = mappings.conceptmaps.get(name)
            if conceptmap is None:
                yield faults.unknown_conceptmap(at, name, mappings.conceptmaps)
                continue
            for local, code in codes.items():
                if code not in _targets(conceptmap):
                    place = mappings.files[f"site {site.name}"].place(("local_codes", name, local))
                    reason = f"'{code}' is no target of this concept map"
                    yield faults.wrong_key(place, f"local_codes.{name}.{local}", reason)


def _targets(conceptmap: ConceptMap) -> set[str]:
    return {target.code for target in conceptmap.codes.values()}
