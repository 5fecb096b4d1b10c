"""Which mails a document asks for, and why some wait or are not sent."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.core.directory import Entry
from gateway.sharing.outgoing import Outgoing, Recipient, Refusal, SiteRules, Standing
from gateway.sharing.routing import decide

LENIENT = SiteRules(require_ins=False)
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
INS = "254039902200377"
GP = Recipient("PRT[2]", "medecin.7@essai.mssante.example", "99900000078")
LETTER = Outgoing(
    document_id="2.999.1.5",
    about="DocumentReference/d1",
    body=b"<x/>",
    flags={"DESTMSSANTEPS": True},
    recipients=(GP,),
    standing=Standing(INS),
    shown_ins=INS,
)


def told(letter: Outgoing) -> list[tuple[str, str, str]]:
    return [(d.item.details["kind"], d.status.value, d.reason.word) for d in decide(letter, NOW)]


def test_each_named_mailbox_gets_one_mail():
    other = Recipient("PRT[3]", "service@chu.mssante.example")
    again = Recipient("PRT[4]", "MEDECIN.7@essai.mssante.example")

    decisions = decide(replace(LETTER, recipients=(GP, other, again)), NOW)

    assert [d.item.details["to"] for d in decisions] == [GP.address, other.address]
    assert {d.status for d in decisions} == {DeliveryStatus.QUEUED}
    assert decisions[0].item.details["recipient"] == "99900000078"
    assert decisions[0].item.due_at == NOW


def test_without_flag_nothing_leaves():
    assert decide(replace(LETTER, flags={"DESTDMP": True}), NOW) == []


def test_the_key_is_that_of_version_and_mailbox():
    [first] = decide(LETTER, NOW)
    [again] = decide(replace(LETTER, body=b"<y/>"), NOW)
    [replaced] = decide(replace(LETTER, document_id="2.999.1.6"), NOW)

    assert first.item.key == again.item.key
    assert first.item.key != replaced.item.key


def test_a_patient_without_trusted_ins_holds_every_mail():
    letter = replace(
        LETTER, standing=Standing(), flags={"DESTMSSANTEPS": True, "DESTMSSANTEPAT": True}
    )

    assert told(letter) == [
        ("professional", "held", "no-trusted-ins"),
        ("patient", "held", "no-trusted-ins"),
    ]


def test_a_site_may_send_a_document_that_shows_no_ins():
    [decision] = decide(replace(LETTER, standing=Standing(), rules=LENIENT, shown_ins=""), NOW)

    assert decision.status is DeliveryStatus.QUEUED
    assert decision.item.details["ins_trusted"] is False


def test_a_document_that_shows_an_unqualified_ins_waits_whatever_the_site_says():
    letter = replace(LETTER, standing=Standing(), rules=LENIENT)

    assert told(letter) == [("professional", "held", "no-trusted-ins")]


def test_the_mailbox_of_the_patient_is_made_of_the_ins():
    [decision] = decide(replace(LETTER, flags={"DESTMSSANTEPAT": True}), NOW)

    assert decision.item.details["to"] == f"{INS}@patient.mssante.fr"
    assert decision.item.details["kind"] == "patient"


def test_the_mail_that_waits_for_the_ins_and_the_one_that_leaves_are_one():
    letter = replace(LETTER, flags={"DESTMSSANTEPAT": True})

    [held], [sent] = decide(replace(letter, standing=Standing()), NOW), decide(letter, NOW)

    assert held.item.key == sent.item.key


def test_the_mailbox_of_another_patient_is_held():
    other = Recipient("PRT[3]", "199099900000123@patient.mssante.fr")
    letter = replace(LETTER, recipients=(other,), flags={"DESTMSSANTEPAT": True})

    assert told(letter) == [("patient", "held", "other-patient-mailbox")]


def test_professionals_and_patient_never_share_a_mail():
    patient = Recipient("PRT[3]", f"{INS}@patient.mssante.fr")
    letter = replace(
        LETTER,
        recipients=(GP, patient),
        flags={"DESTMSSANTEPS": True, "DESTMSSANTEPAT": True},
    )

    assert told(letter) == [("professional", "queued", "asked"), ("patient", "queued", "asked")]


@pytest.mark.field("FL-170")
@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (
            {"INVISIBLE_PATIENT": True, "DESTMSSANTEPAT": True},
            [("patient", "skipped", "masked-patient")],
        ),
        (
            {"MASQUE_PS": True, "DESTMSSANTEPS": True},
            [("professional", "skipped", "masked-professionals")],
        ),
    ],
    ids=["patient", "professional"],
)
def test_a_mask_wins_over_a_sending(flags, expected):
    assert told(replace(LETTER, flags=flags)) == expected


@pytest.mark.parametrize("address", ["", "medecin", "a b@c.example", "a@b.example\r\nBcc: x@y.z"])
def test_a_recipient_without_usable_address_is_held(address):
    letter = replace(LETTER, recipients=(Recipient("PRT[2]", address),))

    assert told(letter) == [("professional", "held", "no-address")]


def test_a_withdrawn_document_is_not_sent():
    assert told(replace(LETTER, withdrawn=True)) == [("professional", "skipped", "withdrawn")]


def test_each_reason_has_a_sentence_in_both_languages():
    [decision] = decide(replace(LETTER, standing=Standing()), NOW)

    assert decision.reason.fr.endswith(".")
    assert decision.reason.en.endswith(".")


DOCTOR = Recipient("Patient.generalPractitioner", "", "99900000078", by="file")
BOX = Entry("api", rpps="99900000078", address="gp@x.mssante.example", kind="PER")
RULED = replace(
    LETTER, flags={}, type_code="11490-0", rules=SiteRules(to_doctor=frozenset({"11490-0"}))
)


def test_a_site_rule_writes_to_the_doctor_on_file_where_the_message_says_nothing():
    doctor = replace(DOCTOR, listed=(BOX,))

    [sent] = decide(replace(RULED, recipients=(doctor,)), NOW)
    silent = decide(replace(RULED, recipients=(doctor,), flags={"DESTMSSANTEPS": False}), NOW)
    other = decide(replace(RULED, recipients=(doctor,), type_code="11502-2"), NOW)

    assert (sent.status.value, sent.reason.word) == ("queued", "site-rule")
    assert sent.item.details["to"] == "gp@x.mssante.example"
    assert sent.rests_on == "mappings/sites/default.yaml routing.to_doctor"
    assert silent == other == []


def test_a_doctor_whom_a_rule_wants_is_not_hidden_by_a_header_nobody_follows():
    header = Recipient("intendedRecipient[1]", "", "99900000078", by="document")
    doctor = replace(DOCTOR, listed=(BOX,))

    [sent] = decide(replace(RULED, recipients=(header, doctor)), NOW)

    assert sent.reason.word == "site-rule"


def test_one_person_named_with_and_without_mailbox_gets_one_mail():
    nameless = Recipient("PRT[3]", "", GP.id, listed=(BOX,))

    [sent] = decide(replace(LETTER, recipients=(GP, nameless)), NOW)

    assert sent.item.details["to"] == GP.address


def test_a_recipient_with_a_number_only_is_looked_up():
    [held] = decide(replace(LETTER, recipients=(Recipient("PRT[2]", "", GP.id),)), NOW)
    [sent] = decide(
        replace(LETTER, recipients=(Recipient("PRT[2]", "", GP.id, "", "message", (BOX,)),)), NOW
    )

    assert (held.status.value, held.reason.word) == ("held", "not-in-directory")
    assert sent.item.details["to"] == BOX.address
    # The mail that waited and the one that leaves are one.
    assert held.item.key == sent.item.key


@pytest.mark.field("FL-267")
def test_several_mailboxes_of_one_doctor_are_left_to_a_person():
    boxes = (BOX, replace(BOX, address="gp@y.mssante.example"))
    letter = replace(LETTER, recipients=(replace(DOCTOR, by="message", listed=boxes),))

    assert told(letter) == [("professional", "held", "several-mailboxes")]


def test_the_mailbox_of_the_structure_that_is_meant_is_taken():
    boxes = (
        replace(BOX, finess="990004004"),
        replace(BOX, address="gp@y.mssante.example", finess="990001000"),
    )
    doctor = replace(DOCTOR, by="message", finess="990001000", listed=boxes)

    [sent] = decide(replace(LETTER, recipients=(doctor,)), NOW)

    assert sent.item.details["to"] == "gp@y.mssante.example"


def test_an_unlisted_mailbox_is_not_guessed():
    unlisted = replace(BOX, unlisted=True, origin="extract:mssante")
    doctor = replace(DOCTOR, by="message", listed=(BOX, unlisted))

    assert told(replace(LETTER, recipients=(doctor,))) == [("professional", "held", "unlisted")]


def test_software_is_not_written_to_in_the_place_of_a_person():
    doctor = replace(DOCTOR, by="message", listed=(replace(BOX, kind="APP"),))

    assert told(replace(LETTER, recipients=(doctor,)))[0][1:] == ("held", "not-in-directory")


@pytest.mark.parametrize(
    ("organisations", "expected"),
    [(frozenset(), "sharing-opposed"), (frozenset({"990004004"}), "asked")],
    ids=["everybody", "somebody else"],
)
def test_an_opposition_to_sharing_stops_mails_to_whom_it_names(organisations, expected):
    standing = Standing(INS, refusals=(Refusal("Consent/c/_history/1", organisations),))

    [decision] = decide(replace(LETTER, standing=standing), NOW)

    assert decision.reason.word == expected


def test_flags_outside_the_volet_send_nothing_where_a_site_is_strict():
    flags = {"DESTMSSANTEPAT": True, "DESTDMP": True}
    letter = replace(LETTER, flags=flags)

    [lenient] = decide(letter, NOW)
    [strict] = decide(replace(letter, rules=SiteRules(strict_matrix=True)), NOW)

    assert lenient.status is DeliveryStatus.QUEUED
    assert (strict.status.value, strict.reason.word) == ("skipped", "flags-not-allowed")
