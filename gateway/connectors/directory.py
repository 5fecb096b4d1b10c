"""Annuaire Santé over FHIR: what it says of professionals, and of their mailboxes.

Asks once and says what came back; when to ask and what is kept is `pipeline.directory`.
Standards: Annuaire Santé, API FHIR v2 (`as-ext-mailbox-mss-metadata`, TRE_R256, TRE_R257); FHIR R4
3.1.1 (search, paging).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from gateway.connectors import directory_faults as faults
from gateway.connectors.http import HttpClient, HttpFailureError, HttpReply
from gateway.core.clock import Clock
from gateway.core.contributions import Json
from gateway.core.digits import whole_number
from gateway.core.directory import Entry
from gateway.core.errors import RejectedError, RetriableError

ORIGIN = "api"
_METADATA = (
    "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/"
    "as-ext-mailbox-mss-metadata"
)
_EMAIL_TYPE = "fr-core-contact-point-email-type"
_RPPS, _FINESS = "https://rpps.esante.gouv.fr", "https://finess.esante.gouv.fr"
#: A search by one number has a page or two; more is a loop.
_PAGES = 20
_AGAIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Annuaire:
    """The service.

    Attributes:
        base_url: without trailing slash.
        key: value of `ESANTE-API-KEY`.
        client: sends.
        clock: dates what it says.
        timeout_s: longest wait for one answer; the service itself gives up after 30 s.
    """

    base_url: str
    key: str
    client: HttpClient
    clock: Clock
    timeout_s: float = 35.0

    async def professional(self, rpps: str) -> list[Entry]:
        """Return what the service says of a professional.

        An entry without address says that the service tells none now: that is no proof that
        there is none (the published extract may have it).

        Args:
            rpps: 11 digits.

        Raises:
            RetriableError: it cannot be asked now, or did not finish (RLS-DIR-010, 012, 013).
            RejectedError: it refuses us (RLS-DIR-011).
        """
        people = await self._search(f"Practitioner?identifier={rpps}")
        found: list[Entry] = []
        for person in people:
            own = next((one.get("value") for one in person.get("identifier", ())
                        if one.get("system") == _RPPS), rpps)  # fmt: skip
            if own != rpps or person.get("active") is False:
                continue
            roles = await self._search(f"PractitionerRole?practitioner={person['id']}")
            places = await self._places(roles)
            found += self._of(rpps, person, roles, places)
        return found or [Entry(ORIGIN, rpps, seen_at=self.clock.now())]

    async def structure(self, finess: str) -> list[Entry]:
        """Return what the service says of a structure: its own mailboxes.

        Raises:
            RetriableError: as `professional`.
            RejectedError: as `professional`.
        """
        now = self.clock.now()
        found: list[Entry] = []
        for place in await self._search(f"Organization?identifier={finess}"):
            boxes = list(_mailboxes(place))
            for address, kind, unlisted in boxes or [("", "", False)]:
                found.append(Entry(
                    ORIGIN, "", finess, address, kind, structure=str(place.get("name", "")),
                    place=_town(place), postcode=_postcode(place), unlisted=unlisted, seen_at=now,
                ))  # fmt: skip
        return found or [Entry(ORIGIN, "", finess, seen_at=now)]

    async def _places(self, roles: Sequence[Json]) -> dict[str, Json]:
        """Return the Organization of each role by its reference."""
        references = {str(one.get("organization", {}).get("reference", "")) for one in roles}
        found: dict[str, Json] = {}
        for reference in sorted(references - {""}):
            for one in await self._search(f"Organization?_id={reference.rpartition('/')[2]}"):
                found[reference] = one
        return found

    def _of(
        self, rpps: str, person: Json, roles: Sequence[Json], places: dict[str, Json]
    ) -> list[Entry]:
        family, given = _name(person)
        told = Entry(ORIGIN, rpps, family=family, given=given, seen_at=self.clock.now())
        live = [role for role in roles if role.get("active") is not False]
        found = [
            replace(
                told,
                finess=_finess(place),
                address=address,
                kind=kind,
                unlisted=unlisted,
                structure=str(place.get("name", "")),
                place=_town(place),
                postcode=_postcode(place),
            )
            for holder in (person, *live)
            for place in [places.get(str(holder.get("organization", {}).get("reference", "")), {})]
            for address, kind, unlisted in _mailboxes(holder)
        ]
        return found or [told]

    async def _search(self, question: str) -> list[Json]:
        """Return every resource of a search; links are followed as they are given.

        Raises:
            RetriableError: a page is missing: an empty one is no end when more was promised.
            RejectedError: the service refuses us.
        """
        address = f"{self.base_url}/{question}"
        found: list[Json] = []
        promised = 0
        for _ in range(_PAGES):
            bundle = _bundle(await self._get(address))
            found += [one["resource"] for one in bundle.get("entry", ()) if "resource" in one]
            promised = max(promised, int(bundle.get("total", 0)))
            links = {one.get("relation"): str(one.get("url", "")) for one in bundle.get("link", ())}
            address = links.get("next", "")
            # A key goes to its service only, whatever a page says.
            if not address or urlsplit(address).netloc != urlsplit(self.base_url).netloc:
                break
        if len(found) < promised:
            raise RetriableError([faults.cut_short(promised, len(found))], _AGAIN_S)
        return found

    async def _get(self, address: str) -> HttpReply:
        headers = {"ESANTE-API-KEY": self.key, "Accept": "application/fhir+json"}
        try:
            reply = await self.client.get(address, self.timeout_s, headers=headers)
        except HttpFailureError as error:
            raise RetriableError([faults.away(str(error))], _AGAIN_S) from None
        if reply.status in (401, 403):
            raise RejectedError([faults.refused(reply.status)])
        if reply.status != 200:
            wait = whole_number(reply.headers.get("retry-after", ""))
            raise RetriableError(
                [faults.away(f"HTTP {reply.status}")], _AGAIN_S if wait is None else float(wait)
            )
        return reply


def _bundle(reply: HttpReply) -> Json:
    try:
        found = json.loads(reply.body)
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("resourceType") != "Bundle":
        raise RetriableError([faults.not_understood()], _AGAIN_S)
    return found


def _mailboxes(holder: Json) -> Iterator[tuple[str, str, bool]]:
    """Yield address, kind and whether it is unlisted of each secure mailbox of a resource."""
    ranked = sorted(holder.get("telecom", ()), key=lambda one: int(one.get("rank", 99)))
    for one in ranked:
        extensions = {e.get("url", ""): e for e in one.get("extension", ())}
        types = [e for url, e in extensions.items() if url.endswith(_EMAIL_TYPE)]
        codes = {e.get("valueCoding", {}).get("code") or e.get("valueCode") for e in types}
        metadata = extensions.get(_METADATA, {}).get("extension", ())
        is_secure = "MSSANTE" in codes or bool(metadata)
        if one.get("system") != "email" or not is_secure or not one.get("value"):
            continue
        parts = {part.get("url"): part for part in metadata}
        codings = parts.get("type", {}).get("valueCodeableConcept", {}).get("coding", ())
        kind = next((c["code"] for c in codings if c.get("code")), "PER")
        yield one["value"], kind, bool(parts.get("listeRouge", {}).get("valueBoolean"))


def _name(person: Json) -> tuple[str, str]:
    name: Json = next(iter(person.get("name", ())), {})
    return str(name.get("family", "")), " ".join(name.get("given", ()))


def _finess(place: Json) -> str:
    found = (o.get("value", "") for o in place.get("identifier", ()) if o.get("system") == _FINESS)
    return str(next(found, ""))


def _town(place: Json) -> str:
    return str(next((one.get("city", "") for one in place.get("address", ())), ""))


def _postcode(place: Json) -> str:
    return str(next((one.get("postalCode", "") for one in place.get("address", ())), ""))
