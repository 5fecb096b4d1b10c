"""One setId for the documents of two persons: the later one waits, nothing of the first changes."""

import pytest

from gateway.core.messages import Outcome
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.bench.document_letters import of_patients
from tests.support.gateway import holdings, take
from tests.support.merging import pair
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
