"""Fact plans: what an input asserts about a pathway, compiled once and run on inputs.

Knows the alphabet of facts (`core.events`) but neither HL7 v2 nor CDA: keys, times and attributes
come from converters of the adapter. What follows from facts is decided in `pathway`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from gateway.core.contributions import Target
from gateway.core.errors import FatalError
from gateway.core.events import ATTRIBUTES, EVENTS, Kind, events_of, family
from gateway.core.facts import Assertion, Attributes, Op, Span
from gateway.core.issues import Issue
from gateway.core.timestamps import Timestamp
from gateway.mapping import faults
from gateway.mapping.conceptmaps import ConceptMap
from gateway.mapping.converters import Converter, Converters, Removed, Selector, Source
from gateway.mapping.plan import FactPlan, FactUse, Rule
from gateway.mapping.steps import Condition, LocalCodes, condition
from gateway.mapping.values import is_nothing, look_up, source_code
from gateway.mapping.yamltext import Keys

#: What a fact keeps of the flags of its time; that a zone was assumed is said of nearly all.
_KEPT = frozenset({"tz-ambiguous", "tz-repair"})
IMPRECISE = "imprecise"
_OPS = {op.value: op for op in Op}
#: What is hashed; made once, since making one costs more than using it. What is said holds no
#: circles to look for.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False)


class When(NamedTuple):
    """An event time as a `te` converter gives it."""

    span: Span
    flags: tuple[str, ...] = ()


def when_of(stamp: Timestamp) -> When:
    """Return the event time of a timestamp: a date is its day in Paris, a month all of it."""
    flags = tuple(flag for flag in stamp.flags if flag in _KEPT)
    if stamp.instant_utc is None:
        flags = (*flags, IMPRECISE)
    return When(Span(*stamp.bounds_utc()), flags)


def instant_text(instant: datetime) -> str:
    """Return a UTC instant as attributes hold it: `Z` text, whole seconds."""
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who asserts, and when: the same for all facts of an input.

    Attributes:
        revision: place in the order of the source, `Version.key()`; without the digest, so that
            a message sent again under another control id asserts the same.
        sent_at: emission, UTC.
        patient: whom the facts are about.
        source: feed, `<establishment or sender>:<ADT|DOC|SIU>`.
        estab: FINESS, empty when nothing tells it.
    """

    revision: str
    sent_at: datetime
    patient: Target | None
    source: str
    estab: str


@dataclass(frozen=True, slots=True)
class _Attribute:
    """One compiled rule."""

    name: str
    select: Selector | None
    holds: Condition | None
    constant: Any
    convert: Converter
    conceptmap: ConceptMap | None
    required: bool
    is_list: bool


@dataclass(frozen=True, slots=True)
class CompiledFact:
    """One compiled fact plan; holds no state between two runs."""

    event: str
    name: Converter | None
    key: Converter
    te: Converter
    op: Op | Converter
    each: Selector | None
    holds: Condition | None
    attributes: tuple[_Attribute, ...]

    def run(
        self, source: Source, context: Any, speaker: Speaker, local: LocalCodes | None = None
    ) -> list[Assertion]:
        """Return what one input asserts by this plan.

        Args:
            source: the input.
            context: handed to every converter.
            speaker: who asserts.
            local: codes of the site by concept map name.
        """
        found: list[Assertion] = []
        for scope in (source,) if self.each is None else self.each(source):
            if self.holds is None or self.holds(scope):
                made = self._one(scope, context, speaker, local)
                if made is not None:
                    found.append(made)
        return found

    def _one(
        self, scope: Source, context: Any, speaker: Speaker, local: LocalCodes | None
    ) -> Assertion | None:
        event = self.event
        if self.name is not None:
            rest = self.name(scope, context)
            if rest is None:
                return None
            event = f"{event}{rest}"
        op = self.op
        if not isinstance(op, Op):
            said = op(scope, context)
            if said is None:
                return None
            op = _OPS[said]
        key = self.key(scope, context)
        when = self.te(scope, context) if key is not None else None
        if when is None:
            return None
        # A retraction takes the whole fact back: what it says beside the key is of no use.
        attributes: Attributes | None = {}
        if op is not Op.RETRACT:
            attributes = self._attributes(scope, context, speaker, local)
        if attributes is None:
            return None
        return _assertion(event, key, op, when, attributes, speaker)

    def _attributes(
        self, scope: Source, context: Any, speaker: Speaker, local: LocalCodes | None
    ) -> Attributes | None:
        found: Attributes = {"estab": speaker.estab} if speaker.estab else {}
        for one in self.attributes:
            if one.holds is not None and not one.holds(scope):
                continue
            value = one.constant
            if value is None:
                value = _read(one, scope, context, local)
            if value is not None:
                found[one.name] = value
            elif one.required:
                return None
        return found


def _read(one: _Attribute, scope: Source, context: Any, local: LocalCodes | None) -> Any:
    """Return the first value at the place of a rule, all of them for a list."""
    values: list[Any] = []
    for node in (scope,) if one.select is None else one.select(scope):
        value = one.convert(node, context)
        if isinstance(value, Removed) or is_nothing(value):
            continue
        if one.conceptmap is not None:
            code = source_code(value)
            target = None if code is None else look_up(one.conceptmap, code, local)
            if target is None or not target.code:
                continue
            value = target.code
        if not one.is_list:
            return value
        values += value if isinstance(value, list) else [value]
    return list(dict.fromkeys(values)) or None


