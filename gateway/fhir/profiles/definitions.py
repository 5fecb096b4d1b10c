"""The definitions a judge works with: profiles, extensions, value sets and code systems, by URL.

Holds JSON as it was published; reads no file (`conformance.packages`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

BASE = "http://hl7.org/fhir/StructureDefinition/"


@dataclass(frozen=True, slots=True)
class Definitions:
    """Published definitions, each under its canonical URL without and with its version."""

    structures: dict[str, Json] = field(default_factory=dict)
    value_sets: dict[str, Json] = field(default_factory=dict)
    code_systems: dict[str, Json] = field(default_factory=dict)

    @classmethod
    def of(cls, resources: Iterable[Json]) -> "Definitions":
        """Collect definitions; of two with one URL the later stands, each under its version."""
        made = cls()
        kept = {
            "StructureDefinition": made.structures,
            "ValueSet": made.value_sets,
            "CodeSystem": made.code_systems,
        }
        for one in resources:
            by_url = kept.get(one.get("resourceType", ""))
            url = one.get("url")
            if by_url is None or not url:
                continue
            by_url[url] = one
            if version := one.get("version"):
                by_url[f"{url}|{version}"] = one
        return made

    def structure(self, canonical: str) -> Json | None:
        """Return a profile; another version of the same URL when that one is not there.

        FHIR R4 2.26.0.15: a canonical may name a version; a package names those of packages it
        depends on, which an installation need not have in exactly this version.
        """
        return _of(self.structures, canonical)

    def value_set(self, canonical: str) -> Json | None:
        """Return a value set, as `structure` does."""
        return _of(self.value_sets, canonical)

    def code_system(self, canonical: str) -> Json | None:
        """Return a code system, as `structure` does."""
        return _of(self.code_systems, canonical)

    def type_of(self, canonical: str) -> str:
        """Return the type a profile is about; empty when the profile is not known."""
        url = unversioned(canonical)
        known = self.structure(canonical)
        if known is not None:
            return str(known["type"])
        name = url.removeprefix(BASE)
        return name if name != url and name[:1].isupper() and name.isalnum() else ""


def unversioned(canonical: str) -> str:
    """Return a canonical without its version."""
    return canonical.partition("|")[0]


def is_base(canonical: str) -> bool:
    """Tell whether a canonical is a type of FHIR itself, such as `Organization`."""
    name = unversioned(canonical).removeprefix(BASE)
    return name.isalnum() and name[:1].isupper()


def _of(by_url: dict[str, Json], canonical: str) -> Json | None:
    return by_url.get(canonical) or by_url.get(unversioned(canonical))
