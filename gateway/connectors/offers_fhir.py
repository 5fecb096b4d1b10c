"""Reads the offer of a territory from FHIR: HealthcareService with Organization and Location.

A Bundle or NDJSON, as a directory of offers (ROR) exports them. The kind of care is the coding of
`gateway.fhir.offers.SECTORS` in `type` or `category`, or what codes of the ROR say
(`connectors.ror_codes`): codes of another list are not guessed at.
Spec: FHIR R4 HealthcareService.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.connectors import directory_faults as faults
from gateway.connectors.ror_codes import word_on
from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.fhir.identity import FINESS_SYSTEM
from gateway.fhir.offers import KINDS, SECTORS, Offer, area_of
from gateway.mapping.conceptmaps import ConceptMap

_FINESS = re.compile(r"[0-9][0-9AB][0-9]{7}")
_AREA = re.compile(r"[0-9AB]{2,5}")


@dataclass(frozen=True, slots=True)
class Territory:
    """What a file of offers gives.

    Attributes:
        offers: services of a kind that is proposed.
        passed_over: services of the ROR of no such kind, one issue for each code.
    """

    offers: list[Offer]
    passed_over: tuple[Issue, ...] = ()


def read_resources(name: str, text: str, conceptmaps: Mapping[str, ConceptMap]) -> Territory:
    """Return the active services of a Bundle or of lines of NDJSON.

    Args:
        name: of the file, for what is said of it.
        text: its content.
        conceptmaps: by name; kinds of codes of the ROR.

    Raises:
        RejectedError: it is no FHIR, or a service lacks what an offer needs (RLS-DIR-037,
            RLS-DIR-014); nothing of it is taken, a territory half replaced misleads.
    """
    try:
        found, wrong, passed = _read(name, list(_resources(text)), conceptmaps)
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        raise RejectedError([faults.no_offer_in(name)]) from error
    if wrong or not found:
        raise RejectedError([*(wrong or [faults.no_offer_in(name)]), *passed])
    return Territory(found, tuple(passed))


def _read(
    name: str, resources: Sequence[tuple[str, Json]], conceptmaps: Mapping[str, ConceptMap]
) -> tuple[list[Offer], list[Issue], list[Issue]]:
    """Return the offers, what is wrong with services that make none, and what is passed over."""
    known = dict(resources)
    passed: Counter[str] = Counter()
    found: list[Offer] = []
    wrong: list[Issue] = []
    services = [one for _, one in resources if one.get("resourceType") == "HealthcareService"]
    for number, service in enumerate(services, start=1):
        if service.get("active") is False:
            continue
        kind, code, why = _kind(service, conceptmaps)
        if code:
            passed[code] += 1
            continue
        offer, why = _offer(service, kind, known) if kind else (None, why)
        if offer is None:
            wrong.append(faults.bad_offer(f"{name}, HealthcareService", number, why))
        else:
            found.append(offer)
    told = [faults.passed_over(name, code, passed[code]) for code in sorted(passed)]
    return found, wrong, told


def _resources(text: str) -> Iterator[tuple[str, Json]]:
    """Yield each resource with the reference others name it by."""
    try:
        whole = json.loads(text)
    except ValueError:
        for line in text.splitlines():
            if line.strip():
                one = json.loads(line)
                yield f"{one['resourceType']}/{one.get('id', '')}", one
        return
    if whole.get("resourceType") != "Bundle":
        yield f"{whole.get('resourceType')}/{whole.get('id', '')}", whole
        return
    for entry in whole.get("entry", ()):
        one = entry["resource"]
        own = f"{one['resourceType']}/{one.get('id', '')}"
        # What has no id is named by its entry.
        yield own if one.get("id") else str(entry.get("fullUrl", "")), one


def _kind(service: Json, conceptmaps: Mapping[str, ConceptMap]) -> tuple[str, str, str]:
    """Return the kind of a service; else the code of the ROR that names none, or what is wrong."""
    codings = [
        coding
        for field in ("type", "category")
        for one in service.get(field, ())
        for coding in one.get("coding", ())
    ]
    kind = next((c.get("code", "") for c in codings if c.get("system") == SECTORS), "")
    if kind in KINDS:
        return kind, "", ""
    word = word_on(service, conceptmaps)
    if word is None:
        return "", "", f"type has none of {', '.join(KINDS)} of {SECTORS}, nor a code of the ROR"
    if word.is_twofold:
        return "", "", f"its codes name two kinds of care ({', '.join(word.codes)})"
    return word.kind, "" if word.kind else word.codes[0], ""


def _offer(service: Json, kind: str, known: Mapping[str, Json]) -> tuple[Offer | None, str]:
    """Return the offer of a service, or why it is none."""
    provider = service.get("providedBy", {})
    owner = known.get(provider.get("reference", ""), {})
    said = [provider.get("identifier", {}), *owner.get("identifier", ())]
    finess = next((str(o.get("value")) for o in said if o.get("system") == FINESS_SYSTEM), "")
    if not _FINESS.fullmatch(finess):
        return None, "providedBy leads to no FINESS"
    name = str(service.get("name") or owner.get("name") or "")
    if not name:
        return None, "no name"
    areas = [_area(known.get(o.get("reference", ""), {})) for o in service.get("coverageArea", ())]
    if any(not _AREA.fullmatch(one) for one in areas):
        return None, "coverageArea leads to no postcode"
    phone = _telecom("phone", service, owner)
    mailbox = _telecom("email", service, owner)
    return Offer(finess, kind, name, tuple(sorted(set(areas))), phone, mailbox), ""


def _area(location: Json) -> str:
    return area_of(location) or str(location.get("address", {}).get("postalCode", ""))


def _telecom(system: str, *holders: Mapping[str, Any]) -> str:
    """Return the first way of that kind; the service's own before that of its structure."""
    ways = (one for holder in holders for one in holder.get("telecom", ()))
    return next((str(o.get("value", "")) for o in ways if o.get("system") == system), "")
