"""What the settings make of subscriptions: for everybody, for one client, and where files lack."""

import hmac

import pytest

from gateway.connectors.fhir_hook import FhirHook
from gateway.connectors.http import HttpClient
from gateway.core.deliveries import Delivery, DeliveryStatus, NewDelivery
from gateway.core.errors import FatalError
from gateway.entry.egress import build_egress
from gateway.entry.settings import HooksSettings, Settings
from gateway.entry.subscribing import build_channels, build_subscriptions, sign
from gateway.simulation.receiver import Receiver
from tests.support.gaps import LOOPBACK
from tests.support.pipeline import START, HandClock

BASE = "https://relais.example/fhir"


def _settings(environment="test", **hooks):
    return Settings(environment=environment, hooks=HooksSettings(**hooks))


def _rules(settings, client="dac"):
    return build_subscriptions(settings, build_egress(settings), BASE).rules_of(client)


async def _channels(settings):
    async with HttpClient() as http:
        return build_channels(settings, http, build_egress(settings), HandClock())


@pytest.mark.parametrize(
    ("environment", "hooks", "contents"),
    [
        ("test", {}, {"empty", "id-only", "full-resource"}),
        ("production", {}, {"empty", "id-only"}),
        ("production", {"contents": ("empty",)}, {"empty"}),
        ("production", {"full_resource": ("dac",)}, {"empty", "id-only", "full-resource"}),
        ("production", {"full_resource": ("other",)}, {"empty", "id-only"}),
    ],
)
def test_whole_resources_leave_production_for_who_is_listed(environment, hooks, contents):
    assert _rules(_settings(environment, **hooks)).contents == contents


def test_a_client_with_hosts_of_its_own_has_no_other():
    settings = _settings(hosts=("a.test", "b.test"), client_hosts={"dac": ("DAC.test",)})

    assert _rules(settings).egress.hosts == {"dac.test"}
    assert _rules(settings, "other").egress.hosts == {"a.test", "b.test"}


def test_mails_are_offered_where_a_server_is_named():
    assert "email" not in _rules(_settings()).channels
    assert "email" in _rules(_settings(mail_host="mail.test")).channels


@pytest.mark.parametrize(
    ("hooks", "code"),
    [
        ({"mail_host": "mail.test", "mail_authority": "none.pem"}, "RLS-CFG-090"),
        ({"mail_host": "mail.test", "mail_password": "none.txt"}, "RLS-CFG-090"),
        ({"signing_key": "none.txt"}, "RLS-CFG-091"),
    ],
)
async def test_a_file_that_is_not_there_stops_the_start(hooks, code, tmp_path):
    paths = {
        name: tmp_path / value if name != "mail_host" else value for name, value in hooks.items()
    }

    with pytest.raises(FatalError) as caught:
        await _channels(_settings(**paths))

    assert [issue.code for issue in caught.value.issues] == [code]


async def test_a_short_secret_stops_the_start(tmp_path):
    (tmp_path / "key").write_text("short", encoding="utf-8")

    with pytest.raises(FatalError) as caught:
        await _channels(_settings(signing_key=tmp_path / "key"))

    assert caught.value.issues[0].code == "RLS-CFG-091"


def test_a_signature_holds_for_one_body_and_one_instant():
    made = sign(b"k" * 32, b"{}", 1000)

    assert made.startswith("t=1000,v1=")
    assert len({made, sign(b"k" * 32, b"{ }", 1000), sign(b"k" * 32, b"{}", 1001)}) == 3


async def test_a_body_is_signed_where_the_installation_has_a_secret():
    secret, receiver = b"s" * 32, Receiver()
    await receiver.start()
    details = {"endpoint": receiver.url, "headers": [], "timeout_s": 0}
    item = NewDelivery("fhir_hook", "s1:7", START, body=b"{}", details=details)
    async with HttpClient(keeps_connections=False) as client:
        hook = FhirHook(client, LOOPBACK, sign=lambda body: sign(secret, body, 1000))
        await hook.send(Delivery(1, item, DeliveryStatus.SENDING, 1, START, START))
    await receiver.stop()

    [arrived] = receiver.arrived
    made = hmac.new(secret, b"1000." + arrived.body, "sha256").hexdigest()
    assert arrived.headers["x-relais-signature"] == f"t=1000,v1={made}"
