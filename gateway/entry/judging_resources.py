"""Judges FHIR resources with the packages of an installation; what `relais validate` uses."""

from functools import lru_cache
from pathlib import Path

from gateway.conformance.packages import Package, PackageFolder
from gateway.conformance.resources import ResourceJudge
from gateway.core.messages import Channel, RawMessage
from gateway.entry.settings import Settings


def build_resource_judge(settings: Settings) -> ResourceJudge:
    """Build a judge on the packages the settings name, as far as they are there.

    Raises:
        RejectedError: an archive is not a package any more (RLS-CFG-130).
    """
    return _judge(settings.fhir.packages, settings.fhir.profiles)


@lru_cache(maxsize=4)
def _judge(folder: Path, keys: tuple[str, ...]) -> ResourceJudge:
    return ResourceJudge(loaded(PackageFolder(folder), keys))


def loaded(folder: PackageFolder, keys: tuple[str, ...]) -> list[Package]:
    """Return the named packages that are there, in the order of their names in the settings."""
    there = set(folder.keys())
    return [folder.get(key) for key in keys if key in there]


def is_fhir(raw: RawMessage) -> bool:
    """Tell whether an input is a FHIR resource, as JSON or XML."""
    if raw.channel is Channel.CDA:
        return b"http://hl7.org/fhir" in raw.body[:2048]
    return raw.body.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
