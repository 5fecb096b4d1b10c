"""A directory that answers as the Annuaire Santé does: key required, pages, refusals, bad days.

A double over plain HTTP on this machine; its people and structures are invented. Standards:
Annuaire Santé API FHIR v2; FHIR R4 3.1.1 (search, paging).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from gateway.simulation.dmp_http import HttpAnswer, HttpRequest, HttpsDouble

_TYPES = ("Practitioner", "PractitionerRole", "Organization")
#: Parameters the service answers to; `mailbox-mss-type` is specified and not deployed.
_PARAMETERS = frozenset(
    {"identifier", "practitioner", "_id", "family", "given", "name", "active", "mailbox-mss"}
)
_JSON = "application/fhir+json"


@dataclass(slots=True)
class Mood:
    """How the service is today.

    Attributes:
        failing: HTTP status of every answer; 0: it answers.
        page: results of one page.
        empty_pages: pages behind the first come empty, though more was promised.
        foreign_next: the link to the next page names another host.
    """

    failing: int = 0
    page: int = 50
    empty_pages: bool = False
    foreign_next: str = ""


@dataclass(slots=True)
class DirectoryServer:
    """The double.

    Attributes:
        resources: what it knows.
        key: the key it wants.
        asked: paths that were asked for, in order.
    """

    resources: Sequence[Mapping[str, Any]]
    clock: Callable[[], datetime]
    key: str = "test-key"
    mood: Mood = field(default_factory=Mood)
    asked: list[str] = field(default_factory=list)
    _http: HttpsDouble | None = None

    @property
    def base_url(self) -> str:
        """Return the address of the service, once started."""
        return f"http://127.0.0.1:{self._http.port if self._http else 0}/fhir/v2"

    async def start(self, port: int = 0) -> None:
        """Listen on a port of this machine; 0 for a free one."""
        self._http = HttpsDouble(None, self._answer, self.clock, port)
        await self._http.start()

    async def stop(self) -> None:
        """Close the door."""
        if self._http is not None:
            await self._http.stop()

    async def _answer(self, request: HttpRequest) -> HttpAnswer:
        self.asked.append(request.path)
        if self.mood.failing:
            return HttpAnswer(self.mood.failing, "text/html", b"<html>Gateway</html>")
        if request.headers.get("esante-api-key") != self.key:
            return _outcome(401, "login", "key missing or wrong")
        if request.method != "GET":
            return _outcome(405, "not-supported", "read only")
        parts = urlsplit(request.path)
        type_ = parts.path.removeprefix("/fhir/v2/")
        asked = dict(parse_qsl(parts.query))
        offset = int(asked.pop("_offset", "0"))
        unknown = sorted({name.partition(":")[0] for name in asked} - _PARAMETERS)
        if type_ not in _TYPES:
            return _outcome(404, "not-found", "no such type")
        if unknown:
            return _outcome(400, "not-supported", f"Parameter not found: {unknown[0]}")
        return self._page(type_, asked, offset)

    def _page(self, type_: str, asked: Mapping[str, str], offset: int) -> HttpAnswer:
        found = [one for one in self.resources if _meets(one, type_, asked)]
        page = found[offset : offset + self.mood.page]
        if offset and self.mood.empty_pages:
            page = []
        links = []
        if offset + self.mood.page < len(found):
            base = self.mood.foreign_next or self.base_url
            query = urlencode({**asked, "_offset": offset + self.mood.page})
            links = [{"relation": "next", "url": f"{base}/{type_}?{query}"}]
        bundle = {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(found),
            "link": links,
            "entry": [{"resource": one} for one in page],
        }
        return HttpAnswer(200, _JSON, json.dumps(bundle).encode())


def _meets(resource: Mapping[str, Any], type_: str, asked: Mapping[str, str]) -> bool:
    if resource["resourceType"] != type_:
        return False
    numbers = {one.get("value") for one in resource.get("identifier", ())}
    person = str(resource.get("practitioner", {}).get("reference", "")).rpartition("/")[2]
    said = {"identifier": numbers, "_id": {resource["id"]}, "practitioner": {person}}
    return all(value in said.get(name, {value}) for name, value in asked.items())


def _outcome(status: int, code: str, text: str) -> HttpAnswer:
    issue = {"severity": "error", "code": code, "diagnostics": text}
    body = {"resourceType": "OperationOutcome", "issue": [issue]}
    return HttpAnswer(status, _JSON, json.dumps(body).encode())


def mailbox(address: str, kind: str = "PER", *, unlisted: bool = False) -> dict[str, Any]:
    """Return a secure mailbox as the service writes it among the telecoms."""
    ans = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition"
    nos = "https://mos.esante.gouv.fr/NOS"
    return {
        "system": "email",
        "value": address,
        "extension": [
            {
                "url": "https://hl7.fr/ig/fhir/core/StructureDefinition/"
                "fr-core-contact-point-email-type",
                "valueCoding": {
                    "system": f"{nos}/TRE_R256-TypeMessagerie/FHIR/TRE-R256-TypeMessagerie",
                    "code": "MSSANTE",
                },
            },
            {
                "url": f"{ans}/as-ext-mailbox-mss-metadata",
                "extension": [
                    {
                        "url": "type",
                        "valueCodeableConcept": {
                            "coding": [
                                {
                                    "system": f"{nos}/TRE_R257-TypeBAL/FHIR/TRE-R257-TypeBAL",
                                    "code": kind,
                                }
                            ]
                        },
                    },
                    {"url": "listeRouge", "valueBoolean": unlisted},
                ],
            },
        ],
    }


def professional(rpps: str, family: str, given: str, *boxes: dict[str, Any]) -> dict[str, Any]:
    """Return a Practitioner as the service writes it."""
    return {
        "resourceType": "Practitioner",
        "id": f"p{rpps}",
        "active": True,
        "identifier": [
            {"system": "https://rpps.esante.gouv.fr", "value": rpps},
            {"system": "urn:oid:1.2.250.1.71.4.2.1", "value": f"8{rpps}"},
        ],
        "name": [{"family": family, "given": [given]}],
        "telecom": list(boxes),
    }


def role(rpps: str, finess: str, *boxes: dict[str, Any], active: bool = True) -> dict[str, Any]:
    """Return a PractitionerRole of a professional at a structure."""
    return {
        "resourceType": "PractitionerRole",
        "id": f"r{rpps}-{finess}",
        "active": active,
        "practitioner": {"reference": f"Practitioner/p{rpps}"},
        "organization": {"reference": f"Organization/o{finess}"},
        "telecom": list(boxes),
    }


def structure(finess: str, name: str, town: str, *boxes: dict[str, Any]) -> dict[str, Any]:
    """Return an Organization as the service writes it."""
    return {
        "resourceType": "Organization",
        "id": f"o{finess}",
        "identifier": [{"system": "https://finess.esante.gouv.fr", "value": finess}],
        "name": name,
        "address": [{"city": town, "postalCode": "99005"}],
        "telecom": list(boxes),
    }
