"""Judges of our resources against FR Core: an outside validator, and what it cannot see.

The validator gets the published package and our own extension definitions. It misjudges some
slices; each of these false findings is named in `FALSE` with its reason, and what it hides is
checked here by hand (`hidden`).
"""

import contextlib
import io
import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pyrofile_validator import Validator
from pyrofile_validator.config import ValidatorConfig

from tests.conftest import ROOT

CANONICAL = "https://hl7.fr/ig/fhir/core/StructureDefinition/"
CATEGORY = CANONICAL + "fr-core-patient-contact-relationship-category"
BIRTH_GIVEN = CANONICAL + "fr-core-patient-birth-list-given-name"
INSEE = CANONICAL + "fr-core-address-insee-code"
RELIABILITY = CANONICAL + "fr-core-identity-reliability"
BIRTH_PLACE = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"
_ESTABLISHMENT = "fr-core-organization-etablissement"
#: Extensions that FR Core allows more than once.
REPEATING = {
    CANONICAL + "fr-core-patient-nationality",
    RELIABILITY,
    "https://relais.example/fhir/StructureDefinition/document-participation",
    "https://relais.example/fhir/StructureDefinition/stated-attribute",
}
#: Where a document may send a code and forget its system: the code is kept, with RLS-CDA-020.
SYSTEM_FORGOTTEN = {"valueCodeableConcept.coding": {"75056", "69123"}}
INS = {f"urn:oid:1.2.250.1.213.1.4.{last}" for last in (8, 9, 10, 11)}

#: Findings about something else than the resource alone.
ELSEWHERE = {
    # Each resource is judged alone; tests.support.leaves.dangling judges references.
    "reference.unresolved",
    # A narrative is wished for by R4 (dom-6, a warning); resources made from data have none.
    "profile.invariant.dom-6",
}


class Finding(NamedTuple):
    """One thing a judge found; `profile` is the last part of the canonical, `-` for base R4."""

    profile: str
    path: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Known:
    """A false or accepted finding: where it is found and why it is no fault of ours.

    Attributes:
        profile: last part of the canonical, `-` for base R4.
        path: element without indexes.
        code: of the validator.
        reason: why it is none.
        detail: what the text of the finding must hold, so that no other value hides behind it.
    """

    profile: str
    path: str
    code: str
    reason: str
    detail: str = ""

    def covers(self, finding: Finding) -> bool:
        """Tell whether a finding is this one."""
        place = (finding.profile, finding.path, finding.code)
        return place == (self.profile, self.path, self.code) and self.detail in finding.detail


_COUNTS_ALL = (
    "slices of extensions whose url stands in the profile of the extension are counted as if "
    "every extension were one of them; the examples in the package fail likewise"
)
_FINDS_NONE = (
    "slices inside a slice, and slices of extensions known by their profile, are never found; the "
    "example in the package fails likewise"
)
_CATEGORY = (
    "both slices of relationship are looked for in every member, and in patients who have no "
    "contact at all; the example in the package fails likewise"
)
_DOSAGE = "the validator's table of Dosage lacks text (R4 2.41, Dosage.text 0..1)"
_MARITAL = "the value set takes all of v3-MaritalStatus, which is in no package at hand"
_PREADM = "Encounter.hospitalization.preAdmissionIdentifier is unusable in FR Core (fixed system)"
_MAX, _MIN = "profile.slice.cardinality.max", "profile.slice.cardinality.min"
_PATIENTS = ("fr-core-patient", "fr-core-patient-ins")


