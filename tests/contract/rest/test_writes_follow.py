"""What clients wrote lives with what hospitals say: merges, replays, restarts."""

import httpx2

from gateway.core.ports import Store
from gateway.entry.settings import load
from gateway.entry.wiring import build_replayer
from tests.contract.rest.test_writes import created
from tests.support.gateway import converter, take
from tests.support.merging import identity, merge, pair, patient_id


async def subject(writer: httpx2.AsyncClient, team: str) -> tuple[str, str]:
    """Return the patient and the version of a team."""
    read = (await writer.get(f"/fhir/CareTeam/{team}")).json()
    return read["subject"]["reference"], read["meta"]["versionId"]


async def test_what_a_client_wrote_follows_a_merge_and_comes_back(
    writer: httpx2.AsyncClient, store: Store
) -> None:
    goes, stays = (f"Patient/{patient_id(number)}" for number in ("999", "501"))
    await take(store, identity("999", "202603010800"), identity("501", "202603010800"))
    team = (await created(writer, subject={"reference": goes})).json()["id"]

    before = await subject(writer, team)
    await take(store, merge("501", "999", "202603011000"))
    merged = await subject(writer, team)
    late = (await created(writer, subject={"reference": goes})).json()
    await take(store, pair("A37", "501", "999", "202603011100"))
    apart = await subject(writer, team)

    assert (before, merged, apart) == ((goes, "1"), (stays, "2"), (goes, "3"))
    assert late["subject"] == {"reference": stays}
    assert await subject(writer, late["id"]) == (goes, "2")


async def test_a_client_writes_on_after_a_merge(writer: httpx2.AsyncClient, store: Store) -> None:
    goes, stays = (f"Patient/{patient_id(number)}" for number in ("999", "501"))
    await take(store, identity("999", "202603010800"), identity("501", "202603010800"))
    team = (await created(writer, subject={"reference": goes})).json()["id"]
    await take(store, merge("501", "999", "202603011000"))
    read = await writer.get(f"/fhir/CareTeam/{team}")

    answer = await writer.put(
        f"/fhir/CareTeam/{team}",
        json={**read.json(), "name": "Autre"},
        headers={"If-Match": read.headers["etag"]},
    )

    assert (answer.status_code, answer.headers["etag"]) == (200, 'W/"3"')
    assert (answer.json()["name"], answer.json()["subject"]) == ("Autre", {"reference": stays})


async def test_a_replay_leaves_the_words_of_clients(
    writer: httpx2.AsyncClient, store: Store
) -> None:
    await take(store, identity("501", "202603010800"))
    made = (await created(writer, subject={"reference": f"Patient/{patient_id('501')}"})).json()
    gone = (await created(writer)).json()["id"]
    await writer.delete(f"/fhir/CareTeam/{gone}")

    async for _ in build_replayer(load(), store, converter()).run():
        pass

    assert (await writer.get(f"/fhir/CareTeam/{made['id']}")).json() == made
    assert (await writer.get(f"/fhir/CareTeam/{gone}")).status_code == 410
