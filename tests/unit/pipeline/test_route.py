"""From a message with a letter to the mails it asks for."""

import re
from base64 import b64encode
from datetime import UTC, datetime

from gateway.core.deliveries import DeliveryStatus
from gateway.core.messages import Channel, InboxStatus, RawMessage
from gateway.hl7v2.canonical import header
from gateway.hl7v2.reader import read
from gateway.mapping.sites import Site
from gateway.pipeline.acks import no_ack
from gateway.pipeline.carried import carried
from gateway.pipeline.prepared import Opened, Policy, Prepared
from gateway.pipeline.route import Known, route
from gateway.pipeline.standing import standing_in
from tests.support.mail import messages

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
INS = "254039902200377"
SITE = Site(name="demo", require_ins=True)
TRUSTED = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:oid:1.2.250.1.213.1.4.10", "value": INS}],
}


def decisions(body: bytes, patient: dict = TRUSTED):
    message = read(body)
    raw = RawMessage(body, Channel.MLLP, NOW)
    opened = Opened(raw, header(body, message), no_ack, Policy(), message, SITE)
    item = Prepared(
        opened, InboxStatus.CONVERTED, documents=carried(message, lenient=SITE.is_lenient)
    )
    known = Known(standing_in(patient))
    return route(item, known, "DocumentReference/d1", NOW)


def test_a_letter_goes_to_the_doctor_and_to_the_patient():
    doctor, patient = decisions(messages()[0])

    assert doctor.item.details["to"] == "medecin.14@essai.mssante.example"
    assert doctor.item.details["recipient"] == "99900000144"
    assert doctor.item.details["content_type_code"] == "03"
    assert doctor.item.details["author"]["institution"].endswith("^IDNST^^^1990004004")
    assert doctor.item.about == "DocumentReference/d1"
    assert patient.item.details["to"] == f"{INS}@patient.mssante.fr"


def test_a_patient_that_shows_no_ins_holds_the_letter():
    found = decisions(messages()[0], {"resourceType": "Patient"})

    assert {decision.status for decision in found} == {DeliveryStatus.HELD}


def test_a_replacement_says_so():
    replaced = [body for body in messages() if b"|MDM^T10^" in body[:200]]

    assert decisions(replaced[0])[0].item.details["replaces"] is True


def test_the_patient_may_be_told_not_to_answer():
    flag = b"DESTMSSANTEPAT^Destinataire patient^MetaDMPMSS||Y^^expandedYes-NoIndicator||||||F\r"
    body = messages()[0].replace(flag, flag + b"NTE|1|||FIN\r")

    doctor, patient = decisions(body)

    assert body != messages()[0]
    assert patient.item.details["final"] is True
    assert doctor.item.details["final"] is True


def test_a_note_under_another_flag_says_nothing_to_the_patient():
    body = re.sub(rb"(OBX\|11\|[^\r]*\r)", rb"\1NTE|1|||FIN\r", messages()[0])

    assert body != messages()[0]
    assert decisions(body)[1].item.details["final"] is False


def test_the_words_of_the_sender_are_kept_and_broken_ones_left_out():
    def text(name: bytes, value: bytes) -> bytes:
        return b"OBX|20|ED|" + name + b"^x^MetaDMPMSS||^TEXT^PLAIN^Base64^" + value + b"||||||F\r"

    good = b64encode("Cher confrère".encode())
    body = messages()[0] + text(b"CORPSMAIL_PS", good) + text(b"CORPSMAIL_PATIENT", b"%%%")

    doctor, patient = decisions(body)

    assert doctor.item.details["text"] == "Cher confrère"
    assert patient.item.details["text"] == ""


def test_other_messages_ask_for_nothing():
    body = messages()[0].replace(b"|MDM^T02^MDM_T02|", b"|ADT^A01^ADT_A01|")

    assert decisions(body) == []
