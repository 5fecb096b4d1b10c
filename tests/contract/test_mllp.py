"""The connector for applications of the hospital against a double, over real sockets."""

from datetime import UTC, datetime

import pytest
import trustme

from gateway.connectors.mllp import MllpConnector
from gateway.core.deliveries import Delivery, DeliveryStatus, NewDelivery
from gateway.core.errors import RejectedError, RetriableError
from gateway.entry.tls import client_context, server_context
from gateway.mapping.sites import Destination
from gateway.simulation.hospital import Hospital, Reply
from tests.contract.connector_contract import ConnectorContract
from tests.support.mail import code_of

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NAME = "demo/dpi"
MESSAGE = (
    r"MSH|^~\&|RELAIS|DAC|DPI|CHU-DEMO|20260302093000||MDM^T02^MDM_T02|{id}|P|2.6|||{asks}|FRA"
    "\rPID|||P77^^^CHU-DEMO&990000001&M^PI||SECRETNAME^CLAIRE^^^^^L\r"
)


def delivery(control_id="A1", *, asks="|", kind="mdm", destination=NAME) -> Delivery:
    body = MESSAGE.format(id=control_id, asks=asks).encode()
    item = NewDelivery(
        "mllp",
        control_id,
        NOW,
        body=body,
        lane=destination,
        details={"destination": destination, "control_id": control_id, "kind": kind},
    )
    return Delivery(1, item, DeliveryStatus.SENDING, 1, NOW, NOW)


@pytest.fixture
async def hospital():
    double = Hospital(lambda body: REPLIES.get(control_id_of(body), Reply()))
    await double.start()
    yield double
    await double.stop()


def control_id_of(body: bytes) -> str:
    return body.split(b"|")[9].decode()


#: What the double does with a message, by its MSH-10.
REPLIES = {
    "LATER": Reply(["AR"], error=206),
    "NEVER": Reply(["AE"], error=101),
    "WORDS": Reply(raw=b"fail"),
    "BARE": Reply(raw=b"MSA"),
    "EMPTY": Reply(raw=b""),
    "OTHER": Reply(["AA"], echoes=False),
    "NOMSA": Reply(raw=b"MSH|^~\\&|A|B|C|D|20260302||ACK|1|P|2.6\r"),
    "ODD": Reply(["XX"]),
    "SILENT": Reply([]),
    "CUT": Reply([], cuts=True),
    "HEADER": Reply(["AR"], error=203),
    "KEPT": Reply(["CA"]),
    "KEPTAA": Reply(["CA", "AA"]),
    "KEPTAE": Reply(["CA", "AE"], user_error=902),
    "COMMITREFUSED": Reply(["CE"], error=101),
    "COMMITLATER": Reply(["CR"], error=206),
}


@pytest.fixture
async def connector(hospital):
    made = connector_to(hospital)
    yield made
    await made.close()


def connector_to(hospital, context=None, **settings) -> MllpConnector:
    destination = Destination(
        host="localhost", port=hospital.port, **({"timeout_s": 0.5} | settings)
    )
    return MllpConnector({NAME: destination}, context)


class OtherSide:
    """The double as the suite of all connectors sees it."""

    def __init__(self, hospital: Hospital):
        self.hospital = hospital

    def accepted(self):
        return delivery("A1")

    def not_now(self):
        return delivery("LATER")

    def refused(self):
        return delivery("NEVER")

    async def go_away(self):
        await self.hospital.stop()

    def count(self):
        return len(self.hospital.taken)

    def distinct(self):
        return len(self.hospital.taken)

    def attempts(self):
        return len(self.hospital.received)

    def secrets(self):
        return ["SECRETNAME", "CLAIRE", "P77"]


class TestMllp(ConnectorContract):
    @pytest.fixture
    def other_side(self, hospital):
        return OtherSide(hospital)


# --- answers ------------------------------------------------------------------------------------


@pytest.mark.field("FL-076")
@pytest.mark.parametrize("control_id", ["WORDS", "BARE", "OTHER", "NOMSA", "ODD"])
async def test_what_is_no_answer_to_this_message_settles_nothing(connector, control_id):
    with pytest.raises(RetriableError) as caught:
        await connector.send(delivery(control_id))

    assert code_of(caught) == "RLS-NET-074"


@pytest.mark.parametrize(
    ("control_id", "code"),
    [("SILENT", "RLS-NET-073"), ("EMPTY", "RLS-NET-073"), ("CUT", "RLS-NET-072")],
)
async def test_no_answer_settles_nothing(connector, control_id, code):
    with pytest.raises(RetriableError) as caught:
        await connector.send(delivery(control_id))

    assert code_of(caught) == code


