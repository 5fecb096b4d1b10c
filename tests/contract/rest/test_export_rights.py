"""Bulk export over every store: who may have what."""

from collections.abc import AsyncIterator

import pytest

from gateway.core.ports import Store
from tests.contract.rest.conftest import Hand
from tests.integration.rest.conftest import Shelf, encounter, patient
from tests.support.exporting import Desk, opened, register


@pytest.fixture
async def desk(store: Store, shelf: Shelf, clock: Hand) -> AsyncIterator[Desk]:
    organization = {"resourceType": "Organization", "id": "o1", "name": "Hôpital d'Essai"}
    await shelf.put(patient("p1"), patient("p2"), organization)
    await shelf.put(encounter("e1"))
    async with opened(store, clock) as found:
        yield found


async def test_scopes_restrict_what_goes_in(desk: Desk) -> None:
    desk.headers = await register(desk, "dac", "system/Patient.rs system/Organization.r")

    manifest = await desk.manifest("$export")

    assert manifest["requiresAccessToken"] is True
    assert [file["type"] for file in manifest["output"]] == ["Patient"]
    for path in (
        "$export?_type=Patient,Encounter",
        "$export?_type=Organization",
        "$export?_type=Patient&_typeFilter=Patient%3F_has:Encounter:patient:status%3Dfinished",
    ):
        assert (await desk.ask(path)).status_code == 403, path


async def test_files_belong_to_the_client_that_asked(desk: Desk) -> None:
    mine = await register(desk, "dac", "system/Patient.rs")
    desk.headers = mine
    begun = await desk.ask("$export")
    await desk.work()
    (file,) = (await desk.status(begun)).json()["output"]
    other = await register(desk, "hospital", "system/*.cruds")

    for address in (file["url"], begun.headers["content-location"]):
        assert (await desk.http.get(address)).status_code == 401
        assert (await desk.http.get(address, headers=other)).status_code == 404
        assert (
            await desk.http.delete(begun.headers["content-location"], headers=other)
        ).status_code == 404
        assert (await desk.http.get(address, headers=mine)).status_code == 200


async def test_rights_that_were_taken_back_count_for_files_too(desk: Desk) -> None:
    desk.headers = await register(desk, "dac", "system/Patient.rs system/Encounter.rs")
    manifest = await desk.manifest("$export")
    desk.headers = await register(desk, "dac", "system/Encounter.rs")

    answers = {
        file["type"]: await desk.http.get(file["url"], headers=desk.headers)
        for file in manifest["output"]
    }

    assert {type_: one.status_code for type_, one in answers.items()} == {
        "Encounter": 200,
        "Patient": 403,
    }
