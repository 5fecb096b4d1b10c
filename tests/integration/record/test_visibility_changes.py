"""Who may see a document changes after it was fed: a new version, or a word to a person."""

import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.store.factory import open_store
from tests.integration.record.test_letters_are_fed import Feeding
from tests.support.dmp import letter, named, record
from tests.support.versions import FIRST, NEW, OLD, SECOND
from tests.unit.pipeline.test_document_masks import masked
from tests.unit.pipeline.test_document_requests import withdrawal
from tests.unit.pipeline.test_submissions import LETTER

C, R, S = DeliveryStatus.CONFIRMED, DeliveryStatus.REFUSED, DeliveryStatus.SKIPPED
HIDDEN = masked(LETTER, "M1")


@pytest.fixture
async def feeding(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/record.db")
    async with record(tmp_path) as shared:
        await store.open()
        try:
            yield Feeding(shared, store)
        finally:
            await store.close()


def flagged(body: bytes, *names: bytes) -> bytes:
    """Return a message with flags set, and without a mail to the patient."""
    lines = body.split(b"\r")
    for at, line in enumerate(lines):
        if any(name in line for name in names):
            lines[at] = line.replace(b"||N^^", b"||Y^^")
        if b"DESTMSSANTEPAT" in line:
            lines[at] = line.replace(b"||Y^^", b"||N^^")
    return b"\r".join(lines)


def kept(feeding):
    """Return identifier, state and codes of visibility of every entry of the record."""
    return [
        (one.unique_id, one.status,
         [code.code for code in one.entry.codes["confidentialityCode"]])
        for one in feeding.shared.repository.kept
    ]  # fmt: skip


@pytest.mark.parametrize("mask", [b"INVISIBLE_PATIENT", b"MASQUE_PS"])
async def test_a_new_version_with_other_masks_takes_the_place_of_the_old(feeding, mask):
    await feeding.take(FIRST)
    await feeding.later(minutes=1)
    await feeding.take(flagged(SECOND, mask, b"MODIF_CONF_CODE"))
    await feeding.later(minutes=1)

    assert kept(feeding) == [
        (OLD, "Deprecated", ["N"]),
        (NEW, "Approved", ["N", mask.decode()]),
    ]
    assert await feeding.status() == [C, C]


async def test_a_document_becomes_visible_by_its_next_version(feeding):
    await feeding.take(flagged(FIRST, b"INVISIBLE_PATIENT"))
    await feeding.later(minutes=1)
    await feeding.take(flagged(SECOND, b"MODIF_CONF_CODE"))
    await feeding.later(minutes=1)

    assert kept(feeding) == [
        (OLD, "Deprecated", ["N", "INVISIBLE_PATIENT"]),
        (NEW, "Approved", ["N"]),
    ]


async def test_other_masks_under_one_identifier_are_told_to_a_person_when_it_was_fed(feeding):
    await feeding.take(LETTER)
    await feeding.later(minutes=1)
    await feeding.take(HIDDEN, masked(LETTER, "M2"))
    await feeding.later(minutes=1)

    assert kept(feeding) == [(named(letter()), "Approved", ["N"])]
    assert await feeding.status() == [C, R]
    notes = await feeding.store.read(
        lambda tx: [row.note for row in tx.outbox.page([R], 0, 9, "dmp")]
    )
    assert notes[0].startswith("RLS-DMP-062: ")
    assert "new version" in notes[0]


async def test_other_masks_before_it_left_are_the_ones_it_leaves_with(feeding):
    await feeding.take(LETTER, HIDDEN)
    await feeding.later(minutes=1)

    assert kept(feeding) == [(named(letter()), "Approved", ["N", "INVISIBLE_PATIENT"])]
    assert await feeding.status() == [S, C]


async def test_masks_that_come_before_the_letter_stay(feeding):
    await feeding.take(HIDDEN, LETTER)
    await feeding.later(minutes=1)

    assert kept(feeding) == [(named(letter()), "Approved", ["N", "INVISIBLE_PATIENT"])]
    assert await feeding.status() == [C]


async def test_a_letter_with_other_masks_is_still_taken_back(feeding):
    await feeding.take(LETTER, HIDDEN)
    await feeding.later(minutes=1)
    await feeding.take(withdrawal(LETTER))
    await feeding.later(minutes=1)

    assert [one[:2] for one in kept(feeding)] == [(named(letter()), "Deleted")]


async def test_masks_while_the_end_is_not_known_are_told_to_a_person(feeding):
    feeding.shared.repository.manners.closed = True
    await feeding.take(LETTER)
    await feeding.later(minutes=1)
    await feeding.take(HIDDEN)
    feeding.shared.repository.manners.closed = False
    await feeding.later(hours=2)

    assert sorted(await feeding.status()) == sorted([C, R])
    assert len(feeding.shared.repository.lots) == 1
