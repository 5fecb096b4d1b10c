"""A repository that speaks FHIR (PDSm): replacement and visibility, from the message on."""

from datetime import timedelta

import pytest

from gateway.connectors.dmp import DmpConnector
from gateway.connectors.dmp_keys import client_context
from gateway.connectors.dmp_pdsm import FhirEndpoint, PdsmDialect
from gateway.core.deliveries import DeliveryStatus
from gateway.simulation.dmp_pdsm_side import PdsmRepository
from gateway.store.factory import open_store
from tests.integration.record.test_letters_are_fed import Feeding
from tests.integration.record.test_visibility_changes import flagged
from tests.support.dmp import CONCEPTMAPS, HOUSE, PATIENTS, Hands, pki_in
from tests.support.versions import FIRST, NEW, OLD, SECOND
from tests.unit.pipeline.test_document_masks import masked
from tests.unit.pipeline.test_document_requests import withdrawal
from tests.unit.pipeline.test_submissions import LETTER

C, R = DeliveryStatus.CONFIRMED, DeliveryStatus.REFUSED


class Shared:
    """The repository and the connector towards it."""

    def __init__(self, folder):
        pki = pki_in(folder)
        self.clock, self.theirs = Hands(), Hands()
        self.repository = PdsmRepository(pki, self.theirs.now)
        self.repository.patients = dict.fromkeys(PATIENTS, True)
        self._pki = pki

    def connect(self):
        pki = self._pki
        endpoint = FhirEndpoint(
            self.repository.base_url, lambda: client_context(pki.authority, pki.client), 5, 60
        )
        self.connector = DmpConnector(PdsmDialect(endpoint, self.clock), HOUSE, CONCEPTMAPS)


@pytest.fixture
async def feeding(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/record.db")
    shared = Shared(tmp_path)
    await shared.repository.start()
    shared.connect()
    await store.open()
    try:
        yield Feeding(shared, store)
    finally:
        await store.close()
        await shared.connector.close()
        await shared.repository.stop()


def kept(feeding):
    """Return identifier, state and labels of every document of the repository."""
    return [
        (
            one["masterIdentifier"]["value"].removeprefix("urn:oid:"),
            one["status"],
            [coding["code"] for label in one["securityLabel"] for coding in label["coding"]],
        )
        for one in feeding.shared.repository.documents
    ]


async def test_a_new_version_supersedes_the_old(feeding):
    await feeding.take(FIRST)
    await feeding.later(minutes=1)
    await feeding.take(SECOND)
    await feeding.later(minutes=1)

    assert kept(feeding) == [(OLD, "superseded", ["N"]), (NEW, "current", ["N"])]
    assert feeding.shared.repository.refusals == []
    [old] = feeding.shared.repository.documents[1]["relatesTo"]
    assert (old["code"], old["target"]["reference"]) == ("replaces", "DocumentReference/d0")


@pytest.mark.parametrize("mask", [b"INVISIBLE_PATIENT", b"MASQUE_PS"])
async def test_a_new_version_has_the_masks_of_its_message(feeding, mask):
    await feeding.take(FIRST)
    await feeding.later(minutes=1)
    await feeding.take(flagged(SECOND, mask, b"MODIF_CONF_CODE"))
    await feeding.later(minutes=1)

    assert kept(feeding) == [(OLD, "superseded", ["N"]), (NEW, "current", ["N", mask.decode()])]
    assert await feeding.status() == [C, C]


async def test_a_document_becomes_visible_by_its_next_version(feeding):
    await feeding.take(flagged(FIRST, b"INVISIBLE_PATIENT"))
    await feeding.later(minutes=1)
    await feeding.take(flagged(SECOND, b"MODIF_CONF_CODE"))
    await feeding.later(minutes=1)

    assert kept(feeding) == [
        (OLD, "superseded", ["N", "INVISIBLE_PATIENT"]),
        (NEW, "current", ["N"]),
    ]


async def test_other_masks_under_one_identifier_are_told_to_a_person(feeding):
    await feeding.take(LETTER)
    await feeding.later(minutes=1)
    await feeding.take(masked(LETTER, "M1"))
    await feeding.later(minutes=1)

    assert len(kept(feeding)) == 1
    assert await feeding.status() == [C, R]


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
    assert [state for _, state, _ in kept(feeding)] == ["current"]


async def test_a_replacement_after_an_end_nobody_saw_is_one_entry(feeding):
    await feeding.take(FIRST)
    await feeding.later(minutes=1)
    feeding.shared.repository.mishaps = [0]
    await feeding.take(SECOND)
    await feeding.later(minutes=1)
    feeding.again()
    await feeding.later(minutes=timedelta(hours=1) / timedelta(minutes=1))

    assert [(name, state) for name, state, _ in kept(feeding)] == [
        (OLD, "superseded"),
        (NEW, "current"),
    ]
    assert await feeding.status() == [C, C]
