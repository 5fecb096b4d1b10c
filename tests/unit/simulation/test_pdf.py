"""The hand-written PDF is one a reader can open."""

import re

import pytest

from gateway.simulation import pdf


@pytest.mark.parametrize("size", [0, 60_000], ids=["small", "padded"])
def test_each_offset_of_the_cross_reference_points_at_its_object(size: int) -> None:
    made = pdf.document(["Première ligne (essai)", "Seconde \\ ligne"], at_least=size)

    start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", made)[1])  # type: ignore[index]
    table = made[start:]
    offsets = [int(line) for line in re.findall(rb"^(\d{10}) 00000 n ", table, re.MULTILINE)]
    assert table.startswith(b"xref\n0 %d\n" % (len(offsets) + 1))
    for number, offset in enumerate(offsets, start=1):
        assert made[offset:].startswith(b"%d 0 obj\n" % number)


def test_the_length_of_the_content_stream_is_right() -> None:
    made = pdf.document(["Épreuve"])

    length, body = re.search(
        rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", made, re.DOTALL
    ).groups()  # type: ignore[union-attr]
    assert int(length) == len(body)
    assert "Épreuve".encode("cp1252") in body


def test_parentheses_and_backslashes_do_not_end_the_text() -> None:
    made = pdf.document(["a(b)c\\d"])

    assert rb"(a\(b\)c\\d) Tj" in made


def test_padding_reaches_the_size_asked_for() -> None:
    assert 330_000 <= len(pdf.document(["x"], at_least=330_000)) < 331_000