def _everywhere() -> Iterator[Known]:
    yield Known("-", "MedicationStatement.dosage.text", "element.unknown", _DOSAGE)
    yield Known("-", "MedicationRequest.dosageInstruction.text", "element.unknown", _DOSAGE)
    yield Known(
        "-",
        "Encounter.status",
        "terminology.required",
        "the validator's list of encounter-status is cut short (R4 has unknown)",
        "Code 'unknown'",
    )
    why = "the validator's table of referenceRange lacks text (R4 10.1, referenceRange.text 0..1)"
    yield Known("-", "Observation.referenceRange.text", "element.unknown", why)
    why = "the validator's list of this status is cut short (R4 observation-status has it)"
    for code in ("cancelled", "corrected", "entered-in-error"):
        place, found = "Observation.status", "terminology.required"
        yield Known("-", place, found, why, f"Code '{code}'")
    why = "the validator's list of this status is cut short (R4 diagnostic-report-status has it)"
    for code in ("amended", "corrected"):
        place, found = "DiagnosticReport.status", "terminology.required"
        yield Known("-", place, found, why, f"Code '{code}'")
    why = "an element of R5 in its cross-version extension; no package at hand defines these"
    for place in ("DocumentReference.version", "Composition.version", "DiagnosticReport.note"):
        url = f"http://hl7.org/fhir/5.0/StructureDefinition/extension-{place}"
        type_ = place.partition(".")[0]
        yield Known("-", f"{type_}.extension", "extension.unknown", why, url)
    why = "the validator's table of sections lacks text (R4 2.42, Composition.section.text 0..1)"
    yield Known("-", "Composition.section.text", "element.unknown", why)
    place = "Appointment.extension:appointmentOperator"
    yield Known("fr-core-appointment", place, _MAX, _COUNTS_ALL)
    place = "Encounter.extension:estimatedDischargeDate"
    yield Known("fr-core-encounter", place, _MAX, _COUNTS_ALL)
    place, code = "Encounter.identifier.type", "profile.element.binding.extensible"
    yield Known("fr-core-encounter", place, code, _PREADM, "Code 'PREADM'")
    for profile in _PATIENTS:
        yield Known(profile, "Patient.extension:deathPlace", _MAX, _COUNTS_ALL)
        for code in ("profile.binding.extensible", "profile.element.binding.extensible"):
            yield Known(profile, "Patient.maritalStatus", code, _MARITAL)
    for place in (
        "Patient.extension.value[x].extension:inseeCode",
        "Patient.name.extension:birth-list-given-name",
        "Patient.name:officialName",
    ):
        yield Known("fr-core-patient-ins", place, _MIN, _FINDS_NONE)


def _in_2_2_0() -> Iterator[Known]:
    for profile in _PATIENTS:
        yield Known(profile, "Patient.extension:birthDateUpdateIndicator", _MAX, _COUNTS_ALL)
        place = "Patient.contact.relationship.extension:category"
        yield Known(profile, place, _MIN, _CATEGORY)
        code = "profile.slice.element.pattern"
        yield Known(profile, f"{place}.value[x]", code, _CATEGORY)
    yield Known(
        "fr-core-organization-uf",
        "Organization.type",
        "profile.fixed",
        "a fixed CodeableConcept is compared with the list; the examples in the package fail "
        "likewise",
    )


def _in_2_1_0() -> Iterator[Known]:
    for profile in _PATIENTS:
        for name in ("birthdateUpdateIndicator", "nationality"):
            yield Known(profile, f"Patient.extension:{name}", _MAX, _COUNTS_ALL)
        for name in ("Role", "RelationType"):
            why = "a slice by coding.system is counted over all contacts and all systems"
            yield Known(profile, f"Patient.contact.relationship:{name}", _MAX, why)
    newer = "new in 2.2.0, which is the version we target"
    for place, url in (
        ("Patient.contact.relationship.extension", CATEGORY),
        ("Organization.extension", CANONICAL + "fr-core-organization-champ-activite"),
    ):
        yield Known("-", place, "extension.unknown", newer, url)
    yield Known(
        "-",
        "Patient.name",
        "extension.context",
        "2.1.0 writes the context as FHIRPath, which the validator does not read",
        BIRTH_GIVEN,
    )
    for code in ("LIT", "CHAMB"):
        place, found = "Location.type.coding", "terminology.code-system"
        yield Known("-", place, found, newer, f"Code '{code}'")
        place, found = "Location.type", "profile.element.binding.extensible"
        yield Known("fr-core-location", place, found, newer, f"Code '{code}'")
    yield Known(_ESTABLISHMENT, "Organization.meta.profile", "profile.unknown", newer)


