"""A small region of invented people for tests of who may be shown what: stays, teams, consents."""

import json
from datetime import datetime

import httpx2

from gateway.core.access import Client
from gateway.core.contributions import Json
from gateway.core.ports import Store
from gateway.fhir.identity import FINESS_SYSTEM
from gateway.sharing.grounds import CATEGORY_SYSTEM
from tests.support.smart import EC, JWKS, assertion, form

HOSPITAL, CLINIC, DAC_FINESS = "690000010", "690000020", "690000990"
KEYS = json.dumps(JWKS)


def dac(**over: object) -> Client:
    """Return a coordination platform whose territory is one hospital."""
    said: dict[str, object] = {
        "id": "dac",
        "name": "DAC des Essais",
        "scopes": "system/*.rs",
        "jwks": KEYS,
        "territory": (HOSPITAL,),
        "organisation": DAC_FINESS,
    }
    return Client(**{**said, **over})  # type: ignore[arg-type]


def organisation(id_: str, finess: str, **more: object) -> Json:
    """Return an Organization."""
    identifier = [{"system": FINESS_SYSTEM, "value": finess}]
    return {"resourceType": "Organization", "id": id_, "identifier": identifier, **more}


def person(id_: str, **more: object) -> Json:
    """Return an invented Patient."""
    identifier = [{"system": "urn:oid:1.2.250.1.213.1.4.10", "value": f"2550688154002{id_[-2:]}"}]
    name = [{"family": f"ESSAI{id_.upper()}", "given": ["Test"]}]
    return {"resourceType": "Patient", "id": id_, "identifier": identifier, "name": name, **more}


def stay(id_: str, patient: str, at: str = "hospital", **more: object) -> Json:
    """Return a stay of a Patient at an organisation."""
    return {
        "resourceType": "Encounter",
        "id": id_,
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": f"Patient/{patient}"},
        "serviceProvider": {"reference": f"Organization/{at}"},
        **more,
    }


def consent(
    id_: str,
    patient: str,
    kind: str = "permit",
    to: str | None = DAC_FINESS,
    categories: tuple[str, ...] = (),
    period: Json | None = None,
    **more: object,
) -> Json:
    """Return a consent to sharing, or an opposition to it."""
    who = {"identifier": {"system": FINESS_SYSTEM, "value": to}}
    provision: Json = {"type": kind, **({"period": period} if period else {})}
    if to is not None:
        role = {"coding": [{"code": "PRCP"}]}
        provision["actor"] = [{"role": role, "reference": who}]
    if categories:
        provision["class"] = [{"system": CATEGORY_SYSTEM, "code": one} for one in categories]
    scope = "http://terminology.hl7.org/CodeSystem/consentscope"
    return {
        "resourceType": "Consent",
        "id": id_,
        "status": "active",
        "scope": {"coding": [{"system": scope, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{patient}"},
        "dateTime": "2026-01-05",
        "provision": provision,
        **more,
    }


def team(id_: str, patient: str, finess: str = DAC_FINESS, **more: object) -> Json:
    """Return a care team of a person with an organisation in it."""
    member = {"identifier": {"system": FINESS_SYSTEM, "value": finess}}
    return {
        "resourceType": "CareTeam",
        "id": id_,
        "status": "active",
        "subject": {"reference": f"Patient/{patient}"},
        "participant": [{"member": member}],
        **more,
    }


def document(id_: str, patient: str, *labels: str, binary: str = "") -> Json:
    """Return a letter about a Patient, with its masks."""
    attachment = {"contentType": "text/xml", **({"url": f"Binary/{binary}"} if binary else {})}
    return {
        "resourceType": "DocumentReference",
        "id": id_,
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "securityLabel": [{"coding": [{"code": label}]} for label in labels],
        "content": [{"attachment": attachment}],
    }


class Platform:
    """A registered client at the door, with a token."""

    def __init__(self, http: httpx2.AsyncClient, store: Store, audience: str) -> None:
        self.http, self.store, self._audience = http, store, audience
        self.token = ""

    async def enter(self, client: Client, now: datetime) -> None:
        """Be registered, and get a token."""

        def register(tx) -> None:
            tx.access.put_client(client)
            tx.access.mark_everybody()

        await self.store.write(register)
        signed = assertion(now.timestamp(), self._audience, EC, iss=client.id, sub=client.id)
        answer = await self.http.post("/auth/token", data=form(signed))
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]

    async def get(self, path: str) -> httpx2.Response:
        """Ask the FHIR door."""
        return await self.http.get(
            path if path.startswith("http") else f"/fhir/{path}",
            headers={"Authorization": f"Bearer {self.token}"},
        )

    async def found(self, path: str) -> list[str]:
        """Return `Type/id` of everything an answer holds."""
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        entries = answer.json().get("entry", ())
        return [f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in entries]

    async def total(self, path: str) -> int:
        """Return how many matches a search has."""
        total: int = (await self.get(path)).json()["total"]
        return total
