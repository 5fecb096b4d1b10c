"""Published FHIR packages (FHIR NPM package specification): read, kept as given, loaded.

A package is a gzipped tar with `package/package.json` and definitions beside it. The archive
itself is kept, under `<name>@<version>.tgz`, so that its hash can be compared with the publisher's.
"""

import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from json import JSONDecodeError, loads
from pathlib import Path
from typing import Any

from gateway.core.datafiles import data_folder
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.fhir.profiles.definitions import Definitions

Json = dict[str, Any]

#: Largest archive, and largest content once unpacked, bytes. FR Core unpacks to 20 MB.
ARCHIVE_LIMIT = 128 * 2**20
CONTENT_LIMIT = 1024 * 2**20
_MEMBERS = 50_000
_DEFINITIONS = frozenset({"StructureDefinition", "ValueSet", "CodeSystem"})
#: What reading an archive that is none may raise.
_BROKEN = (tarfile.TarError, zlib.error, EOFError, OSError, JSONDecodeError, UnicodeDecodeError)
#: name@version, as packages are asked for; nothing that could leave a folder.
_NAMED = re.compile(r"([a-z][a-z0-9]*(?:[.-][a-z0-9]+)*)@([0-9A-Za-z][0-9A-Za-z.+-]*)")


@dataclass(frozen=True, slots=True)
class Package:
    """One package.

    Attributes:
        name: `hl7.fhir.fr.core`.
        version: `2.2.0`.
        fhir: versions of FHIR it is for, `4.0.1`.
        depends: names and versions of the packages it builds on.
        definitions: profiles, extensions, value sets and code systems.
        digest: SHA-256 of the archive, in hex.
    """

    name: str
    version: str
    fhir: tuple[str, ...]
    depends: tuple[str, ...]
    definitions: tuple[Json, ...]
    digest: str

    @property
    def key(self) -> str:
        """Return `name@version`."""
        return f"{self.name}@{self.version}"


def named(text: str) -> tuple[str, str] | None:
    """Split `name@version`; None when it is not of that form."""
    match = _NAMED.fullmatch(text)
    return (match[1], match[2]) if match else None


def read_package(archive: bytes, where: str) -> Package:
    """Read an archive.

    Args:
        archive: its bytes.
        where: file or address, for the issue.

    Raises:
        RejectedError: it is not a FHIR package (RLS-CFG-130), or larger than what is taken
            (RLS-CFG-131).
    """
    if len(archive) > ARCHIVE_LIMIT:
        raise RejectedError([_too_large(where)])
    manifest: Json = {}
    definitions = []
    for name, content in _members(archive, where):
        if name == "package.json":
            manifest = content
        elif content.get("resourceType") in _DEFINITIONS:
            definitions.append(content)
    key = f"{manifest.get('name', '')}@{manifest.get('version', '')}"
    if named(key) is None:
        raise RejectedError([_no_package(where)])
    return Package(
        name=manifest["name"],
        version=manifest["version"],
        fhir=tuple(str(one) for one in manifest.get("fhirVersions", ())),
        depends=tuple(f"{n}@{v}" for n, v in manifest.get("dependencies", {}).items()),
        definitions=tuple(definitions),
        digest=sha256(archive).hexdigest(),
    )


def _members(archive: bytes, where: str) -> Iterator[tuple[str, Json]]:
    """Give the JSON files directly in `package/`."""
    total = 0
    try:
        with (
            gzip.GzipFile(fileobj=io.BytesIO(archive)) as unpacked,
            tarfile.TarFile(fileobj=unpacked) as tar,
        ):
            for count, member in enumerate(tar):
                total += member.size
                if count >= _MEMBERS or total > CONTENT_LIMIT:
                    raise RejectedError([_too_large(where)])
                folder, _, name = member.name.removeprefix("./").rpartition("/")
                if folder != "package" or not name.endswith(".json") or not member.isfile():
                    continue
                held = tar.extractfile(member)
                content = loads(held.read()) if held else None
                if isinstance(content, dict):
                    yield name, content
    except _BROKEN as error:
        raise RejectedError([_no_package(where)]) from error


@dataclass(frozen=True, slots=True)
class PackageFolder:
    """The packages of an installation."""

    folder: Path

    def add(self, archive: bytes, where: str) -> Package:
        """Keep a package; the same one again changes nothing.

        Raises:
            RejectedError: as `read_package`; or another content is kept under the same name and
                version (RLS-CFG-132).
            OSError: the folder cannot be written.
        """
        package = read_package(archive, where)
        path = self._path(package.key)
        if path.exists() and sha256(path.read_bytes()).hexdigest() != package.digest:
            raise RejectedError([_other_content(package.key)])
        self.folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(archive)
        part.replace(path)
        return package

    def keys(self) -> list[str]:
        """Return what is there, as `name@version`."""
        if not self.folder.is_dir():
            return []
        found = [path.name.removesuffix(".tgz") for path in self.folder.glob("*.tgz")]
        return sorted(key for key in found if named(key))

    def get(self, key: str) -> Package:
        """Read a package.

        Raises:
            RejectedError: it is not there (RLS-CFG-133), or not a package any more.
        """
        path = self._path(key)
        if named(key) is None or not path.is_file():
            raise RejectedError([_absent(key)])
        return read_package(path.read_bytes(), str(path))

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.tgz"


def own_definitions() -> list[Json]:
    """Return the definitions of Relais itself, `profiles/fhir`."""
    found = []
    for path in sorted((data_folder("profiles") / "fhir").glob("*.json")):
        content = loads(path.read_text(encoding="utf-8"))
        if content.get("resourceType") in _DEFINITIONS:
            found.append(content)
    return found


def definitions_of(packages: Iterable[Package]) -> Definitions:
    """Collect the definitions of packages and our own; of two with one URL the later stands."""
    return Definitions.of(
        [*own_definitions(), *(one for package in packages for one in package.definitions)]
    )


def _issue(code: str, where: str, what: str, fix: str) -> Issue:
    return Issue(code=code, severity=Severity.ERROR, where=where, what=what, fix=fix)


def _no_package(where: str) -> Issue:
    return _issue(
        "RLS-CFG-130",
        where,
        "this is not a FHIR package: a gzipped tar with package/package.json and JSON beside it.",
        "Give the archive (.tgz) as it is published.",
    )


def _too_large(where: str) -> Issue:
    return _issue(
        "RLS-CFG-131",
        where,
        f"the package is larger than {ARCHIVE_LIMIT >> 20} MB, or {CONTENT_LIMIT >> 20} MB "
        "unpacked.",
        "Check that this is the package you mean; definitions of profiles are far smaller.",
    )


def _other_content(key: str) -> Issue:
    return _issue(
        "RLS-CFG-132",
        key,
        "another content is kept under this name and version; a published version never changes.",
        "Compare both with the publisher's; remove the wrong archive from the folder of packages.",
    )


def _absent(key: str) -> Issue:
    return _issue(
        "RLS-CFG-133",
        key,
        "the package is not there.",
        "Add it with `relais packages add`; `relais packages list` shows what is there.",
    )
