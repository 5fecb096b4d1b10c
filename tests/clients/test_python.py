"""fhirpy (both kinds) and fhirclient, as published, against `relais serve`."""

import warnings

import fhirpy
import pytest
from fhirpy.base.exceptions import AuthorizationError, ResourceNotFound

from tests.clients.conftest import Server
from tests.clients.tried import told, verdicts

# Their own warnings are theirs to mend.
pytestmark = pytest.mark.filterwarnings("default")


def _ids(bundle: dict) -> list[str]:
    return sorted(entry["resource"]["id"] for entry in bundle["entry"])


def _versions(bundle: dict) -> list[str]:
    return [entry["resource"]["meta"]["versionId"] for entry in bundle["entry"]]


def test_fhirpy_sync(server: Server) -> None:
    client = fhirpy.SyncFHIRClient(server.base, authorization=f"Bearer {server.token}")
    seen: dict[str, object] = {
        "capability": client.execute("metadata", method="get")["fhirVersion"],
        "read": client.get("Patient", "p03")["name"][0]["family"],
    }
    with pytest.raises(ResourceNotFound):
        client.get("Patient", "nobody")
    seen["unknown"] = 404
    found = client.resources("Patient").sort("_id").limit(10).fetch_all()
    seen["pages"] = [one.id for one in found]
    seen["history"] = _versions(client.execute("Patient/p00/_history", method="get"))
    seen["everything"] = _ids(client.execute("Patient/p00/$everything", method="get"))
    with pytest.raises(AuthorizationError):
        fhirpy.SyncFHIRClient(server.base).get("Patient", "p03")
    seen["no token"] = 401

    assert verdicts(seen) == told("fhirpy sync")


async def test_fhirpy_async(server: Server) -> None:
    client = fhirpy.AsyncFHIRClient(server.base, authorization=f"Bearer {server.token}")
    seen: dict[str, object] = {
        "capability": (await client.execute("metadata", method="get"))["fhirVersion"],
        "read": (await client.get("Patient", "p03"))["name"][0]["family"],
    }
    with pytest.raises(ResourceNotFound):
        await client.get("Patient", "nobody")
    seen["unknown"] = 404
    found = [one async for one in client.resources("Patient").sort("_id").limit(10)]
    seen["pages"] = [one.id for one in found]
    seen["history"] = _versions(await client.execute("Patient/p00/_history", method="get"))
    seen["everything"] = _ids(await client.execute("Patient/p00/$everything", method="get"))
    with pytest.raises(AuthorizationError):
        await fhirpy.AsyncFHIRClient(server.base).get("Patient", "p03")
    seen["no token"] = 401

    assert verdicts(seen) == told("fhirpy async")


def test_fhirclient(server: Server) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fhirclient import server as of_client
        from fhirclient.client import FHIRClient
        from fhirclient.models.patient import Patient

    client = FHIRClient(settings={"app_id": "dac", "api_base": server.base})
    client.server.session.headers["Authorization"] = f"Bearer {server.token}"
    patient = Patient.read("p03", client.server)
    seen: dict[str, object] = {
        "capability": client.server.capabilityStatement.fhirVersion,
        "read": patient.name[0].family,
    }
    with pytest.raises(of_client.FHIRNotFoundException):
        Patient.read("nobody", client.server)
    seen["unknown"] = 404
    search = Patient.where({"_sort": "_id", "_count": "10"})
    seen["pages"] = [one.id for one in search.perform_resources_iter(client.server)]
    seen["history"] = _versions(client.server.request_json("Patient/p00/_history"))
    seen["everything"] = _ids(client.server.request_json("Patient/p00/$everything"))
    known = {"If-None-Match": 'W/"2"'}
    seen["unchanged"] = client.server.request_data("Patient/p00", known) or 304
    del client.server.session.headers["Authorization"]
    with pytest.raises(of_client.FHIRUnauthorizedException):
        Patient.read("p03", client.server)
    seen["no token"] = 401

    assert verdicts(seen) == told("fhirclient")
