"""JSON of a body: what is read, and what is refused before it costs or deceives."""

import pytest

from gateway.core.decimals import ExactDecimal
from gateway.fhir.strict_json import UnreadableError, read


def test_json_is_read_with_the_digits_of_its_decimals() -> None:
    found = read(b'\xef\xbb\xbf{"a": 1.10, "b": [1, -2, 1e2, true, null], "c": "\\u00e9\\n"}')

    assert found == {"a": ExactDecimal("1.10"), "b": [1, -2, 100, True, None], "c": "é\n"}
    assert str(found["a"]) == "1.10"
    assert str(found["b"][2]) == "1e2"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b"\xff", "UTF-8"),
        (b'{"a":1,"a":1}', "twice"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "NaN"),
        (b'{"a":"\\u0007"}', "control"),
        (b'{"\\u0000":1}', "control"),
        (b'{"a":"\\udc00"}', "surrogate"),
        (b'{"a":1e19}', "too large"),
        (b'{"a":1e-19}', "too large"),
        (b'{"a":0.' + b"1" * 41 + b"}", "digits"),
        (b'{"a":' + b"1" * 19 + b"}", "digits"),
        (b"[" * 61 + b"1" + b"]" * 61, "deeply"),
        (b"[" * 200_000, "deeply"),
    ],
)
def test_what_is_refused_is_named_without_its_content(body: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        read(body)


def test_the_number_of_values_has_a_limit() -> None:
    assert read(b"[1,2]", nodes=3) == [1, 2]
    with pytest.raises(UnreadableError, match="many"):
        read(b"[1,2,3]", nodes=3)
