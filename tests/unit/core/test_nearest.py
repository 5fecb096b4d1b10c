"""The known name that is closest to one that is not known."""

import pytest

from gateway.core.nearest import nearest, nearest_hint

KNOWN = ("ENC.DISCHARGE", "ENC.ADMIT", "visit")


@pytest.mark.parametrize(
    ("name", "found"),
    [("ENC.DISCHARG", "ENC.DISCHARGE"), ("VISITE", "visit"), ("zzz", ""), ("", "")],
)
def test_the_closest_name_letter_case_aside(name: str, found: str) -> None:
    assert nearest(name, KNOWN) == found


def test_the_hint_ends_a_sentence() -> None:
    assert nearest_hint("enc.admitt", KNOWN) == "; nearest: 'ENC.ADMIT'"
    assert nearest_hint("zzz", KNOWN) == ""
