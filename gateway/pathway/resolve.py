"""Turns one written rule into one that runs, and collects its faults.

Does not read files (`pathway.rulefiles`) nor know the other rules (`pathway.rules`).
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from pydantic import TypeAdapter, ValidationError

from gateway.core.events import ATTRIBUTES, EVENTS, Kind, events_named, families
from gateway.core.issues import Issue
from gateway.mapping.yamltext import Keys, TextDocument
from gateway.pathway import faults
from gateway.pathway.calendar import UNITS, WORKING_UNITS, end_of_day
from gateway.pathway.model import Case, Deadline, EventMatch, RuleFile
from gateway.pathway.rule import Pattern, Rule, Window
from gateway.pathway.where import Condition, WhereError, compile_where

#: How a fact can be matched beyond equal attributes.
SPECIAL_MATCHES = frozenset({"stay", "doc"})
_DEATH = "PAT.DEATH"
#: How long a silent feed may hide a gap that harms within hours.
_CRITICAL_UNCONFIRMED = timedelta(hours=12)
_OFFSET = re.compile(r"(?P<name>[a-z_]+)?(?P<offset>[+-]?P.+)?")
_DURATION = TypeAdapter(timedelta)


class Resolver:
    """One rule on its way."""

    def __init__(self, written: RuleFile, document: TextDocument, issues: list[Issue]) -> None:
        self._written = written
        self._document = document
        self._issues = issues
        self._reads: set[str] = set()

    def rule(self) -> Rule:
        """Return the rule; of no use when a fault was found."""
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
        self._check_deadline(written.deadline, written.severity, ("deadline",))
        self._check_combination()
        self._check_ladder()
        self._check_evidence()
        limit = written.max_unconfirmed
        day_before = end_of_day(written.applies_from - timedelta(days=1))
        plain = Rule(
            written=written,
            trigger=trigger,
            given=self._patterns(written.given, "given"),
            closes=closes,
            also=self._patterns(written.also, "also"),
            cancels=cancels,
            pauses=pauses,
            anchor=anchor,
            window=self._window(),
            applies_from=None if written.retroactive else day_before + timedelta(seconds=1),
            max_unconfirmed=_limit(limit, written.severity),
        )
        cases = tuple(self._case(plain, one, number) for number, one in enumerate(written.cases))
        return replace(plain, cases=cases, reads=frozenset(self._reads))

    def _case(self, plain: Rule, said: Case, number: int) -> tuple[Pattern, Rule]:
        """Return when a case holds, and the rule as it is then."""
        keys: Keys = ("cases", number)
        event = self._written.trigger.event
        when = self._pattern(EventMatch(event=event, where=said.where), keys, is_trigger=True)
        severity = said.severity or self._written.severity
        self._check_deadline(said.deadline, severity, (*keys, "deadline"))
        changed = {"deadline": said.deadline, "severity": severity}
        limit = _limit(self._written.max_unconfirmed, severity)
        written = self._written.model_copy(update=changed)
        return when, replace(plain, written=written, max_unconfirmed=limit)

    def _patterns(self, found: tuple[EventMatch, ...], key: str) -> tuple[Pattern, ...]:
        return tuple(self._pattern(one, (key, number)) for number, one in enumerate(found))

    def _pattern(self, found: EventMatch, keys: Keys, *, is_trigger: bool = False) -> Pattern:
        unknown = [name for name in found.event.split("|") if not events_named(name)]
        if unknown:
            self._unknown_event(unknown[0], (*keys, "event"))
            return Pattern(frozenset(), compile_where("", {}, {}))
        fields = _fields(found.event)
        of_trigger = fields if is_trigger else self._trigger_fields()
        where: Condition = compile_where("", {}, {})
        reads: set[str] = set()
        try:
            known = {} if is_trigger else of_trigger
            where = compile_where(found.where, fields, known, reads)
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
        reads |= {
            f"{of}{name}" for name in match if name not in SPECIAL_MATCHES for of in ("", "t.")
        }
        own = frozenset(name for name in reads if not name.startswith("t."))
        others = frozenset(name.removeprefix("t.") for name in reads if name.startswith("t."))
        self._reads |= own | others
        return Pattern(events_named(found.event), where, match, own, others)

    def _trigger_fields(self) -> Mapping[str, Kind]:
        return _fields(self._written.trigger.event)

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

    def _check_deadline(self, deadline: Deadline, severity: str, keys: Keys) -> None:
        where, key = self._document.place(keys), _dotted(keys)
        if deadline.at:
            self._check_instant(deadline.at, (*keys, "at"))
            if deadline.unit or deadline.n is not None:
                reason = "`at` excludes `n` and `unit`"
                self._issues.append(faults.contradictory_rule(where, key, reason))
            return
        if deadline.unit not in UNITS:
            unit: Keys = (*keys, "unit")
            place = self._document.place(unit)
            self._issues.append(faults.unknown_unit(place, _dotted(unit), deadline.unit, UNITS))
        elif deadline.n is None:
            self._issues.append(faults.wrong_key(where, f"{key}.n", "missing"))
        if severity == "critical" and deadline.unit in WORKING_UNITS:
            reason = f"a critical rule does not wait for working time ('{deadline.unit}')"
            self._issues.append(faults.contradictory_rule(where, key, reason))

    def _check_combination(self) -> None:
        """Find keys that leave nothing to be done."""
        written = self._written
        for reason, key in (
            ("`consumed` and `forbid` know no second closer", "also")
            if written.also and (written.closer_mode == "consumed" or written.kind == "forbid")
            else ("", ""),
            ("what closes it cancels it too", "cancels")
            if set(written.closes) & set(written.cancels)
            else ("", ""),
            ("a pause ends with what begins it", "pauses")
            if any(start == end for start, end in written.pauses)
            else ("", ""),
            ("nobody is warned of what must not happen", "lead")
            if written.lead and written.kind == "forbid"
            else ("", ""),
        ):
            if reason:
                place = self._document.place((key,))
                self._issues.append(faults.contradictory_rule(place, key, reason))

    def _check_ladder(self) -> None:
        """Find a ladder that goes round: it would tell people again instead of somebody else."""
        ladder = [self._written.owner.role, *(step.to for step in self._written.escalate)]
        for number, role in enumerate(ladder):
            if role in ladder[:number]:
                keys: Keys = ("escalate", number - 1, "to")
                way = " -> ".join(ladder[ladder.index(role) : number + 1])
                self._issues.append(faults.goes_round(self._document.place(keys), way))

    def _check_evidence(self) -> None:
        fields = self._trigger_fields()
        for number, name in enumerate(self._written.evidence):
            if fields and name not in fields and not events_named(name):
                keys: Keys = ("evidence", number)
                known = (*fields, *EVENTS)
                event = self._written.trigger.event
                place = self._document.place(keys)
                self._issues.append(faults.unknown_field(place, _dotted(keys), name, event, known))

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


def _fields(event: str) -> Mapping[str, Kind]:
    """Return the attributes that every fact of a pattern has."""
    tables = [ATTRIBUTES[name] for name in sorted(families(event))]
    if len(tables) == 1:
        return tables[0]
    common = set.intersection(*(set(one.items()) for one in tables)) if tables else set()
    return dict(sorted(common, key=lambda item: item[0]))


def _limit(written: timedelta | None, severity: str) -> timedelta | None:
    return _CRITICAL_UNCONFIRMED if written is None and severity == "critical" else written


def _dotted(keys: Keys) -> str:
    return ".".join(str(part) for part in keys)
