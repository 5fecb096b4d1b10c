"""Message profiles as data: what `profiles/hl7v2` says, read and checked once.

Does not judge messages (`profile_check`). A family file lists messages with their structure and
what it changes in the fields of `fields.yaml`; a row written in both is the one of the family.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from gateway.conformance.forms import FORMS
from gateway.conformance.structure import Structure, StructureError, compile_structure
from gateway.core.datafiles import data_folder
from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.hl7v2.message import Message
from gateway.hl7v2.paths import is_path
from gateway.mapping.loader import read_yaml_file
from gateway.mapping.yamltext import TextDocument

Usage = Literal["R", "RE", "O", "C", "X"]
#: A field, component or sub-component of a segment: `3`, `3.4`, `3.4.2`.
Number = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(?:\.[1-9][0-9]*){0,2}$")]
#: Place to the values that make a condition true; `valued` stands for any value.
When = dict[str, tuple[str, ...]]

VALUED = "valued"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Model = TypeVar("Model", bound=_Strict)


class Row(_Strict):
    """What is said about one field or component.

    Attributes:
        usage: R required, RE required if known, O optional, C required under a condition (`when`),
            X forbidden.
        max: most repetitions, `*` without limit; of a field only.
        form: name of a form (`forms.FORMS`) or of a data type of `types.yaml`.
        length: most characters.
        table: name in `tables.yaml`.
        when: condition of a C.
        severity: of a finding, instead of that of its kind.
        clause: instead of that of the segment.
    """

    usage: Usage = "O"
    max: Literal["*"] | Annotated[int, Field(ge=1)] = 1
    form: str = ""
    length: int | None = None
    table: str = ""
    when: When = Field(default_factory=dict)
    severity: Severity | None = None
    clause: str = ""


class SegmentRows(_Strict):
    """The rows of one segment.

    Attributes:
        clause: of the specification.
        fields: by number.
    """

    clause: str = ""
    fields: dict[Number, Row] = Field(default_factory=dict)


class Table(_Strict):
    """A table of codes.

    Attributes:
        title: as a finding names it.
        clause: of the specification.
        codes: every code.
    """

    title: str
    clause: str
    codes: frozenset[str]


class Family(_Strict):
    """One file of messages.

    Attributes:
        name: equals the file name.
        clause: of the structures.
        when: the family is for messages of which this holds, and then before any other.
        profile_ids: namespaces accepted in MSH-21, none checked when empty.
        parts: texts for `$` names of the structures.
        messages: `ADT^A01 ADT^A04` to a structure.
        segments: rows instead of those of `fields.yaml`.
    """

    name: str
    clause: str
    when: When = Field(default_factory=dict)
    profile_ids: tuple[str, ...] = ()
    parts: dict[str, str] = Field(default_factory=dict)
    messages: dict[str, str]
    segments: dict[str, SegmentRows] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Profile:
    """What is asked of one message.

    Attributes:
        family: its file.
        structure: compiled.
        segments: rows of every segment, types put in: number to row.
        clauses: by segment.
    """

    family: Family
    structure: Structure
    segments: Mapping[str, Mapping[str, Row]]
    clauses: Mapping[str, str]


@dataclass(slots=True)
class Profiles:
    """Every message profile.

    Attributes:
        tables: by name.
        by_message: profiles by `ADT^A01`, those with a condition first.
    """

    tables: dict[str, Table] = field(default_factory=dict)
    by_message: dict[str, list[Profile]] = field(default_factory=dict)

    def of(self, message: Message) -> Profile | None:
        """Return the profile of a message, None without one."""
        kind = message.message_type
        for name in (f"{kind}^{message.trigger_event}", kind):
            for profile in self.by_message.get(name, ()):
                if holds(profile.family.when, message):
                    return profile
        return None


def holds(when: When, message: Message, segment: Any = None) -> bool:
    """Tell whether every place has one of its values; true when nothing is asked."""
    source = segment if segment is not None else message
    for place, values in when.items():
        value = source.value(place).upper()
        if value not in values and not (value and VALUED in values):
            return False
    return True


def load_profiles(folder: Path | None = None) -> Profiles:
    """Read the message profiles, by default those that ship with the program.

    Raises:
        FatalError: every fault of every file (RLS-CFG-002, RLS-CFG-120).
    """
    root = folder or data_folder("profiles") / "hl7v2"
    reading = _Reading(root)
    reading.read()
    if reading.issues:
        raise FatalError(reading.issues)
    return reading.profiles


class _Segments(_Strict):
    segments: dict[str, SegmentRows]


class _Types(_Strict):
    types: dict[str, dict[Number, Row]]


class _Tables(_Strict):
    tables: dict[str, Table]


class _Reading:
    """One pass over the folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.profiles = Profiles()
        self.issues: list[Issue] = []
        self._segments: dict[str, SegmentRows] = {}
        self._types: dict[str, dict[str, Row]] = {}

    def read(self) -> None:
        """Read tables, types and fields, then every family."""
        if tables := self._model(_Tables, "tables.yaml"):
            self.profiles.tables = tables.tables
        if types := self._model(_Types, "types.yaml"):
            self._types = dict(types.types)
        if segments := self._model(_Segments, "fields.yaml"):
            self._segments = segments.segments
        for path in sorted(self.root.glob("messages/*.y*ml")):
            family = self._model(Family, f"messages/{path.name}")
            if family is not None:
                self._family(family, path.stem)

    def _family(self, family: Family, stem: str) -> None:
        where = f"messages/{stem}.yaml"
        if family.name != stem:
            self.issues.append(_wrong(where, "key 'name' is not the file name"))
        rows, clauses = self._rows(family, where)
        for names, text in family.messages.items():
            try:
                structure = compile_structure(text, family.parts)
            except StructureError as error:
                self.issues.append(_wrong(f"{where} {names}", str(error)))
                continue
            profile = Profile(family, structure, rows, clauses)
            for name in names.split():
                known = self.profiles.by_message.setdefault(name, [])
                if any(bool(other.family.when) == bool(family.when) for other in known):
                    self.issues.append(_wrong(f"{where} {name}", "another file has this message"))
                known.append(profile)
                known.sort(key=lambda one: not one.family.when)

    def _rows(self, family: Family, where: str) -> tuple[dict[str, dict[str, Row]], dict[str, str]]:
        rows: dict[str, dict[str, Row]] = {}
        clauses: dict[str, str] = {}
        for name in (*self._segments, *family.segments):
            own = family.segments.get(name, SegmentRows())
            base = self._segments.get(name, SegmentRows())
            merged = {**base.fields, **own.fields}
            rows[name] = self._with_types(merged, f"{where} {name}")
            clauses[name] = own.clause or base.clause or family.clause
        return rows, clauses

    def _with_types(self, rows: Mapping[str, Row], where: str) -> dict[str, Row]:
        """Put the components of data types below the fields of that type."""
        found: dict[str, Row] = {}
        for number, row in rows.items():
            for below, part in self._types.get(row.form, {}).items():
                found[f"{number}.{below}"] = part
        found.update(rows)
        for number, row in found.items():
            self.issues += [_wrong(f"{where}-{number}", problem) for problem in self._problems(row)]
        return dict(sorted(found.items(), key=lambda item: [int(n) for n in item[0].split(".")]))

    def _problems(self, row: Row) -> Iterable[str]:
        if row.form and row.form not in FORMS and row.form not in self._types:
            yield f"there is no form {row.form}"
        if row.table and row.table not in self.profiles.tables:
            yield f"there is no table {row.table}"
        if (row.usage == "C") != bool(row.when):
            yield "a condition belongs to usage C, and usage C to a condition"
        yield from (f"{place} is no place" for place in row.when if not is_path(place))

    def _model(self, model: type[Model], name: str) -> Model | None:
        try:
            document: TextDocument = read_yaml_file(self.root / name, name)
        except FatalError as error:
            self.issues += error.issues
            return None
        try:
            return model.model_validate(document.data)
        except ValidationError as error:
            for one in error.errors():
                place = document.place(tuple(one["loc"]))
                key = ".".join(str(part) for part in one["loc"])
                self.issues.append(_wrong(place, f"{key}: {one['msg']}"))
            return None


def _wrong(where: str, problem: str) -> Issue:
    return Issue(
        code="RLS-CFG-120",
        severity=Severity.FATAL,
        where=where,
        what=f"the message profile is wrong: {problem}.",
        fix="Correct the file in profiles/hl7v2.",
    )
