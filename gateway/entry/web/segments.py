"""An HL7 v2 message or a document as the page of a message shows it: fields with their names.

Shows what was received, repaired nowhere: the text is split at its own separators and never
decoded further. The names of fields are `i18n/fields.toml`, of components `i18n/components.toml`.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from itertools import groupby

from gateway.entry.web.data import Trace
from gateway.entry.web.masking import HIDDEN, is_shown, shows_trace

#: A place as the traces write it: `PID-3[1]`, `OBX[2]-5`, `PV1-2`.
_PLACE = re.compile(r"\b([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?-(\d+)")
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_SHOWN_BYTES = 64 * 1024
_SHOWN_VALUE = 2000


@dataclass(frozen=True, slots=True)
class Part:
    """A component of a field.

    Attributes:
        place: `PID-5.1`, of a further repetition `PID-5[2].1`.
        names: French and English name, empty when not known.
        before: separator that stands before it.
    """

    place: str
    names: tuple[str, str]
    value: str
    before: str = ""

    def label(self, language: str) -> str:
        """Return its name."""
        return self.names[language == "en"]


@dataclass(frozen=True, slots=True)
class Field:
    """A valued field.

    Attributes:
        place: `PID-3`.
        anchor: id of its row on the page.
        names: French and English name, empty when not known.
        rows: ids of the rows of the trace it gave.
        hidden: its value stands for another one that is not shown.
        parts: its components, when it has several or their names are known.
    """

    place: str
    anchor: str
    names: tuple[str, str]
    value: str
    rows: tuple[str, ...]
    hidden: bool = False
    parts: tuple[Part, ...] = ()

    def label(self, language: str) -> str:
        """Return its name."""
        return self.names[language == "en"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment with its valued fields."""

    name: str
    names: tuple[str, str]
    fields: tuple[Field, ...]

    def label(self, language: str) -> str:
        """Return its name."""
        return self.names[language == "en"]


@dataclass(frozen=True, slots=True)
class TraceRow:
    """A line of the trace: its id, and its source cut into words, places with their anchor.

    Attributes:
        hidden: its value comes from a field that is not shown.
    """

    id: str
    line: Trace
    places: tuple[tuple[str, str], ...]
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class TraceGroup:
    """The lines of one resource."""

    resource: str
    rows: tuple[TraceRow, ...]


