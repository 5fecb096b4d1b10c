"""TLS refused between gateway and shared record is an alarm, tried slowly, and mends by itself."""

from datetime import UTC, datetime, timedelta

import pytest
import trustme

from gateway.core.deliveries import DeliveryStatus
from gateway.pipeline.closed_doors import outages
from tests.support.mail import messages

W, C = DeliveryStatus.RETRY_WAIT, DeliveryStatus.CONFIRMED
RSA = trustme.KeyType.RSA


def ended():
    end = datetime.now(UTC) - timedelta(days=1)
    return {"not_before": end - timedelta(days=30), "not_after": end}


#: Certificates of the record, and the authority we are told to believe: its own, or another.
CASES = {
    "theirs has ended": (("localhost", "127.0.0.1"), True, ended),
    "theirs names another host": (("dmp.elsewhere.example",), True, dict),
    "theirs is of another authority": (("localhost", "127.0.0.1"), False, dict),
}


async def rows(feeding):
    return await feeding.store.read(lambda tx: tx.outbox.page(list(DeliveryStatus), 0, 100, "dmp"))


@pytest.mark.parametrize(("names", "is_believed", "dates"), CASES.values(), ids=CASES)
async def test_a_record_we_do_not_believe_gets_nothing_until_it_is_mended(
    feeding, tmp_path, names, is_believed, dates
):
    pki = feeding.shared.pki
    stranger = trustme.CA(key_type=RSA)
    stranger.issue_cert(
        *names, key_type=RSA, **dates()
    ).private_key_and_cert_chain_pem.write_to_path(tmp_path / "refused.pem")
    good = pki.authority.read_bytes()
    if is_believed:
        # Of an authority we do believe, so that nothing but name or date is wrong.
        pki.authority.write_bytes(good + stranger.cert_pem.bytes())
    pki.server.load_cert_chain(tmp_path / "refused.pem")
    await feeding.take(messages()[0], messages()[2])
    await feeding.later(minutes=1)
    waits = await rows(feeding)
    told = await feeding.store.read(outages)

    pki.server.load_cert_chain(tmp_path / "server.pem")
    for _ in range(3):
        await feeding.later(minutes=16)

    assert {(row.status, row.note.split(" ")[0]) for row in waits} == {(W, "RLS-DMP-021")}
    assert [(one.connector, one.code, one.waiting) for one in told] == [("dmp", "RLS-DMP-021", 2)]
    assert await feeding.status() == [C, C]
    assert len(feeding.shared.repository.kept) == 2


async def test_a_record_nobody_reaches_is_tried_by_one_letter_at_a_time(feeding):
    await feeding.take(messages()[0], messages()[2])
    await feeding.shared.repository.stop()
    for _ in range(20):
        await feeding.later(seconds=30)
    waits = await rows(feeding)

    assert {(row.status, row.note.split(" ")[0]) for row in waits} == {(W, "RLS-DMP-020")}
    # Both were on their way when the first failed; then one each half minute.
    assert 2 < sum(row.attempts for row in waits) <= 2 + 20
