"""`relais package`: the mails a message asks for, as files, with the reason of each."""

import json
from email import message_from_bytes, policy

import pytest

from gateway.core.directory import Entry
from gateway.entry.with_store import with_store
from gateway.simulation.mail_checks import findings
from tests.conftest import ROOT
from tests.support import hospital
from tests.support.mail import messages
from tests.unit.pipeline.test_departures import identity

ADMISSION = ROOT / "fixtures/hl7v2/adt_a01_admission_of_a_validated_identity/input.er7"


@pytest.fixture
def letter(tmp_path):
    path = tmp_path / "letter.er7"
    path.write_bytes(messages()[0])
    return path


def test_each_mail_is_written_with_its_archive(relais, letter, tmp_path):
    ended = relais("package", letter, "--channel", "mssante", "--out", tmp_path / "out")

    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.code == 0
    assert [(line["kind"], line["status"]) for line in lines] == [
        ("professional", "queued"),
        ("patient", "queued"),
    ]
    mail = (tmp_path / "out/1-professional/mail.eml").read_bytes()
    archive = (tmp_path / "out/1-professional/IHE_XDM.zip").read_bytes()
    [zipped, _] = message_from_bytes(mail, policy=policy.default).iter_attachments()
    assert zipped.get_content() == archive
    assert findings(mail) == []


def test_a_second_run_writes_the_same_bytes(relais, letter, tmp_path):
    for name in ("one", "two"):
        relais("package", letter, "--channel", "mssante", "--out", tmp_path / name)

    one, two = (tmp_path / n / "2-patient/mail.eml" for n in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.field("FL-170")
def test_a_mask_that_wins_is_explained_and_nothing_is_written(relais, letter, tmp_path):
    hidden = b"INVISIBLE_PATIENT^Non visible par le patient^MetaDMPMSS||"
    letter.write_bytes(letter.read_bytes().replace(hidden + b"N^", hidden + b"Y^"))

    ended = relais(
        "package", letter, "--channel", "mssante", "--out", tmp_path / "out", "--explain"
    )

    line = json.loads(ended.out.splitlines()[1])
    assert (line["status"], line["reason"]) == ("skipped", "masked-patient")
    assert line["en"] == (
        "The document is not visible to the patient: the mask wins over the sending."
    )
    assert not (tmp_path / "out/2-patient").exists()


def test_a_message_that_asks_for_no_mail_is_refused(relais, tmp_path):
    ended = relais("package", ADMISSION, "--channel", "mssante", "--out", tmp_path / "out")

    assert ended.code == 1
    assert "RLS-MSS-050 at OBX MetaDMPMSS" in ended.err


def test_every_channel_and_recipient_is_explained_without_a_file(relais, letter, tmp_path):
    ended = relais("package", letter, "--explain")

    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.code == 0
    assert [(one["channel"], one["status"], one["reason"], one["from"]) for one in lines] == [
        ("mssante", "queued", "asked", "PRT[2]"),
        ("mssante", "queued", "asked", "OBX MetaDMPMSS DESTMSSANTEPAT"),
        ("dmp", "queued", "asked", "OBX MetaDMPMSS DESTDMP"),
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["letter.er7"]


BY_NUMBER = messages()[0].replace(b"^NET^X.400^medecin.14@essai.mssante.example", b"")
RPPS = "99900000144"


def keep(*addresses):
    """Keep mailboxes of the doctor in the directory of the store."""
    entries = [Entry("extract:mssante", RPPS, address=one, kind="PER") for one in addresses]

    async def work(store):
        await store.write(lambda tx: tx.directory.put(entries))

    with_store(work)


@pytest.mark.parametrize(
    ("addresses", "status", "reason"),
    [
        ((), "held", "not-in-directory"),
        (("a@essai.mssante.example",), "queued", "asked"),
        (("a@essai.mssante.example", "b@essai.mssante.example"), "held", "several-mailboxes"),
    ],
)
def test_the_directory_of_the_store_is_looked_at(relais, letter, addresses, status, reason):
    letter.write_bytes(BY_NUMBER)
    keep(*addresses)

    ended = relais("package", letter, "--explain")

    line = json.loads(ended.out.splitlines()[0])
    assert (line["status"], line["reason"], line["recipient"]) == (status, reason, RPPS)
    assert line["to"] == (addresses[0] if status == "queued" else "")
    assert ended.err == ""


def test_without_a_store_it_says_so_and_makes_none(relais, letter, tmp_path):
    letter.write_bytes(BY_NUMBER)

    ended = relais("package", letter, "--explain")

    assert json.loads(ended.out.splitlines()[0])["reason"] == "not-in-directory"
    assert "directory and oppositions are not looked at" in ended.err
    assert not (tmp_path / "cli.db").exists()


def test_an_opposition_of_the_store_is_looked_at(relais, letter):
    opposed = identity("A31", "O1").replace(b"PV1|1|N", b"PV1|1|N\rZFA|ACTIF||||||||IO|20260101")

    async def work(store):
        await hospital.take(store, opposed)

    with_store(work)
    ended = relais("package", letter, "--explain")

    line = json.loads(ended.out.splitlines()[2])
    assert (line["channel"], line["status"], line["reason"]) == ("dmp", "skipped", "opposed")


def test_what_nobody_asks_for_is_explained_too(relais, letter):
    asked = b"DESTDMP^Destinataire DMP^MetaDMPMSS||"
    letter.write_bytes(letter.read_bytes().replace(asked + b"Y^", asked + b"N^"))

    ended = relais("package", letter, "--explain")

    line = json.loads(ended.out.splitlines()[2])
    assert (line["channel"], line["status"], line["reason"]) == ("dmp", "skipped", "not-asked")
    assert line["from"] == "OBX MetaDMPMSS DESTDMP N"
    assert line["fr"] == "L'expéditeur ne demande pas cet envoi."


def test_an_input_without_document_cannot_be_explained(relais):
    ended = relais("package", ADMISSION, "--explain")

    assert ended.code == 1
    assert "RLS-RTE-001" in ended.err


def test_a_channel_without_folder_is_wrong_usage(relais, letter):
    ended = relais("package", letter, "--channel", "mssante")

    assert ended.code == 2
    assert "RLS-RTE-002" in ended.err
