"""Senders and recipients of a document."""

import pytest

from gateway.hl7v2.participants import Kind, Organisation, Role, participants, recipients, sender
from gateway.hl7v2.reader import read
from tests.unit.hl7v2.compose import er7, msh

PERSON = "801234567897^DUBOIS^Luc^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
STRUCTURE = "CHU-DEMO^^^^^ASIP-SANTE-ST&1.2.250.1.71.4.2.2&ISO^FINEG^^^990000001"


def prt(role: str, **fields: str) -> str:
    """Return a PRT with fields `f5="..."`."""
    parts = ["PRT", "", "UC", "", role, *[""] * 12]
    for name, value in fields.items():
        parts[int(name[1:])] = value
    return "|".join(parts)


def one(segment: str):
    """Return the only participant of a message."""
    (found,) = participants(read(er7(msh("MDM^T02^MDM_T02"), segment)))
    return found


def test_a_sender_is_a_person_and_the_structure():
    found = one(prt("SB^Send by^participation", f5=PERSON, f8=STRUCTURE))

    assert (found.role, found.kind, found.place) == (Role.SENDER, Kind.PERSON, "PRT[1]")
    assert (found.id, found.id_type, found.authority) == (
        "801234567897", "IDNPS", "1.2.250.1.71.4.2.1"
    )  # fmt: skip
    assert (found.family, found.given, found.address) == ("DUBOIS", "Luc", "")
    assert found.organisation == Organisation(
        "990000001", "FINEG", "1.2.250.1.71.4.2.2", "CHU-DEMO"
    )


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ({"f15": "^^X.400^luc@x.example"}, "luc@x.example"),
        ({"f15": "^NET^X.400^luc@x.example"}, "luc@x.example"),
        ({"f16": "^^X.400^luc@x.example"}, "luc@x.example"),
        ({"f15": "luc@x.example"}, "luc@x.example"),
        ({"f15": "^PRN^PH^^^^^^^^^0400000000~^^X.400^luc@x.example"}, "luc@x.example"),
        ({"f15": "^^X.400^not an address"}, ""),
    ],
)
def test_the_address_is_found_where_it_landed(fields, address):
    assert one(prt("RCT^^participation", f5=PERSON, **fields)).address == address


def test_a_patient_is_a_recipient_of_its_own_kind():
    patient = "279035121518989^ESSAI^CLAIRE^^^^^^1.2.250.1.213.1.4.10^L^^^INS"

    found = one(prt("RCT^^participation", f5=patient, f15="^^X.400^a@patient.example"))

    assert (found.kind, found.authority) == (Kind.PATIENT, "1.2.250.1.213.1.4.10")


def test_a_unit_is_an_organisation():
    unit = "Urologie^^^^^990000001^UF^^^3435"

    found = one(prt("RCT^^participation", f8=unit))

    assert (found.kind, found.id, found.id_type, found.authority) == (
        Kind.ORGANISATION, "3435", "UF", "990000001"
    )  # fmt: skip


def test_a_device_sends():
    found = one(prt("SB", f10="AUTOMATE-1^CHU-DEMO"))

    assert (found.kind, found.id) == (Kind.DEVICE, "AUTOMATE-1")


def test_an_address_alone_is_a_mailbox():
    found = one(prt("REPLY^^participation", f15="^^X.400^a@x.example"))

    assert (found.role, found.kind, found.address) == (
        Role.REPLY_TO, Kind.MAILBOX, "a@x.example"
    )  # fmt: skip


def test_roles_are_told_apart_and_others_passed_over():
    message = read(
        er7(
            msh("MDM^T02^MDM_T02"),
            prt("RCT", f5=PERSON),
            prt("SB", f8=STRUCTURE),
            prt("AUT", f5=PERSON),
            prt("rct", f8=STRUCTURE),
        )
    )

    assert sender(message).place == "PRT[2]"
    assert [found.place for found in recipients(message)] == ["PRT[1]", "PRT[4]"]
    assert len(participants(message)) == 3


def test_a_message_may_name_nobody():
    assert sender(read(er7(msh("MDM^T02^MDM_T02")))) is None
