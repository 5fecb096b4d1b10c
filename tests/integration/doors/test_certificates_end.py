"""Certificates that end, and ones that are replaced while the gateway runs."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from gateway.connectors.http import HttpClient
from gateway.entry.certificates import STEPS, CertificateWatch
from gateway.entry.sender_lines import Address, MllpLine
from gateway.entry.serve import Gateway
from gateway.entry.settings import load
from gateway.entry.tls import client_context
from gateway.hl7v2.reader import read
from tests.support.dmp import EG, delivery, letter, pki_in, record
from tests.unit.hl7v2.compose import admission, with_msh

DAY = timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)


class Clock:
    """A clock moved by hand."""

    def __init__(self, now=NOW):
        self.instant = now

    def now(self):
        return self.instant


class Authority:
    """A throw-away authority that issues certificates of any length into one file."""

    def __init__(self, folder):
        self.made = trustme.CA()
        self.ca = folder / "ca.pem"
        self.made.cert_pem.write_to_path(self.ca)
        self.file = folder / "server.pem"

    def issue(self, ends, begins=None):
        """Put a new certificate in place of the file, as a tool would: another file, renamed."""
        issued = self.made.issue_cert("localhost", "127.0.0.1", not_before=begins, not_after=ends)
        new = self.file.with_suffix(".new")
        issued.private_key_and_cert_chain_pem.write_to_path(new)
        new.rename(self.file)
        return x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
async def gateway(tmp_path, authority):
    """Give a gateway with two TLS doors whose certificate ends tomorrow."""
    authority.issue(NOW + DAY)
    made = Gateway(
        load(
            store={"url": f"sqlite:///{tmp_path}/serve.db"},
            http={"port": 0, "certificate": authority.file},
            mllp={"port": 0},
            mllps={"port": 0, "certificate": authority.file, "require_client": False},
        ),
        registry=CollectorRegistry(),
    )
    await made.start()
    made.certificates.look()
    yield made
    await made.stop()


def watch(authority, clock, **settings):
    found = {"http": {"port": 0, "certificate": authority.file}} | settings
    return CertificateWatch(load(**found), clock)


async def ready(gateway, authority):
    async with HttpClient(client_context(authority.ca)) as client:
        return await client.get(f"{gateway.local_url}/health/ready", 5.0)


async def shown_at(port, authority):
    """Return the serial number of the certificate a door shows to a new connection."""
    context = client_context(authority.ca)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    del reader
    return x509.load_der_x509_certificate(der).serial_number


def codes(watch):
    return [(issue.code, issue.where) for issue in watch.issues]


@pytest.mark.parametrize("days", STEPS)
@pytest.mark.field("FL-288")
def test_each_step_towards_the_end_is_logged_once(authority, days):
    authority.issue(NOW + 400 * DAY)
    clock = Clock(NOW + (400 - days) * DAY)
    looking = watch(authority, clock)

    with capture_logs() as logs:
        looking.look()
        looking.look()
        clock.instant += timedelta(hours=1)
        looking.look()

    [line] = logs
    assert (line["event"], line["log_level"]) == ("certificate_ends", "warning")
    assert (line["code"], line["kind"]) == ("RLS-NET-080", "http.certificate")
    assert line["state"] == f"{days} days or less until {NOW + 400 * DAY:%Y-%m-%d}"


def test_a_year_goes_by_with_five_warnings_and_one_alarm(authority):
    authority.issue(NOW + 365 * DAY)
    clock = Clock()
    looking = watch(authority, clock)

    with capture_logs() as logs:
        for _ in range(370):
            looking.look()
            clock.instant += DAY

    assert [line["code"] for line in logs] == ["RLS-NET-080"] * len(STEPS) + ["RLS-NET-081"]
    assert codes(looking) == [("RLS-NET-081", "setting http.certificate")]


def test_far_from_its_end_nothing_is_said(authority):
    authority.issue(NOW + 61 * DAY)
    looking = watch(authority, Clock())

    with capture_logs() as logs:
        looking.look()

    assert (logs, looking.issues) == ([], ())


def test_a_certificate_of_tomorrow_is_no_certificate_of_today(authority):
    authority.issue(NOW + 400 * DAY, begins=NOW + DAY)
    looking = watch(authority, Clock())

    looking.look()

    [issue] = looking.issues
    assert issue.code == "RLS-NET-081"
    assert f"begins on {NOW + DAY:%Y-%m-%d}" in issue.what


def test_the_first_end_of_a_chain_counts(authority):
    authority.issue(NOW + 400 * DAY)
    far = authority.file.read_bytes()
    authority.issue(NOW + 5 * DAY)
    near = authority.file.read_bytes()
    authority.file.write_bytes(far + near[near.index(b"-----BEGIN CERT") :])
    looking = watch(authority, Clock())

    looking.look()

    assert "in 5 days" in looking.issues[0].what


def test_a_file_that_went_away_is_said_and_keeps_no_other_from_being_read(authority, tmp_path):
    authority.issue(NOW + 5 * DAY)
    gone = {"port": 0, "certificate": tmp_path / "gone.pem", "client_ca": authority.ca}
    looking = watch(authority, Clock(), mllps=gone)

    looking.look()

    assert codes(looking) == [
        ("RLS-NET-080", "setting http.certificate"),
        ("RLS-NET-082", "setting mllps.certificate"),
    ]


@pytest.mark.field("FL-288")
async def test_a_certificate_near_its_end_leaves_the_gateway_ready(gateway, authority):
    reply = await ready(gateway, authority)

    body = json.loads(reply.body)
    assert (reply.status, body["status"]) == (200, "ready")
    assert {(one["code"], one["where"]) for one in body["warnings"]} == {
        ("RLS-NET-080", "setting http.certificate"),
        ("RLS-NET-080", "setting mllps.certificate"),
    }
    assert all(one["fix"] for one in body["warnings"])


@pytest.mark.field("FL-288")
async def test_a_renewed_certificate_is_shown_without_restart_and_under_load(gateway, authority):
    _, port = gateway.mllp_ports
    line = await MllpLine.open(
        Address.parse(f"mllps://127.0.0.1:{port}"), tls=client_context(authority.ca)
    )
    answers = []
    under_way = asyncio.Event()

    async def load_it():
        for number in range(40):
            answers.append(read(await line.exchange(admission(MSH=with_msh(10, f"R{number}")), 20)))
            under_way.set()

    sending = asyncio.create_task(load_it())
    await under_way.wait()
    renewed = authority.issue(NOW + 400 * DAY)
    await asyncio.to_thread(gateway.certificates.look)
    shown = await shown_at(port, authority)
    over_http = await shown_at(gateway.http_port, authority)
    await sending
    line.close()

    assert shown == over_http == renewed.serial_number
    assert {one.value("MSA-1") for one in answers} == {"AA"}
    assert len(answers) == 40
    assert gateway.certificates.issues == ()


async def test_a_broken_renewal_leaves_the_old_certificate_in_the_door(gateway, authority):
    _, port = gateway.mllp_ports
    before = await shown_at(port, authority)
    authority.file.write_bytes(b"-----BEGIN CERTIFICATE-----\nhalf of it\n")

    with capture_logs() as logs:
        gateway.certificates.look()

    assert await shown_at(port, authority) == before
    assert {one["event"] for one in logs} == {"certificate_ends", "certificate_not_renewed"}
    assert {issue.code for issue in gateway.certificates.issues} == {"RLS-NET-082"}


@pytest.mark.field("FL-288")
async def test_the_next_letter_goes_under_the_renewed_certificates(tmp_path):
    async with record(tmp_path) as shared:
        await shared.connector.send(delivery(letter()))
        good = shared.pki.client.read_bytes()
        stranger = trustme.CA().issue_cert("stranger.example")
        stranger.private_key_and_cert_chain_pem.write_to_path(shared.pki.client)
        with pytest.raises(Exception, match="RLS-DMP-021"):
            await shared.connector.send(delivery(letter(2)))
        shared.pki.client.write_bytes(good)
        await shared.connector.send(delivery(letter(2)))

        assert len(shared.repository.unique_ids) == 2


def test_every_certificate_of_the_record_is_watched(tmp_path):
    pki = pki_in(tmp_path)
    settings = load(
        dmp={
            "base_url": "https://dmp.example", "authority": pki.authority, "structures": (EG,),
            "certificate": pki.client, "sign_certificate": pki.signer,
        }
    )  # fmt: skip
    clock = Clock(datetime(9999, 1, 1, tzinfo=UTC))
    looking = CertificateWatch(settings, clock)

    looking.look()

    assert codes(looking) == [
        ("RLS-NET-081", "setting dmp.certificate"),
        ("RLS-NET-081", "setting dmp.sign_certificate"),
        ("RLS-NET-081", "setting dmp.authority"),
    ]
