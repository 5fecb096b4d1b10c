"""Reads the mapping files, once, when the program starts.

The folder layout is the index: `hl7v2/<MSG>_<EVT>.yaml` and `cda/<type>.yaml` are plans, folders
below them hold fragments, beside them are `conceptmaps/` and `sites/`. Every fault of every file
is reported together, with file, line, key and the nearest known name. What the names inside the
files point to is judged by `mapping.check`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from gateway.core.datafiles import data_folder
from gateway.core.errors import FatalError
from gateway.core.issues import Issue
from gateway.mapping import faults
from gateway.mapping.conceptmaps import ConceptMap
from gateway.mapping.plan import EventPlan, FactPlan, ResourcePlan, Rule, Use
from gateway.mapping.sites import Routing, Sender, Site, Sites, Unit
from gateway.mapping.yamltext import Keys, TextDocument, read_text_yaml

__all__ = ["Mappings", "TextDocument", "load_mappings", "read_text_yaml", "read_yaml_file"]

Model = TypeVar("Model", bound=BaseModel)

#: Folder of the fragments that are facts and not resources.
_FACTS = "facts/"
_EVENT_NAME = re.compile(r"[A-Z]{3}_[A-Z0-9]{3}")

#: Names pydantic puts in the place of a fault inside a union.
_UNION = frozenset({"Use", "ResourcePlan", "FactUse", "FactPlan"})

#: Keys of every model a file may hold, to name the nearest one.
_KNOWN_KEYS = {
    field.alias or name
    for model in (
        EventPlan,
        ResourcePlan,
        FactPlan,
        Rule,
        Use,
        ConceptMap,
        Site,
        Routing,
        Sender,
        Unit,
    )
    for name, field in model.model_fields.items()
}


@dataclass(slots=True)
class Mappings:
    """All mapping files as checked models.

    Attributes:
        events: HL7 v2 plans by `ADT_A01`.
        documents: document plans by name.
        fragments: by `segments/PID.patient`.
        facts: fragments of what inputs assert, by family and name (`hl7v2`, `facts/PID.death`).
        conceptmaps: by name.
        sites: the site tables.
        files: by kind and name (`event ADT_A01`), the file each came from, for `mapping.check`.
    """

    events: dict[str, EventPlan] = field(default_factory=dict)
    documents: dict[str, EventPlan] = field(default_factory=dict)
    fragments: dict[str, ResourcePlan] = field(default_factory=dict)
    facts: dict[tuple[str, str], FactPlan] = field(default_factory=dict)
    conceptmaps: dict[str, ConceptMap] = field(default_factory=dict)
    sites: Sites = field(default_factory=Sites)
    files: dict[str, TextDocument] = field(default_factory=dict)

    def whole(self, name: str) -> EventPlan:
        """Return a document plan with what it inherits."""
        plan = self.documents[name]
        return plan if plan.extends is None else plan.after(self.documents[plan.extends])


def read_yaml_file(path: Path, name: str | None = None) -> TextDocument:
    """Read one YAML file as text data; also serves pathway rules and scenarios.

    Raises:
        FatalError: unreadable or not plain YAML (RLS-CFG-002).
    """
    shown = name or path.name
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FatalError([faults.not_yaml(shown, "it is not UTF-8")]) from error
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
        raise FatalError([faults.not_yaml(shown, reason)]) from error
    return read_text_yaml(text, shown)


def load_mappings(folder: Path | None = None, drafts: Mapping[str, str] | None = None) -> Mappings:
    """Read a mapping folder, by default the one that ships with the program.

    Args:
        folder: to read.
        drafts: texts that stand for files of the folder, by path below it (`sites/demo.yaml`).

    Raises:
        FatalError: every fault of every file (RLS-CFG-001 to 003, 011, 013).
    """
    root = folder or data_folder("mappings")
    reading = _Reading(root, drafts or {})
    reading.plans("hl7v2", reading.mappings.events)
    reading.plans("cda", reading.mappings.documents)
    reading.inheritance()
    reading.conceptmaps()
    reading.sites()
    if reading.issues:
        raise FatalError(reading.issues)
    return reading.mappings


class _Reading:
    """One pass over a folder: what was read, and what was wrong."""

    def __init__(self, root: Path, drafts: Mapping[str, str]) -> None:
        self.root = root
        self.drafts = {root / path: text for path, text in drafts.items()}
        self.mappings = Mappings()
        self.issues: list[Issue] = []

    def plans(self, family: str, into: dict[str, EventPlan]) -> None:
        """Read the plans of a family and the fragments in the folders below it."""
        for document, path in self._documents(family):
            plan = self._model(EventPlan, document)
            if plan is None:
                continue
            if family == "hl7v2":
                self._check_event_name(document, plan, path.stem)
            into[path.stem] = plan
            self.mappings.files[f"plan {path.stem}"] = document
        for below in sorted(p for p in (self.root / family).glob("*") if p.is_dir()):
            for document, path in self._documents(f"{family}/{below.name}"):
                self._fragments(document, family, f"{below.name}/{path.stem}")

    def inheritance(self) -> None:
        """Check that each base exists and inherits nothing itself."""
        plans = self.mappings.documents
        for name, plan in plans.items():
            if plan.extends is None:
                continue
            base = plans.get(plan.extends)
            if base is None or base.extends is not None:
                reason = "it is no plan" if base is None else "it inherits from another one"
                where = self.mappings.files[f"plan {name}"].place(("extends",))
                self.issues.append(faults.wrong_key(where, "extends", f"{plan.extends}: {reason}"))

    def conceptmaps(self) -> None:
        """Read the code tables."""
        for document, path in self._documents("conceptmaps"):
            conceptmap = self._model(ConceptMap, document)
            if conceptmap is None:
                continue
            self._check_name(document, conceptmap.name, path.stem)
            self.mappings.conceptmaps[path.stem] = conceptmap
            self.mappings.files[f"conceptmap {path.stem}"] = document

    def sites(self) -> None:
        """Read the site tables; a sender may be named once."""
        sites: list[Site] = []
        seen: dict[tuple[str, str], str] = {}
        for document, path in self._documents("sites"):
            site = self._model(Site, document)
            if site is None:
                continue
            self._check_name(document, site.name, path.stem)
            for number, sender in enumerate(site.sources):
                other = seen.setdefault((sender.application, sender.facility), document.name)
                if other != document.name:
                    where = document.place(("sources", number))
                    self.issues.append(faults.defined_twice(where, "this sender", other))
            sites.append(site)
            self.mappings.files[f"site {path.stem}"] = document
        self.mappings.sites = Sites(sites)

    def _documents(self, below: str) -> Iterator[tuple[TextDocument, Path]]:
        folder = self.root / below
        written = {path for path in self.drafts if path.parent == folder}
        for path in sorted({*folder.glob("*.y*ml"), *written}):
            name = f"{self.root.name}/{path.relative_to(self.root).as_posix()}"
            draft = self.drafts.get(path)
            try:
                read = read_yaml_file(path, name) if draft is None else read_text_yaml(draft, name)
                yield read, path
            except FatalError as error:
                self.issues += error.issues

    def _fragments(self, document: TextDocument, family: str, prefix: str) -> None:
        if not isinstance(document.data, dict):
            self.issues.append(
                faults.wrong_key(document.place(), "", "a fragment file is a mapping")
            )
            return
        for key in document.data:
            name = f"{prefix}.{key}"
            if prefix.startswith(_FACTS):
                fact = self._model(FactPlan, document, (key,))
                if fact is not None:
                    self.mappings.facts[family, name] = fact
                    self.mappings.files[f"facts {family} {name}"] = document
                continue
            plan = self._model(ResourcePlan, document, (key,))
            if plan is None:
                continue
            if name in self.mappings.fragments:
                other = self.mappings.files[f"fragment {name}"].name
                self.issues.append(faults.defined_twice(document.place((key,)), name, other))
            self.mappings.fragments[name] = plan
            self.mappings.files[f"fragment {name}"] = document

    def _model(self, model: type[Model], document: TextDocument, keys: Keys = ()) -> Model | None:
        data = document.data
        for key in keys:
            data = data[key]
        try:
            return model.model_validate(data)
        except ValidationError as error:
            self.issues += [_fault(document, keys, one) for one in error.errors()]
            return None

    def _check_event_name(self, document: TextDocument, plan: EventPlan, stem: str) -> None:
        said = (plan.message or "").replace("^", "_")
        if not _EVENT_NAME.fullmatch(stem) or said != stem:
            reason = f"key 'message' and the file name '{stem}' do not agree"
            self.issues.append(faults.misplaced_file(document.place(("message",)), reason))

    def _check_name(self, document: TextDocument, said: str, stem: str) -> None:
        if said != stem:
            reason = f"key 'name' and the file name '{stem}' do not agree"
            self.issues.append(faults.misplaced_file(document.place(("name",)), reason))


def _fault(document: TextDocument, above: Keys, error: Any) -> Issue:
    # A union (a `use` or a plan of its own) puts the name of the tried model in the place.
    loc = tuple(part for part in error["loc"] if part not in _UNION)
    keys = (*above, *loc)
    key = ".".join(str(part) for part in keys)
    if error["type"] == "extra_forbidden":
        return faults.wrong_key(document.place(keys), key, "unknown", _KNOWN_KEYS)
    return faults.wrong_key(document.place(keys), key, str(error["msg"]).rstrip("."))