def _assertion(
    event: str, key: str, op: Op, when: When, attributes: Attributes, speaker: Speaker
) -> Assertion:
    """Add who says it, and the hash of what is said.

    Neither the receipt nor the control id is in the hash: what is said again is the same
    assertion. All else is, so that the hash settles every tie.
    """
    span, flags = when
    low, high = span.low.timestamp(), span.high.timestamp()
    said = (event, key, op, speaker.revision, low, high, speaker.patient, speaker.source, flags,
            attributes)  # fmt: skip
    return Assertion(
        aid=blake2b(_CANONICAL.encode(said).encode(), digest_size=16).hexdigest(),
        event=event,
        key=key,
        op=op,
        revision=speaker.revision,
        when=span,
        sent_at=speaker.sent_at,
        patient=speaker.patient,
        source=speaker.source,
        attributes=attributes,
        flags=flags,
    )


def run_facts(
    plans: Sequence[CompiledFact],
    source: Source,
    context: Any,
    speaker: Speaker,
    local: LocalCodes | None = None,
) -> list[Assertion]:
    """Return what an input asserts, each assertion once, in the order of the mapping file."""
    found: dict[str, Assertion] = {}
    for plan in plans:
        for assertion in plan.run(source, context, speaker, local):
            found.setdefault(assertion.aid, assertion)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class FactVocabulary:
    """The names fact plans of one family may use."""

    converters: Converters
    conceptmaps: Mapping[str, ConceptMap]


def compile_facts(
    entries: Sequence[FactUse | FactPlan],
    fragments: Mapping[tuple[str, str], FactPlan],
    kind: str,
    vocabulary: FactVocabulary,
) -> tuple[CompiledFact, ...]:
    """Compile the `emits` of one plan.

    Args:
        entries: from the mapping file.
        fragments: by family and name.
        kind: the family, `hl7v2` or `cda`.
        vocabulary: the names they may use.

    Raises:
        FatalError: something named does not exist, every fault listed.
    """
    issues: list[Issue] = []
    found: list[CompiledFact] = []
    for number, entry in enumerate(entries):
        place = f"emits.{number}"
        if isinstance(entry, FactPlan):
            plan = entry
        elif (kind, entry.use) in fragments:
            plan, place = fragments[kind, entry.use], entry.use
            if entry.when:
                plan = plan.model_copy(update={"when": {**plan.when, **entry.when}})
        else:
            names = [name for other, name in fragments if other == kind]
            issues.append(faults.unknown_fragment(place, entry.use, names))
            continue
        compiled, wrong = compile_fact(plan, vocabulary, _always(place))
        issues += wrong
        if compiled is not None:
            found.append(compiled)
    if issues:
        raise FatalError(issues)
    return tuple(found)


def compile_fact(
    plan: FactPlan, vocabulary: FactVocabulary, where: Callable[[Keys], str]
) -> tuple[CompiledFact | None, list[Issue]]:
    """Compile one fact plan; None with what is wrong.

    Args:
        plan: the plan.
        vocabulary: the names it may use.
        where: names the place of a key of the plan, for issues.
    """
    issues: list[Issue] = []
    if not events_of(plan.event) or plan.event.endswith("*") is not bool(plan.name):
        issues.append(faults.unknown_event(where(("event",)), plan.event, EVENTS))
        return None, issues

    def converter(keys: Keys, name: str) -> Converter:
        found = vocabulary.converters.get(name)
        if found is None:
            issues.append(faults.unknown_converter(where(keys), name, vocabulary.converters))
            return _nothing
        return found

    schema = ATTRIBUTES[family(plan.event)]
    attributes = [
        _attribute(index, rule, schema, converter, vocabulary, where, issues)
        for index, rule in enumerate(plan.rules)
    ]
    compiled = CompiledFact(
        event=plan.event.removesuffix("*"),
        name=converter(("name",), plan.name) if plan.name else None,
        key=converter(("key",), plan.key),
        te=converter(("te",), plan.te),
        op=_OPS[plan.op] if plan.op in _OPS else converter(("op",), plan.op),
        each=vocabulary.converters.selector(plan.each) if plan.each else None,
        holds=condition(plan.when, vocabulary.converters.selector),
        attributes=tuple(attributes),
    )
    return (None if issues else compiled), issues


def _attribute(
    index: int,
    rule: Rule,
    schema: Mapping[str, Kind],
    converter: Callable[[Keys, str], Converter],
    vocabulary: FactVocabulary,
    where: Callable[[Keys], str],
    issues: list[Issue],
) -> _Attribute:
    at: Keys = ("rules", index)
    kind = schema.get(rule.to)
    if kind is None:
        issues.append(faults.unknown_attribute(where((*at, "to")), rule.to, schema))
    is_text = kind in (Kind.TEXT, Kind.TEXTS, None)
    if not is_text and (rule.value is not None or rule.via == "text" or rule.map):
        reason = f"'{rule.to}' is a {kind.value if kind else ''}, which a text is not"
        issues.append(faults.contradictory_rule(where((*at, "to")), reason))
    conceptmap = vocabulary.conceptmaps.get(rule.map) if rule.map else None
    if rule.map and conceptmap is None:
        known = vocabulary.conceptmaps
        issues.append(faults.unknown_conceptmap(where((*at, "map")), rule.map, known))
    return _Attribute(
        name=rule.to,
        select=vocabulary.converters.selector(rule.from_) if rule.from_ else None,
        holds=condition(rule.when, vocabulary.converters.selector),
        constant=rule.value,
        convert=converter((*at, "via"), rule.via),
        conceptmap=conceptmap,
        required=rule.required,
        is_list=kind is Kind.TEXTS,
    )


def _always(place: str) -> Callable[[Keys], str]:
    return lambda _keys: place


def _nothing(_node: Any, _context: Any) -> None:
    """Stand in for a converter that does not exist, until the issues are raised."""
