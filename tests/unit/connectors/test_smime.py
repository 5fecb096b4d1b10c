"""Signed and encrypted mails, verified and opened by openssl."""

import subprocess
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
import trustme

from gateway.connectors.mssante_mail import build
from gateway.connectors.smime import load_smime
from gateway.core.errors import FatalError, RejectedError
from gateway.simulation.mail_checks import findings
from tests.support.mail import CONCEPTMAPS, DOCTOR, SENDER, code_of, delivery, letter


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Make an authority, our key and that of the doctor; return their folder."""
    folder = tmp_path_factory.mktemp("smime")
    authority = trustme.CA(key_type=trustme.KeyType.RSA)
    authority.cert_pem.write_to_path(folder / "authority.pem")
    for name in ("ours", "theirs"):
        made = authority.issue_cert(f"{name}.mssante.example", key_type=trustme.KeyType.RSA)
        made.private_key_and_cert_chain_pem.write_to_path(folder / f"{name}.pem")
        made.cert_chain_pems[0].write_to_path(folder / f"{name}-certificate.pem")
    return folder


def mail_of(**changes):
    return build(delivery(letter(), **changes), SENDER, CONCEPTMAPS)


def smime(keys, signed=(), recipients=()):
    certificates = dict.fromkeys(recipients, keys / "theirs-certificate.pem")
    return load_smime(keys / "ours.pem", None, tuple(signed), certificates)


def openssl(*arguments, data):
    done = subprocess.run(
        ["openssl", "cms", *map(str, arguments)], input=data, capture_output=True, check=False
    )  # fmt: skip
    return done.returncode, done.stdout


def verified(keys, data):
    return openssl("-verify", "-CAfile", keys / "authority.pem", "-purpose", "any", data=data)


def opened(keys, data, name="theirs"):
    file = keys / f"{name}.pem"
    return openssl("-decrypt", "-recip", file, "-inkey", file, data=data)


def inside(data):
    """Return the names of the attachments of an entity."""
    mail = message_from_bytes(data, policy=policy.default)
    return [part.get_filename() for part in mail.iter_attachments()]


NOW = datetime.now(UTC)


def test_a_signature_is_verified_by_openssl(keys):
    mail = mail_of()

    signed = smime(keys, ["mssante.example"]).protect(mail, NOW)

    code, entity = verified(keys, signed.data)
    assert code == 0
    assert inside(entity) == inside(mail.data)
    assert signed.envelope_id == mail.envelope_id


def test_one_changed_letter_breaks_the_signature(keys):
    signed = smime(keys, ["*"]).protect(mail_of(), NOW).data
    code, _ = verified(keys, signed.replace(b"IHE_XDM.zip", b"IHE_XDM.zap", 1))

    assert code != 0


def test_an_encrypted_mail_is_opened_by_its_recipient_and_by_us(keys):
    mail = mail_of()

    sealed = smime(keys, recipients=[DOCTOR]).protect(mail, NOW)

    for name in ("theirs", "ours"):
        code, entity = opened(keys, sealed.data, name)
        assert code == 0
        assert inside(entity) == inside(mail.data)
    assert b"IHE_XDM" not in sealed.data


def test_signed_then_encrypted_is_signed_inside(keys):
    both = smime(keys, ["*"], [DOCTOR.rpartition("@")[2]]).protect(mail_of(), NOW)

    _, entity = opened(keys, both.data)
    code, content = verified(keys, entity)

    assert code == 0
    assert "IHE_XDM.zip" in inside(content)


def test_the_headers_that_route_and_describe_stay_in_clear(keys):
    mail = mail_of()
    before = message_from_bytes(mail.data, policy=policy.default)

    both = smime(keys, ["*"], [DOCTOR]).protect(mail, NOW)

    after = message_from_bytes(both.data, policy=policy.default)
    kept = ("From", "To", "Subject", "Message-ID", "Date", "X-MSS-CODECDA", "X-MSS-INS",
            "X-MSS-NIL", "Disposition-Notification-To")  # fmt: skip
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert after.get_content_type() == "application/pkcs7-mime"
    assert both.data.count(b"MIME-Version") == 1


def test_where_nothing_is_asked_the_mail_is_as_it_was(keys):
    mail = mail_of()

    same = smime(keys, ["other.example"], ["x@other.example"]).protect(mail, NOW)

    told, before = message_from_bytes(same.data), message_from_bytes(mail.data)
    assert sorted(told.items()) == sorted(before.items())
    assert told.get_payload()[1].as_bytes() == before.get_payload()[1].as_bytes()
    assert findings(same.data) == findings(mail.data) == []


def test_a_patient_is_never_encrypted_for(keys):
    to = "254039902200377@patient.mssante.fr"
    mail = mail_of(to=to, kind="patient")

    same = smime(keys, recipients=[to, "patient.mssante.fr"]).protect(mail, NOW)

    assert b"IHE_XDM" in same.data


def test_a_certificate_that_does_not_hold_now_keeps_the_mail_here(keys):
    with pytest.raises(RejectedError) as caught:
        smime(keys, recipients=[DOCTOR]).protect(mail_of(), datetime(1999, 1, 1, tzinfo=UTC))

    assert code_of(caught) == "RLS-MSS-018"


def test_what_is_no_key_stops_the_start(keys, tmp_path):
    with pytest.raises(FatalError) as caught:
        load_smime(keys / "authority.pem", None, (), {})
    with pytest.raises(FatalError):
        load_smime(keys / "ours.pem", None, (), {"x": tmp_path / "none.pem"})

    assert code_of(caught) == "RLS-MSS-043"