#: What the validator finds in each version without a fault of ours.
FALSE: dict[str, tuple[Known, ...]] = {
    "2.2.0": (*_everywhere(), *_in_2_2_0()),
    "2.1.0": (*_everywhere(), *_in_2_1_0()),
}


class Judge:
    """Judges resources against one version of FR Core; resources of one shape are judged once."""

    def __init__(self, version: str, package: Path) -> None:
        logging.getLogger("pyrofile_validator").setLevel(logging.ERROR)
        paths = [str(package), str(ROOT / "profiles" / "fhir")]
        self.version = version
        self._validator = Validator(ValidatorConfig(local_package_paths=paths))
        self._told: dict[str, list[Finding]] = {}

    def findings(self, resource: dict) -> list[Finding]:
        """Return what the outside validator finds, its false findings included."""
        shape = shape_of(resource)
        if shape not in self._told:
            self._told[shape] = self._findings(resource)
        return self._told[shape]

    def faults(self, resource: dict) -> list[Finding]:
        """Return what is wrong: found and not false, or hidden from the validator."""
        told = self.findings(resource)
        return [f for f in told if not any(k.covers(f) for k in FALSE[self.version])] + hidden(
            resource
        )

    def _findings(self, resource: dict) -> list[Finding]:
        # Its FHIRPath engine prints what an invariant traces.
        with contextlib.redirect_stdout(io.StringIO()):
            issues = self._validator.validate_resource(resource).issues
        return [
            Finding(
                (issue.profile or "-").rpartition("/")[2].partition("|")[0],
                re.sub(r"\[\d+\]", "", issue.path or "-"),
                issue.code,
                issue.message,
            )
            for issue in issues
            if issue.severity.value != "information" and issue.code not in ELSEWHERE
        ]


def hidden(resource: dict) -> list[Finding]:
    """Check what the validator misjudges or FR Core only says in words."""
    return [
        Finding("hidden", f"{resource['resourceType']}.{path}", "hidden", text)
        for path, text in (
            *_anywhere(resource),
            *_BY_TYPE.get(resource["resourceType"], _no)(resource),
        )
    ]


def shape_of(resource: dict) -> str:
    """Return what decides over validity: elements, codes, urls and the form of every value."""
    return "\n".join(f"{path} {_form(path, value)}" for path, value in _leaves(resource, ""))


_TELLING = ("code", "system", "url", "use", "status", "display", "profile", "type", "resourceType")


def _form(path: str, value: Any) -> str:
    name = re.sub(r"\[\d+\]$", "", path).rpartition(".")[2]
    text = str(value)
    if name in _TELLING or re.fullmatch(r"[a-z]+(-[a-z]+)*", text):
        # The second are codes: gender, intent, use.
        return text
    if name == "reference":
        return text.partition("/")[0]
    return re.sub(r"[^\W\d]+", "a", re.sub(r"\d", "9", text))[:40]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, below in value.items():
            yield from _leaves(below, f"{path}.{name}")
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _leaves(below, f"{path}[{index}]")
    else:
        yield path, value


_Found = Iterator[tuple[str, str]]


def _anywhere(resource: dict) -> _Found:
    """Check codings, identifiers, canonicals and periods wherever they are."""
    for canonical in resource.get("meta", {}).get("profile", ()):
        if "|" in canonical:
            yield "meta.profile", "a canonical carries a version"
    yield from _nodes(resource, "")


def _nodes(value: Any, path: str) -> _Found:
    if isinstance(value, list):
        for item in value:
            yield from _nodes(item, path)
    elif isinstance(value, dict):
        name = path.rpartition(".")[2]
        if name.lower().endswith("identifier") and not value.keys() >= {"system", "value"}:
            yield path, "an identifier lacks system or value"
        is_coding = name in ("coding", "valueCoding", "class")
        forgotten = value.get("code") in SYSTEM_FORGOTTEN.get(path, ())
        if is_coding and not forgotten and not value.keys() >= {"system", "code"}:
            yield path, "a coding lacks system or code"
        if name == "telecom" and not value.keys() >= {"system", "value"}:
            yield path, "a contact point lacks system or value"
        if {"start", "end"} <= value.keys() and value["start"][:10] > value["end"][:10]:
            yield path, "a period ends before it starts"
        urls = Counter(item["url"] for item in value.get("extension", ()))
        if any(n > 1 for url, n in urls.items() if url not in REPEATING):
            yield f"{path}.extension", "an extension that may stand once stands twice"
        for key, below in value.items():
            yield from _nodes(below, f"{path}.{key}" if path else key)