@lru_cache
def field_names() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Return French and English names by segment and number; number `0` names the segment."""
    source = files("gateway.entry.web") / "i18n" / "fields.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))


def shown_text(body: bytes, charset: str) -> tuple[str, int]:
    """Return a body as text, and how many bytes of it when it is cut, else 0."""
    cut = body[:_SHOWN_BYTES]
    return cut.decode(charset, "replace"), len(cut) if len(cut) < len(body) else 0


def trace_groups(trace: Sequence[Trace], *, revealed: bool = True) -> tuple[TraceGroup, ...]:
    """Return the trace by resource, each line with its id and the anchors of its places.

    Args:
        trace: lines of the trace.
        revealed: somebody said why they have to read the values.
    """
    numbered = []
    for number, line in enumerate(dict.fromkeys(trace)):
        places = _places(line.source)
        anchors = [anchor for _, anchor in places if anchor]
        hidden = not revealed and not shows_trace(line, anchors)
        shown = replace(line, value=HIDDEN) if hidden else line
        numbered.append(TraceRow(f"t{number}", shown, places, hidden))
    return tuple(
        TraceGroup(resource, tuple(rows))
        for resource, rows in groupby(numbered, lambda row: row.line.resource)
    )


def _places(source: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    end = 0
    for match in _PLACE.finditer(source):
        between = source[end : match.start()].strip(" ,")
        if between:
            found.append((between, ""))
        after = re.match(r"(?:\[\d+\])?(?:\.\d+)*", source[match.end() :])
        end = match.end() + (after.end() if after else 0)
        found.append((source[match.start() : end], _anchor(match[1], match[2] or "1", match[3])))
    rest = source[end:].strip(" ,")
    return tuple([*found, (rest, "")] if rest else found)


def _anchor(segment: str, ordinal: str, field: str) -> str:
    return f"f-{segment}-{ordinal}-{field}"


def segments(
    text: str, groups: Sequence[TraceGroup], *, revealed: bool = True
) -> tuple[Segment, ...]:
    """Split the text of an HL7 v2 message; nothing when it is none.

    Args:
        text: of the message.
        groups: its trace.
        revealed: somebody said why they have to read the values.
    """
    if not text.startswith("MSH") or len(text) < 8:
        return ()
    rows: dict[str, list[str]] = {}
    for group in groups:
        for row in group.rows:
            for _, anchor in row.places:
                if anchor:
                    rows.setdefault(anchor, []).append(row.id)
    separators, seen = (text[3], *text[4:6]), dict[str, int]()
    found = []
    for line in _LINE_ENDS.split(text):
        if not line.strip():
            continue
        parts = line.split(separators[0])
        name = parts[0][:12]
        seen[name] = seen.get(name, 0) + 1
        if name == "MSH":
            parts = ["MSH", separators[0], *parts[1:]]
        made = _segment(name, seen[name], parts, rows, separators)
        found.append(made if revealed else _hidden(name, made))
    return tuple(found)


def _segment(
    name: str,
    ordinal: int,
    parts: list[str],
    rows: Mapping[str, Sequence[str]],
    separators: Sequence[str],
) -> Segment:
    names = field_names().get(name, {})
    shown = f"{name}[{ordinal}]" if ordinal > 1 else name
    fields = []
    for number, value in enumerate(parts):
        if not number or not value:
            continue
        anchor = _anchor(name, str(ordinal), str(number))
        fields.append(
            Field(
                f"{shown}-{number}",
                anchor,
                _pair(names.get(str(number))),
                value if len(value) <= _SHOWN_VALUE else f"{value[:_SHOWN_VALUE]}…",
                tuple(rows.get(anchor, ())),
                parts=_components(f"{name}-{number}", f"{shown}-{number}", value, separators),
            )
        )
    return Segment(shown, _pair(names.get("0")), tuple(fields))


def _hidden(name: str, segment: Segment) -> Segment:
    """Put `HIDDEN` in the place of what is not shown; the places stay."""
    fields = []
    for field in segment.fields:
        number = int(field.anchor.rpartition("-")[2])
        if not is_shown(name, number):
            field = replace(field, value=HIDDEN, hidden=True, parts=())
        fields.append(field)
    return replace(segment, fields=tuple(fields))


def _components(field: str, place: str, value: str, separators: Sequence[str]) -> tuple[Part, ...]:
    """Cut a field into components; nothing where it has one whose name says no more."""
    _, component, repetition = separators
    if field in ("MSH-1", "MSH-2") or len(value) > _SHOWN_VALUE:
        return ()
    names = _component_names().get(field, {})
    if component not in value and (not names or repetition not in value):
        return ()
    found = []
    for ordinal, repeated in enumerate(value.split(repetition), 1):
        for number, text in enumerate(repeated.split(component), 1):
            where = f"{place}[{ordinal}].{number}" if ordinal > 1 else f"{place}.{number}"
            before = component if number > 1 else repetition if ordinal > 1 else ""
            found.append(Part(where, _pair(names.get(str(number))), text, before))
    return tuple(found)


@lru_cache
def _component_names() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Return the names of components by field."""
    source = files("gateway.entry.web") / "i18n" / "components.toml"
    told = tomllib.loads(source.read_text(encoding="utf-8"))
    return {field: told[type_] for type_, named in told["types"].items() for field in named}


def _pair(names: Sequence[str] | None) -> tuple[str, str]:
    return (names[0], names[1]) if names else ("", "")
