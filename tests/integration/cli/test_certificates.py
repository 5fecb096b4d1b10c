"""`relais admin certificates`: what an installation shows and trusts, until when."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import trustme


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Return a function that puts a certificate with so many days into the HTTP door."""
    authority = trustme.CA()
    file = tmp_path / "server.pem"

    def make(days):
        ends = datetime.now(UTC) + timedelta(days=days, hours=1)
        begins = ends - timedelta(days=700)
        issued = authority.issue_cert(
            "relais.example", organization_name="CH", not_before=begins, not_after=ends
        )
        issued.private_key_and_cert_chain_pem.write_to_path(file)
        monkeypatch.setenv("RELAIS_HTTP_CERTIFICATE", str(file))

    return make


def test_nothing_named_is_nothing_listed(relais):
    ended = relais("admin", "certificates")

    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_subject_use_and_dates_are_listed(relais, made):
    made(400)

    ended = relais("admin", "certificates")

    assert (ended.code, ended.err) == (0, "")
    assert re.fullmatch(
        r"http\.certificate: TLS of the HTTP door, OU=.*,O=CH,"
        r" 20\d\d-\d\d-\d\d to 20\d\d-\d\d-\d\d, 400 days left\n",
        ended.out,
    )


@pytest.mark.parametrize(("days", "code", "exit_code"), [(20, "080", 0), (-3, "081", 1)])
def test_an_end_that_is_near_is_said_and_one_that_is_past_fails(
    relais, made, days, code, exit_code
):
    made(days)

    ended = relais("admin", "certificates")

    assert f"RLS-NET-{code}" in ended.err
    assert f"{days} days left" in ended.out
    assert ended.code == exit_code


def test_a_file_that_is_missing_is_said(relais, monkeypatch, tmp_path):
    monkeypatch.setenv("RELAIS_HTTP_CERTIFICATE", str(tmp_path / "nothing.pem"))

    ended = relais("admin", "certificates")

    assert (ended.code, ended.out) == (1, "")
    assert "RLS-NET-082" in ended.err