def _patient(patient: dict) -> _Found:
    for contact in patient.get("contact", ()):
        yield from _relationships(contact.get("relationship", ()))
    for item in patient.get("identifier", ()):
        kind = item.get("type", {}).get("coding", [{}])[0]
        wanted = "Patient internal identifier"
        if kind.get("system") == V2_0203 and kind["code"] == "PI" and kind.get("display") != wanted:
            yield "identifier", "an IPP falls out of its slice without the display of the pattern"
    shown = any(item.get("system") in INS for item in patient.get("identifier", ()))
    if CANONICAL + "fr-core-patient-ins" in patient["meta"]["profile"]:
        yield from _patient_ins(patient, shown=shown)
    elif shown:
        yield "identifier", "an INS outside of fr-core-patient-ins"


def _relationships(members: list[dict]) -> _Found:
    categories = []
    for member in members:
        said = [e["valueCode"] for e in member.get("extension", ()) if e["url"] == CATEGORY]
        if len(said) > 1 or not set(said) <= {"role", "relationType"}:
            yield "contact.relationship", "a member has one category, role or relationType"
        categories += said
    if len(categories) != len(set(categories)):
        yield "contact.relationship", "a category stands twice"


def _patient_ins(patient: dict, *, shown: bool) -> _Found:
    if not shown:
        yield "identifier", "fr-core-patient-ins without INS"
    official = [n for n in patient.get("name", ()) if n.get("use") == "official"]
    if [len(name.get("given", ())) for name in official] != [1]:
        yield "name", "one official name with one given name"
    for name in official:
        if not name.get("family") or [e["url"] for e in name.get("extension", ())] != [BIRTH_GIVEN]:
            yield "name", "the official name has the family name and the list of given names"
    places = [e["valueAddress"] for e in _extensions(patient, BIRTH_PLACE)]
    codes = [e["valueCoding"]["code"] for place in places for e in _extensions(place, INSEE)]
    if len(places) != 1 or len(codes) != 1:
        yield "extension", "one birth place with one INSEE code"
    status = {
        part["valueCoding"]["code"]
        for extension in _extensions(patient, RELIABILITY)
        for part in extension["extension"]
        if part["url"] == "identityStatus"
    }
    used = [item.get("system") for item in patient["identifier"] if item.get("use") == "official"]
    if "VALI" not in status or len(used) != 1 or used[0] not in INS:
        yield "identifier", "a validated identity has one official identifier, its INS"
    if "gender" not in patient or len(patient.get("birthDate", "")) != 10:
        yield "birthDate", "sex and full birth date are strict traits"


def _extensions(value: dict, url: str) -> list[dict]:
    return [e for e in value.get("extension", ()) if e["url"] == url]


def _organization(organization: dict) -> _Found:
    unit = {"system": "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-3307", "code": "UF"}
    if CANONICAL + "fr-core-organization-uf" in organization["meta"]["profile"]:
        if organization.get("type") != [{"coding": [unit]}]:
            yield "type", "the type of a unit is fixed: no display, no text"
        return
    has_finess = any(
        item.get("system") == "https://finess.esante.gouv.fr"
        for item in organization.get("identifier", ())
    )
    if has_finess and CANONICAL + _ESTABLISHMENT not in organization["meta"]["profile"]:
        yield "meta.profile", "a structure with FINESS is an establishment"


def _encounter(encounter: dict) -> _Found:
    if "preAdmissionIdentifier" in encounter.get("hospitalization", {}):
        yield "hospitalization.preAdmissionIdentifier", "its system is fixed to a placeholder"
    if "subject" not in encounter:
        yield "subject", "a stay of nobody"


def _no(_resource: dict) -> _Found:
    yield from ()


_BY_TYPE = {"Patient": _patient, "Organization": _organization, "Encounter": _encounter}
