"""The connector of the secure mail against the double of an operator, over real sockets."""

import asyncio
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import trustme

from gateway.connectors.mail_tls import operator_context
from gateway.connectors.mssante import Domain
from gateway.connectors.mssante_mailbox import KEPT_FOLDER, READ_FOLDER
from gateway.core.deliveries import DeliveryStatus
from gateway.core.errors import FatalError, RejectedError, RetriableError
from gateway.simulation.mail_operator import Fate, Manners
from gateway.simulation.mail_reports import Original, absence
from tests.contract.connector_contract import ConnectorContract
from tests.support.mail import DOCTOR, SENDER, Post, delivery, letter, post

FATES = {f"{fate.value.replace(' ', '-')}@essai.mssante.example": fate for fate in Fate}


def fate_of(address: str) -> Fate:
    return FATES.get(address, Fate.DELIVER)


def to(fate: Fate) -> str:
    return next(address for address, one in FATES.items() if one is fate)


@pytest.fixture
async def office(tmp_path):
    async with post(tmp_path, Manners(fate=fate_of)) as opened:
        yield opened


def code_of(caught) -> str:
    return caught.value.issues[0].code


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


# --- notices --------------------------------------------------------------------------------


async def told(office: Post, fate: Fate):
    await office.connector.send(delivery(letter(), to(fate)))
    await office.operator.settled()
    return await office.notices.poll()


async def test_a_delivered_mail_is_confirmed(office):
    [notice] = await told(office, Fate.DELIVER)

    assert notice.key == delivery(b"", to(Fate.DELIVER)).item.key
    assert notice.status is DeliveryStatus.CONFIRMED
    assert notice.note == "delivered 2.0.0"
    assert notice.receipt == {"evidence": "delivered"}


@pytest.mark.parametrize("fate", [Fate.BOUNCE, Fate.PLAIN_BOUNCE])
async def test_a_later_bounce_refuses_by_code(office, fate):
    [notice] = await told(office, fate)

    assert notice.key == delivery(b"", to(fate)).item.key
    assert notice.status is DeliveryStatus.REFUSED
    assert notice.note.startswith("550 mailbox unknown")


@pytest.mark.field("FL-263")
async def test_software_that_cannot_file_the_letter_is_told_and_the_pdf_was_there(office):
    delivered, refused = await told(office, Fate.NOT_INTEGRATED)

    assert delivered.status is DeliveryStatus.CONFIRMED
    assert refused.status is DeliveryStatus.REFUSED
    assert refused.note == "902 patient unknown"
    mail = message_from_bytes(office.operator.taken[0].data, policy=policy.default)
    assert "application/pdf" in [part.get_content_type() for part in mail.iter_attachments()]


async def test_integration_is_more_than_delivery(office):
    notices = await told(office, Fate.INTEGRATE)

    assert [n.receipt["evidence"] for n in notices] == ["delivered", "integrated"]


@pytest.mark.field("FL-269")
async def test_notices_come_again_until_they_are_done(office):
    first = await told(office, Fate.DELIVER)
    again = await office.notices.poll()
    await office.notices.done()
    after = await office.notices.poll()

    assert again == first
    assert after == []
    assert await office.mailboxes.count(SENDER.address, READ_FOLDER) == 1


@pytest.mark.field("FL-269")
async def test_a_mailbox_that_was_renumbered_loses_nothing(office):
    await told(office, Fate.DELIVER)
    await office.mailboxes.renumber(SENDER.address)
    await office.notices.done()

    assert len(await office.notices.poll()) == 1


@pytest.mark.field("FL-270")
async def test_junk_and_absences_are_kept_and_never_answered(office):
    original = Original(SENDER.address, DOCTOR, "<x@y.example>", "", b"Subject: x\r\n")
    for data in (absence(original, letter_time()), b"\x00\xff junk", b"Subject: bonjour\r\n\r\n?"):
        await office.mailboxes.append(SENDER.address, data)

    notices = await office.notices.poll()
    await office.notices.done()

    assert notices == []
    assert {issue.code for issue in office.notices.issues} == {"RLS-MSS-031"}
    assert await office.mailboxes.count(SENDER.address, KEPT_FOLDER) == 3
    assert office.operator.taken == []


async def test_a_mailbox_that_is_away_can_be_asked_again(office):
    await office.mailboxes.stop()

    with pytest.raises(RetriableError) as caught:
        await office.notices.poll()

    assert code_of(caught) == "RLS-MSS-027"


# --- sent or not sent -----------------------------------------------------------------------


@pytest.mark.field("FL-268")
async def test_a_cut_after_the_mail_left_waits_for_its_notice(office):
    row = delivery(letter(), to(Fate.CUT))

    with pytest.raises(RetriableError) as caught:
        await office.connector.send(row)
    await office.operator.settled()
    handover = await office.connector.before_resend(row)

    assert code_of(caught) == "RLS-MSS-026"
    assert caught.value.retry_after_s == 900
    assert handover is not None
    assert handover.status is DeliveryStatus.CONFIRMED
    assert len(office.operator.taken) == 1


@pytest.mark.field("FL-268")
async def test_a_resend_without_any_notice_has_the_same_message_id(tmp_path):
    async with post(tmp_path, Manners(fate=fate_of, announces_dsn=False)) as office:
        row = delivery(letter(), to(Fate.CUT), read_receipt=False)
        with pytest.raises(RetriableError):
            await office.connector.send(row)

        looked = await office.connector.before_resend(row)
        await office.connector.send(row)

        assert looked is None
        assert list(office.operator.by_message_id.values()) == [2]
        first, second = office.operator.taken
        assert first.data == second.data


async def test_a_notice_that_was_put_aside_is_still_found(office):
    row = delivery(letter(), to(Fate.DELIVER))
    await told(office, Fate.DELIVER)
    await office.notices.done()

    handover = await office.connector.before_resend(row)

    assert handover is not None
    assert handover.receipt == {"evidence": "delivered"}


async def test_a_bounce_found_before_a_resend_refuses(office):
    await told(office, Fate.BOUNCE)

    with pytest.raises(RejectedError) as caught:
        await office.connector.before_resend(delivery(letter(), to(Fate.BOUNCE)))

    assert caught.value.issues[0].where == "SMTP notice"


async def test_nothing_goes_again_blindly(office):
    await office.mailboxes.stop()

    with pytest.raises(RetriableError):
        await office.connector.before_resend(delivery(letter()))


async def test_an_operator_that_restarts_tells_its_notices_again(tmp_path: Path):
    async with post(tmp_path, Manners(delay_s=60)) as office:
        await office.connector.send(delivery(letter()))
        pki = office.pki

    async with post(tmp_path, pki=pki) as office:
        await office.operator.settled()
        [notice] = await office.notices.poll()

        assert notice.status is DeliveryStatus.CONFIRMED
        assert list(office.operator.by_message_id.values()) == [1]


def letter_time():
    return delivery(b"").created_at
