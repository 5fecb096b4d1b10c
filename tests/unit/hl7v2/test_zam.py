"""Business acknowledgements: the published ones are read, ours are as the volet writes them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.core.errors import RejectedError
from gateway.hl7v2 import ack, zam
from gateway.hl7v2.reader import read
from gateway.hl7v2.zam import BusinessAck, Parties, build

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
PARTIES = Parties(("RELAIS", "DAC"), ("DPI", "CHU-DEMO"))
ADDRESS = "hoda.adam@essai.mssante.example"
RECEPTION = BusinessAck(zam.RECEPTION, "M1", positive=True, address=ADDRESS, person="801234567897")
CASES = {
    "Z01 Y": BusinessAck(zam.DMP, "M1", positive=True),
    "Z01 N": BusinessAck(zam.DMP, "M1", positive=False, error="DMPClosed", error_text="DMP fermé"),
    "Z02 Y": RECEPTION,
    "Z02 N": replace(RECEPTION, positive=False, error="550", error_text="mailbox unknown"),
    "Z03 Y": replace(RECEPTION, trigger=zam.READING),
    "Z03 N": replace(
        RECEPTION, trigger=zam.READING, positive=False, error="902", error_text="patient unknown"
    ),
}
HEADER = (
    r"MSH|^~\&|RELAIS|DAC|DPI|CHU-DEMO|20260302103000||ZAM^{}^ZAM_Z01|C1|P|2.6"
    "|||||FRA|UNICODE UTF-8|||2.1^CISIS_CDA_HL7_V2"
)
EVN = "EVN||20260302103000"
YES, NO = "Y^^expandedYes-NoIndicator||||||F", "N^^expandedYes-NoIndicator||||||F"
DMP = "OBX|1|CWE|ACK_RECEPTION_DMP^Accusé de réception DMP^AckMetierZAM|M1|"
MSS = "OBX|1|CWE|ACK_RECEPTION_MSS^Accusé de réception MSSanté^AckMetierZAM|M1|"
READ = "OBX|1|CWE|ACK_LECTURE_MSS^Accusé de lecture^AckMetierZAM|M1|"
TO = (
    "OBX|2|XTN|DESTINATAIRE_MSS^Destinataire MSSanté^AckMetierZAM|801234567897"
    f"|^^X.400^{ADDRESS}||||||F"
)
BY = (
    "OBX|2|XTN|LECTEUR_MSS^Lecteur du courriel MSSanté^AckMetierZAM|801234567897"
    f"|^^X.400^{ADDRESS}||||||F"
)
ERR = "ERR|||207^Application error^messageErrorCondition|E|"
GOLDEN = {
    "Z01 Y": [EVN, DMP + YES],
    "Z01 N": [EVN, DMP + NO, f"{ERR}DMPClosed^DMP fermé^DMP_ERROR_CODE"],
    "Z02 Y": [EVN, MSS + YES, TO],
    "Z02 N": [EVN, MSS + NO, TO, f"{ERR}550^mailbox unknown^SMTPERRORCODE"],
    "Z03 Y": [EVN, READ + YES, BY],
    "Z03 N": [EVN, READ + NO, BY, f"{ERR}902^patient unknown^applicationErrorCondition"],
}


@pytest.mark.parametrize("name", CASES)
def test_each_receipt_is_written_as_the_volet_says(name):
    made = build(CASES[name], PARTIES, happened=NOW, now=NOW, control_id="C1")

    header, *rest, end = made.decode().split("\r")
    assert (header, rest, end) == (HEADER.format(name[:3]), GOLDEN[name], "")


@pytest.mark.parametrize("name", CASES)
def test_what_is_written_is_read_again(name):
    made = build(CASES[name], PARTIES, happened=NOW, now=NOW, control_id="C1")

    assert zam.read(read(made)) == replace(CASES[name], error_text="")


def test_a_receipt_is_written_in_the_character_set_of_its_request():
    latin = replace(PARTIES, charset="8859/15")

    made = build(CASES["Z01 N"], latin, happened=NOW, now=NOW, control_id="C1")

    assert "fermé".encode("iso8859-15") in made


def test_separators_inside_values_are_escaped():
    odd = replace(RECEPTION, request="M|1^2")

    made = build(odd, PARTIES, happened=NOW, now=NOW, control_id="C1")

    assert zam.read(read(made)).request == "M|1^2"


def test_published_receipts_are_read(corpus_folder):
    found = {
        path.stem: zam.read(read(path.read_bytes()))
        for path in sorted((corpus_folder / "hl7v2").glob("zam_*.er7"))
    }

    refused = found["zam_z01_dmp_refused"]
    assert (refused.positive, refused.error, refused.request) == (False, "DMPClosed", "015")
    received, seen = found["zam_z02_mss_received"], found["zam_z03_mss_read"]
    assert [(one.positive, one.person) for one in (received, seen)] == [(True, "801234567897")] * 2
    assert received.address == "adam.hoda@test-ci-sis.mssante.fr"


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("|M1|", "||", "OBX[1]-4"),
        ("|Y^^", "|X^^", "OBX[1]-5"),
        ("ACK_RECEPTION_MSS", "ACK_LECTURE_MSS", "OBX[1]-3"),
    ],
)
def test_a_receipt_that_says_nothing_is_refused_at_its_place(old, new, place):
    made = build(RECEPTION, PARTIES, happened=NOW, now=NOW, control_id="C1").decode()

    with pytest.raises(RejectedError) as caught:
        zam.read(read(made.replace(old, new, 1).encode()))

    assert caught.value.issues[0].where == place


@pytest.mark.parametrize("trigger", ["Z01", "Z02", "Z03"])
def test_a_receipt_is_answered_under_its_own_event(trigger):
    asked = replace(RECEPTION, trigger=trigger)
    received = read(build(asked, PARTIES, happened=NOW, now=NOW, control_id="C1"))

    answered = read(ack.build(received, "AA", (), now=NOW, control_id="C2"))

    assert [answered.value(f"MSH-9.{n}") for n in (1, 2, 3)] == ["ACK", trigger, "ACK"]
    assert (answered.value("MSA-1"), answered.value("MSA-2")) == ("AA", "C1")
