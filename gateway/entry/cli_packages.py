"""`relais packages`: the published FHIR packages that resources are judged by."""

import sys
from pathlib import Path
from typing import Annotated

import httpx2
import typer

from gateway.conformance.packages import ARCHIVE_LIMIT, Package, PackageFolder, named
from gateway.core.errors import FatalError, RejectedError, RetriableError
from gateway.core.issues import Issue, Severity
from gateway.entry import settings as settings_module
from gateway.entry.settings import Settings

packages = typer.Typer(help="Published FHIR packages: profiles and value sets.")

_SECONDS = 60.0


@packages.command("add")
def add(
    package: Annotated[
        str, typer.Argument(help="Archive (.tgz) of a package, or NAME@VERSION from the registry.")
    ],
) -> None:
    """Keep a package; `relais validate` and `$validate` judge by those the settings name.

    Nothing is fetched unless `fhir.registry` names an address.

    Example: relais packages add hl7.fhir.fr.core-2.2.0.tgz
    """
    settings = settings_module.load()
    archive, where = _archive(package, settings)
    folder = PackageFolder(settings.fhir.packages)
    try:
        kept = folder.add(archive, where)
    except OSError as error:
        raise FatalError([_not_written(folder.folder, error)]) from error
    print(_line(kept))
    if kept.key not in settings.fhir.profiles:
        print(f"fhir.profiles does not name {kept.key}: nothing is judged by it.", file=sys.stderr)


@packages.command("list")
def list_() -> None:
    """Show the packages that are there: name, version, definitions, hash, whether they judge.

    Example: relais packages list
    """
    settings = settings_module.load()
    folder = PackageFolder(settings.fhir.packages)
    there = folder.keys()
    for key in there:
        judges = "judged by" if key in settings.fhir.profiles else "not judged by"
        print(f"{_line(folder.get(key))}, {judges}")
    for key in settings.fhir.profiles:
        if key not in there:
            print(f"{key} is named by fhir.profiles and is not there.", file=sys.stderr)


def _line(package: Package) -> str:
    count = len(package.definitions)
    fhir = " ".join(package.fhir)
    return f"{package.key}: FHIR {fhir}, {count} definitions, sha256 {package.digest}"


def _archive(asked: str, settings: Settings) -> tuple[bytes, str]:
    """Return the archive of a file, or of a name in the registry, with where it came from."""
    file = Path(asked)
    if named(asked) is None or file.exists():
        try:
            return file.read_bytes(), asked
        except OSError as error:
            raise RejectedError([_not_read(asked, error)]) from error
    base = settings.fhir.registry.rstrip("/")
    if not base:
        raise FatalError([_no_registry(asked)])
    name, _, version = asked.partition("@")
    return _fetched(f"{base}/{name}/{version}", asked), asked


def _fetched(url: str, asked: str) -> bytes:
    """Fetch an archive; what is larger than any package is cut off."""
    got = bytearray()
    try:
        with httpx2.stream("GET", url, timeout=_SECONDS, follow_redirects=True) as answer:
            if answer.status_code != httpx2.codes.OK:
                raise RejectedError([_refused(asked, answer.status_code)])
            for part in answer.iter_bytes():
                got += part
                if len(got) > ARCHIVE_LIMIT:
                    break
    except httpx2.HTTPError as error:
        raise RetriableError([_unreachable(asked, error)]) from error
    return bytes(got)


def _issue(code: str, where: str, what: str, fix: str) -> Issue:
    return Issue(code=code, severity=Severity.ERROR, where=where, what=what, fix=fix)


def _not_read(where: str, error: OSError) -> Issue:
    return _issue(
        "RLS-CFG-134",
        where,
        f"the archive cannot be read ({type(error).__name__}).",
        "Give the path of a package archive, or NAME@VERSION.",
    )


def _no_registry(asked: str) -> Issue:
    return _issue(
        "RLS-CFG-135",
        asked,
        "no registry is named, so that a package can come from a file only.",
        "Set RELAIS_FHIR_REGISTRY to the address of a FHIR package registry, or give the archive.",
    )


def _refused(asked: str, status: int) -> Issue:
    return _issue(
        "RLS-CFG-136",
        asked,
        f"the registry does not give this package (HTTP {status}).",
        "Check name and version; a registry lists the versions it has.",
    )


def _unreachable(asked: str, error: Exception) -> Issue:
    return _issue(
        "RLS-CFG-137",
        asked,
        f"the registry cannot be reached ({type(error).__name__}).",
        "Check RELAIS_FHIR_REGISTRY and the way out of this machine, then try again.",
    )


def _not_written(folder: Path, error: OSError) -> Issue:
    return _issue(
        "RLS-CFG-138",
        str(folder),
        f"the folder of packages cannot be written ({type(error).__name__}).",
        "Set RELAIS_FHIR_PACKAGES to a folder this user may write.",
    )
