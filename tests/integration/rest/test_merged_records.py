"""A merged record as a client sees it: it can be read, and its number finds who stands for it."""

import httpx2

from tests.integration.rest.conftest import Shelf
from tests.support.gateway import take
from tests.support.merging import DOMAIN, identity, merge, pair, patient_id, stay


async def found_by(client: httpx2.AsyncClient, query: str) -> set[str]:
    """Return `Type/id` of the matches of a search."""
    answer = await client.get(f"/fhir/{query}")
    return {
        f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        for entry in answer.json().get("entry", ())
    }


async def test_a_merged_record_is_read_with_its_link(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await take(shelf.store, identity("999", "202603010800"), merge("501", "999", "202603011000"))
    survivor = f"Patient/{patient_id('501')}"

    answer = await client.get(f"/fhir/Patient/{patient_id('999')}")

    assert answer.status_code == 200
    assert answer.json()["active"] is False
    assert answer.json()["link"] == [{"other": {"reference": survivor}, "type": "replaced-by"}]
    assert (await client.get(f"/fhir/{survivor}")).status_code == 200


async def test_a_search_by_the_old_number_finds_both_records_and_the_stays_of_the_survivor(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await take(
        shelf.store,
        stay("A01", "999", "V1", "D1", "M1", "202603010800"),
        merge("501", "999", "202603011000"),
    )
    gone, stays = (f"Patient/{patient_id(number)}" for number in ("999", "501"))

    assert await found_by(client, f"Patient?identifier={DOMAIN}|999") == {gone, stays}
    assert await found_by(client, f"Patient?identifier={DOMAIN}|999&active=false") == {gone}
    assert await found_by(client, f"Patient?link={stays}") == {gone}
    assert len(await found_by(client, f"Encounter?patient={stays}")) == 2
    assert await found_by(client, f"Encounter?patient={gone}") == set()


async def test_records_taken_apart_have_their_own_stays_and_numbers_again(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await take(
        shelf.store,
        stay("A01", "999", "V1", "D1", "M1", "202603010800"),
        merge("501", "999", "202603011000"),
        pair("A37", "501", "999", "202603011100"),
    )
    gone, stays = (f"Patient/{patient_id(number)}" for number in ("999", "501"))

    assert await found_by(client, f"Patient?identifier={DOMAIN}|999") == {gone}
    assert len(await found_by(client, f"Encounter?patient={gone}")) == 2
    assert await found_by(client, f"Encounter?patient={stays}") == set()


async def test_the_history_of_a_record_tells_when_it_was_merged(
    client: httpx2.AsyncClient, shelf: Shelf
) -> None:
    await take(shelf.store, identity("999", "202603010800"), merge("501", "999", "202603011000"))

    answer = await client.get(f"/fhir/Patient/{patient_id('999')}/_history")

    versions = [entry["resource"] for entry in answer.json()["entry"]]
    assert [one.get("active") for one in versions] == [False, None]
