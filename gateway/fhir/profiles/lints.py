"""What profiles cannot say, or say so that nobody notices: our own rules about any resource."""

from collections.abc import Iterator
from typing import Any

from gateway.fhir.profiles import kinds
from gateway.fhir.profiles.kinds import ProfileFinding

Json = dict[str, Any]

FR_CORE = "https://hl7.fr/ig/fhir/core/StructureDefinition/"
_V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"
_FR_0203 = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"
#: Slices of Patient.identifier whose pattern has a display (FR Core 2.1.0 and 2.2.0).
_DISPLAYS = {
    (_V2_0203, "PI"): "Patient internal identifier",
    (_V2_0203, "RRI"): "Regional registry ID",
    (_FR_0203, "INS-C"): "Identifiant National de Santé Calculé",
    (_FR_0203, "NDP"): "Identifiant du patient au Dossier Pharmaceutique",
}
_INS = frozenset(f"urn:oid:1.2.250.1.213.1.4.{last}" for last in (8, 9, 10, 11))


def findings(resource: Json) -> Iterator[ProfileFinding]:
    """Judge a resource by the rules of this page."""
    type_ = str(resource.get("resourceType", ""))
    claimed = [p for p in resource.get("meta", {}).get("profile", ()) if isinstance(p, str)]
    for index, canonical in enumerate(claimed):
        if "|" in canonical:
            yield kinds.VERSIONED.at(f"{type_}.meta.profile[{index}]")
    if type_ == "Patient":
        yield from _patient(resource, claimed)
    yield from _periods(resource, type_)
    yield from _contained(resource, type_)


def _patient(patient: Json, claimed: list[str]) -> Iterator[ProfileFinding]:
    """Check identifiers of FR Core patients (FR Core 2.2.0, slices of Patient.identifier)."""
    if not any(one.startswith(FR_CORE) for one in claimed):
        return
    has_ins_profile = any(one.startswith(f"{FR_CORE}fr-core-patient-ins") for one in claimed)
    for index, identifier in enumerate(patient.get("identifier", ())):
        place = f"Patient.identifier[{index}]"
        for coding in identifier.get("type", {}).get("coding", ()):
            code = str(coding.get("code", ""))
            wanted = _DISPLAYS.get((coding.get("system", ""), code))
            if wanted is not None and coding.get("display") != wanted:
                yield kinds.DISPLAY_TRAP.at(f"{place}.type", code=code)
        if identifier.get("system") in _INS and not has_ins_profile:
            yield kinds.INS_OUTSIDE.at(place)


def _periods(value: Any, place: str) -> Iterator[ProfileFinding]:
    """Check per-1 wherever a period is; where the precision differs, as far as both go."""
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _periods(one, f"{place}[{index}]")
    elif isinstance(value, dict):
        start, end = value.get("start"), value.get("end")
        if isinstance(start, str) and isinstance(end, str) and _is_after(start, end):
            yield kinds.PERIOD.at(place)
        for name, below in value.items():
            if isinstance(below, dict | list):
                yield from _periods(below, f"{place}.{name}")


def _is_after(start: str, end: str) -> bool:
    """Tell whether a start is after an end for certain: zones are not turned, only days count."""
    length = min(len(start), len(end), 10)
    if start[:length] != end[:length]:
        return start[:length] > end[:length]
    return len(start) == len(end) and start[19:] == end[19:] and start > end


def _contained(resource: Json, type_: str) -> Iterator[ProfileFinding]:
    """Check that what is contained is referred to, and the reverse (R4 2.27.0.8)."""
    held = resource.get("contained", ())
    ids = {one.get("id"): index for index, one in enumerate(held) if isinstance(one, dict)}
    told = dict(_local(resource, type_))
    for text, place in told.items():
        if len(text) > 1 and text[1:] not in ids:
            yield kinds.DANGLING.at(place)
    for id_, index in ids.items():
        refers_out = any(text == "#" for text, _ in _local(held[index], ""))
        if f"#{id_}" not in told and not refers_out:
            yield kinds.UNUSED.at(f"{type_}.contained[{index}]")


def _local(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Walk over the references to what is contained: (text, place)."""
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _local(one, f"{place}[{index}]")
    elif isinstance(value, dict):
        text = value.get("reference")
        if isinstance(text, str) and text.startswith("#"):
            yield text, f"{place}.reference"
        for name, below in value.items():
            if isinstance(below, dict | list):
                yield from _local(below, f"{place}.{name}")
