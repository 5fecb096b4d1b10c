"""Pictures and pages embedded in a structured body."""

from base64 import b64encode
from hashlib import sha1, sha256

import pytest

from gateway.fhir.identity import Ids
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import cda, only, resources, section, sections

PNG = b"\x89PNG\r\n\x1a\n essai"
PDF = b"%PDF-1.4 essai"


def media(data: bytes | str, kind: str = "image/png") -> str:
    text = data if isinstance(data, str) else b64encode(data).decode()
    return (
        '<observationMedia classCode="OBS" moodCode="EVN">'
        '<templateId root="1.3.6.1.4.1.19376.1.4.1.4.7"/>'
        f'<value mediaType="{kind}" representation="B64">{text}</value></observationMedia>'
    )


def letter(*entries: str) -> bytes:
    return cda(body=sections(section("37", *entries, code="55107-7", text="Images")))


def test_embedded_media_are_binaries_with_their_hash(convert: Convert) -> None:
    mapped = convert(letter(media(PNG), media(PDF, "application/pdf")))

    contents = only(mapped, "DocumentReference")["content"]
    assert [one["attachment"]["contentType"] for one in contents] == [
        "text/xml",
        "image/png",
        "application/pdf",
    ]
    picture = contents[1]["attachment"]
    assert picture["url"] == f"Binary/{Ids().binary(sha256(PNG).hexdigest())}"
    assert picture["hash"] == b64encode(sha1(PNG, usedforsecurity=False).digest()).decode()
    assert picture["size"] == len(PNG)
    kept = {one["contentType"]: one["data"] for one in resources(mapped, "Binary")}
    assert kept["image/png"] == b64encode(PNG).decode()
    assert mapped.issues == []


def test_a_section_shows_its_pictures(convert: Convert) -> None:
    mapped = convert(letter(media(PNG)))

    (shown,) = only(mapped, "Composition")["section"]
    assert shown["entry"] == [{"reference": f"Binary/{Ids().binary(sha256(PNG).hexdigest())}"}]


def test_the_same_picture_twice_is_one(convert: Convert) -> None:
    mapped = convert(letter(media(PNG), media(PNG)))

    assert len(only(mapped, "DocumentReference")["content"]) == 2
    assert len(resources(mapped, "Binary")) == 2


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("JVBERi0xL", id="cut"),
        pytest.param(b"<script>x</script>", id="active"),
        pytest.param(b"MZ\x90", id="a program"),
        pytest.param(b"\x00\x01\x02", id="of no known kind"),
        pytest.param(b"", id="empty"),
    ],
)
def test_a_broken_picture_does_not_spoil_the_letter(data: bytes | str, convert: Convert) -> None:
    mapped = convert(letter(media(data), media(PNG)))

    assert [one["attachment"]["contentType"] for one in
            only(mapped, "DocumentReference")["content"]] == ["text/xml", "image/png"]  # fmt: skip
    assert [(one.code, one.where.rpartition("/entry")[2]) for one in mapped.issues][:1] == [
        ("RLS-CDA-034", "[1]/observationMedia/value")
    ]
