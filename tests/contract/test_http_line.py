"""Connections to the shared record are used again, and given up when certificates may change."""

import pytest
from prometheus_client import REGISTRY

from gateway.connectors.http_line import HttpLine
from tests.support.dmp import delivery, letter, record


def made() -> float:
    return REGISTRY.get_sample_value("relais_http_clients_made_total", {"connector": "dmp"}) or 0


@pytest.fixture
async def shared(tmp_path):
    async with record(tmp_path) as opened:
        yield opened


@pytest.mark.field("FL-324")
async def test_the_requests_of_several_letters_share_a_handshake(shared):
    before, connector = made(), shared.connector

    for number in (0, 2):
        await connector.send(delivery(letter(number)))

    assert len(shared.repository.requests) == 4
    assert made() - before == 1


async def test_a_client_that_is_old_gives_way(shared):
    line = HttpLine("dmp", shared.endpoint.tls, life_s=0)
    before = made()

    async with line.client() as first, line.client() as second:
        assert first is not second
    await line.close()

    assert made() - before == 2


async def test_a_closed_line_opens_anew(shared):
    connector = shared.connector
    await connector.send(delivery(letter()))
    await connector.close()

    handover = await connector.send(delivery(letter(2)))

    assert handover.status.value == "confirmed"
