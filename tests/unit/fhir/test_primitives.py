"""Primitive types of FHIR that are looked at by their letters."""

import pytest

from gateway.fhir import shape


@pytest.mark.parametrize(
    ("data", "is_right"),
    [
        ("QUJD", True),
        ("QUI=", True),
        ("QQ==", True),
        ("QUJD\nQQ==", True),
        ("QUJ", False),
        ("QUJD=", False),
        ("Q===", False),
        ("QQ==QUJD", False),
        ("QU=C", False),
        ("Q-_D", False),
        ("é===", False),
        (" ", True),
    ],
)
def test_base64_is_four_letters_at_a_time(data, is_right):
    binary = {"resourceType": "Binary", "contentType": "text/plain", "data": data}

    assert (shape.check(binary) == []) is is_right
