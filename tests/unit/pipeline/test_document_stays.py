"""A letter that comes by itself is about the stay of the movements, whichever comes first."""

from itertools import permutations

import pytest

from gateway.core.messages import Outcome
from gateway.fhir.document_stays import STAY_MATCH
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.support.gateway import holdings, take
from tests.support.merging import identity, merge, moved_dossier
from tests.support.staying import document_id, letter, movement, own_stay_id, stay_id

ADMITTED = movement("A01", "V1", "202603020815")
LEFT = movement("A03", "V1", "202603121500")
LETTER = letter("S1", "202603020900", "202603121400")


async def held_after(*bodies, store=None):
    """Return what a store holds after these inputs."""
    store = store or MemoryStore()
    await store.open()
    receipts = await take(store, *bodies)
    assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}
    return await holdings(store)


def about(held, name="S1", version=1):
    """Return the reference of a letter to its stay."""
    [reference] = held[f"DocumentReference/{document_id(name, version)}"]["context"]["encounter"]
    return reference


def told(reference):
    """Return what is said of the match beside a reference."""
    parts = next(e for e in reference["extension"] if e["url"] == STAY_MATCH)["extension"]
    return [tuple(value for key, value in part.items()) for part in parts]


def tags(held, name="S1"):
    meta = held[f"DocumentReference/{document_id(name)}"].get("meta", {})
    return [tag["code"] for tag in meta.get("tag", ())]


async def test_a_letter_alone_makes_a_stay_of_its_own():
    held = await held_after(LETTER)

    assert about(held) == {"reference": f"Encounter/{own_stay_id('S1')}"}
    assert held[f"Encounter/{own_stay_id('S1')}"]["meta"]["tag"][0]["code"] == "unmatched-from-cda"


@pytest.mark.parametrize("order", list(permutations([ADMITTED, LEFT, LETTER])))
async def test_the_stay_of_the_movements_takes_the_place_in_any_order(order):
    held = await held_after(*order)

    assert about(held)["reference"] == f"Encounter/{stay_id('V1')}"
    assert told(about(held)) == [("reason", "dates"), ("score", 0.9)]
    assert tags(held) == ["stay-not-certain"]
    assert f"Encounter/{own_stay_id('S1')}" not in held
    assert own_stay_id("S1") not in str(held)


@pytest.mark.parametrize("order", list(permutations([ADMITTED, LEFT, LETTER])))
async def test_the_stay_of_a_letter_is_gone_and_not_unknown_in_any_order(order, tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'stays.db'}")
    await held_after(*order, store=store)

    key = ("Encounter", own_stay_id("S1"))
    row = (await store.read(lambda tx: tx.resources.current([key])))[key]
    await store.close()
    assert row.deleted


async def test_a_stay_hears_what_the_letter_alone_knows_and_keeps_its_own_dates():
    held = await held_after(ADMITTED, LEFT, LETTER)
    without = await held_after(ADMITTED, LEFT)

    name = f"Encounter/{stay_id('V1')}"
    stay, before = held[name], without[name]
    added = stay.pop("hospitalization")["dischargeDisposition"]["coding"]
    before.pop("hospitalization", None)
    assert [coding["code"] for coding in added] == ["GEN-092.06.03", "oth"]
    assert stay == before


async def test_provenance_of_the_letter_points_to_the_stay():
    held = await held_after(LETTER, ADMITTED)

    targets = [
        target["reference"]
        for name, one in held.items()
        if name.startswith("Provenance/") and "Binary" in str(one)
        for target in one["target"]
    ]
    assert f"Encounter/{stay_id('V1')}" in targets


@pytest.mark.parametrize("first", [True, False])
async def test_a_stay_that_a_document_only_mentions_is_no_stay_of_a_letter(first):
    mention = letter("S2", "202603020900", "202603121400", kind="VR", mentioned=True)

    held = await held_after(*((mention, LETTER) if first else (LETTER, mention)))

    assert about(held) == {"reference": f"Encounter/{own_stay_id('S1')}"}
    tagged = [one["meta"]["tag"][0]["code"] for name, one in held.items() if name.startswith("Enc")]
    assert sorted(tagged) == ["stated-in-document", "unmatched-from-cda"]


async def test_a_visit_number_is_certain_whatever_the_dates():
    known = letter("S1", "202605020900", "202605121400", visit="V1", root="1.2.250.1.999.3.7")

    held = await held_after(known, ADMITTED, movement("A01", "V2", "202605020900"))

    assert about(held)["reference"] == f"Encounter/{stay_id('V1')}"
    assert told(about(held)) == [("reason", "number"), ("score", 1.0), ("conflict", "start")]
    assert tags(held) == ["stay-dates-differ"]


