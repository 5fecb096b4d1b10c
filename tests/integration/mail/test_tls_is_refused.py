"""TLS refused by either side is an alarm a person sees, tried slowly, and mends by itself."""

from datetime import UTC, datetime, timedelta

import pytest
import trustme

from gateway.core.deliveries import DeliveryStatus
from gateway.pipeline.closed_doors import outages
from gateway.simulation.mail_operator import Fate, Manners
from gateway.simulation.mail_pki import make_pki, read_pki
from gateway.store.factory import open_store
from tests.integration.mail.conftest import Leaving
from tests.support.mail import NOW, fate_of, post

W, SENT = DeliveryStatus.RETRY_WAIT, DeliveryStatus.SENT


def spans():
    """Return begin and end of a certificate that ended yesterday; clocks of TLS are real."""
    end = datetime.now(UTC) - timedelta(days=1)
    return {"not_before": end - timedelta(days=30), "not_after": end}


def of_client(**changes):
    """Return a certificate of our mailbox that its operator refuses."""
    return lambda authority: ("client", authority.issue_cert("relais.mssante.example", **changes))


def of_operator(*names, **changes):
    """Return a certificate of the operator that we refuse."""
    return lambda authority: ("operator", authority.issue_cert(*names, **changes))


CASES = {
    "ours has ended": of_client(**spans()),
    "ours is of another authority": lambda _: (
        "client", trustme.CA().issue_cert("relais.mssante.example")
    ),
    "theirs has ended": of_operator("localhost", "127.0.0.1", **spans()),
    "theirs names another host": of_operator("smtp.elsewhere.example"),
    "theirs is of another authority": lambda _: (
        "operator", trustme.CA().issue_cert("localhost", "127.0.0.1")
    ),
}  # fmt: skip


def good_and_bad(folder, case):
    """Write two sets of files of one authority: all good, and one certificate refused."""
    authority = trustme.CA(organization_name="AC ESSAI ELEMENTAIRE ORGANISATIONS")
    made = {
        "client": authority.issue_cert("relais.mssante.example", common_name="relais"),
        "operator": authority.issue_cert("localhost", "127.0.0.1"),
    }
    which, refused = case(authority)
    for name, certificates in (("good", made), ("bad", {**made, which: refused})):
        (folder / name).mkdir()
        authority.cert_pem.write_to_path(folder / name / "authority.pem")
        for part, issued in certificates.items():
            issued.private_key_and_cert_chain_pem.write_to_path(folder / name / f"{part}.pem")
    return read_pki(folder / "good"), read_pki(folder / "bad")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_it_is_an_alarm_and_the_letter_leaves_once_it_is_mended(tmp_path, case):
    good, bad = good_and_bad(tmp_path, case)
    store = open_store(f"sqlite:///{tmp_path}/mail.db")
    await store.open()
    async with post(tmp_path, Manners(fate=fate_of), bad) as office:
        leaving = Leaving(office, store)
        await leaving.queue(Fate.DELIVER)
        await leaving.deliverer.step()
        alarmed = await leaving.row()
        [told] = await store.read(outages)
        leaving.clock.advance(minutes=14)
        early = await leaving.deliverer.step()

        # Mended: the certificate of one side is renewed, nothing is restarted here.
        bad.client.write_bytes(good.client.read_bytes())
        bad.server.load_cert_chain(tmp_path / "good" / "operator.pem")
        leaving.clock.advance(minutes=2)
        await leaving.deliverer.step()
        end = await leaving.row()
        taken = list(office.operator.by_message_id.values())
    await store.close()

    assert (alarmed.status, alarmed.note.split(" ")[0]) == (W, "RLS-MSS-021")
    assert alarmed.due_at == NOW + timedelta(minutes=15)
    assert (told.connector, told.code, told.waiting) == ("mssante", "RLS-MSS-021", 1)
    assert early == 0
    assert (end.status, end.attempts, taken) == (SENT, 2, [1])


async def test_a_refused_certificate_that_nobody_renews_ends_with_a_person(tmp_path):
    pki = make_pki(tmp_path)
    other = trustme.CA().issue_cert("relais.mssante.example")
    other.private_key_and_cert_chain_pem.write_to_path(pki.client)
    store = open_store(f"sqlite:///{tmp_path}/mail.db")
    await store.open()
    async with post(tmp_path, Manners(fate=fate_of), pki) as office:
        leaving = Leaving(office, store)
        await leaving.queue(Fate.DELIVER)
        for _ in range(5):
            await leaving.deliverer.step()
            leaving.clock.advance(days=1)
        end = await leaving.row()
        taken = office.operator.taken
    await store.close()

    assert (end.status, end.note.split(" ")[0]) == (DeliveryStatus.GIVEN_UP, "RLS-MSS-021")
    assert taken == []
