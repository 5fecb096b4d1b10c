"""The fold of a Patient: when the INS may be shown, and what is doubtful about the identity.

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
from gateway.core.identity import vouches
from gateway.fhir import links
from gateway.fhir.fold import merge
from gateway.fhir.spoken import is_trait, spoken_of, unmarked, word_claim

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
_NIR, _NIA = "urn:oid:1.2.250.1.213.1.4.8", "urn:oid:1.2.250.1.213.1.4.9"
#: Kinds of claims: an INS with its traits; people of one establishment that look alike.
INS, LOOK = "ins", "look"


class PatientFold:
    """The rules of a Patient on top of the merge per element."""

    def claims(self, target: Target, parts: Sequence[Contribution]) -> tuple[Claim, ...]:
        """Claim links, the INS with its strict traits when it may be shown, and who looks alike.

        A record that gave way to another one claims its links only. A word about whoever bears an
        INS, and a record that heard one, claim that INS besides.
        """
        told = [said for part in parts if (said := spoken_of(part)) is not None]
        claims = self._claims(target, parts)
        if not told:
            return claims
        own = self._claims(target, [part for part in parts if spoken_of(part) is None])
        borne = {claim.value for claim in own if claim.kind == INS}
        for said in told:
            value = _claim_value(said.system, said.value)
            if not said.is_heard or value in borne:
                claims = (*claims, word_claim(INS, value, target, said))
        return tuple(dict.fromkeys(claims))

    def _claims(self, target: Target, parts: Sequence[Contribution]) -> tuple[Claim, ...]:
        merged = _merged(target, parts)
        if merged is None:
            return ()
        said = links.said_of(target, parts)
        claims = links.claims_of(target, said)
        if said.replaced is not None:
            return tuple(claims)
        if (value := _look(merged)) is not None:
            claims.append(Claim(LOOK, value, target, ""))
        ins = _ins(merged)
        traits = strict_traits(merged)
        if ins is None or traits is None or not is_vouched(merged) or is_discontinuous(parts):
            return tuple(claims)
        claims.append(Claim(INS, _claim_value(ins["system"], ins["value"]), target, traits))
        return tuple(claims)

    def resources(
        self, target: Target, parts: Sequence[Contribution], rivals: Sequence[Claim]
    ) -> list[Json]:
        """Merge, then keep or withhold the INS and say what is doubtful."""
        merged = _merged(target, parts)
        if merged is None:
            return []
        said = links.said_of(target, parts)
        gone = said.replaced is not None
        ins = None if gone else _ins(merged)
        traits = strict_traits(merged)
        doubts = []
        if any(r.kind == INS and is_trait(r) and r.content != traits for r in rivals):
            doubts.append("ins-traits-conflict")
        if not gone and is_discontinuous(parts):
            doubts.append("identity-discontinuity")
        if not gone and any(code == "USUR" for _system, code in _statuses(merged)):
            doubts.append("identity-usurped")
        trusted = traits is not None and is_vouched(merged) and not doubts
        shown = ins is not None and trusted
        known = said.linked | said.apart
        if any(rival.kind == LOOK and rival.target.id not in known for rival in rivals):
            doubts.append("potential-duplicate")
        identifiers = [
            item
            for item in merged.get("identifier", ())
            if item.get("system") not in _INS_SYSTEMS or (shown and item is ins)
        ]
        if shown and ins is not None and ins["system"] == _NIR:
            # The number that the NIR took the place of stays known; one alone is official.
            identifiers += [
                {**item, "use": "old"} for item in merged["identifier"] if item["system"] == _NIA
            ]
        if identifiers:
            merged["identifier"] = identifiers
        else:
            merged.pop("identifier", None)
        if gone:
            # An identity that is no longer used has no status; VALI would ask for an INS.
            merged = _without_status(merged)
        meta = {**merged.get("meta", {}), "profile": [PATIENT_INS if shown else PATIENT]}
        if doubts:
            tags = [{"system": QUALITY, "code": code} for code in doubts]
            meta["tag"] = [*meta.get("tag", ()), *tags]
        merged["meta"] = meta
        if shown and (others := _same_person(target, said, rivals)):
            merged["link"] = [links.seealso(one) for one in others]
        return [_with_meta_first(merged)]


def _same_person(target: Target, said: links.Said, rivals: Sequence[Claim]) -> list[str]:
    """Return the Patients that bear the same qualified INS, all agreeing on the strict traits.

    Each establishment has its record; RNIV: a qualified INS alone links them. A record that was
    taken apart from one of them is linked with none.
    """
    same = {r.target.id for r in rivals if r.kind == INS and is_trait(r)} - {target.id}
    return [] if same & said.apart else sorted(same)


def _merged(target: Target, parts: Sequence[Contribution]) -> Json | None:
    """Merge per element; what follows from links is written later (`fhir.survivors`)."""
    merged = merge(target, parts)
    if merged is not None:
        for element in ("link", "active"):
            merged.pop(element, None)
        merged = unmarked(merged)
    return merged


def is_discontinuous(parts: Sequence[Contribution]) -> bool:
    """Tell whether a number was given to another person: name, birth date and sex all changed.

    Only words with all three count, and no anonymous or fictitious identity.
    """
    told = [part for part in parts if not part.version.is_background]
    if len({part.resource.get("birthDate") for part in told}) < 2:
        return False
    told.sort(key=lambda part: (part.version, part.ordinal))
    people = list(dict.fromkeys(person for part in told if (person := _person(part.resource))))
    if len(people) < 2:
        return False
    last = next(person for part in reversed(told) if (person := _person(part.resource)))
    return any(
        all(one != other for one, other in zip(person, last, strict=True)) for person in people
    )


def _person(patient: Json) -> tuple[str, str, str] | None:
    """Return folded name, birth date and sex, None unless all are said."""
    birth_date, sex = patient.get("birthDate", ""), patient.get("gender", "")
    if len(birth_date) != 10 or sex not in ("female", "male"):
        return None
    name = next((n for n in patient.get("name", ()) if n.get("use") == "official"), None)
    if name is None or not name.get("family") or _statuses(patient) & {"ANOM", "FICT"}:
        return None
    # Of the name, the family alone: the first given name is written in many ways.
    return _folded(name["family"]), birth_date, sex


def _look(patient: Json) -> str | None:
    """Return what twins and doubles of one establishment share: name, birth date and sex."""
    person = _person(patient)
    number = next((i for i in patient.get("identifier", ()) if i.get("use") == "usual"), None)
    if person is None or number is None:
        return None
    return _claim_value(number["system"], "|".join(person))


def _without_status(patient: Json) -> Json:
    kept = [e for e in patient.get("extension", ()) if e.get("url") != RELIABILITY]
    rest = {k: v for k, v in patient.items() if k != "extension"}
    return {**rest, "extension": kept} if kept else rest


def is_vouched(patient: Json) -> bool:
    """Tell whether the identity statuses of a Patient allow its INS."""
    return vouches(_statuses(patient))


def _statuses(patient: Json) -> set[tuple[str, str]]:
    return {
        (part["valueCoding"].get("system", ""), part["valueCoding"].get("code", ""))
        for extension in patient.get("extension", ())
        if extension.get("url") == RELIABILITY
        for part in extension.get("extension", ())
        if part.get("url") == "identityStatus" and "valueCoding" in part
    }


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