async def test_a_matching_visit_number_with_agreeing_dates_needs_no_word():
    held = await held_after(letter("S1", "20260302", "20260312", visit="V1"), ADMITTED, LEFT)

    assert about(held) == {"reference": f"Encounter/{stay_id('V1')}"}
    assert tags(held) == []


async def test_an_account_number_names_the_stay_as_well():
    held = await held_after(letter("S1", visit="D77", low="20260801"),
                            movement("A01", "V1", "202603020815", dossier="D77"))  # fmt: skip

    assert about(held)["reference"] == f"Encounter/{stay_id('V1')}"


@pytest.mark.field("FL-154")
@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_letter_that_fits_two_stays_is_about_neither_and_names_both(order):
    inputs = [
        movement("A01", "V1", "202603020815"),
        movement("A01", "V2", "202603021700"),
        letter("S1", "20260302", "20260312"),
    ]

    held = await held_after(*[inputs[number] for number in order])

    assert about(held)["reference"] == f"Encounter/{own_stay_id('S1')}"
    both = sorted((stay_id("V1"), stay_id("V2")))
    assert told(about(held)) == [
        ("reason", "several"),
        *(("candidate", {"reference": f"Encounter/{one}"}) for one in both),
    ]
    assert tags(held) == ["stay-ambiguous"]


async def test_a_cancelled_admission_gives_the_letter_back_its_own_stay():
    cancelled = movement("A11", "V1", "202603020815", name="A01V1", sent="202603021200")
    cancelled = cancelled.replace(b"|INSERT|", b"|CANCEL|")

    held = await held_after(ADMITTED, LETTER, cancelled)

    assert held[f"Encounter/{stay_id('V1')}"]["status"] == "cancelled"
    assert about(held) == {"reference": f"Encounter/{own_stay_id('S1')}"}


async def test_a_stay_of_another_establishment_or_patient_is_not_the_stay():
    held = await held_after(letter("S1", "202603020900", finess="990000555"),
                            letter("S2", "202603020900", number="777"), ADMITTED)  # fmt: skip

    assert about(held, "S1")["reference"] == f"Encounter/{own_stay_id('S1')}"
    assert about(held, "S2")["reference"] == f"Encounter/{own_stay_id('S2')}"


async def test_a_new_version_with_other_dates_finds_another_stay_and_all_versions_follow():
    second = letter("S1", "202604010900", "202604051400", version=2)

    held = await held_after(LETTER, ADMITTED, movement("A01", "V2", "202604010800"), second)

    assert about(held)["reference"] == f"Encounter/{stay_id('V2')}"
    assert about(held, version=2)["reference"] == f"Encounter/{stay_id('V2')}"
    assert "GEN-092.06.03" not in str(held[f"Encounter/{stay_id('V1')}"])
    assert "GEN-092.06.03" in str(held[f"Encounter/{stay_id('V2')}"])


async def test_a_letter_of_a_merged_number_finds_the_stay_of_the_survivor():
    inputs = (
        identity("501", "202603010800"),
        identity("999", "202603010810"),
        movement("A01", "V1", "202603020815", number="999"),
        LETTER,
        merge("999", "501", "202603101000"),
    )
    forward, backward = await held_after(*inputs), await held_after(*reversed(inputs))

    assert about(forward)["reference"] == f"Encounter/{stay_id('V1')}"
    assert forward == backward


async def test_a_dossier_moved_to_another_patient_takes_the_stay_away():
    inputs = (
        LETTER,
        movement("A01", "V1", "202603020815", dossier="D9"),
        moved_dossier("D9", "888", "501", "202603101000"),
    )
    forward, backward = await held_after(*inputs), await held_after(*reversed(inputs))

    assert about(forward)["reference"] == f"Encounter/{own_stay_id('S1')}"
    assert forward == backward


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_what_a_later_version_dropped_stays_so_when_the_stay_comes(order):
    told = (
        letter("S1", "202603020900", "202603121400", planned="ECQH010 EBQH002"),
        letter("S1", "202603020900", "202603121400", planned="EBQH002", version=2),
        ADMITTED,
    )

    held = await held_after(*(told[number] for number in order))

    documents = [held[f"DocumentReference/{document_id('S1', number)}"] for number in (1, 2)]
    assert [document["status"] for document in documents] == ["superseded", "current"]
    asked = [one for name, one in held.items() if name.startswith("ServiceRequest/")]
    assert {one["code"]["coding"][0]["code"]: one["status"] for one in asked} == {
        "ECQH010": "revoked",
        "EBQH002": "active",
    }
    about_the_stay = [one["encounter"]["reference"] for one in asked]
    assert set(about_the_stay) == {f"Encounter/{stay_id('V1')}"}
