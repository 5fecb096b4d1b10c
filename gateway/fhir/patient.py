"""The fold of a Patient: when the INS may be shown.

The INS is shown only when the latest identity status holds VALI without DOUT or FICT, the five
strict traits are there, and no other Patient claims the same INS with other traits. Rules:
RNIV; INS interoperability framework; FR Core 2.2.0 fr-core-patient-ins.
"""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from uuid import NAMESPACE_OID, uuid5

from gateway.core.contributions import Claim, Contribution, Json, Target
from gateway.core.envelope import INS_ROOTS
from gateway.fhir.fold import merge

FR_CORE = "https://hl7.fr/ig/fhir/core/StructureDefinition/"
PATIENT = FR_CORE + "fr-core-patient"
PATIENT_INS = FR_CORE + "fr-core-patient-ins"
RELIABILITY = FR_CORE + "fr-core-identity-reliability"
BIRTH_PLACE = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
INSEE_CODE = FR_CORE + "fr-core-address-insee-code"
BIRTH_GIVEN = FR_CORE + "fr-core-patient-birth-list-given-name"
QUALITY = "https://relais.example/fhir/CodeSystem/data-quality"
#: Best first: a NIR wins over the NIA it replaced, a real matricule over a test one.
_INS_SYSTEMS = [f"urn:oid:{root}" for root in INS_ROOTS]


class PatientFold:
    """The rules of a Patient on top of the merge per element."""

    def claims(self, target: Target, parts: Sequence[Contribution]) -> tuple[Claim, ...]:
        """Claim the INS with its strict traits, when status and traits allow to show it."""
        merged = merge(target, parts)
        if merged is None:
            return ()
        ins = _ins(merged)
        traits = strict_traits(merged)
        if ins is None or traits is None or not is_vouched(merged):
            return ()
        return (Claim("ins", _claim_value(ins["system"], ins["value"]), target, traits),)

    def resources(
        self, target: Target, parts: Sequence[Contribution], rivals: Sequence[Claim]
    ) -> list[Json]:
        """Merge, then keep or withhold the INS."""
        merged = merge(target, parts)
        if merged is None:
            return []
        ins = _ins(merged)
        traits = strict_traits(merged)
        contested = any(rival.content != traits for rival in rivals)
        merged = dict(merged)
        shown = ins is not None and traits is not None and is_vouched(merged) and not contested
        identifiers = [
            item
            for item in merged.get("identifier", ())
            if item.get("system") not in _INS_SYSTEMS or (shown and item is ins)
        ]
        if identifiers:
            merged["identifier"] = identifiers
        else:
            merged.pop("identifier", None)
        meta = {**merged.get("meta", {}), "profile": [PATIENT_INS if shown else PATIENT]}
        if contested:
            meta["tag"] = [
                *meta.get("tag", ()),
                {"system": QUALITY, "code": "ins-traits-conflict"},
            ]
        merged["meta"] = meta
        return [_with_meta_first(merged)]


def is_vouched(patient: Json) -> bool:
    """Tell whether the identity status allows the INS: VALI, and neither DOUT, FICT nor USUR.

    Spec: PAM France 2.11, PID-32 and table 0445.
    """
    codes = {
        part["valueCoding"].get("code")
        for extension in patient.get("extension", ())
        if extension.get("url") == RELIABILITY
        for part in extension.get("extension", ())
        if part.get("url") == "identityStatus" and "valueCoding" in part
    }
    return "VALI" in codes and not codes & {"DOUT", "FICT", "USUR"}


def strict_traits(patient: Json) -> str | None:
    """Return the five strict traits as one comparable text, None unless all are there.

    Birth name, first given name, birth date, sex and birth place code; case, accents and
    separators folded.
    """
    name = next((n for n in patient.get("name", ()) if n.get("use") == "official"), None)
    place = next(
        (
            part["valueCoding"].get("code", "")
            for extension in patient.get("extension", ())
            if extension.get("url") == BIRTH_PLACE
            for part in extension.get("valueAddress", {}).get("extension", ())
            if part.get("url") == INSEE_CODE
        ),
        "",
    )
    if name is None or not name.get("given"):
        return None
    birth_date = patient.get("birthDate", "")
    traits = (
        _folded(name.get("family", "")),
        _folded(name["given"][0]),
        birth_date if len(birth_date) == 10 else "",
        patient.get("gender", ""),
        place,
    )
    return "|".join(traits) if all(traits) else None


def _ins(patient: Json) -> Json | None:
    """Return the INS identifier to show: the best authority, one only (fr-core-2)."""
    found = [i for i in patient.get("identifier", ()) if i.get("system") in _INS_SYSTEMS]
    if not found:
        return None
    # The latest first among equals: a new matricule replaces the one it supersedes.
    best: Json = min(reversed(found), key=lambda item: _INS_SYSTEMS.index(item["system"]))
    return best


@lru_cache(maxsize=8192)
def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.upper())
    return "".join(c for c in plain if c.isalnum())


@lru_cache(maxsize=8192)
def _claim_value(system: str, value: str) -> str:
    return str(uuid5(NAMESPACE_OID, f"{system}|{value}"))


def _with_meta_first(patient: Json) -> Json:
    head = {"resourceType": "Patient", "id": patient["id"], "meta": patient["meta"]}
    return {**head, **{k: v for k, v in patient.items() if k not in head}}
