"""Names behind ids: of persons from their Patient, of establishments from their Organization."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import orjson

from gateway.core.ports import Transaction
from gateway.core.systems import FHIR_BASE
from gateway.entry.web.values import Identity, Person
from gateway.fhir.identity import FINESS_SYSTEM, Ids

_RELIABILITY = "fr-core-identity-reliability"
_INS = "urn:oid:1.2.250.1.213.1.4."
#: Sectors and destinations as lanes of the pages.
_LANES = {
    "mco": "mco", "psy": "mco", "smr": "smr", "ssr": "smr", "had": "had", "ms": "ms",
    "usld": "ms", "home": "home", "urgences": "urg", "dead": "home",
}  # fmt: skip
_SECTOR_TAG = f"{FHIR_BASE}/CodeSystem/care-sector"


def lane_of(sector: str, otherwise: str = "mco") -> str:
    """Return the lane of a sector or destination."""
    return _LANES.get(sector, otherwise)


def persons(tx: Transaction, patient_ids: Iterable[str]) -> dict[str, Person]:
    """Return what is shown of each Patient; one that is not stored has its id only."""
    ids = list(dict.fromkeys(patient_ids))
    found = tx.resources.current([("Patient", id_) for id_ in ids])
    shown = {}
    for id_ in ids:
        row = found.get(("Patient", id_))
        shown[id_] = person(id_, orjson.loads(row.body) if row and not row.deleted else {})
    return shown


def person(id_: str, patient: Mapping[str, Any]) -> Person:
    """Return what is shown of a Patient resource."""
    return Person(
        id_,
        _name(patient.get("name", ())),
        _day(patient.get("birthDate", "")),
        str(patient.get("gender", "")),
        _ins(patient),
        str(patient.get("deceasedDateTime") or patient.get("deceasedBoolean") or ""),
    )


def identities(tx: Transaction, patient_ids: Iterable[str]) -> tuple[Identity, ...]:
    """Return the records of a person, one line for each number an establishment gave."""
    found = tx.resources.current([("Patient", id_) for id_ in patient_ids])
    told: dict[tuple[str, str], Identity] = {}
    for row in found.values():
        body = {} if row.deleted else orjson.loads(row.body)
        merged = any(link.get("type") == "replaced-by" for link in body.get("link", ()))
        for one in body.get("identifier", ()):
            codes = {coding.get("code") for coding in one.get("type", {}).get("coding", ())}
            system, value = str(one.get("system", "")), str(one.get("value", ""))
            if "PI" in codes and value:
                place = str(one.get("assigner", {}).get("display", "")) or system
                known = told.get((system, value))
                # The survivor names the old number too: gone is what only a merged record has.
                gone = merged and (known is None or known.merged)
                told[system, value] = Identity(value, place, gone or one.get("use") == "old")
    return tuple(sorted(told.values(), key=lambda one: (one.place, one.number)))


def _name(names: Iterable[Mapping[str, Any]]) -> str:
    """Return the name in use, else the one of birth: family in capitals as sent, then given."""
    ranked = sorted(names, key=lambda name: name.get("use") != "usual")
    for name in ranked:
        given = " ".join(part.title() for part in name.get("given", ())[:1])
        text = f"{name.get('family', '')} {given}".strip()
        if text:
            return text
    return ""


def _day(text: str) -> date | None:
    """Return a full date; a partial one is not shown as a day."""
    return date.fromisoformat(text) if len(text) == 10 else None


def _ins(patient: Mapping[str, Any]) -> str:
    if any(str(i.get("system", "")).startswith(_INS) for i in patient.get("identifier", ())):
        return "qualified"
    reliability = [e for e in patient.get("extension", ()) if _RELIABILITY in e.get("url", "")]
    return "unverified" if reliability else "none"


def sector(encounter: Mapping[str, Any]) -> str:
    """Return the sector a movement is tagged with, empty without one."""
    for tag in encounter.get("meta", {}).get("tag", ()):
        if tag.get("system") == _SECTOR_TAG:
            return str(tag.get("code", ""))
    return ""


def establishments(tx: Transaction, ids: Ids, numbers: Iterable[str]) -> dict[str, str]:
    """Return the name of each establishment by FINESS; a number nobody named stays a number."""
    keys = {n: ("Organization", ids.organization(FINESS_SYSTEM, n)) for n in set(numbers) if n}
    found = tx.resources.current(list(keys.values()))
    names = {}
    for number, key in keys.items():
        row = found.get(key)
        body = orjson.loads(row.body) if row and not row.deleted else {}
        names[number] = str(body.get("name") or number)
    return names


def organizations(tx: Transaction, references: Iterable[str]) -> dict[str, str]:
    """Return names of Organizations by their reference."""
    keys = [("Organization", r.partition("/")[2]) for r in references if r]
    found = tx.resources.current(list(dict.fromkeys(keys)))
    return {
        f"Organization/{id_}": str(orjson.loads(row.body).get("name", ""))
        for (_, id_), row in found.items()
        if not row.deleted
    }


def named_feed(feed: str, names: Mapping[str, str]) -> str:
    """Return a feed with the name of its establishment in place of its number."""
    place, colon, channel = feed.rpartition(":")
    return f"{names.get(place, place)}{colon}{channel}"


def feed_places(feeds: Iterable[str]) -> list[str]:
    """Return the establishments of feeds."""
    return [feed.rpartition(":")[0] for feed in feeds]
