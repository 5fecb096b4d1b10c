"""The connector of the secure mail against the double of an operator, over real sockets."""

import asyncio
from dataclasses import replace
from email import message_from_bytes, policy

import pytest
import trustme

from gateway.connectors.mail_tls import operator_context
from gateway.connectors.mssante import Domain
from gateway.core.deliveries import DeliveryStatus
from gateway.core.errors import FatalError, RejectedError, RetriableError
from gateway.simulation.mail_operator import Fate, Manners
from tests.contract.connector_contract import ConnectorContract
from tests.support.mail import DOCTOR, SENDER, Post, code_of, delivery, fate_of, letter, post, to


@pytest.fixture
async def office(tmp_path):
    async with post(tmp_path, Manners(fate=fate_of)) as opened:
        yield opened


class OtherSide:
    """The double as the suite of all connectors sees it."""

    def __init__(self, office: Post):
        self.office = office
        self.body = letter()

    def accepted(self):
        return delivery(self.body)

    def not_now(self):
        return delivery(self.body, to(Fate.LATER))

    def refused(self):
        return delivery(self.body, to(Fate.UNKNOWN))

    async def go_away(self):
        await self.office.operator.stop()

    def count(self):
        return len(self.office.operator.taken)

    def distinct(self):
        return len(self.office.operator.by_message_id)

    def attempts(self):
        return len(self.office.operator.refusals)

    def secrets(self):
        return ["medecin.7", "unknown@", "later@", "PAT-", "PAULINE", "254039902200377"]


class TestMssante(ConnectorContract):
    @pytest.fixture
    def connector(self, office):
        return office.connector

    @pytest.fixture
    def other_side(self, office):
        return OtherSide(office)


# --- sending --------------------------------------------------------------------------------


@pytest.mark.field("FL-171")
async def test_a_withdrawal_passes_every_check_and_answers_the_mail_of_the_letter(office):
    sent = delivery(letter())
    words = delivery(letter(), withdraws=sent.item.key, read_receipt=False)
    own = replace(words, item=replace(words.item, key="0" * 32))

    await office.connector.send(sent)
    handover = await office.connector.send(own)

    first, second = office.operator.taken
    mail = message_from_bytes(second.data, policy=policy.default)
    assert second.wrong == ()
    assert (second.recipient, second.envelope_id) == (first.recipient, "0" * 32)
    assert mail["In-Reply-To"] == mail["References"] == f"<{first.message_id.strip('<>')}>"
    assert mail["Subject"].startswith("[Annule] Lettre")
    assert (mail["X-MSS-CODECDA"], mail["X-MSS-INS"]) == (None, None)
    assert "annulé par son auteur" in mail.get_content()
    assert handover.status is DeliveryStatus.SENT


async def test_a_mail_passes_every_check_of_the_operator(office):
    handover = await office.connector.send(delivery(letter()))

    [taken] = office.operator.taken
    assert taken.wrong == ()
    assert taken.sender == SENDER.address
    assert taken.recipient == DOCTOR
    assert taken.notify == {"SUCCESS", "FAILURE", "DELAY"}
    assert taken.envelope_id == delivery(b"").item.key
    assert handover.status is DeliveryStatus.SENT
    assert handover.receipt["message_id"] == taken.message_id


async def test_4yz_then_success_is_one_mail(office):
    row = delivery(letter(), to(Fate.LATER))

    with pytest.raises(RetriableError) as caught:
        await office.connector.send(row)
    handover = await office.connector.send(row)

    assert code_of(caught) == "RLS-MSS-023"
    assert handover.status is DeliveryStatus.SENT
    assert len(office.operator.taken) == 1


async def test_an_unknown_mailbox_is_refused_with_code_and_word(office):
    with pytest.raises(RejectedError) as caught:
        await office.connector.send(delivery(letter(), to(Fate.UNKNOWN)))

    [issue] = caught.value.issues
    assert (issue.code, issue.where) == ("RLS-MSS-024", "SMTP RCPT")
    assert issue.what == "the operator answered 550 mailbox unknown."


@pytest.mark.field("FL-262")
async def test_a_mail_over_the_announced_size_is_not_even_offered(tmp_path):
    async with post(tmp_path, Manners(limit=2000)) as office:
        with pytest.raises(RejectedError) as caught:
            await office.connector.send(delivery(letter()))

        [issue] = caught.value.issues
        assert (issue.code, issue.where) == ("RLS-MSS-025", "SMTP SIZE")
        assert "another channel" in issue.fix
        assert office.operator.refusals == []


