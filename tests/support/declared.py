"""An establishment without messages, and what it declares (NdE flux 3)."""

from gateway.core.contributions import Json
from gateway.core.facts import Op
from gateway.core.messages import Channel
from gateway.fhir.nde_declared import PROFILE
from tests.support.gaps import IDS

HERE = "/fhir/CommunicationRequest"
GUIDE = "https://interop.esante.gouv.fr/ig/fhir/nde/StructureDefinition"
TYPES = "https://mos.esante.gouv.fr/NOS/TRE_R254-TypeEvenement/FHIR/TRE-R254-TypeEvenement"
NS = "https://relais.example/ns"
FINESS = "https://finess.esante.gouv.fr"
#: The person of the discharge: an INS of the test root, born 1980-04-12.
INS = {"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "280049999900166"}
#: An establishment that sends no messages, and one that does.
CLINIC, HOSPITAL = "990000077", "990000001"
VISITS = f"{NS}/visit/{CLINIC}"
ADMITTED, LEFT = "2026-02-27T09:00:00+01:00", "2026-03-02T08:30:00+01:00"


def declared(code: str = "ADM", at: str = ADMITTED, **changes: object) -> Json:
    """Return a declaration as the guide has it; a change of None takes an element away."""
    made: Json = {
        "resourceType": "CommunicationRequest",
        "meta": {"profile": [PROFILE]},
        "contained": [
            {
                "resourceType": "Patient",
                "id": "pat1",
                "identifier": [INS],
                "name": [{"use": "official", "family": "SAULNIER", "given": ["MARGUERITE"]}],
                "gender": "female",
                "birthDate": "1980-04-12",
            },
            {
                "resourceType": "Organization",
                "id": "org1",
                "identifier": [{"system": FINESS, "value": CLINIC}],
                "name": "Clinique fictive",
            },
        ],
        "extension": [
            {
                "url": f"{GUIDE}/event-type",
                "valueCodeableConcept": {"coding": [{"system": TYPES, "code": code}]},
            },
            {"url": f"{GUIDE}/event-time", "valueDateTime": at},
        ],
        "status": "active",
        "subject": {"reference": "#pat1"},
        "payload": [{"contentString": "Évènement fictif"}],
        "requester": {"reference": "#org1"},
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def with_contained(position: int, **changes: object) -> list[Json]:
    """Return the contained resources with one changed."""
    held = declared()["contained"]
    held[position] = {**held[position], **changes}
    return held


def places(answer):
    """Return code and place of each issue."""
    return [
        (one["details"]["coding"][0]["code"], *one.get("expression", one.get("location")))
        for one in answer.json()["issue"]
    ]


class Clinic:
    """A region with the door for declarations, and a person its hospital told of."""

    def __init__(self, region, client):
        self.region, self.client, self.store = region, client, region.store

    async def declare(self, *args, **changes):
        return await self.client.post(HERE, json=declared(*args, **changes))

    async def stays(self):
        """Return the stays at the clinic, with what was said of each."""
        found = (await self.client.get("/fhir/Encounter?_count=50")).json()
        place = f"Organization/{IDS.organization(FINESS, CLINIC)}"
        held = [one["resource"] for one in found.get("entry", ())]
        return [one for one in held if one.get("serviceProvider", {}).get("reference") == place]

    async def facts(self):
        def read(tx):
            [person] = tx.facts.persons([IDS.patient(f"{NS}/ipp/{HOSPITAL}", "P0042")]).values()
            last = {}
            for one in tx.facts.of_person(person):
                said = one.assertion
                if said.key.startswith("nde|"):
                    held = last.get(said.event)
                    last[said.event] = max(held, said, key=lambda a: a.revision) if held else said
            return {event: said for event, said in last.items() if said.op is Op.ASSERT}

        return await self.store.read(read)

    async def inputs(self):
        rows = await self.store.read(lambda tx: tx.inbox.page(None, 0, 50, with_body=True))
        return [row for row in rows if row.channel is Channel.FHIR]
