"""A form with a file, cut as browsers write it."""

import pytest

from gateway.core.errors import RejectedError
from gateway.entry.web.bench.posted import fields_of

EDGE = b"----WebKitFormBoundaryA1"


def form(*parts: tuple[bytes, bytes]) -> bytes:
    """Write a form as Chromium does."""
    written = b"".join(
        b"--%b\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n" % (EDGE, name, content)
        for name, content in parts
    )
    return written + b"--" + EDGE + b"--\r\n"


def test_fields_and_files_are_there_byte_for_byte() -> None:
    raw = b"MSH|\r\n\x0b\xe9\x00\r\n\r\n--not the edge\r\n"
    body = form(
        (b'name="text"', "é".encode()),
        (b'name="file"; filename="../../a;name=b.er7"\r\nContent-Type: text/plain', raw),
    )

    fields = fields_of(body, EDGE)

    assert fields == {"text": "é".encode(), "file": raw}
    assert fields.text("text") == "é"
    assert fields.text("absent") == ""


def test_the_first_of_two_fields_of_one_name_counts() -> None:
    assert fields_of(form((b'name="a"', b"1"), (b'name="a"', b"2")), EDGE) == {"a": b"1"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text=1",
        form((b'name="a"', b"1"))[:-6],
        form((b"", b"1")),
        form(*[(b'name="a"', b"1")] * 70),
    ],
    ids=["empty", "other", "cut", "nameless", "crowd"],
)
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(RejectedError) as refused:
        fields_of(body, EDGE)

    assert [issue.code for issue in refused.value.issues] == ["RLS-WEB-122"]
