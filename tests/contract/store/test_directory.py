"""The directory: kept by source with dates, found by number, name and place."""

from dataclasses import replace

import pytest

from gateway.core.directory import Asked, Entry, SourceState
from tests.contract.store.builders import NOON, at

DOCTOR = Entry(
    origin="extract:mssante",
    rpps="99900000144",
    finess="990004004",
    address="Elise.Basalte@medecin.mssante.example",
    kind="PER",
    family="D'ARTAGNAN-BASALTE",
    given="Élise",
    profession="Médecin",
    structure="Cabinet des Érables",
    place="Épreuve-sur-Calque",
    postcode="99005",
    seen_at=NOON,
)
SERVICE = Entry(
    origin="extract:mssante", finess="990004004", address="had@x.mssante.example", kind="ORG",
    structure="HAD de la Dorde", seen_at=NOON,
)  # fmt: skip


async def put(store, *entries):
    await store.write(lambda tx: tx.directory.put(entries))


async def find(store, limit=10, **asked):
    return await store.read(lambda tx: tx.directory.find(Asked(**asked), limit))


async def test_an_entry_comes_back_as_it_was_told(store):
    await put(store, DOCTOR)

    assert await find(store, rpps=DOCTOR.rpps) == [DOCTOR]


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "basalte elise"}, {"name": "ARTAGN"}, {"name": "erables"},
        {"name": "Basalte", "place": "epreuve"}, {"place": "990"}, {"finess": "990004004"},
        {"address": "elise.basalte@MEDECIN.mssante.example"},
    ],
    ids=str,
)  # fmt: skip
async def test_it_is_found_by_what_people_write(store, asked):
    await put(store, DOCTOR, replace(SERVICE, finess="990009999"))

    assert await find(store, **asked) == [DOCTOR]


@pytest.mark.parametrize(
    "asked",
    [{"name": "salte"}, {"name": "Basalte", "place": "Paris"}, {"rpps": "1"}, {"name": "%"}],
    ids=str,
)
async def test_it_is_not_found_by_what_it_is_not(store, asked):
    await put(store, DOCTOR)

    found = await find(store, **asked)

    assert found == ([DOCTOR] if asked == {"name": "%"} else [])


async def test_a_newer_word_of_a_source_takes_the_place_of_its_old_one(store):
    await put(store, DOCTOR)
    newer = replace(DOCTOR, structure="Maison de santé", seen_at=at(60))
    await put(store, newer)

    assert await find(store, rpps=DOCTOR.rpps) == [newer]


async def test_each_source_keeps_its_own_word(store):
    other = replace(DOCTOR, origin="api", address="")
    await put(store, DOCTOR, other)

    found = await store.read(lambda tx: tx.directory.of_professionals([DOCTOR.rpps, "0"]))

    assert found == {DOCTOR.rpps: [other, DOCTOR]}


async def test_what_an_extract_does_not_say_any_more_is_forgotten(store):
    gone = replace(DOCTOR, rpps="99900000155", seen_at=NOON)
    await put(store, replace(DOCTOR, seen_at=at(60)), gone, replace(gone, origin="api"))

    count = await store.write(lambda tx: tx.directory.forget("extract:mssante", at(60)))

    assert count == 1
    assert [one.origin for one in await find(store, rpps=gone.rpps)] == ["api"]


async def test_a_professional_is_answered_about_anew(store):
    await put(store, DOCTOR, replace(DOCTOR, rpps="99900000155"))

    await store.write(lambda tx: tx.directory.forget_answers("extract:mssante", [DOCTOR.rpps]))

    assert [one.rpps for one in await find(store, name="basalte")] == ["99900000155"]


async def test_the_mailboxes_of_a_structure_are_not_those_of_its_people(store):
    await put(store, DOCTOR, SERVICE)

    assert await store.read(lambda tx: tx.directory.of_structures(["990004004"])) == {
        "990004004": [SERVICE]
    }


async def test_the_state_of_a_source_is_kept(store):
    fine = SourceState("extract:mssante", NOON, at(5), 2)
    failing = SourceState("api", None, at(5), 0, at(1), "RLS-DIR-011")
    for state in (fine, replace(fine, entries=1), fine, failing):
        await store.write(lambda tx, state=state: tx.directory.note(state))

    assert await store.read(lambda tx: tx.directory.states()) == [failing, fine]
