"""What inputs say about two records of a patient: merged, renumbered, linked, taken apart.

Every link is a word of some input, kept as a contribution like any other, and a claim under both
ids. What follows from all of them is `fhir.survivors`.
Standard: HL7 v2.5 3.6.2 (merge, change of identifier, link); FHIR R4 8.1.12.3 (Patient.link).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from gateway.core.contributions import Claim, Contribution, Json, Target, Version
from gateway.core.systems import FHIR_BASE

#: Kind of the claims that carry links; their value is the id of either Patient.
KIND = "link"
#: Marks a replacement as a mere change of number: the new record is the old one.
REASON = f"{FHIR_BASE}/StructureDefinition/patient-link-reason"
RENUMBERED = "renumbered"
#: The number of a record that gave way to another one.
OLD_NUMBER: Json = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/v2-0203",
            "code": "PI",
            "display": "Patient internal identifier",
        }
    ]
}
_UNLINK = "link:Patient/"


class Replaced(NamedTuple):
    """A record that gave way to another one.

    Attributes:
        old: id of the Patient that gave way.
        new: id of the Patient that stands for it.
        system: domain of the old number.
        value: the old number.
        is_renumbered: the number changed and the record is the same (A47); else a merge (A40).
        version: of the word that says so; None when it was read from a claim.
    """

    old: str
    new: str
    system: str
    value: str
    is_renumbered: bool
    version: Version | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What the inputs say about the links of one Patient, the latest word on each pair.

    Attributes:
        replaced: the record it gave way to, if any.
        linked: Patients it is linked with (A24).
        apart: Patients it was taken apart from (A37).
    """

    replaced: Replaced | None = None
    linked: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()

    def ends(self) -> set[str]:
        """Return every other Patient it speaks of."""
        ends = set(self.linked | self.apart)
        return ends | {self.replaced.new} if self.replaced else ends


NOTHING = Said()


def said_of(target: Target, parts: Iterable[Contribution]) -> Said:
    """Return what contributions to a Patient say about its links.

    A separation takes back the merge or link of the same pair that came before it.
    """
    told = [part for part in parts if tells_link(part)]
    if not told:
        return NOTHING
    replaced: Replaced | None = None
    linked, apart = set[str](), set[str]()
    for part in sorted(told, key=lambda part: (part.version, part.ordinal)):
        for other in _unlinks(part):
            if replaced is not None and replaced.new == other:
                replaced = None
            linked.discard(other)
            apart.add(other)
        for link in part.resource.get("link", ()):
            other = link["other"]["reference"].removeprefix("Patient/")
            apart.discard(other)
            if link["type"] == "seealso":
                linked.add(other)
            elif other != target.id:
                number: Json = next(iter(part.resource.get("identifier", ())), {})
                replaced = Replaced(
                    old=target.id,
                    new=other,
                    system=number.get("system", ""),
                    value=number.get("value", ""),
                    is_renumbered=_is_renumbered(link),
                    version=part.version,
                )
    return Said(replaced, frozenset(linked), frozenset(apart))


def tells_link(part: Contribution) -> bool:
    """Tell whether a contribution to a Patient speaks of a link."""
    return "link" in part.resource or any(map(_is_unlink, part.removals))


def _is_unlink(removal: str) -> bool:
    return removal.startswith(_UNLINK)


def _unlinks(part: Contribution) -> Iterable[str]:
    return (r.removeprefix(_UNLINK) for r in part.removals if _is_unlink(r))


def _is_renumbered(link: Json) -> bool:
    return any(
        item["url"] == REASON and item.get("valueCode") == RENUMBERED
        for item in link.get("extension", ())
    )


def seealso(patient_id: str) -> Json:
    """Return the link to another record of the same person that stays in use."""
    return {"other": {"reference": f"Patient/{patient_id}"}, "type": "seealso"}


def claims_of(target: Target, said: Said) -> list[Claim]:
    """Return the links of a Patient as claims, each under both ends, for the other end to find."""
    contents: list[tuple[str, str]] = []
    if said.replaced is not None:
        row = said.replaced
        content = ["replaced", row.old, row.new, row.system, row.value, row.is_renumbered]
        contents.append((row.new, json.dumps(content)))
    for word, others in (("linked", said.linked), ("apart", said.apart)):
        contents += [(other, json.dumps([word, target.id, other])) for other in sorted(others)]
    return [
        Claim(KIND, value, target, content)
        for other, content in contents
        for value in (target.id, other)
    ]


def read_claims(claims: Iterable[Claim]) -> dict[str, Said]:
    """Return what stored claims say, by id of the Patient that says it."""
    replaced: dict[str, Replaced] = {}
    others: dict[str, dict[str, set[str]]] = {"linked": {}, "apart": {}}
    for claim in claims:
        word, own, other, *rest = json.loads(claim.content)
        if word == "replaced":
            replaced[own] = Replaced(own, other, *rest)
        else:
            others[word].setdefault(own, set()).add(other)
    return {
        own: Said(
            replaced.get(own),
            frozenset(others["linked"].get(own, ())),
            frozenset(others["apart"].get(own, ())),
        )
        for own in sorted({*replaced, *others["linked"], *others["apart"]})
    }
