"""`relais package --channel dmp`: the submission as a file, taken by a shared record as it is."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from gateway.connectors.dmp_keys import client_context
from gateway.connectors.http import HttpClient
from gateway.fhir.shape import check
from tests.support.dmp import EG, letter, named, pki_in, record
from tests.support.mail import messages


@pytest.fixture
def message(tmp_path):
    path = tmp_path / "letter.er7"
    path.write_bytes(messages()[0])
    return path


@pytest.fixture
def named_record(tmp_path, monkeypatch):
    """Name a shared record and its certificates in the environment."""
    pki = pki_in(tmp_path)
    for name, value in {
        "BASE_URL": "https://localhost:1/services",
        "CERTIFICATE": pki.client,
        "SIGN_CERTIFICATE": pki.signer,
        "AUTHORITY": pki.authority,
        "STRUCTURES": json.dumps([EG]),
        "NAME": "HAD de la Dorde (fictive)",
    }.items():
        monkeypatch.setenv(f"RELAIS_DMP_{name}", str(value))


@pytest.mark.usefixtures("named_record")
def test_a_record_takes_the_file_as_it_is(relais, message, tmp_path):
    ended = relais("package", message, "--channel", "dmp", "--explain", "--out", tmp_path / "out")

    [line] = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.code == 0
    assert (line["kind"], line["status"], line["reason"]) == ("dmp", "queued", "asked")
    assert line["fr"]
    made = (tmp_path / "out/1-dmp/submission.mime").read_bytes()
    assert asyncio.run(fed(tmp_path, made)) == [named(letter())]


async def fed(folder, made):
    """Post the file; return what the record keeps."""
    head, _, body = made.partition(b"\r\n\r\n")
    kind = head.decode("ascii").split("\r\n")[0].partition(": ")[2]
    async with record(folder) as shared:
        shared.theirs.instant = datetime.now(UTC)
        tls = client_context(shared.pki.authority, shared.pki.client)
        async with HttpClient(tls) as client:
            address = f"{shared.repository.base_url}/repository"
            await client.post(address, body, {"Content-Type": kind}, 5)
        assert shared.repository.findings == []
        return shared.repository.unique_ids


@pytest.mark.usefixtures("named_record")
def test_a_message_that_asks_for_nothing_is_refused(relais, tmp_path):
    flag = b"DESTDMP^Destinataire DMP^MetaDMPMSS||Y"
    path = tmp_path / "other.er7"
    path.write_bytes(messages()[0].replace(flag, flag[:-1] + b"N"))

    ended = relais("package", path, "--channel", "dmp", "--out", tmp_path / "out")

    assert ended.code == 1
    assert "RLS-DMP-050 at OBX MetaDMPMSS" in ended.err


def test_without_certificates_the_way_is_said(relais, message, tmp_path):
    ended = relais("package", message, "--channel", "dmp", "--out", tmp_path / "out")

    assert ended.code == 2
    assert "RLS-DMP-041" in ended.err
    assert "dmp.sign_certificate" in ended.err


@pytest.mark.usefixtures("named_record")
@pytest.mark.field("FL-289")
def test_a_production_address_in_a_test_installation_is_refused(
    relais, message, tmp_path, monkeypatch
):
    monkeypatch.setenv("RELAIS_DMP_ENVIRONMENT", "production")

    ended = relais("package", message, "--channel", "dmp", "--out", tmp_path / "out")

    assert ended.code == 2
    assert "RLS-DMP-003 at setting dmp.environment" in ended.err


def test_the_second_dialect_is_a_bundle(relais, message, tmp_path, monkeypatch):
    monkeypatch.setenv("RELAIS_DMP_STRUCTURES", json.dumps([EG]))

    ended = relais("package", message, "--channel", "pdsm", "--out", tmp_path / "out")

    bundle = json.loads((tmp_path / "out/1-dmp/bundle.json").read_bytes())
    assert ended.code == 0
    assert check(bundle) == []
    kinds = [one["resource"]["resourceType"] for one in bundle["entry"]]
    assert kinds == ["List", "DocumentReference", "Binary"]
