"""Finds what a test kit holds: schema, schematrons of every document and of each model, version.

Does not run anything (`worker`) and changes nothing in the kit (`workcopy`). The layout is that of
the published CDA test kit of the ANS.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity

SCHEMATRONS, VALUE_SETS, SCHEMAS = "schematrons", "jeuxDeValeurs", "infrastructure"
#: Folders of the kit that a check reads.
PARTS = (SCHEMATRONS, VALUE_SETS, SCHEMAS)
_SCHEMAS = ("infrastructure/cda/CDA_extended.xsd", "infrastructure/cda/CDA.xsd")
#: The three steps from a schematron to a style sheet (ISO/IEC 19757-3).
_ENGINE = ("iso_dsdl_include.xsl", "iso_abstract_expand.xsl", "iso_svrl_for_xslt2.xsl")
_COMMON = ("profils/*.sch", "profils/structurationMinimale/*.sch",
           "profils/terminologies/schematron/*.sch")  # fmt: skip
_OF_MODEL = re.compile(r"CI-SIS_(.+)_(\d{4}\.\d{2})\.sch")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Kit:
    """One test kit.

    Attributes:
        folder: where it is; nothing in it is changed.
        name: of the folder.
        version: commit it was cloned at, empty when it tells none.
        digest: SHA-256 over names and bytes of what a check reads, hex.
        schema: XML schema, relative; empty when it has none.
        engine: the three style sheets that make one of a schematron, relative.
        common: schematrons for every document, relative.
        models: schematron of each model by name and version, relative.
    """

    folder: Path
    name: str
    version: str
    digest: str
    schema: str
    engine: tuple[str, ...]
    common: tuple[str, ...]
    models: Mapping[str, Mapping[str, str]]

    @property
    def title(self) -> str:
        """Return name and version for a report: `TestContenuCDA-3-0 7cd489b39368`."""
        return f"{self.name} {self.version[:12] or self.digest[:12]}"

    def sheet_of(self, model: str, version: str) -> tuple[str, str]:
        """Return the schematron of a model and its version, that version or the latest one.

        Both are empty when the kit has none.
        """
        versions = self.models.get(model, {})
        if not versions:
            return "", ""
        chosen = version if version in versions else max(versions)
        return versions[chosen], chosen


def find_kit(folder: Path) -> Kit:
    """Look through the folder of a test kit.

    Raises:
        FatalError: it is none (RLS-CFG-122).
    """
    root = folder / SCHEMATRONS
    engine = tuple(f"{SCHEMATRONS}/moteur/{name}" for name in _ENGINE)
    if not root.is_dir():
        raise FatalError([_no_kit(folder, f"it has no folder {SCHEMATRONS}")])
    if missing := [path for path in engine if not (folder / path).is_file()]:
        raise FatalError([_no_kit(folder, f"it has no {missing[0]}")])
    common = [path for pattern in _COMMON for path in sorted(root.glob(pattern))]
    models: dict[str, dict[str, str]] = {}
    for path in sorted(root.glob("CI-SIS_*.sch")):
        if match := _OF_MODEL.fullmatch(path.name):
            models.setdefault(match[1], {})[match[2]] = _relative(path, folder)
    return Kit(
        folder=folder,
        name=folder.name,
        version=_commit(folder),
        digest=_digest(folder),
        schema=next((path for path in _SCHEMAS if (folder / path).is_file()), ""),
        engine=engine,
        common=tuple(_relative(path, folder) for path in common),
        models=models,
    )


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _digest(folder: Path) -> str:
    digest = sha256()
    for part in PARTS:
        for path in sorted((folder / part).rglob("*")):
            if path.is_file() and path.suffix in (".sch", ".xsl", ".xsd", ".xml"):
                digest.update(f"{_relative(path, folder)}\0".encode())
                digest.update(sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _commit(folder: Path) -> str:
    """Return the commit of a clone, read from its files: no other program is run."""
    head = _text(folder / ".git" / "HEAD")
    name = head.removeprefix("ref:").strip()
    if head.startswith("ref:"):
        head = _text(folder / ".git" / name) or _packed(folder, name)
    found = _COMMIT.match(head.strip())
    return found[0] if found else ""


def _packed(folder: Path, name: str) -> str:
    for line in _text(folder / ".git" / "packed-refs").splitlines():
        commit, _, ref = line.partition(" ")
        if ref == name:
            return commit
    return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _no_kit(folder: Path, what: str) -> Issue:
    return Issue(
        code="RLS-CFG-122",
        severity=Severity.FATAL,
        where="setting cda.toolkit",
        what=f"{folder} is no CDA test kit: {what}.",
        fix="Name the folder of a clone of the published test kit, or leave the setting empty.",
    )
