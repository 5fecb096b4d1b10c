"""Judge a message by its profile: segments, then fields, then components.

Does not compare values with each other (`movement_rules`, `identity_rules`, `document_rules`).
What the doors check too is told with the same codes (`gateway.hl7v2.refusals`).
"""

from collections.abc import Iterator
from dataclasses import replace

from gateway.conformance import kinds
from gateway.conformance.finding import Finding, Layer
from gateway.conformance.forms import FORMS
from gateway.conformance.profiles import Profile, Profiles, Row, holds
from gateway.conformance.structure import Edit
from gateway.core.issues import Issue, Severity
from gateway.hl7v2 import refusals
from gateway.hl7v2.message import Message, Node, Segment

#: Segments of a country or a site begin so.
_OWN = "Z"


def check_profile(message: Message, profile: Profile, profiles: Profiles) -> list[Finding]:
    """Return every difference between a message and its profile.

    Args:
        message: with ZBE repaired, so that a shifted one is told once.
        profile: of the message.
        profiles: for the tables.
    """
    checking = _Checking(message, profile, profiles)
    return [*checking.structure(), *checking.header(), *checking.fields()]


class _Checking:
    """One message under one profile."""

    def __init__(self, message: Message, profile: Profile, profiles: Profiles) -> None:
        self.message = message
        self.profile = profile
        self.tables = profiles.tables

    def structure(self) -> Iterator[Finding]:
        """Compare the segments with the structure."""
        names = self.message.names
        edits = self.profile.structure.edits(names)
        missing = [edit for edit in edits if edit.kind == "missing"]
        for edit in edits:
            if edit.kind == "missing":
                continue
            moved = next((one for one in missing if one.name == edit.name), None)
            if moved is not None:
                missing.remove(moved)
            yield self._extra(edit, names, moved=moved is not None)
        for edit in missing:
            yield self._found(refusals.missing_segment(edit.name), self.profile.family.clause)

    def _extra(self, edit: Edit, names: tuple[str, ...], *, moved: bool) -> Finding:
        structure, clause = self.profile.structure, self.profile.family.clause
        place = self.message.segments[edit.index].place
        if edit.name not in structure.names:
            # A local Z segment harms nobody; any other says that the event is the wrong one.
            local = edit.name.startswith(_OWN)
            return kinds.UNEXPECTED_SEGMENT.at(
                place,
                clause=clause,
                severity=Severity.WARNING if local else None,
                structure=self.message.value("MSH-9.3") or self.message.trigger_event,
            )
        if not moved and names.count(edit.name) > 1 and not structure.repeats(edit.name):
            return self._found(refusals.repeated_segment(edit.name), clause)
        issue = refusals.segment_order(edit.name)
        return self._found(replace(issue, where=place), clause)

    def header(self) -> Iterator[Finding]:
        """Compare MSH-21 with the profiles of the family."""
        accepted = self.profile.family.profile_ids
        msh = self.message.first("MSH")
        said = [node.component(2) for node in msh.nodes(21)] if msh is not None else []
        if accepted and said and not set(said) & set(accepted):
            yield kinds.FOREIGN_STRUCTURE.at("MSH-21.2", expected=" or ".join(accepted))

    def fields(self) -> Iterator[Finding]:
        """Compare every segment with its rows."""
        for segment in self.message.segments:
            rows = self.profile.segments.get(segment.name, {})
            if segment.name.startswith(_OWN) and not any(segment.fields[1:]):
                yield kinds.EMPTY_SEGMENT.at(segment.place)
                continue
            for number, row in rows.items():
                if "." not in number:
                    yield from self._field(segment, number, row)
                else:
                    yield from self._component(segment, number, row)

    def _field(self, segment: Segment, number: str, row: Row) -> Iterator[Finding]:
        place = f"{segment.place}-{number}"
        nodes = segment.nodes(int(number))
        clause = row.clause or self.profile.clauses.get(segment.name, "")
        if not nodes:
            if self._is_required(segment, row):
                yield self._required(place, row, clause)
            return
        if row.usage == "X":
            yield kinds.FORBIDDEN_FIELD.at(place, clause=clause, severity=row.severity, place=place)
            return
        if row.max != "*" and len(nodes) > row.max:
            yield kinds.TOO_MANY.at(
                place, clause=clause, severity=row.severity, most=str(row.max), place=place
            )
        for node in nodes:
            yield from self._value(node.place, node.text(), row, clause)

    def _component(self, segment: Segment, number: str, row: Row) -> Iterator[Finding]:
        field, component, *below = (int(part) for part in number.split("."))
        sub = below[0] if below else 0
        clause = row.clause or self.profile.clauses.get(segment.name, "")
        for node in segment.nodes(field):
            place = f"{node.place}.{component}" + (f".{sub}" if sub else "")
            text = node.component(component, sub or 1)
            if not text:
                told = node.is_null or node.is_null_at(component, sub or 1)
                if not told and self._is_required(node, row):
                    yield self._required(place, row, clause)
            elif row.usage == "X":
                yield kinds.FORBIDDEN_FIELD.at(
                    place, clause=clause, severity=row.severity, place=place
                )
            else:
                yield from self._value(place, text, row, clause)

    def _is_required(self, source: Segment | Node, row: Row) -> bool:
        if row.usage == "C":
            return holds(row.when, self.message, source)
        return row.usage == "R"

    def _required(self, place: str, row: Row, clause: str) -> Finding:
        severity = row.severity or Severity.ERROR
        return self._found(refusals.required_field(place, severity), clause)

    def _value(self, place: str, text: str, row: Row, clause: str) -> Iterator[Finding]:
        if not text:
            return
        severity = row.severity
        form = FORMS.get(row.form)
        if form is not None and not form.fits(text):
            if row.form in ("TS", "DT"):
                issue = refusals.impossible_date(place)
                yield self._found(replace(issue, severity=severity or issue.severity), clause)
            else:
                yield kinds.WRONG_FORM.at(place, clause=clause, severity=severity, form=form.title)
        if row.length is not None and len(text) > row.length:
            yield kinds.TOO_LONG.at(place, clause=clause, severity=severity, most=str(row.length))
        table = self.tables.get(row.table)
        if table is not None and text.upper() not in table.codes:
            issue = refusals.unknown_code(place, table.title, severity or Severity.ERROR)
            yield self._found(issue, table.clause)

    @staticmethod
    def _found(issue: Issue, clause: str) -> Finding:
        return Finding(issue, clause, Layer.PROFILE)
