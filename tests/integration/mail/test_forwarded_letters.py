"""Letters whose archive comes forwarded, renamed, or packed so that nobody can read it."""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

import pytest

from gateway.connectors.mssante_letters import read_letter
from gateway.core.errors import RejectedError
from tests.support.arriving import mail
from tests.support.mail import SENDER, code_of, letter


def forwarded(data: bytes, times: int = 1) -> bytes:
    """Return a mail that carries another one, as the secretary forwards it."""
    for number in range(times):
        outer = EmailMessage(policy=policy.SMTP)
        outer["From"], outer["To"] = "secretariat@chu.mssante.example", SENDER.address
        outer["Subject"], outer["Message-ID"] = "TR: lettre", f"<fw{number}@chu.example>"
        outer.set_content("Voir ci-dessous.")
        outer.add_attachment(BytesParser(policy=policy.SMTP).parsebytes(data))
        data = outer.as_bytes()
    return data


def renamed(data: bytes) -> bytes:
    """Return a mail whose archive has the name a download gives it."""
    return data.replace(b"IHE_XDM.zip", b"IHE_XDM(1).zip").replace(
        b"application/zip", b"application/octet-stream"
    )


@pytest.mark.field("FL-271")
@pytest.mark.parametrize("times", [0, 1, 3])
def test_the_archive_is_found_in_forwarded_mails_whatever_its_name(times):
    found = read_letter(forwarded(renamed(mail(letter())), times))

    assert found is not None
    assert [one.body for one in found.documents] == [letter()]
    assert found.recipient == SENDER.address


def test_what_lies_deeper_is_not_looked_for():
    assert read_letter(forwarded(mail(letter()), 4)) is None


@pytest.mark.field("FL-271")
def test_a_winmail_is_told_as_unreadable():
    outer = EmailMessage(policy=policy.SMTP)
    outer["From"], outer["To"] = "cabinet@essai.mssante.example", SENDER.address
    outer.set_content("Lettre jointe.")
    outer.add_attachment(
        b"\x78\x9f\x3e\x22", maintype="application", subtype="ms-tnef", filename="winmail.dat"
    )

    with pytest.raises(RejectedError) as caught:
        read_letter(outer.as_bytes())

    assert code_of(caught) == "RLS-MSS-034"
