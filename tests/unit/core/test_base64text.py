"""The quick decoder takes and refuses what the strict one of the standard library does."""

import binascii
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import base64text


@given(st.binary(max_size=200))
def test_what_was_encoded_comes_back(data):
    assert base64text.decode(b64encode(data).decode()) == data


@given(st.text("ABab09+/-_= é\n", max_size=12))
def test_it_agrees_with_the_standard_library(text):
    try:
        expected = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            base64text.decode(text)
    else:
        assert base64text.decode(text) == expected


@pytest.mark.parametrize("text", ["QQ", "Q-8=", "Q_8=", "QQ==QQ==", "Q", "é"])
def test_what_the_quick_decoder_alone_would_take_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        base64text.decode(text)
