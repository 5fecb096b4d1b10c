"""Who may see a document of the national record changes after it was fed (XDS.b)."""

from gateway.simulation.dmp_repository import Mishap
from tests.integration.record.version_contract import HIDDEN, C, R, VersionContract
from tests.support.dmp import letter, named
from tests.unit.pipeline.test_document_requests import withdrawal
from tests.unit.pipeline.test_submissions import LETTER


class TestVersionsByXds(VersionContract):
    current, replaced = "Approved", "Deprecated"

    def kept(self, feeding):
        return [
            (one.unique_id, one.status,
             [code.code for code in one.entry.codes["confidentialityCode"]])
            for one in feeding.shared.repository.kept
        ]  # fmt: skip

    def cut_after_the_next(self, feeding):
        feeding.shared.repository.manners.mishaps[:] = [Mishap.CUT_AFTER]


async def test_a_letter_with_other_masks_is_still_taken_back(feeding):
    await feeding.take(LETTER, HIDDEN)
    await feeding.later(minutes=1)
    await feeding.take(withdrawal(LETTER))
    await feeding.later(minutes=1)

    kept = feeding.shared.repository.kept
    assert [(one.unique_id, one.status) for one in kept] == [(named(letter()), "Deleted")]


async def test_masks_while_the_end_is_not_known_are_told_to_a_person(feeding):
    feeding.shared.repository.manners.closed = True
    await feeding.take(LETTER)
    await feeding.later(minutes=1)
    await feeding.take(HIDDEN)
    feeding.shared.repository.manners.closed = False
    await feeding.later(hours=2)

    assert sorted(await feeding.status()) == sorted([C, R])
    assert len(feeding.shared.repository.lots) == 1
