"""The compiled plans of every event, and what is remembered of messages of one sender.

Does not run them (`hl7v2.adapter`).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.core.contributions import Kind
from gateway.core.errors import FatalError
from gateway.fhir.elements import table
from gateway.hl7v2 import facts
from gateway.hl7v2.context import NO_WORDS, Context, IdentityWords
from gateway.hl7v2.convert import CONVERTERS
from gateway.mapping.converters import Selector
from gateway.mapping.engine import CompiledPlan, Result, compile_plan
from gateway.mapping.facts import CompiledFact, FactVocabulary, compile_facts
from gateway.mapping.faults import unknown_conceptmap
from gateway.mapping.loader import Mappings
from gateway.mapping.plan import ResourcePlan, Use
from gateway.mapping.steps import Known

_KINDS = "request-kind"
_UNITS = "ucum-units"
_IDENTITY = ("identity-status", "identity-method", "identity-proof")
#: Concept maps that converters use by themselves.
CONCEPTMAPS = frozenset({_UNITS, *_IDENTITY})
#: Said again by every message, the same for everybody.
_SHARED = frozenset({"Organization", "Practitioner", "PractitionerRole", "Location"})
#: Bounds of the memory of a sender, and of senders: a hospital has some thousands of doctors,
#: units and beds.
_MEMORY = 20_000
_SENDERS = 256


@dataclass(frozen=True, slots=True)
class Memory:
    """What messages of one sender said before.

    Attributes:
        resources: shared resources by part and text.
        values: values of rules by rule and text.
    """

    resources: dict[tuple[str, str], list[Result]] = field(default_factory=dict)
    values: Known = field(default_factory=dict)

    def bound(self) -> None:
        """Forget everything before it is too much."""
        if len(self.resources) + len(self.values) >= _MEMORY:
            self.resources.clear()
            self.values.clear()


@dataclass(frozen=True, slots=True)
class Part:
    """One resource of an event, compiled.

    Attributes:
        name: of the fragment, or the resource type.
        kind: how its contributions are kept.
        each: place whose nodes make one resource each, None for the whole message.
        plan: compiled without `each`.
    """

    name: str
    kind: Kind
    each: Selector | None
    plan: CompiledPlan


@dataclass(frozen=True, slots=True)
class Plans:
    """The compiled plans of all events.

    Attributes:
        by_event: by `ADT_A01`.
        facts: what each event asserts about a pathway.
        kinds: kind of request by the code of a service.
        units: UCUM code that may be claimed for a unit as sent.
        identity_words: what is said of an identity, in FHIR.
        memory: what is known of each sender: the same doctor or unit is in every message, and
            what is made of it depends on nothing else.
    """

    by_event: dict[str, tuple[Part, ...]]
    facts: dict[str, tuple[CompiledFact, ...]]
    kinds: dict[str, str]
    units: dict[str, str] = field(default_factory=dict)
    identity_words: IdentityWords = NO_WORDS
    memory: dict[tuple[Any, ...], Memory] = field(default_factory=dict)

    def memory_of(self, context: Context) -> Memory:
        """Return what is remembered for messages of this site, facility and way of writing."""
        message = context.message
        key = (
            context.finess,
            context.facility,
            context.site.name,
            context.ids,
            message.separators,
            message.charset,
        )
        found = self.memory.get(key)
        if found is None:
            if len(self.memory) >= _SENDERS:
                self.memory.clear()
            found = self.memory[key] = Memory()
        found.bound()
        return found


def compile_plans(mappings: Mappings) -> Plans:
    """Compile every HL7 v2 plan of the mapping files.

    Raises:
        FatalError: something a file names does not exist.
    """
    known: dict[str, Part] = {}
    by_event: dict[str, tuple[Part, ...]] = {}
    said: dict[str, tuple[CompiledFact, ...]] = {}
    vocabulary = FactVocabulary(facts.FACTS, mappings.conceptmaps)
    for name, event in mappings.events.items():
        by_event[name] = tuple(_part(entry, mappings, known) for entry in event.resources)
        said[name] = compile_facts(event.emits, mappings.facts, "hl7v2", vocabulary)
    kinds, units = _codes(mappings, _KINDS), _codes(mappings, _UNITS)
    return Plans(by_event, said, kinds, units, _identity_words(mappings))


def _identity_words(mappings: Mappings) -> IdentityWords:
    known = mappings.conceptmaps
    missing = [name for name in _IDENTITY if name not in known]
    if missing:
        at = str(Path("gateway") / "hl7v2" / "plans.py")
        raise FatalError([unknown_conceptmap(at, name, known) for name in missing])
    return IdentityWords(*(known[name] for name in _IDENTITY))


def _codes(mappings: Mappings, name: str) -> dict[str, str]:
    found = mappings.conceptmaps.get(name)
    return {code: target.code for code, target in found.codes.items()} if found else {}


def _part(entry: Use | ResourcePlan, mappings: Mappings, known: dict[str, Part]) -> Part:
    """Compile one resource of an event; a fragment that is used as it stands, once for all."""
    if not isinstance(entry, Use) or entry.add:
        return _compiled(entry, mappings)
    if entry.use not in known:
        known[entry.use] = _compiled(entry, mappings)
    return known[entry.use]


def _compiled(entry: Use | ResourcePlan, mappings: Mappings) -> Part:
    if isinstance(entry, Use):
        name = entry.use
        plan = mappings.fragments[entry.use]
        plan = plan.model_copy(update={"rules": [*plan.rules, *entry.add]})
    else:
        name, plan = entry.resource, entry
    compiled = compile_plan(
        plan.model_copy(update={"each": None}),
        mappings.fragments,
        CONVERTERS,
        mappings.conceptmaps,
        table(),
    )
    kind = Kind.SHARED if plan.resource in _SHARED else Kind.OWN
    each = CONVERTERS.selector(plan.each) if plan.each else None
    return Part(name, kind, each, compiled)
