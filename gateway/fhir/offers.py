"""What a territory offers after a stay, as HealthcareService, and in which order it is proposed.

Pure. Spec: FHIR R4 HealthcareService (`providedBy`, `type`, `coverageArea`); the idea of an offer
by territory is that of the ROR (répertoire national de l'offre et des ressources).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE, IDENTIFIER_BASE
from gateway.fhir.identity import FINESS_SYSTEM

SECTORS = f"{FHIR_BASE}/CodeSystem/care-sector"
#: Kinds of care a handoff can go to; `support` is support care.
KINDS = {
    "smr": "Soins médicaux et de réadaptation",
    "had": "Hospitalisation à domicile",
    "usld": "Unité de soins de longue durée",
    "psy": "Psychiatrie",
    "ms": "Médico-social",
    "support": "Soins de support",
}
AREA_SYSTEM = f"{IDENTIFIER_BASE}/postcode"
_OFFER_SYSTEM = f"{IDENTIFIER_BASE}/offer"


@dataclass(frozen=True, slots=True)
class Offer:
    """A service of care.

    Attributes:
        finess: of the structure.
        kind: of `KINDS`.
        name: as people call it.
        areas: beginnings of the postcodes it covers; empty: it says none.
        phone: empty when not given.
        mailbox: secure mail address, empty when not given.
    """

    finess: str
    kind: str
    name: str
    areas: tuple[str, ...] = ()
    phone: str = ""
    mailbox: str = ""


def resources_of(offer: Offer) -> list[Json]:
    """Return an offer as resources: the areas it covers, then the service itself."""
    areas = [_area(one) for one in offer.areas]
    telecom = [{"system": "phone", "value": offer.phone}] if offer.phone else []
    telecom += [{"system": "email", "value": offer.mailbox}] if offer.mailbox else []
    service: Json = {
        "resourceType": "HealthcareService",
        "id": offer_id(offer),
        "identifier": [{"system": _OFFER_SYSTEM, "value": f"{offer.finess}-{offer.kind}"}],
        "active": True,
        "providedBy": {"identifier": {"system": FINESS_SYSTEM, "value": offer.finess}},
        "type": [{"coding": [{"system": SECTORS, "code": offer.kind}], "text": KINDS[offer.kind]}],
        "name": offer.name,
    }
    if telecom:
        service["telecom"] = telecom
    if areas:
        service["coverageArea"] = [{"reference": f"Location/{one['id']}"} for one in areas]
    return [*areas, service]


def offer_id(offer: Offer) -> str:
    """Return the id of the HealthcareService of an offer."""
    return str(uuid5(NAMESPACE_URL, f"{_OFFER_SYSTEM}|{offer.finess}-{offer.kind}"))


def offer_in(service: Json, areas: Sequence[str]) -> Offer | None:
    """Read an offer back; None when the resource is none of ours, or not active.

    Args:
        service: the HealthcareService.
        areas: postcodes of the Locations it covers.
    """
    codings = (c for one in service.get("type", ()) for c in one.get("coding", ()))
    kind = next((c["code"] for c in codings if c.get("system") == SECTORS), "")
    if kind not in KINDS or service.get("active") is False:
        return None
    said = service.get("providedBy", {}).get("identifier", {})
    telecom = {one.get("system"): str(one.get("value", "")) for one in service.get("telecom", ())}
    return Offer(
        finess=str(said.get("value", "")),
        kind=kind,
        name=str(service.get("name", "")),
        areas=tuple(sorted(areas)),
        phone=telecom.get("phone", ""),
        mailbox=telecom.get("email", ""),
    )


def ranked(offers: Iterable[Offer], kinds: Sequence[str], postcode: str) -> list[Offer]:
    """Return the offers a patient can go to, the nearest word on the territory first.

    An offer that covers other places is left out; one that says nothing of its territory comes
    last, for a person to ask.

    Args:
        offers: of any kind.
        kinds: wanted, the best first.
        postcode: of the patient, empty when not known: then the territory decides nothing.
    """

    def nearness(offer: Offer) -> int:
        return max((len(area) for area in offer.areas if postcode.startswith(area)), default=0)

    found = [one for one in offers if one.kind in kinds]
    if postcode:
        found = [one for one in found if not one.areas or nearness(one)]
    return sorted(
        found, key=lambda one: (kinds.index(one.kind), -nearness(one), one.name, one.finess)
    )


def _area(postcode: str) -> Json:
    name = f"{AREA_SYSTEM}|{postcode}"
    return {
        "resourceType": "Location",
        "id": str(uuid5(NAMESPACE_URL, name)),
        "identifier": [{"system": AREA_SYSTEM, "value": postcode}],
        "name": postcode,
        "mode": "kind",
    }


def area_of(location: Json) -> str:
    """Return the postcode, or its beginning, that a Location stands for; empty for any other."""
    said = location.get("identifier", ())
    return next((str(o.get("value", "")) for o in said if o.get("system") == AREA_SYSTEM), "")
