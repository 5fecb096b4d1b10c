"""One setId for the documents of two persons: the later one waits, nothing of the first changes."""

from collections import Counter
from dataclasses import replace
from functools import lru_cache

import pytest

from gateway.core.messages import Outcome
from gateway.entry.settings import load
from gateway.entry.wiring import build_converter
from gateway.mapping.loader import load_mappings
from gateway.mapping.sites import Site, Sites
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.bench.document_letters import of_patients
from tests.support.gateway import holdings, message, take
from tests.support.merging import pair
from tests.support.pipeline import HandClock
from tests.unit.pipeline.test_document_requests import answer, cda, changed, withdrawal

SET = "2.999.1.990004004.2.77"


def letter(patient: int, number: str) -> bytes:
    """Return a letter of a patient; all of them name one setId and have the same entries."""
    body = of_patients(patient, 1, 1)[0][0]
    own = f"2.999.1.990004004.2.{patient + 100}.1.1"
    return changed(
        cda(body, lambda text: text.replace(f'<setId root="{own}"', f'<setId root="{SET}"')),
        MSH_10=number,
    )


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, tmp_path):
    opened = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path}/d")
    await opened.open()
    yield opened
    await opened.close()


async def _about(store, kind: str) -> set[str]:
    found = (await holdings(store, kind)).values()
    return {(one.get("subject") or one["patient"])["reference"] for one in found}


async def test_the_letter_of_another_person_waits_and_takes_nothing_over(store):
    [first] = await take(store, letter(1, "A1"))
    before = await _about(store, "Condition")
    [second] = await take(store, letter(2, "A2"))

    assert first.outcome is Outcome.ACCEPTED
    assert answer(second)[:2] == ("AE", "205")
    assert [issue.code for issue in second.issues] == ["RLS-CDA-046"]
    assert await _about(store, "Condition") == before != set()
    assert await _about(store, "AllergyIntolerance") == before


async def test_two_in_one_commit_are_judged_one_after_the_other(store):
    receipts = await take(store, letter(1, "A1"), letter(2, "A2"))

    assert [one.outcome for one in receipts] == [Outcome.ACCEPTED, Outcome.REJECTED]


async def test_the_next_version_for_the_same_person_is_taken(store):
    versions = of_patients(3, 2, 2)[0]

    receipts = await take(store, *versions)

    assert [one.outcome for one in receipts] == [Outcome.ACCEPTED] * 2


async def test_a_withdrawn_document_counts_as_well(store):
    """What it said stands in error under the ids of its set: another person would inherit it."""
    wrong = letter(1, "A1")
    receipts = await take(store, wrong, withdrawal(wrong), letter(2, "A2"))

    assert [one.outcome for one in receipts] == [
        Outcome.ACCEPTED,
        Outcome.ACCEPTED,
        Outcome.REJECTED,
    ]


async def test_two_records_of_one_person_may_share_a_set(store):
    one, other = letter(1, "A1"), letter(2, "A2")
    # The second record is said to be of the same person before its letter comes.
    joined = pair("A24", "0000000001", "0000000002", "202603020930")
    joined = joined.replace(b"CHU-DEMO", b"HAD-DORDE").replace(b"990000001", b"990004004")
    joined = joined.replace(b"|P|2.5", b"|T|2.5")

    receipts = await take(store, one, joined, other)

    assert [one.outcome for one in receipts] == [Outcome.ACCEPTED] * 3


@lru_cache
def sharing():
    """Return a converter whose senders all give one setId to everybody, and say so."""
    mappings = replace(load_mappings(), sites=Sites([Site(name="default", set_ids="shared")]))
    return build_converter(load(), clock=HandClock(), mappings=mappings)


async def test_a_site_that_shares_its_sets_is_read_with_the_patient(store):
    """Each letter gives as much as the other, and nothing of it is about the other person."""
    receipts = await take(store, letter(1, "A1"), letter(2, "A2"), made=sharing())

    assert [one.outcome for one in receipts] == [Outcome.ACCEPTED] * 2
    for kind in ("Condition", "AllergyIntolerance", "CarePlan", "ServiceRequest"):
        about = Counter(
            (one.get("subject") or one["patient"])["reference"]
            for one in (await holdings(store, kind)).values()
        )
        assert len(about) == 2, kind
        assert len(set(about.values())) == 1, kind


async def test_a_shared_set_keeps_the_versions_of_one_person_together(store):
    """The second version takes the place of the first, whatever came of others between them."""
    first, second = of_patients(3, 2, 2)[0]
    receipts = await take(store, first, letter(1, "A1"), second, made=sharing())

    assert [one.outcome for one in receipts] == [Outcome.ACCEPTED] * 3
    documents = (await holdings(store, "DocumentReference")).values()
    assert Counter(one["status"] for one in documents) == {"current": 2, "superseded": 1}


async def test_what_a_shared_set_promises_is_told_of_each_person_alone():
    """The same fact of two letters has two keys; that of one letter is the same each time."""
    one, again, other = (
        {fact.key for fact in sharing().prepare(sharing().open(message(body))).assertions}
        for body in (letter(1, "A1"), letter(1, "A1"), letter(2, "A2"))
    )

    assert one == again
    assert {key for key in one & other if key.startswith(("DOC", "LDL", "HOME", "RX"))} == set()
