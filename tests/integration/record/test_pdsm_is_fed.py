"""A repository that speaks FHIR (PDSm): replacement and visibility, from the message on."""

import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.store.factory import open_store
from tests.integration.record.test_letters_are_fed import Feeding
from tests.integration.record.version_contract import C, R, VersionContract
from tests.support.pdsm import fhir_record
from tests.support.versions import FIRST, SECOND
from tests.unit.pipeline.test_document_requests import withdrawal
from tests.unit.pipeline.test_submissions import LETTER


@pytest.fixture
async def feeding(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/record.db")
    async with fhir_record(tmp_path) as shared:
        await store.open()
        try:
            yield Feeding(shared, store)
        finally:
            await store.close()


class TestVersionsByPdsm(VersionContract):
    current, replaced = "current", "superseded"

    def kept(self, feeding):
        return [
            (
                one["masterIdentifier"]["value"].removeprefix("urn:oid:"),
                one["status"],
                [coding["code"] for label in one["securityLabel"] for coding in label["coding"]],
            )
            for one in feeding.shared.repository.documents
        ]

    def cut_after_the_next(self, feeding):
        feeding.shared.repository.mishaps = [0]


async def test_a_new_version_names_the_one_it_replaces(feeding):
    await feeding.take(FIRST)
    await feeding.later(minutes=1)
    await feeding.take(SECOND)
    await feeding.later(minutes=1)

    [old] = feeding.shared.repository.documents[1]["relatesTo"]
    assert (old["code"], old["target"]["reference"]) == ("replaces", "DocumentReference/d0")


@pytest.mark.field("FL-343")
async def test_nothing_is_said_that_the_profiles_forbid(feeding):
    await feeding.take(FIRST)
    await feeding.later(minutes=1)

    [document] = feeding.shared.repository.documents
    assert "docStatus" not in document
    assert document["status"] == "current"


@pytest.mark.field("FL-343")
async def test_there_is_no_agreed_way_to_take_a_document_back(feeding):
    await feeding.take(LETTER)
    await feeding.later(minutes=1)
    await feeding.take(withdrawal(LETTER))
    await feeding.later(minutes=1)

    assert await feeding.status() == [C, R]
    [_, back] = await feeding.store.read(
        lambda tx: tx.outbox.page(list(DeliveryStatus), 0, 100, "dmp")
    )
    assert back.note.startswith("RLS-DMP-028")
    assert [one["status"] for one in feeding.shared.repository.documents] == ["current"]
