"""Rules ready to run: names resolved, conditions compiled, every fault found at once.

Does not read files (`pathway.rulefiles`) nor evaluate anything.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain

from pydantic import TypeAdapter, ValidationError

from gateway.core.errors import FatalError
from gateway.core.events import ATTRIBUTES, EVENTS, FEED_KINDS, Kind, events_of, family
from gateway.core.issues import Issue
from gateway.mapping.yamltext import Keys, TextDocument
from gateway.pathway import faults
from gateway.pathway.calendar import UNITS, WORKING_UNITS, end_of_day
from gateway.pathway.enrich import INPUTS, Reads, Tables
from gateway.pathway.model import EventMatch, RuleFile
from gateway.pathway.where import Condition, WhereError, compile_where

#: How a fact can be matched beyond equal attributes.
SPECIAL_MATCHES = frozenset({"stay", "doc"})
_DEATH = "PAT.DEATH"
#: What tells that a person is followed for a cancer.
ONCOLOGY = frozenset({"DOC.FRCP", "DOC.PPS", "PPS.STEP", "REQ.rcp.SENT"})
#: How long a silent feed may hide a gap that harms within hours.
_CRITICAL_UNCONFIRMED = timedelta(hours=12)
_OFFSET = re.compile(r"(?P<name>[a-z_]+)?(?P<offset>[+-]?P.+)?")
_FILE_NAME = re.compile(r"(?P<id>[A-Z]{2,4}-\d{2})(?:\.v\d+)?")
_DURATION = TypeAdapter(timedelta)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A fact that is looked for.

    Attributes:
        events: any of these.
        where: condition on (fact, trigger).
        match: names that must agree with the trigger; may hold `stay` and `doc`.
    """

    events: frozenset[str]
    where: Condition
    match: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """From when a closer counts: a base and an offset.

    Attributes:
        base: `anchor`, `trigger`, or an instant attribute of the trigger.
    """

    base: str
    offset: timedelta


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of a rule, ready to run; `written` has what needs no preparation.

    Attributes:
        applies_from: first instant, UTC; None when it holds for every anchor.
        anchor: attribute of the trigger; empty: its event time.
        max_unconfirmed: None when a silent feed hides the gap as long as it is silent.
        reads: attributes its conditions read.
    """

    written: RuleFile
    trigger: Pattern
    closes: tuple[Pattern, ...]
    cancels: tuple[Pattern, ...]
    pauses: tuple[tuple[Pattern, Pattern], ...]
    anchor: str
    window: Window
    applies_from: datetime | None
    max_unconfirmed: timedelta | None
    reads: frozenset[str] = frozenset()

    @property
    def events(self) -> frozenset[str]:
        """Return every event the rule looks at."""
        patterns = chain((self.trigger,), self.closes, self.cancels, *self.pauses)
        return frozenset(chain.from_iterable(one.events for one in patterns))

    @property
    def feed_kinds(self) -> tuple[str, ...]:
        """Return the kinds of feeds that bring its closers."""
        families = {family(event) for one in self.closes for event in one.events}
        return tuple(sorted({FEED_KINDS[one] for one in families if one in FEED_KINDS}))

    @property
    def id(self) -> str:
        """Return the id, stable for ever."""
        return self.written.id

    @property
    def version(self) -> int:
        """Return the version."""
        return self.written.version


@dataclass(frozen=True)
class Rules:
    """All rules, each with its versions, the highest first.

    Attributes:
        versions: by rule id.
        tables: what is known of units and facilities.
    """

    versions: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    tables: Tables = field(default_factory=Tables)

    @cached_property
    def by_trigger(self) -> Mapping[str, tuple[str, ...]]:
        """Return, for each event, the rules it may trigger."""
        found: dict[str, list[str]] = {}
        for rule_id, versions in sorted(self.versions.items()):
            for event in frozenset(chain.from_iterable(r.trigger.events for r in versions)):
                found.setdefault(event, []).append(rule_id)
        return {event: tuple(ids) for event, ids in found.items()}

    @cached_property
    def reads(self) -> Reads:
        """Return what these rules look at."""
        rules = list(chain.from_iterable(self.versions.values()))
        return Reads(
            frozenset(chain.from_iterable(rule.events for rule in rules)),
            frozenset(chain.from_iterable(rule.reads for rule in rules)),
        )

    @cached_property
    def relevant(self) -> frozenset[str]:
        """Return the events whose facts may change where anything stands."""
        return self.reads.events | INPUTS | ONCOLOGY

    def version(self, rule_id: str, number: int) -> Rule | None:
        """Return one version of a rule."""
        for rule in self.versions.get(rule_id, ()):
            if rule.version == number:
                return rule
        return None

    def overlaid(self, other: "Rules") -> "Rules":
        """Return these rules with the versions of others in their place, or beside them."""
        versions = dict(self.versions)
        for rule_id, changed in other.versions.items():
            by_number = {rule.version: rule for rule in (*versions.get(rule_id, ()), *changed)}
            versions[rule_id] = tuple(by_number[n] for n in sorted(by_number, reverse=True))
        return Rules(versions, self.tables)

    def with_tables(self, tables: Tables) -> "Rules":
        """Return the same rules with other tables."""
        return Rules(self.versions, tables)


def load(documents: Mapping[str, TextDocument], tables: Tables | None = None) -> Rules:
    """Make rules of their files.

    Args:
        documents: by file stem, `<RULE-ID>` or `<RULE-ID>.v<n>`.
        tables: what is known of units and facilities.

    Raises:
        FatalError: every fault of every file (RLS-PTH-001 to 008).
    """
    issues: list[Issue] = []
    found: dict[str, dict[int, tuple[Rule, TextDocument]]] = {}
    for stem, document in sorted(documents.items()):
        written = _read(document, issues)
        if written is None:
            continue
        name = _FILE_NAME.fullmatch(stem)
        if name is None or name["id"] != written.id:
            reason = f"'{written.id}' and the file name '{stem}' do not agree"
            issues.append(faults.contradictory_rule(document.place(("id",)), "id", reason))
        rule = _Resolver(written, document, issues).rule()
        versions = found.setdefault(written.id, {})
        if written.version in versions:
            where = document.place(("version",))
            other = versions[written.version][1].name
            issues.append(
                faults.defined_twice(where, f"{written.id} version {written.version}", other)
            )
        versions[written.version] = (rule, document)
    if issues:
        raise FatalError(issues)
    ordered = {
        rule_id: tuple(rule for _n, (rule, _d) in sorted(versions.items(), reverse=True))
        for rule_id, versions in found.items()
    }
    return Rules(ordered, tables or Tables())


def _read(document: TextDocument, issues: list[Issue]) -> RuleFile | None:
    try:
        return RuleFile.model_validate(document.data)
    except ValidationError as error:
        for one in error.errors():
            keys: Keys = one["loc"]
            key = ".".join(str(part) for part in keys)
            unknown = one["type"] == "extra_forbidden"
            reason = "unknown" if unknown else str(one["msg"]).rstrip(".")
            known = _KEYS if unknown else ()
            issues.append(faults.wrong_key(document.place(keys), key, reason, known))
        return None


def _model_keys() -> Iterator[str]:
    for model in (RuleFile, *(f.annotation for f in RuleFile.model_fields.values()), EventMatch):
        yield from getattr(model, "model_fields", {})


_KEYS = frozenset(_model_keys())


class _Resolver:
    """Turns one written rule into one that runs, and collects its faults."""

    def __init__(self, written: RuleFile, document: TextDocument, issues: list[Issue]) -> None:
        self._written = written
        self._document = document
        self._issues = issues
        self._reads: set[str] = set()

    def rule(self) -> Rule:
        written = self._written
        trigger = self._pattern(
            EventMatch(event=written.trigger.event, where=written.trigger.where),
            ("trigger",),
            is_trigger=True,
        )
        closes = self._patterns(written.closes, "closes")
        cancels = self._patterns(written.cancels, "cancels")
        if written.on_death == "cancel" and not any(_DEATH in one.events for one in cancels):
            cancels = (*cancels, Pattern(frozenset({_DEATH}), compile_where("", {}, {})))
        pauses = tuple(
            (
                self._pattern(start, ("pauses", number, 0)),
                self._pattern(end, ("pauses", number, 1)),
            )
            for number, (start, end) in enumerate(written.pauses)
        )
        anchor = written.anchor.removeprefix("trigger.")
        anchor = "" if anchor == "te" else anchor
        if anchor:
            self._check_instant(anchor, ("anchor",))
        self._check_deadline()
        limit = written.max_unconfirmed
        if limit is None and written.severity == "critical":
            limit = _CRITICAL_UNCONFIRMED
        day_before = end_of_day(written.applies_from - timedelta(days=1))
        return Rule(
            written=written,
            trigger=trigger,
            closes=closes,
            cancels=cancels,
            pauses=pauses,
            anchor=anchor,
            window=self._window(),
            applies_from=None if written.retroactive else day_before + timedelta(seconds=1),
            max_unconfirmed=limit,
            reads=frozenset(self._reads),
        )

    def _patterns(self, found: tuple[EventMatch, ...], key: str) -> tuple[Pattern, ...]:
        return tuple(self._pattern(one, (key, number)) for number, one in enumerate(found))

    def _pattern(self, found: EventMatch, keys: Keys, *, is_trigger: bool = False) -> Pattern:
        events = events_of(found.event)
        if not events:
            self._unknown_event(found.event, (*keys, "event"))
            return Pattern(frozenset(), compile_where("", {}, {}))
        fields = ATTRIBUTES[family(found.event)]
        of_trigger = fields if is_trigger else self._trigger_fields()
        where: Condition = compile_where("", {}, {})
        try:
            known = {} if is_trigger else of_trigger
            where = compile_where(found.where, fields, known, self._reads)
        except WhereError as error:
            self._bad_where(error, (*keys, "where"), found.event, fields)
        match = tuple(name for name in found.match.split("+") if name)
        for name in match:
            if name not in SPECIAL_MATCHES and not (name in fields and name in of_trigger):
                names = SPECIAL_MATCHES | (set(fields) & set(of_trigger))
                place = self._document.place((*keys, "match"))
                key = _dotted((*keys, "match"))
                both = f"{found.event} with its trigger"
                self._issues.append(faults.unknown_field(place, key, name, both, names))
        return Pattern(events, where, match)

    def _trigger_fields(self) -> Mapping[str, Kind]:
        events = events_of(self._written.trigger.event)
        return ATTRIBUTES[family(self._written.trigger.event)] if events else {}

    def _unknown_event(self, name: str, keys: Keys) -> None:
        where = self._document.place(keys)
        self._issues.append(faults.unknown_event(where, _dotted(keys), name, EVENTS))

    def _bad_where(
        self, error: WhereError, keys: Keys, event: str, fields: Mapping[str, Kind]
    ) -> None:
        where = f"{self._document.place(keys)} column {error.column} of the expression"
        key = _dotted(keys)
        if error.kind == "types":
            self._issues.append(faults.wrong_types(where, key, error.reason))
        elif error.kind == "field":
            known = self._trigger_fields() if error.of_trigger else fields
            subject = self._written.trigger.event if error.of_trigger else event
            self._issues.append(faults.unknown_field(where, key, error.name, subject, known))
        else:
            self._issues.append(faults.bad_expression(where, key, error.reason))

    def _check_instant(self, name: str, keys: Keys) -> None:
        fields = self._trigger_fields()
        instants = [known for known, kind in fields.items() if kind is Kind.INSTANT]
        if fields and name not in instants:
            where, event = self._document.place(keys), self._written.trigger.event
            self._issues.append(faults.unknown_field(where, _dotted(keys), name, event, instants))

    def _check_deadline(self) -> None:
        deadline = self._written.deadline
        keys: Keys = ("deadline",)
        where = self._document.place(keys)
        if deadline.at:
            self._check_instant(deadline.at, ("deadline", "at"))
            if deadline.unit or deadline.n is not None:
                reason = "`at` excludes `n` and `unit`"
                self._issues.append(faults.contradictory_rule(where, "deadline", reason))
            return
        if deadline.unit not in UNITS:
            keys = ("deadline", "unit")
            self._issues.append(
                faults.unknown_unit(self._document.place(keys), _dotted(keys), deadline.unit, UNITS)
            )
        elif deadline.n is None:
            self._issues.append(faults.wrong_key(where, "deadline.n", "missing"))
        if self._written.severity == "critical" and deadline.unit in WORKING_UNITS:
            reason = f"a critical rule does not wait for working time ('{deadline.unit}')"
            self._issues.append(faults.contradictory_rule(where, "deadline", reason))

    def _window(self) -> Window:
        text = self._written.window_open.strip()
        if text == "trigger":
            return Window("trigger", timedelta(0))
        parts = _OFFSET.fullmatch(text)
        keys: Keys = ("window_open",)
        try:
            offset = timedelta(0)
            if parts is not None and parts["offset"]:
                offset = _DURATION.validate_python(parts["offset"])
        except ValidationError:
            parts = None
        if parts is None or not text:
            reason = "write a duration (-PT48H), 'trigger', or '<attribute>-P7D'"
            self._issues.append(faults.wrong_key(self._document.place(keys), "window_open", reason))
            return Window("anchor", timedelta(0))
        if parts["name"]:
            self._check_instant(parts["name"], keys)
        return Window(parts["name"] or "anchor", offset)


def _dotted(keys: Keys) -> str:
    return ".".join(str(part) for part in keys)
