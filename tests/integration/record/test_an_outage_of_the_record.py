"""The shared record is away with twenty letters waiting: few knock, all arrive once, in order."""

import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.pipeline.closed_doors import outages
from gateway.store.factory import open_store
from tests.bench.document_letters import matricule, of_patients, root
from tests.integration.record.test_letters_are_fed import Feeding
from tests.support.dmp import record
from tests.support.pdsm import fhir_record

PERSONS, EACH = 10, 2
COUNT = PERSONS * EACH
W, C = DeliveryStatus.RETRY_WAIT, DeliveryStatus.CONFIRMED
QUEUED, GIVEN_UP = DeliveryStatus.QUEUED, DeliveryStatus.GIVEN_UP


class Soap:
    """The record as it is: XDS over SOAP."""

    opened = staticmethod(record)

    @staticmethod
    def know(repository, ins):
        repository.manners.patients[ins] = "active"

    @staticmethod
    def kept(repository):
        return [(one.unique_id, one.status == "Approved") for one in repository.kept]


class Fhir:
    """A record that speaks PDSm."""

    opened = staticmethod(fhir_record)

    @staticmethod
    def know(repository, ins):
        repository.patients[ins] = True

    @staticmethod
    def kept(repository):
        return [
            (one["masterIdentifier"]["value"].removeprefix("urn:oid:"), one["status"] == "current")
            for one in repository.documents
        ]


class Outage(Feeding):
    """A gateway with letters and their replacements, whose knocks are counted."""

    def connector(self):
        self.knocks = 0
        connector = super().connector()

        async def counted(row):
            self.knocks += 1
            return await type(connector).send(connector, row)

        connector.send = counted
        return connector

    async def run(self, seconds, step=5):
        for _ in range(seconds // step):
            await self.later(seconds=step)

    async def told(self):
        return await self.store.read(outages)


@pytest.fixture(params=[Soap, Fhir])
def dialect(request):
    return request.param


@pytest.fixture
async def outage(tmp_path, dialect):
    store = open_store(f"sqlite:///{tmp_path}/record.db")
    async with dialect.opened(tmp_path) as shared:
        for patient in range(PERSONS):
            dialect.know(shared.repository, matricule(patient))
        await store.open()
        try:
            made = Outage(shared, store)
            await shared.repository.stop()
            for letters in of_patients(0, COUNT, EACH):
                await made.take(*letters)
            yield made
        finally:
            await store.close()


@pytest.mark.field("FL-278")
async def test_few_knock_and_when_the_door_opens_all_arrive_once(outage, dialect):
    await outage.run(seconds=600)
    knocks, waits = outage.knocks, await outage.status()
    [told] = await outage.told()
    await outage.shared.repository.start()
    await outage.run(seconds=300)

    # One try each half minute, and at the first those that were on their way together.
    assert knocks <= PERSONS + 600 // 30
    # A replacement stands behind what it replaces.
    assert sorted(waits) == [QUEUED] * PERSONS + [W] * PERSONS
    assert (told.connector, told.code, told.waiting) == ("dmp", "RLS-DMP-020", PERSONS)
    assert await outage.status() == [C] * COUNT
    assert await outage.told() == []
    # The first version of each letter stands replaced, the second counts; neither came twice.
    versions = {root(n, 0, version): version == 2 for n in range(PERSONS) for version in (1, 2)}
    kept = dialect.kept(outage.shared.repository)
    assert len(kept) == COUNT
    assert dict(kept) == versions


async def test_killed_in_the_outage_all_arrive_once_all_the_same(outage, dialect):
    await outage.run(seconds=60)
    # What the process knew of the door died with it.
    outage.again()
    await outage.run(seconds=60)
    await outage.shared.repository.start()
    outage.again()
    await outage.run(seconds=300)

    assert await outage.status() == [C] * COUNT
    assert len(dialect.kept(outage.shared.repository)) == COUNT


async def test_an_outage_beyond_the_horizon_leaves_dead_letters(outage, dialect):
    await outage.run(seconds=60)
    outage.clock.advance(days=3)
    await outage.run(seconds=60)

    assert set(await outage.status()) == {GIVEN_UP}
    assert dialect.kept(outage.shared.repository) == []