@pytest.mark.field("FL-262")
async def test_552_is_final(office):
    with pytest.raises(RejectedError) as caught:
        await office.connector.send(delivery(letter(), to(Fate.TOO_LARGE)))

    assert code_of(caught) == "RLS-MSS-025"


async def test_a_domain_has_a_limit_of_its_own(office):
    connector = office.another(domains={"mssante.example": Domain(limit=100)})

    with pytest.raises(RejectedError) as caught:
        await connector.send(delivery(letter()))

    assert caught.value.issues[0].where == "recipient domain"


async def test_nothing_leaves_the_trust_space(office):
    with pytest.raises(RejectedError) as caught:
        await office.connector.send(delivery(letter(), "medecin@mail.example"))

    assert code_of(caught) == "RLS-MSS-005"
    assert office.operator.taken == []


@pytest.mark.field("FL-261")
async def test_a_domain_that_never_confirms_is_taken_at_its_word(office):
    handover = await office.connector.send(delivery(letter(), "ide@silent.mssante.example"))

    assert handover.status is DeliveryStatus.CONFIRMED
    assert handover.receipt["evidence"] == "assumed"


@pytest.mark.field("FL-261")
async def test_a_missing_notice_leaves_the_row_sent(office):
    handover = await office.connector.send(delivery(letter(), to(Fate.SILENT)))
    await office.operator.settled()

    assert handover.status is DeliveryStatus.SENT
    assert await office.notices.poll() == []


async def test_an_operator_without_notices_is_asked_for_none(tmp_path):
    async with post(tmp_path, Manners(announces_dsn=False)) as office:
        handover = await office.connector.send(delivery(letter()))

        assert office.operator.taken[0].notify == frozenset()
        assert handover.receipt["assumed"] is True


# --- TLS ------------------------------------------------------------------------------------


async def test_a_missing_client_certificate_is_an_alarm_and_not_the_network(office):
    def bare():
        context = operator_context(office.pki.authority, office.pki.client)
        other = type(context)(context.protocol)
        other.load_verify_locations(office.pki.authority)
        return other

    with pytest.raises(RetriableError) as caught:
        await office.another(tls=bare).send(delivery(letter()))

    assert code_of(caught) == "RLS-MSS-021"
    assert caught.value.retry_after_s >= 900
    assert office.operator.taken == []


async def test_an_operator_of_another_authority_gets_nothing(office, tmp_path):
    stranger = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(stranger)

    with pytest.raises(RetriableError) as caught:
        await office.another(tls=lambda: operator_context(stranger, office.pki.client)).send(
            delivery(letter())
        )

    assert code_of(caught) == "RLS-MSS-021"
    assert office.operator.taken == []


async def test_a_server_without_starttls_gets_no_mail(office):
    async def plain(reader, writer):
        writer.write(b"220 x\r\n")
        await reader.readline()
        writer.write(b"250-x\r\n250 HELP\r\n")
        seen.append(await reader.readline())
        writer.close()

    seen: list[bytes] = []
    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    with pytest.raises(RetriableError) as caught:
        await office.another(port=port).send(delivery(letter()))
    server.close()

    assert code_of(caught) == "RLS-MSS-022"
    assert b"MAIL" not in b"".join(seen)


async def test_a_server_that_hangs_is_away(office):
    async def silent(reader, writer):
        await reader.read()
        writer.close()
        ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    with pytest.raises(RetriableError) as caught:
        await office.another(port=port, timeout_s=0.2).send(delivery(letter()))
    await ended.wait()
    server.close()

    assert code_of(caught) == "RLS-MSS-020"


@pytest.mark.parametrize("missing", ["authority", "client"])
def test_a_missing_file_is_named_by_its_part(tmp_path, missing):
    files = {"authority": tmp_path / "a.pem", "client": tmp_path / "c.pem"}
    ca = trustme.CA()
    ca.cert_pem.write_to_path(files["authority"])
    ca.issue_cert("x.example").private_key_and_cert_chain_pem.write_to_path(files["client"])
    files[missing].unlink()

    with pytest.raises(FatalError) as caught:
        operator_context(files["authority"], files["client"])

    assert code_of(caught) == "RLS-MSS-041"
