"""The verdict of the official validator on everything, with each package of FR Core."""

from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.official.explained import EXPLAINED, Explained, absent, explanation
from tests.official.resources import everything, telling
from tests.official.validator import Finding, findings

#: The target, and the version older receivers still name.
VERSIONS = ("2.2.0", "2.1.0")
_FR_CORE = "https://hl7.fr/ig/fhir/core/"


class Verdict(NamedTuple):
    """What was judged with a package, and what was found.

    Attributes:
        version: of the package.
        resources: judged.
        findings: all of them.
    """

    version: str
    resources: list[dict]
    findings: list[Finding]

    def failures(self) -> list[tuple[str, Finding]]:
        """Return `Type/id` and finding of what is neither absent nor explained."""
        return [
            (f"{self.resources[one.index]['resourceType']}/{self.resources[one.index]['id']}", one)
            for one in self.findings
            if self._class(one) == "failure"
        ]

    def classes(self) -> Counter[tuple[str, str]]:
        """Count the findings by class and severity."""
        return Counter((self._class(one), one.severity) for one in self.findings)

    def idle(self) -> list[Explained]:
        """Return what is explained with this package alone, or with the target, and not found."""
        versions = (self.version, "") if self.version == VERSIONS[0] else (self.version,)
        return [
            one
            for one in EXPLAINED
            if one.version in versions
            and not any(one.covers(finding, self.version) for finding in self.findings)
        ]

    def _class(self, finding: Finding) -> str:
        kind = absent(finding)
        if kind:
            return f"absent: {kind}"
        return "explained" if explanation(finding, self.version) else "failure"


@cache
def verdict(version: str, folder: Path) -> Verdict:
    """Judge everything with the package of a version.

    The older package is asked about what claims a profile of FR Core: nothing else differs.

    Args:
        version: one of `VERSIONS`.
        folder: of the published packages.
    """
    judged = list(_judged())
    if version != VERSIONS[0]:
        judged = [one for one in judged if _claims_fr_core(one)]
    package = folder / f"hl7.fhir.fr.core-{version}.tgz"
    return Verdict(version, judged, findings(package, judged))


@cache
def _judged() -> tuple[dict, ...]:
    made = everything()
    return tuple(telling(one for resources in made.values() for one in resources))


def _claims_fr_core(resource: dict) -> bool:
    profiles = resource.get("meta", {}).get("profile", ())
    return any(canonical.startswith(_FR_CORE) for canonical in profiles)
