"""What the territory offers: kept as resources, and where the handoff of a gap can go.

Offers come from a file of the territory, not from messages: a replay leaves them as they are.
Building and ranking is `fhir.offers`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gateway.core.contributions import Json, Target
from gateway.core.facts import told_of
from gateway.core.ports import StoredResource, Transaction
from gateway.fhir.offers import Offer, area_of, offer_id, offer_in, ranked, resources_of
from gateway.pipeline import written

_PAGE = 500
#: What may follow a stay, by where the patient was to go; home has two ways of being helped.
_KINDS = {
    "home": ("had", "support"),
    "had": ("had",),
    "smr": ("smr",),
    "usld": ("usld",),
    "psy": ("psy",),
    "ms": ("ms",),
    "support": ("support",),
}
_ANY = ("smr", "had", "support", "usld", "ms", "psy")


def keep(tx: Transaction, offers: Sequence[Offer], now: datetime) -> tuple[int, int]:
    """Make these the offers of the territory; those that are gone become inactive.

    Returns:
        How many resources were written, and how many offers ended.
    """
    changed = 0
    for offer in offers:
        for resource in resources_of(offer):
            changed += _write(tx, resource, now)
    kept = {offer_id(offer) for offer in offers}
    ended = 0
    for stored in _all(tx):
        resource = written.read(stored) or {}
        is_ours = offer_in(resource, ()) is not None
        if stored.id not in kept and is_ours:
            ended += _write(tx, {**resource, "active": False}, now)
    return changed, ended


def where_can_it_go(tx: Transaction, gap_id: str) -> list[Offer]:
    """Return the offers the handoff of a gap can go to, the best first; empty for no such gap.

    The kind of care is that of the request, or of the destination of the discharge, that the gap
    waits for; where neither is said, every kind is proposed. The territory is that of the
    patient's address.
    """
    row = tx.watch.gap(gap_id)
    if row is None:
        return []
    postcode = _postcode(tx, told_of(row.patient.id)[0])
    return ranked(_offers(tx), _kinds(row.details), postcode)


def _kinds(said: Mapping[str, Any]) -> Sequence[str]:
    """Return the kinds of care a gap waits for, of what is kept of its trigger."""
    family, kind, *_ = (*str(said.get("event", "")).split("."), "")
    wanted = kind if family == "REQ" else str(said.get("destination", ""))
    return _KINDS.get(wanted, _ANY)


def _offers(tx: Transaction) -> list[Offer]:
    found: list[Offer] = []
    areas: dict[str, str] = {}
    for stored in _all(tx):
        service = written.read(stored) or {}
        references = [str(o.get("reference", "")) for o in service.get("coverageArea", ())]
        missing = [("Location", name.partition("/")[2]) for name in references if name not in areas]
        for (type_, id_), place in tx.resources.current(missing).items():
            areas[f"{type_}/{id_}"] = area_of(written.read(place) or {})
        offer = offer_in(service, [areas[name] for name in references if areas.get(name)])
        if offer is not None:
            found.append(offer)
    return found


def _postcode(tx: Transaction, patient_id: str) -> str:
    stored = tx.resources.current([("Patient", patient_id)]).get(("Patient", patient_id))
    shown = (written.read(stored) or {}) if stored is not None else {}
    homes = sorted(shown.get("address", ()), key=lambda one: one.get("use") != "home")
    return next((str(one["postalCode"]) for one in homes if one.get("postalCode")), "")


def _all(tx: Transaction) -> list[StoredResource]:
    found: list[StoredResource] = []
    cursor: str | None = None
    while True:
        page = tx.resources.search("HealthcareService", [], _PAGE, cursor)
        found += page.resources
        cursor = page.next_cursor
        if cursor is None:
            return found


def _write(tx: Transaction, resource: Json, now: datetime) -> int:
    """Write a resource when it says something new; return how many were written."""
    key = (resource["resourceType"], resource["id"])
    before = tx.resources.current([key]).get(key)
    if written.read(before) == resource:
        return 0
    written.write(tx, Target(*key), resource, before, now)
    return 1
