"""How a stay began and ended in the words of billing (ZFM), and where the patient went.

The way out is what the discharge that stands says, and nothing of any other. Does not decide
which discharge that is (`hl7v2.steps`) nor what it means for a pathway (`pathway.destination`).
"""

from collections.abc import Sequence

from gateway.core.contributions import Contribution, Json
from gateway.hl7v2.ledger import DISCHARGE, merge_pmsi
from gateway.hl7v2.steps import Step

PMSI = "https://relais.example/fhir/StructureDefinition/pmsi-movement"
DISPOSITION = "http://terminology.hl7.org/CodeSystem/discharge-disposition"

#: Parts of the PMSI extension that tell a way out: said by the discharge that stands.
_WAY_OUT = ("modeSortie", "destination")
_PMSI_ORDER = ("modeEntree", "provenance", "passageUrgences", *_WAY_OUT)

#: ZFM-2 and ZFM-4 -> HL7 discharge-disposition (FHIR R4 4.0.1), where the meaning is the same.
#: Hospital at home and medico-social lodging have no counterpart.
#: Source: PAM France 2.11 6.17, ZFM-2 and ZFM-4.
_EXACT = {
    ("9", ""): "exp",
    ("8", ""): "home",
    ("8", "8"): "home",
    ("7", "1"): "other-hcf",
    ("7", "2"): "rehab",
    ("7", "3"): "long",
    ("7", "4"): "psy",
}
#: ZFM-2 of a death: ZFM-4 adds nothing to it.
_DEATH = "9"


def merge_hospitalization(old: Json, new: Json) -> Json:
    """Merge two hospitalizations: the new part wins, codings of other systems stay.

    Args:
        old: what was known.
        new: what is said later.

    Returns:
        A new hospitalization.
    """
    merged = dict(old)
    for name, value in new.items():
        codings = value.get("coding") if isinstance(value, dict) else None
        if codings and name in merged:
            systems = {coding.get("system") for coding in codings}
            kept = [c for c in merged[name].get("coding", ()) if c.get("system") not in systems]
            merged[name] = {**merged[name], **value, "coding": [*codings, *kept]}
        else:
            merged[name] = value
    return merged


def hospitalization_of(contributions: Sequence[Contribution]) -> Json:
    """Merge `hospitalization` per part: a letter and a movement each know some of them."""
    told: Json = {}
    speaking = [part for part in contributions if "hospitalization" in part.resource]
    for part in sorted(speaking, key=lambda item: (item.version, item.ordinal)):
        told = merge_hospitalization(told, part.resource["hospitalization"])
    return told


def set_way_out(stay: Json, exit_: Step | None) -> None:
    """Write disposition and destination of the discharge that stands, and of no other."""
    if exit_ is None:
        return
    known = stay.get("hospitalization", {})
    if code := _disposition(exit_.movement.pmsi):
        coding = {"system": DISPOSITION, "code": code}
        known = merge_hospitalization(known, {"dischargeDisposition": {"coding": [coding]}})
    if told := exit_.movement.said.get("hospitalization"):
        known = merge_hospitalization(known, told)
    if known:
        stay["hospitalization"] = known


def _disposition(pmsi: Json) -> str:
    mode = pmsi.get("modeSortie", "")
    return _EXACT.get((mode, "" if mode == _DEATH else pmsi.get("destination", "")), "")


def set_stay_pmsi(stay: Json, steps: Sequence[Step], exit_: Step | None) -> None:
    """Write the modes of a stay: of entry as told last, of exit by the discharge that stands."""
    parts: Json = {}
    for step in steps:
        told = step.movement.pmsi
        if step.movement.event == DISCHARGE and step is not exit_:
            continue
        if step is not exit_:
            told = {name: value for name, value in told.items() if name not in _WAY_OUT}
        parts = merge_pmsi(parts, told)
    set_pmsi(stay, parts)


def set_pmsi(encounter: Json, parts: Json) -> None:
    """Write modes of entry and exit (ZFM) in their extension, parts in a fixed order."""
    if not parts:
        return
    extension = {
        "url": PMSI,
        "extension": [
            {"url": name, "valueCode": parts[name]} for name in _PMSI_ORDER if name in parts
        ],
    }
    encounter["extension"] = [*encounter.get("extension", ()), extension]
