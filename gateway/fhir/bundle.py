"""Bundles and the JSON of FHIR resources as bytes (FHIR R4 bundle).

Stored resources enter a Bundle as the bytes they are stored as: nothing is parsed or written a
second time, so decimals keep their digits. Does not decide what a Bundle holds.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import orjson

from gateway.core.contributions import Json
from gateway.core.decimals import ExactDecimal
from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import StoredResource

#: Base of `fullUrl` where no server is meant.
CANONICAL_BASE = "https://relais.example/fhir"

#: A resource comes after those it usually points to; types that are not here come before
#: Provenance, by name.
TYPE_ORDER = (
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Location",
    "Device",
    "Patient",
    "RelatedPerson",
    "Account",
    "EpisodeOfCare",
    "Encounter",
    "Condition",
    "AllergyIntolerance",
    "FamilyMemberHistory",
    "Procedure",
    "Specimen",
    "Observation",
    "DiagnosticReport",
    "Immunization",
    "Medication",
    "MedicationStatement",
    "MedicationRequest",
    "DeviceRequest",
    "ServiceRequest",
    "Appointment",
    "Goal",
    "CareTeam",
    "CarePlan",
    "Consent",
    "Binary",
    "DocumentReference",
    "Composition",
)
_RANK = {name: rank for rank, name in enumerate(TYPE_ORDER)}


def to_bytes(value: Json, *, indent: bool = False) -> bytes:
    """Write JSON; the same value gives the same bytes, elements in the order they were set."""
    return orjson.dumps(value, _digits, orjson.OPT_INDENT_2 if indent else None)


def same_words(one: Json, other: Json) -> bool:
    """Tell whether two resources say the same, digit by digit, in whatever order."""
    return _in_order(one) == _in_order(other)


def _in_order(value: Json) -> bytes:
    return orjson.dumps(value, _digits, orjson.OPT_SORT_KEYS)


def read_exact(body: bytes) -> Json:
    """Read JSON whose decimals keep their digits, as `Decimal` (FHIR R4 2.24.0.1, decimal)."""
    value: Json = json.loads(body, parse_float=ExactDecimal)
    return value


def _digits(value: object) -> orjson.Fragment:
    if not isinstance(value, Decimal):
        raise TypeError(type(value))
    return orjson.Fragment(str(value).encode())


def assemble(resources: Iterable[Json], base: str = CANONICAL_BASE) -> Json:
    """Return the transaction that puts each resource at its computed id.

    Args:
        resources: folded resources; each has `resourceType` and `id`.
        base: address the `fullUrl` of each entry starts with, without trailing slash.

    Returns:
        A Bundle (FHIR R4 http, transaction); its entries do not depend on the order of
        `resources`.

    Raises:
        FatalError: two resources have the same type and id (RLS-FHR-070).
    """
    ordered = sorted(resources, key=_order)
    paths = [f"{resource['resourceType']}/{resource['id']}" for resource in ordered]
    if len(set(paths)) < len(paths):
        raise FatalError([_twice(next(path for path in paths if paths.count(path) > 1))])
    entries = [
        {
            "fullUrl": f"{base}/{path}",
            "resource": resource,
            "request": {"method": "PUT", "url": path},
        }
        for path, resource in zip(paths, ordered, strict=True)
    ]
    bundle: Json = {"resourceType": "Bundle", "type": "transaction"}
    if entries:
        bundle["entry"] = entries
    return bundle


def searchset(
    resources: Sequence[StoredResource],
    *,
    base: str,
    total: int | None,
    links: Mapping[str, str],
    included: Sequence[StoredResource] = (),
    outcome: bytes = b"",
) -> bytes:
    """Return a page of search results (FHIR R4 search, bundle).

    Args:
        resources: the matches of this page.
        base: address of the FHIR door, without trailing slash.
        total: matches on all pages; None when it was not asked for.
        links: address by relation (`self`, `next`).
        included: what is there beside the matches.
        outcome: an OperationOutcome about the search itself; empty for none.
    """
    entries = [_found(one, base, "match") for one in resources]
    entries += [_found(one, base, "include") for one in included]
    if outcome:
        entries.append({"resource": orjson.Fragment(outcome), "search": {"mode": "outcome"}})
    return _page("searchset", entries, total, links)


def _found(found: StoredResource, base: str, mode: str) -> Json:
    return {
        "fullUrl": f"{base}/{found.type}/{found.id}",
        "resource": orjson.Fragment(found.body),
        "search": {"mode": mode},
    }


def history(
    versions: Sequence[StoredResource], *, base: str, total: int | None, links: Mapping[str, str]
) -> bytes:
    """Return a page of versions, newest first (FHIR R4 http, history).

    Args:
        versions: the versions of this page; a deletion has no resource.
        base: address of the FHIR door, without trailing slash.
        total: versions on all pages; None when it is not known.
        links: address by relation (`self`, `next`).
    """
    return _page("history", [_version(found, base) for found in versions], total, links)


def http_date(instant: datetime) -> str:
    """Write an aware instant as HTTP does (RFC 9110 5.6.7), whatever the locale."""
    utc = instant.astimezone(UTC)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[utc.weekday()]
    month = "JanFebMarAprMayJunJulAugSepOctNovDec"[3 * utc.month - 3 : 3 * utc.month]
    return f"{day}, {utc.day:02d} {month} {utc.year:04d} {utc:%H:%M:%S} GMT"


def fhir_instant(instant: datetime) -> str:
    """Write an aware instant as `meta.lastUpdated` has it."""
    utc = instant.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def _version(found: StoredResource, base: str) -> Json:
    path = f"{found.type}/{found.id}"
    entry: Json = {"fullUrl": f"{base}/{path}"}
    if not found.deleted:
        entry["resource"] = orjson.Fragment(found.body)
    status = "204" if found.deleted else "201" if found.version == 1 else "200"
    entry["request"] = {"method": "DELETE" if found.deleted else "PUT", "url": path}
    entry["response"] = {
        "status": status,
        "etag": f'W/"{found.version}"',
        "lastModified": fhir_instant(found.last_updated),
    }
    return entry


def _page(type_: str, entries: list[Json], total: int | None, links: Mapping[str, str]) -> bytes:
    bundle: Json = {"resourceType": "Bundle", "type": type_}
    if total is not None:
        bundle["total"] = total
    bundle["link"] = [{"relation": name, "url": url} for name, url in links.items()]
    if entries:
        bundle["entry"] = entries
    return orjson.dumps(bundle)


def _order(resource: Json) -> tuple[int, str, str]:
    type_ = resource["resourceType"]
    last = len(TYPE_ORDER) + (type_ == "Provenance")
    return (_RANK.get(type_, last), type_, resource["id"])


def _twice(path: str) -> Issue:
    return Issue(
        code="RLS-FHR-070",
        severity=Severity.FATAL,
        where=path,
        what="Two resources of one Bundle have this type and id.",
        fix="Report it with the input: contributions to one target are folded before this step.",
    )
