"""The Provenance of what a client wrote: who, when, what was done (FHIR R4 Provenance)."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from gateway.core.contributions import Contribution, Json, Kind, Target, Version
from gateway.core.systems import IDENTIFIER_BASE
from gateway.fhir.bundle import fhir_instant
from gateway.fhir.identity import IDNPS_SYSTEM, Ids

_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_DATA = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
#: System of the ids of software clients.
CLIENTS = f"{IDENTIFIER_BASE}/client"
#: No client has a colon in its name.
_PERSON = "person:"


def of_person(id_: str) -> str:
    """Return the name a person writes under, by their national identifier (IdNat_PS)."""
    return f"{_PERSON}{id_}"


def agent(client: str) -> Json:
    """Return who wrote, as a reference: a person by their national identifier, or software."""
    if client.startswith(_PERSON):
        number = {"system": IDNPS_SYSTEM, "value": client.removeprefix(_PERSON)}
        return {"type": "Practitioner", "identifier": number}
    return {"type": "Device", "identifier": {"system": CLIENTS, "value": client}}


def provenance(
    activity: str,
    references: Sequence[str],
    client: str,
    digest: str,
    now: datetime,
    ids: Ids,
) -> Contribution:
    """Return the Provenance of all that a request did in one way.

    Args:
        activity: `CREATE`, `UPDATE` or `DELETE`, of v3-DataOperation.
        references: what it was done to; of what is deleted, the last version that can be read.
        client: who did it.
        digest: SHA-256 of the request as it is kept, hex.
        now: instant of the commit.
        ids: of the installation.
    """
    number = ids.provenance(sha256(f"{digest}|{activity}".encode()).hexdigest())
    who = agent(client)
    source: Json = {"identifier": {"system": f"{IDENTIFIER_BASE}/request", "value": digest}}
    resource: Json = {
        "resourceType": "Provenance",
        "id": number,
        "target": [{"reference": one} for one in references],
        "recorded": fhir_instant(now),
        "activity": {"coding": [{"system": _DATA, "code": activity}]},
        "agent": [{"type": {"coding": [{"system": _AGENT, "code": "author"}]}, "who": who}],
        "entity": [{"role": "source", "what": source}],
    }
    version = Version(now, now, 0, digest)
    return Contribution(Target("Provenance", number), version, resource, kind=Kind.ONCE)
