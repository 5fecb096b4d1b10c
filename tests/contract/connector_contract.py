"""What every connector promises, whatever is on the other side; a test file per connector adds it.

The subclass gives fixtures `connector` and `other_side`: an object that can be told to accept, to
refuse for good, to be away, and that counts what it took.
"""

import logging

import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.core.errors import RejectedError, RetriableError

#: Loggers of doubles: they see everything, and are no part of the product.
_DOUBLES = ("mail.", "aiosmtpd", "pymap", "uvicorn", "asyncio", "signxml")


class ConnectorContract:
    """The suite."""

    async def test_sends_once(self, connector, other_side):
        handover = await connector.send(other_side.accepted())

        assert handover.status in (DeliveryStatus.SENT, DeliveryStatus.CONFIRMED)
        assert other_side.count() == 1

    async def test_retries_are_left_to_the_caller(self, connector, other_side):
        delivery = other_side.not_now()

        with pytest.raises(RetriableError) as caught:
            await connector.send(delivery)

        assert other_side.attempts() == 1
        assert caught.value.retry_after_s > 0

    async def test_what_is_refused_for_good_says_so(self, connector, other_side):
        with pytest.raises(RejectedError):
            await connector.send(other_side.refused())

        assert other_side.count() == 0

    async def test_the_other_side_being_away_is_no_refusal(self, connector, other_side):
        await other_side.go_away()

        with pytest.raises(RetriableError):
            await connector.send(other_side.accepted())

    async def test_a_second_attempt_is_the_same_to_the_other_side(self, connector, other_side):
        first = await connector.send(other_side.accepted())
        second = await connector.send(other_side.accepted())

        assert other_side.distinct() == 1
        assert first.receipt == second.receipt

    async def test_tells_nothing_of_patients(self, connector, other_side, caplog):
        caplog.set_level(logging.DEBUG)
        handover = await connector.send(other_side.accepted())
        told = [handover.note]
        for delivery in (other_side.not_now(), other_side.refused()):
            with pytest.raises((RetriableError, RejectedError)) as caught:
                await connector.send(delivery)
            told.append(str(caught.value))

        told += [r.getMessage() for r in caplog.records if not r.name.startswith(_DOUBLES)]
        assert [word for word in other_side.secrets() if word in "\n".join(told)] == []
