"""A letter by mail whose INS is wrong is filed to nobody by us, and its author hears the answer.

Who the patient is decides the application of the hospital (CI-SIS volet on CDA documents of a
mail: its answer drives the notice, codes 902 to 905); the gateway claims no INS it cannot vouch
for, and keeps nothing of the letter in a record.
"""

import io
import re
import zipfile
from base64 import b64encode
from email import message_from_bytes

import pytest
from structlog.testing import capture_logs

from gateway.connectors.mssante_mailbox import KEPT_FOLDER
from gateway.core.deliveries import DeliveryStatus
from gateway.core.ports import Changes
from gateway.hl7v2.reader import read
from gateway.simulation.hospital import Reply
from tests.support import hospital
from tests.support.arriving import DOCTOR, asking, fields, mail
from tests.support.dmp import PATIENTS
from tests.support.hospital import waiting
from tests.support.mail import letter, messages

INS, OTHER = PATIENTS[0], PATIENTS[1]
BAD_KEY = f"{INS[:13]}{(int(INS[13:]) + 1) % 97:02d}"
CONFIRMED, REFUSED = DeliveryStatus.CONFIRMED, DeliveryStatus.REFUSED


def about(ins: str, **traits: str) -> bytes:
    """Return the letter with another INS, and other traits where they are given."""
    made = letter().replace(INS.encode(), ins.encode())
    if "family" in traits:
        made, count = re.subn(
            rb"(<patient\b.*?)<family([^>]*)>[^<]*<",
            rb"\1<family\2>%s<" % traits["family"].encode(), made, flags=re.DOTALL,
        )  # fmt: skip
        assert count
    assert made != letter()
    return made


async def known(store):
    """Return every resource with its version."""
    found, _ = await store.read(lambda tx: tx.resources.changes(Changes(), 1000, None))
    return {(row.type, row.id): row.version for row in found}


def swapped(data: bytes, old: bytes, new: bytes) -> bytes:
    """Return a mail whose metadata say something else; its document is as it was."""
    made = message_from_bytes(data)
    part = next(one for one in made.walk() if one.get_filename() == "IHE_XDM.zip")
    packed = zipfile.ZipFile(io.BytesIO(part.get_payload(decode=True)))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in packed.namelist():
            content = packed.read(name)
            is_metadata = name.endswith("METADATA.XML")
            archive.writestr(name, content.replace(old, new) if is_metadata else content)
    part.set_payload(b64encode(out.getvalue()).decode())
    return made.as_bytes()


async def answered(arriving, rounds=3):
    await arriving.workers.read_notices()
    for _ in range(rounds):
        await arriving.deliverer.step()


async def test_an_ins_with_a_wrong_key_is_claimed_to_nobody(arriving):
    await arriving.arrive(asking(about(BAD_KEY)))
    arriving.hospital.reply = lambda _body: Reply(["AE"], user_error=902)
    with capture_logs() as logs:
        await answered(arriving)

    message = read(arriving.hospital.received[0])
    assert BAD_KEY not in message.value("PID-3")
    assert "INS" not in message.value("PID-3")
    assert message.value("PID-32") == ""
    assert message.value("PID-5.1") != ""
    assert ("letter_ins_unused", "RLS-INS-005") in {(o["event"], o.get("code")) for o in logs}
    [notice] = arriving.office.operator.taken
    said = "processed/Error: 902^Identifiant patient inconnu"
    assert fields(notice)["Disposition"].endswith(said)


async def test_an_ins_with_a_right_key_is_handed_over_as_one(arriving):
    await arriving.arrive(asking(letter()))
    await answered(arriving)

    message = read(arriving.hospital.received[0])
    assert INS in message.value("PID-3")
    assert message.value("PID-32") == "VALI"


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (about(OTHER), 904, "904^INS differente de celle connue"),
        (about(INS, family="AUTREMENT"), 904, "904^INS differente de celle connue"),
    ],
    ids=["the INS is that of somebody else", "the traits are those of somebody else"],
)
async def test_a_letter_that_contradicts_who_is_known_changes_no_record(
    arriving,
    body, code, said,
):  # fmt: skip
    await hospital.take(arriving.store, messages()[0])
    before = await known(arriving.store)
    arriving.hospital.reply = lambda _body: Reply(["AE"], user_error=code)
    await arriving.arrive(asking(body))
    await answered(arriving)

    assert before
    assert await known(arriving.store) == before
    [row] = [row for row in await waiting(arriving.store) if row.status is REFUSED]
    assert str(code) in row.note
    notices = [one for one in arriving.office.operator.taken if one.recipient == DOCTOR]
    assert [fields(one)["Disposition"].rpartition(": ")[2] for one in notices] == [said]


async def test_metadata_of_one_person_and_a_document_of_another_go_nowhere(
    arriving,
):
    await arriving.arrive(swapped(mail(letter()), INS.encode(), OTHER.encode()))
    with capture_logs() as logs:
        await answered(arriving)

    assert (await waiting(arriving.store), arriving.hospital.received) == ([], [])
    assert await arriving.left(KEPT_FOLDER) == 1
    # The code of the archive itself is in the words of the finding.
    assert "RLS-MSS-033" in {one.get("code") for one in logs}


async def test_metadata_that_type_the_number_otherwise_name_the_same_person(arriving):
    data = mail(letter())
    await arriving.arrive(swapped(data, b"ISO^NH", b"ISO^PI"))
    await answered(arriving)

    assert len(arriving.hospital.received) == 1
