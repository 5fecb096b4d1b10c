"""What becomes of versions and masks of a document, the same in every dialect of the record."""

from abc import ABC, abstractmethod

import pytest

from gateway.core.deliveries import DeliveryStatus
from tests.support.dmp import letter, named
from tests.support.versions import FIRST, NEW, OLD, SECOND
from tests.unit.pipeline.test_document_masks import masked
from tests.unit.pipeline.test_submissions import LETTER

C, R, S = DeliveryStatus.CONFIRMED, DeliveryStatus.REFUSED, DeliveryStatus.SKIPPED
HIDDEN = masked(LETTER, "M1")


def flagged(body: bytes, *names: bytes) -> bytes:
    """Return a message with flags set, and without a mail to the patient."""
    lines = body.split(b"\r")
    for at, line in enumerate(lines):
        if any(name in line for name in names):
            lines[at] = line.replace(b"||N^^", b"||Y^^")
        if b"DESTMSSANTEPAT" in line:
            lines[at] = line.replace(b"||Y^^", b"||N^^")
    return b"\r".join(lines)


class VersionContract(ABC):
    """The suite; a dialect brings its record as the fixture `feeding`."""

    #: The words of the dialect for an entry that counts, and for one that was replaced.
    current: str
    replaced: str

    @abstractmethod
    def kept(self, feeding) -> list[tuple[str, str, list[str]]]:
        """Return uniqueId, state and codes of visibility of every entry of the record."""

    @abstractmethod
    def cut_after_the_next(self, feeding) -> None:
        """Let the record take the next document, and its answer be lost."""

    async def test_a_new_version_takes_the_place_of_the_old(self, feeding):
        await feeding.take(FIRST)
        await feeding.later(minutes=1)
        await feeding.take(SECOND)
        await feeding.later(minutes=1)

        assert self.kept(feeding) == [(OLD, self.replaced, ["N"]), (NEW, self.current, ["N"])]
        assert feeding.shared.repository.refusals == []

    @pytest.mark.parametrize("mask", [b"INVISIBLE_PATIENT", b"MASQUE_PS"])
    async def test_a_new_version_has_the_masks_of_its_message(self, feeding, mask):
        await feeding.take(FIRST)
        await feeding.later(minutes=1)
        await feeding.take(flagged(SECOND, mask, b"MODIF_CONF_CODE"))
        await feeding.later(minutes=1)

        assert self.kept(feeding) == [
            (OLD, self.replaced, ["N"]),
            (NEW, self.current, ["N", mask.decode()]),
        ]
        assert await feeding.status() == [C, C]

    async def test_a_document_becomes_visible_by_its_next_version(self, feeding):
        await feeding.take(flagged(FIRST, b"INVISIBLE_PATIENT"))
        await feeding.later(minutes=1)
        await feeding.take(flagged(SECOND, b"MODIF_CONF_CODE"))
        await feeding.later(minutes=1)

        assert self.kept(feeding) == [
            (OLD, self.replaced, ["N", "INVISIBLE_PATIENT"]),
            (NEW, self.current, ["N"]),
        ]

    async def test_other_masks_under_one_identifier_are_told_to_a_person_when_it_was_fed(
        self, feeding
    ):
        await feeding.take(LETTER)
        await feeding.later(minutes=1)
        await feeding.take(HIDDEN, masked(LETTER, "M2"))
        await feeding.later(minutes=1)

        assert self.kept(feeding) == [(named(letter()), self.current, ["N"])]
        assert await feeding.status() == [C, R]
        [note] = await feeding.store.read(
            lambda tx: [row.note for row in tx.outbox.page([R], 0, 9, "dmp")]
        )
        assert note.startswith("RLS-DMP-062: ")
        assert "new version" in note

    async def test_other_masks_before_it_left_are_the_ones_it_leaves_with(self, feeding):
        await feeding.take(LETTER, HIDDEN)
        await feeding.later(minutes=1)

        assert self.kept(feeding) == [(named(letter()), self.current, ["N", "INVISIBLE_PATIENT"])]
        assert await feeding.status() == [S, C]

    async def test_masks_that_come_before_the_letter_stay(self, feeding):
        await feeding.take(HIDDEN, LETTER)
        await feeding.later(minutes=1)

        assert self.kept(feeding) == [(named(letter()), self.current, ["N", "INVISIBLE_PATIENT"])]
        assert await feeding.status() == [C]

    async def test_a_replacement_after_an_end_nobody_saw_is_one_entry(self, feeding):
        await feeding.take(FIRST)
        await feeding.later(minutes=1)
        self.cut_after_the_next(feeding)
        await feeding.take(SECOND)
        await feeding.later(minutes=1)
        feeding.again()
        await feeding.later(hours=1)

        assert [one[:2] for one in self.kept(feeding)] == [
            (OLD, self.replaced),
            (NEW, self.current),
        ]
        assert await feeding.status() == [C, C]