@pytest.mark.field("FL-063")
async def test_a_late_answer_is_not_taken_for_that_of_the_next_message(hospital):
    slow = Reply(["AA"], pause_s=0.4)
    hospital.reply = lambda body: slow if control_id_of(body) == "A1" else Reply([])
    connector = connector_to(hospital, timeout_s=0.2)
    with pytest.raises(RetriableError):
        await connector.send(delivery("A1"))

    with pytest.raises(RetriableError):
        await connector.send(delivery("A2"))
    await connector.close()

    assert hospital.connections == 2


@pytest.mark.field("FL-077")
@pytest.mark.parametrize(
    ("control_id", "asks", "final_ack", "expected"),
    [
        ("KEPT", "AL|NE", "", "CA"),
        ("KEPT", "AL|AL", "commit", "CA"),
        ("KEPTAA", "AL|AL", "", "AA"),
        ("KEPTAA", "|", "application", "AA"),
        ("KEPT", "AL|AL", "", "RLS-NET-075"),
        ("KEPT", "|", "application", "RLS-NET-075"),
        ("KEPTAE", "AL|AL", "", "RLS-NET-077"),
        ("COMMITREFUSED", "AL|AL", "", "RLS-NET-077"),
        ("COMMITLATER", "AL|AL", "", "RLS-NET-076"),
        ("HEADER", "|", "", "RLS-NET-077"),
    ],
)
async def test_a_commit_is_the_last_word_only_where_it_may_be(
    hospital, control_id, asks, final_ack, expected
):
    connector = connector_to(hospital, final_ack=final_ack)
    try:
        handover = await connector.send(delivery(control_id, asks=asks))
        told = handover.note
    except (RetriableError, RejectedError) as error:
        told = error.issues[0].code
    finally:
        await connector.close()

    assert told == expected


async def test_a_refusal_tells_its_codes(hospital):
    connector = connector_to(hospital)

    with pytest.raises(RejectedError) as caught:
        await connector.send(delivery("KEPTAE", asks="AL|AL"))
    await connector.close()

    assert "AE 207 902" in str(caught.value)


async def test_an_acknowledgement_is_delivered_when_it_was_written(hospital):
    connector = connector_to(hospital, answers_acks=False)

    handover = await connector.send(delivery("SILENT", kind="ack"))
    await hospital.arrived(1)
    await connector.close()

    assert (handover.status, handover.note) == (DeliveryStatus.CONFIRMED, "written")


# --- connections --------------------------------------------------------------------------------


async def test_messages_travel_on_one_connection_while_all_is_well(connector, hospital):
    for number in range(3):
        await connector.send(delivery(f"B{number}"))

    assert (hospital.connections, len(hospital.taken)) == (1, 3)


async def test_a_connection_the_other_side_closed_is_opened_again(connector, hospital):
    await connector.send(delivery("B1"))
    await hospital.stop()
    await hospital.start()
    outcomes = []
    for _ in range(2):
        # Whether the end is seen before the next message leaves is a race of two machines.
        try:
            outcomes.append((await connector.send(delivery("B2"))).note)
        except RetriableError as error:
            outcomes.append(error.issues[0].code)

    assert outcomes[-1] == "AA"
    assert set(hospital.taken) == {"B1", "B2"}


async def test_a_destination_nobody_names_is_not_lost(connector):
    with pytest.raises(RetriableError) as caught:
        await connector.send(delivery(destination="demo/elsewhere"))

    assert code_of(caught) == "RLS-NET-070"
    assert caught.value.retry_after_s >= 60


@pytest.fixture
def pki(tmp_path):
    authority = trustme.CA()
    files = {name: tmp_path / f"{name}.pem" for name in ("ca", "server", "client")}
    authority.cert_pem.write_to_path(files["ca"])
    for name in ("server", "client"):
        issued = authority.issue_cert("localhost")
        issued.private_key_and_cert_chain_pem.write_to_path(files[name])
    return files


async def test_a_message_travels_over_mutual_tls(pki):
    hospital = Hospital(tls=server_context(pki["server"], client_ca=pki["ca"]))
    await hospital.start()
    connector = connector_to(
        hospital, lambda: client_context(pki["ca"], certificate=pki["client"]), tls=True
    )
    try:
        handover = await connector.send(delivery())
    finally:
        await connector.close()
        await hospital.stop()

    assert handover.note == "AA"


async def test_a_certificate_nobody_trusts_is_no_destination(pki):
    hospital = Hospital(tls=server_context(pki["server"], requires_client=False))
    await hospital.start()
    connector = connector_to(hospital, client_context, tls=True)
    try:
        with pytest.raises(RetriableError) as caught:
            await connector.send(delivery())
    finally:
        await connector.close()
        await hospital.stop()

    assert (code_of(caught), hospital.received) == ("RLS-NET-071", [])
