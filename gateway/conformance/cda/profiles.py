"""Document profiles as data: what `profiles/cda` says, read and checked once.

Does not judge documents (`place_rules`, `models`, `membership`). A rule names a place by XPath
relative to ClinicalDocument; its last step is what is counted, the steps before it are where.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from gateway.cda.reader import path_fault
from gateway.conformance.forms import FORMS
from gateway.core.datafiles import data_folder
from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.mapping.loader import read_yaml_file

#: How often something may be there: `0..1`, `1..*`.
Cardinality = Annotated[str, StringConstraints(pattern=r"^[0-9]\.\.(?:[1-9][0-9]*|\*)$")]
Oid = Annotated[str, StringConstraints(pattern=r"^[0-2](?:\.(?:0|[1-9][0-9]*))+$")]
#: XPath to the values that make a condition true; `valued` stands for any value.
When = dict[str, tuple[str, ...]]

VALUED = "valued"
_LAST_STEP = re.compile(r"(?:^|/)((?:[^/\[\]]|\[[^\]]*\])+)$")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Model = TypeVar("Model", bound=_Strict)


@dataclass(frozen=True, slots=True)
class Times:
    """How often something may be there.

    Attributes:
        least: fewest.
        most: most, None without limit.
    """

    least: int
    most: int | None

    @classmethod
    def of(cls, text: str) -> "Times":
        """Read a cardinality."""
        least, _, most = text.partition("..")
        return cls(int(least), None if most == "*" else int(most))


class PlaceRule(_Strict):
    """What is asked of the nodes at one place.

    Attributes:
        at: XPath from ClinicalDocument.
        card: the looser of the cardinalities that the executable rules and the guide give.
        strict: the stricter of both, where they differ; breaking it is a warning.
        nulls: `no` where a nullFlavor does not stand for a value.
        values: every value allowed.
        form: name of a form (`forms.FORMS`).
        when: condition, from the node that holds the last step.
        severity: of values and forms, instead of that of their kind.
        clause: of the specification.
    """

    at: str
    card: Cardinality = "0..*"
    strict: Cardinality | None = None
    nulls: bool = True
    values: tuple[str, ...] = ()
    form: str = ""
    when: When = Field(default_factory=dict)
    severity: Severity | None = None
    clause: str

    @property
    def above(self) -> str:
        """Return the steps before the last one, `.` when there are none."""
        return self.at[: -len(self.step)].rstrip("/") or "."

    @property
    def step(self) -> str:
        """Return the last step."""
        found = _LAST_STEP.search(self.at)
        return found[1] if found else self.at


class Choice(_Strict):
    """Elements of which exactly one, or at most one, may be there.

    Attributes:
        under: XPath of the element that holds them.
        of: names of CDA children.
        card: how many of the names.
        clause: of the specification.
    """

    under: str
    of: tuple[str, ...]
    card: Cardinality = "1..1"
    clause: str


class Order(_Strict):
    """The order of the CDA children of an element.

    Attributes:
        under: XPath of the element.
        of: every name in order.
        clause: of the specification.
    """

    under: str
    of: tuple[str, ...]
    clause: str


class Header(_Strict):
    """`header.yaml`: what every document holds.

    Attributes:
        null_flavors: that a header may use.
        null_clause: of the specification that lists them.
        rules: in the order of the header.
        choices: elements that exclude each other.
        orders: of children.
    """

    null_flavors: tuple[str, ...]
    null_clause: str
    rules: tuple[PlaceRule, ...]
    choices: tuple[Choice, ...] = ()
    orders: tuple[Order, ...] = ()


class Entry(_Strict):
    """An entry that a section holds, found by its code.

    Attributes:
        code: of the entry, with `system`.
        system: OID.
        name: in words.
        card: as for a rule.
        strict: as for a rule.
        value_set: OID of the list its value is of.
        values: the same list as `code|system`, for when no list is configured.
        clause: of the specification.
    """

    code: str
    system: Oid
    name: str
    card: Cardinality = "0..*"
    strict: Cardinality | None = None
    value_set: str = ""
    values: tuple[str, ...] = ()
    clause: str


class Section(_Strict):
    """A section of a document model.

    Attributes:
        template: OID that names it.
        name: as the model calls it.
        card: as for a rule.
        strict: as for a rule.
        since: version of the model that asks for it, empty when all do.
        translation: code of `code/translation` that tells it from others of the template.
        entries: that it holds.
    """

    template: Oid
    name: str
    card: Cardinality = "0..*"
    strict: Cardinality | None = None
    since: str = ""
    translation: str = ""
    entries: tuple[Entry, ...] = ()


class Code(_Strict):
    """The code of a document.

    Attributes:
        code: with `system`.
        system: OID.
    """

    code: str
    system: Oid


class DocumentModel(_Strict):
    """One document model.

    Attributes:
        name: as the CI-SIS calls it.
        clause: of the specification.
        versions: extensions of its templateId that these rules were written for.
        codes: every code of ClinicalDocument it may have; any when empty.
        is_stay: the dates of its main act are those of the stay.
        sections: of the model.
        rules: beyond those of the header.
        schematrons: middle of the name of its file in a test kit, before the version; a kit may
            call versions of one model differently.
    """

    name: str
    clause: str
    versions: tuple[str, ...] = ()
    codes: tuple[Code, ...] = ()
    is_stay: bool = False
    sections: tuple[Section, ...] = ()
    rules: tuple[PlaceRule, ...] = ()
    schematrons: tuple[str, ...] = ()


class Binding(_Strict):
    """A place whose code is of a value set.

    Attributes:
        at: XPath from ClinicalDocument, of coded elements, attributes or texts.
        value_set: OID of the list; several when any may hold it.
        name: of the list, in words.
        when: condition, from the coded element.
        severity: of a code that is in no list.
        clause: of the specification.
    """

    at: str
    value_set: tuple[str, ...]
    name: str
    when: When = Field(default_factory=dict)
    severity: Severity = Severity.ERROR
    clause: str


class _Models(_Strict):
    models: dict[Oid, DocumentModel]


class _Bindings(_Strict):
    bindings: tuple[Binding, ...]


class Templates(_Strict):
    """`templates.yaml`: the templates of the CI-SIS that are known.

    Attributes:
        arcs: parent OID to the numbers below it, single or as `20-35`.
    """

    arcs: dict[Oid, tuple[str, ...]]

    def below(self) -> Mapping[str, frozenset[str]]:
        """Return the numbers of each arc."""
        return {arc: frozenset(_spread(numbers)) for arc, numbers in self.arcs.items()}


@dataclass(frozen=True, slots=True)
class CdaProfiles:
    """Everything `profiles/cda` says.

    Attributes:
        header: of every document.
        models: document models by templateId.
        bindings: places of coded values.
        templates: known numbers by arc.
    """

    header: Header
    models: Mapping[str, DocumentModel]
    bindings: tuple[Binding, ...]
    templates: Mapping[str, frozenset[str]]


def load_cda_profiles(folder: Path | None = None) -> CdaProfiles:
    """Read the document profiles, by default those that ship with the program.

    Raises:
        FatalError: every fault of every file (RLS-CFG-002, RLS-CFG-121).
    """
    root = folder or data_folder("profiles") / "cda"
    issues: list[Issue] = []
    header = _read(Header, root, "header.yaml", issues)
    models = _read(_Models, root, "documents.yaml", issues)
    bindings = _read(_Bindings, root, "bindings.yaml", issues)
    templates = _read(Templates, root, "templates.yaml", issues)
    if header is None or models is None or bindings is None or templates is None:
        raise FatalError(issues)
    profiles = CdaProfiles(header, models.models, bindings.bindings, templates.below())
    if faults := [_wrong(where, problem) for where, problem in _problems(profiles)]:
        raise FatalError(faults)
    return profiles


def _read(model: type[Model], root: Path, name: str, issues: list[Issue]) -> Model | None:
    try:
        document = read_yaml_file(root / name, name)
    except FatalError as error:
        issues += error.issues
        return None
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        for one in error.errors():
            key = ".".join(str(part) for part in one["loc"])
            issues.append(_wrong(document.place(tuple(one["loc"])), f"{key}: {one['msg']}"))
        return None


def _problems(profiles: CdaProfiles) -> Iterator[tuple[str, str]]:
    """Yield place and fault of what a model cannot check by itself."""
    rules = [("header.yaml", rule) for rule in profiles.header.rules]
    for model in profiles.models.values():
        rules += [(f"documents.yaml {model.name}", rule) for rule in model.rules]
    for where, rule in rules:
        if rule.form and rule.form not in FORMS:
            yield f"{where} {rule.at}", f"there is no form {rule.form}"
        for path in (rule.above, rule.step, *rule.when):
            if fault := path_fault(path):
                yield f"{where} {rule.at}", f"{path}: {fault}"
    paths = [("header.yaml", part.under) for part in profiles.header.choices]
    paths += [("header.yaml", part.under) for part in profiles.header.orders]
    for binding in profiles.bindings:
        paths += [("bindings.yaml", path) for path in (binding.at, *binding.when)]
    for where, path in paths:
        if fault := path_fault(path):
            yield f"{where} {path}", fault


def _spread(numbers: tuple[str, ...]) -> Iterator[str]:
    for text in numbers:
        first, _, last = text.partition("-")
        if last:
            yield from (str(number) for number in range(int(first), int(last) + 1))
        else:
            yield text


def _wrong(where: str, problem: str) -> Issue:
    return Issue(
        code="RLS-CFG-121",
        severity=Severity.FATAL,
        where=where,
        what=f"the document profile is wrong: {problem}.",
        fix="Correct the file in profiles/cda.",
    )
