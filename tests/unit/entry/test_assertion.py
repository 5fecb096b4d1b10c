"""What the token endpoint takes of an assertion, one fault at a time."""

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey

from gateway.entry.auth.assertion import AssertionRefusedError, claimed, public_keys, verify
from tests.support.smart import EC, JWKS, OTHER, RSA, assertion

NOW = 1_790_000_000.0
AUDIENCE = "https://relais.test/auth/token"
KEYS = public_keys(json.dumps(JWKS))


def _check(signed: str) -> str:
    return verify(signed, claimed(signed), KEYS, AUDIENCE, NOW).jti


@pytest.mark.parametrize("key", [RSA, EC], ids=["RS384", "ES384"])
def test_both_algorithms_of_smart_are_taken(key: Any) -> None:
    assert _check(assertion(NOW, AUDIENCE, key, jti="once-and-only")) == "once-and-only"


@pytest.mark.parametrize(
    ("why", "over"),
    [
        ("exp", {"exp": int(NOW) + 600}),
        ("exp", {"exp": int(NOW) - 31}),
        ("exp", {"exp": None}),
        ("exp", {"exp": "soon"}),
        ("exp", {"exp": True}),
        ("aud", {"aud": "https://evil.test/auth/token"}),
        ("aud", {"aud": [AUDIENCE]}),
        ("aud", {"aud": AUDIENCE + "/"}),
        ("sub", {"sub": "other"}),
        ("iat", {"iat": int(NOW) + 900}),
        ("iat", {"nbf": "now"}),
        ("jti", {"jti": "short"}),
        ("jti", {"jti": None}),
        ("jti", {"jti": "x" * 129}),
        ("client", {"iss": None}),
        ("client", {"iss": 7}),
        ("kid", {"head": {"kid": "unknown"}}),
        ("header", {"head": {"alg": "RS256"}}),
        ("header", {"head": {"typ": "JOSE"}}),
        ("header", {"head": {"jwk": {}}}),
        ("header", {"head": {"x5u": "https://evil.test"}}),
    ],
)
def test_each_fault_is_named_in_the_log(why: str, over: dict[str, Any]) -> None:
    with pytest.raises(AssertionRefusedError, match=rf"^{why}$"):
        _check(assertion(NOW, AUDIENCE, **over))


def test_a_signature_of_another_key_of_the_same_name() -> None:
    with pytest.raises(AssertionRefusedError, match=r"^signature$"):
        _check(assertion(NOW, AUDIENCE, OTHER))


def test_a_changed_claim() -> None:
    head, _, signature = assertion(NOW, AUDIENCE).split(".")
    _, body, _ = assertion(NOW, AUDIENCE, jti="another-assertion").split(".")

    with pytest.raises(AssertionRefusedError, match=r"^signature$"):
        _check(f"{head}.{body}.{signature}")


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "..", "x" * 9000, "e30.e30."])
def test_what_is_no_assertion(text: str) -> None:
    with pytest.raises(AssertionRefusedError, match=r"^(shape|header)$"):
        claimed(text)


def test_weak_private_and_other_keys_are_left_out() -> None:
    listed = [
        {**RSA.as_dict(private=False), "kid": "weak", "n": RSA.as_dict(private=False)["n"][:171]},
        ECKey.generate_key("P-256", {"kid": "other curve"}).as_dict(private=False),
        OctKey.generate_key(256, {"kid": "secret"}).as_dict(private=True),
        RSA.as_dict(private=True) | {"kid": "private"},
        RSA.as_dict(private=False) | {"use": "enc", "kid": "to encrypt"},
        {**RSA.as_dict(private=False), "kid": 7},
        {"kty": "RSA", "kid": "broken", "n": "?", "e": "AQAB"},
        "nonsense",
        EC.as_dict(private=False),
    ]

    assert [key.kid for key in public_keys(json.dumps({"keys": listed})).keys] == ["ec"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": 1}', json.dumps({"keys": [{}] * 21})])
def test_what_is_no_key_set(text: str) -> None:
    with pytest.raises(ValueError, match=r"JWK Set|Expecting"):
        public_keys(text)
