"""Value sets from a folder of files: IHE SVS `ValueSet` (XML) or FHIR `ValueSet` (JSON).

Does not know which place is bound to which list (`membership`). A file is read when its list is
first asked for. Standards: IHE ITI SVS (ITI-48), HL7 FHIR R4 ValueSet and CodeSystem.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from lxml import etree

from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.core.timestamps import TimestampError, parse_timestamp

_SVS = "{urn:ihe:iti:svs:2008}"
_SVS_ID = re.compile(rb'<(?:\w+:)?ValueSet\b[^>]*?\sid="([0-9.]+)"', re.DOTALL)
_OID = "urn:oid:"
_HEAD = 8192


@dataclass(frozen=True, slots=True)
class ValueSet:
    """One list of codes.

    Attributes:
        name: as it calls itself.
        version: `version 1.2 of 2024-09-27`, what it tells of both; empty when neither.
        ends: code and system to the day the code was withdrawn, empty when it was not.
        codes: every code without its system, for systems that are not known by OID.
        open_systems: a system of the list whose OID is not known.
    """

    name: str
    version: str
    ends: Mapping[tuple[str, str], str]
    codes: frozenset[str]
    open_systems: bool = False

    def holds(self, code: str, system: str) -> bool:
        """Tell whether a code is in the list; by the code alone where systems cannot be told."""
        return (code, system) in self.ends or (self.open_systems and code in self.codes)

    def end_of(self, code: str, system: str) -> str:
        """Return the day a code was withdrawn, empty when it was not."""
        return self.ends.get((code, system), "")


@dataclass(slots=True)
class ValueSets:
    """The lists of a folder.

    Attributes:
        folder: that holds the files.
        digest: SHA-256 over names and bytes of the files, hex.
        paths: file of each OID.
    """

    folder: Path
    digest: str
    paths: dict[str, Path]
    systems: dict[str, str] = field(default_factory=dict)
    _read: dict[str, ValueSet | None] = field(default_factory=dict)

    def get(self, oid: str) -> ValueSet | None:
        """Return a list by its OID, None when the folder has none or it cannot be read."""
        if oid not in self._read:
            path = self.paths.get(oid)
            self._read[oid] = None if path is None else _value_set(path, oid, self.systems)
        return self._read[oid]


def load_value_sets(folder: Path) -> ValueSets:
    """Find the lists of a folder.

    Raises:
        FatalError: no folder, or one without any list (RLS-CFG-115).
    """
    if not folder.is_dir():
        raise FatalError([_no_lists(folder, "it is no folder")])
    digest = sha256()
    paths: dict[str, Path] = {}
    systems: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in (".xml", ".json"):
            continue
        body = path.read_bytes()
        digest.update(path.name.encode() + b"\0" + sha256(body).digest())
        if path.suffix.lower() == ".xml":
            for oid in _SVS_ID.findall(body[:_HEAD]):
                paths.setdefault(oid.decode(), path)
        else:
            _index_resources(body, path, paths, systems)
    if not paths:
        raise FatalError([_no_lists(folder, "it holds no SVS or FHIR ValueSet")])
    return ValueSets(folder, digest.hexdigest(), paths, systems)


def _value_set(path: Path, oid: str, systems: Mapping[str, str]) -> ValueSet | None:
    if path.suffix.lower() == ".json":
        found = next((one for one in _resources(path.read_bytes()) if oid in _oids(one)), None)
        return None if found is None else _from_fhir(found, systems)
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        root = etree.fromstring(path.read_bytes(), parser)
    except etree.XMLSyntaxError:
        return None
    for node in root.iter(f"{_SVS}ValueSet"):
        if node.get("id") == oid:
            return _from_svs(node)
    return None


def _from_svs(node: Any) -> ValueSet:
    ends = {
        (concept.get("code", ""), concept.get("codeSystem", "")): _day(concept.get("dateFin", ""))
        for concept in node.iter(f"{_SVS}Concept")
    }
    day = node.get("revisionDate", "")[:10] or _day(node.get("dateMaj"))
    name = (node.get("displayName") or "").removesuffix(".tabs")
    version = _version(node.get("version", ""), day)
    return ValueSet(name, version, ends, frozenset(code for code, _ in ends))


def _from_fhir(resource: Mapping[str, Any], systems: Mapping[str, str]) -> ValueSet:
    ends: dict[tuple[str, str], str] = {}
    is_open = False
    for uri, code in _codes(resource):
        system = uri.removeprefix(_OID) if uri.startswith(_OID) else systems.get(uri, "")
        is_open = is_open or not system
        ends[code, system] = ""
    version = _version(str(resource.get("version", "")), str(resource.get("date", ""))[:10])
    name = str(resource.get("name") or resource.get("title") or resource.get("id") or "")
    return ValueSet(name, version, ends, frozenset(code for code, _ in ends), is_open)


def _version(version: str, day: str) -> str:
    said = [f"version {version}" if version else "", f"of {day}" if day else ""]
    return " ".join(part for part in said if part)


def _codes(resource: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield system and code of what a FHIR ValueSet lists, expanded or composed."""
    pending = list(resource.get("expansion", {}).get("contains", ()))
    while pending:
        item = pending.pop()
        pending += item.get("contains", ())
        if "code" in item:
            yield str(item.get("system", "")), str(item["code"])
    for include in resource.get("compose", {}).get("include", ()):
        for concept in include.get("concept", ()):
            yield str(include.get("system", "")), str(concept.get("code", ""))


def _index_resources(
    body: bytes, path: Path, paths: dict[str, Path], systems: dict[str, str]
) -> None:
    for resource in _resources(body):
        for oid in _oids(resource):
            if resource.get("resourceType") == "ValueSet":
                paths.setdefault(oid, path)
            elif resource.get("url"):
                systems.setdefault(str(resource["url"]), oid)


def _resources(body: bytes) -> Iterator[Mapping[str, Any]]:
    """Yield the ValueSets and CodeSystems of a file: one resource, or a Bundle of them."""
    try:
        data = json.loads(body)
    except ValueError:
        return
    entries = data.get("entry", ()) if isinstance(data, dict) else ()
    for resource in (data, *(entry.get("resource", {}) for entry in entries)):
        if isinstance(resource, dict) and resource.get("resourceType") in _KINDS:
            yield resource


_KINDS = ("ValueSet", "CodeSystem")


def _oids(resource: Mapping[str, Any]) -> list[str]:
    said = [str(one.get("value", "")) for one in resource.get("identifier", ())]
    return [value.removeprefix(_OID) for value in said if value.startswith(_OID)]


def _day(text: str | None) -> str:
    """Return the day of a date of the SVS files, `20241213120000`; empty when there is none."""
    try:
        return parse_timestamp(text).date_fhir if text else ""
    except TimestampError:
        return ""


def _no_lists(folder: Path, what: str) -> Issue:
    return Issue(
        code="RLS-CFG-115",
        severity=Severity.FATAL,
        where="setting cda.value_sets",
        what=f"no value sets can be read from {folder}: {what}.",
        fix="Name a folder of IHE SVS (XML) or FHIR (JSON) value sets, or leave the setting empty.",
    )
