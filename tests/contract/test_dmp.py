"""The connector of the shared record against its double, over real TLS sockets."""

import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.core.errors import RejectedError, RetriableError
from gateway.simulation.dmp_repository import Mishap
from tests.contract.connector_contract import ConnectorContract
from tests.support.dmp import PATIENTS, Record, author_of, delivery, letter, named, record


def code_of(caught):
    return caught.value.issues[0].code


@pytest.fixture
async def shared(tmp_path):
    async with record(tmp_path) as opened:
        yield opened


class OtherSide:
    """The double as the suite of all connectors sees it."""

    def __init__(self, shared: Record):
        self.shared = shared
        self.repository = shared.repository

    def accepted(self):
        return delivery(letter())

    def not_now(self):
        self.repository.manners.mishaps[:] = [Mishap.BUSY]
        return delivery(letter())

    def refused(self):
        # A type of document this record does not take.
        self.repository.manners.value_sets = {"typeCode": {"18776-5"}}
        return delivery(letter(2))

    async def go_away(self):
        await self.repository.stop()

    def count(self):
        return len(self.repository.kept)

    def distinct(self):
        return len({one.unique_id for one in self.repository.kept})

    def attempts(self):
        return len(self.repository.refusals)

    def secrets(self):
        return [*PATIENTS, "PAT-", "PAULINE", "MICASCHISTE"]


class TestDmp(ConnectorContract):
    @pytest.fixture
    def connector(self, shared):
        return shared.connector

    @pytest.fixture
    def other_side(self, shared):
        return OtherSide(shared)


async def test_a_letter_passes_every_rule_of_the_record(shared):
    handover = await shared.connector.send(delivery(letter(), author=author_of()))

    [kept] = shared.repository.kept
    assert shared.repository.findings == []
    assert kept.document == letter()
    assert kept.unique_id == named(letter())
    assert handover.status is DeliveryStatus.CONFIRMED
    assert handover.receipt == {"document": kept.unique_id, "evidence": "delivered"}


