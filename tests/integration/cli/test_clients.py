"""`relais admin client`: who may ask for tokens."""

import json

import pytest

from tests.support.smart import JWKS


@pytest.fixture
def keys(tmp_path):
    """Give a file of public keys."""
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(JWKS), encoding="utf-8")
    return file


def test_a_client_is_registered_shown_and_turned_off(relais, keys):
    nobody = relais("admin", "client", "list")
    added = relais("admin", "client", "add", "dac", "--scopes", "system/Task.rus", "--jwks", keys)
    off = relais("admin", "client", "off", "dac")
    on = relais("admin", "client", "on", "dac")

    assert (nobody.out, "no client is registered" in nobody.err) == ("", True)
    assert added.out == "dac: on, system/Task.rus, 2 keys given, sees 0 organisations, dac\n"
    assert off.out.startswith("dac: off")
    assert on.out == relais("admin", "client", "list").out == added.out


def test_a_client_with_an_address_of_keys(relais):
    url = "https://dac.example/jwks.json"
    words = ("admin", "client", "add", "dac", "--scopes", "system/Task.r", "--jwks-url", url)
    refused = relais(*words)
    assert (refused.code, "RLS-SEC-034" in refused.err) == (1, True)


def test_a_client_with_an_address_that_is_admitted(relais, monkeypatch):
    monkeypatch.setenv("RELAIS_HOOKS_HOSTS", '["dac.example"]')
    url = "https://dac.example/jwks.json"

    added = relais(
        "admin", "client", "add", "dac", "--scopes", "system/Task.r", "--jwks-url", url,
        "--name", "DAC des Essais",
    )  # fmt: skip

    assert added.out == f"dac: on, system/Task.r, {url}, sees 0 organisations, DAC des Essais\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--scopes", "system/Task.sr", "--jwks", "{keys}"), "RLS-SEC-031"),
        (("--scopes", " ", "--jwks", "{keys}"), "RLS-SEC-031"),
        (("--scopes", "system/Task.r"), "RLS-SEC-032"),
        (("--scopes", "system/Task.r", "--jwks", "{keys}", "--jwks-url", "x"), "RLS-SEC-032"),
        (("--scopes", "system/Task.r", "--jwks", "nothing.json"), "RLS-SEC-033"),
    ],
)
def test_a_registration_that_is_refused(relais, keys, words, code):
    given = [str(keys) if word == "{keys}" else word for word in words]
    ended = relais("admin", "client", "add", "dac", *given)

    assert (ended.code, code in ended.err) == (1, True)
    assert relais("admin", "client", "list").out == ""


def test_keys_that_cannot_be_used_and_a_client_that_is_not_there(relais, tmp_path):
    (tmp_path / "none.json").write_text('{"keys": []}', encoding="utf-8")
    words = ("admin", "client", "add", "dac", "--scopes", "system/Task.r", "--jwks")
    unusable = relais(*words, tmp_path / "none.json")
    absent = relais("admin", "client", "off", "dac")

    assert (unusable.code, "RLS-SEC-033" in unusable.err) == (1, True)
    assert (absent.code, "RLS-SEC-035" in absent.err) == (1, True)
