"""Pictures and pages embedded in a structured body."""

from base64 import b64encode
from hashlib import sha1, sha256
from typing import Any

import pytest

from gateway.core.contributions import Mapped
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


def files(mapped: Mapped) -> list[dict[str, Any]]:
    """Return the DocumentReferences of the files, without the document itself."""
    return [one for one in resources(mapped, "DocumentReference") if "masterIdentifier" not in one]


def test_embedded_media_are_binaries_with_their_hash(convert: Convert) -> None:
    mapped = convert(letter(media(PNG), media(PDF, "application/pdf")))

    contents = [content for one in files(mapped) for content in one["content"]]
    assert [one["attachment"]["contentType"] for one in contents] == [
        "image/png",
        "application/pdf",
    ]
    picture = contents[0]["attachment"]
    assert picture["url"] == f"Binary/{Ids().binary(sha256(PNG).hexdigest())}"
    assert picture["hash"] == b64encode(sha1(PNG, usedforsecurity=False).digest()).decode()
    assert picture["size"] == len(PNG)
    kept = {one["contentType"]: one["data"] for one in resources(mapped, "Binary")}
    assert kept["image/png"] == b64encode(PNG).decode()
    assert mapped.issues == []


def test_a_section_shows_its_pictures(convert: Convert) -> None:
    mapped = convert(letter(media(PNG)))

    (shown,) = only(mapped, "Composition")["section"]
    (file,) = files(mapped)
    assert shown["entry"] == [{"reference": f"DocumentReference/{file['id']}"}]
    url = f"Binary/{Ids().binary(sha256(PNG).hexdigest())}"
    assert file["content"][0]["attachment"]["url"] == url


def test_a_file_is_added_to_its_document(convert: Convert) -> None:
    mapped = convert(letter(media(PNG)))

    (file,) = files(mapped)
    (own,) = [one for one in resources(mapped, "DocumentReference") if one is not file]
    target = {"reference": f"DocumentReference/{own['id']}"}
    assert file["relatesTo"] == [{"code": "appends", "target": target}]
    assert [one["attachment"]["contentType"] for one in own["content"]] == ["text/xml"]


def test_a_file_that_is_a_value_stands_beside_the_document(convert: Convert) -> None:
    value = (
        '<observation classCode="OBS" moodCode="EVN"><code code="69764-9"'
        ' codeSystem="2.16.840.1.113883.6.1"/><value xsi:type="ED" mediaType="image/png"'
        f' representation="B64">{b64encode(PNG).decode()}</value></observation>'
    )

    mapped = convert(letter(value))

    contents = only(mapped, "DocumentReference")["content"]
    assert [one["attachment"]["contentType"] for one in contents] == ["text/xml", "image/png"]
    assert not any("valueString" in one for one in resources(mapped, "Observation"))


def test_the_same_picture_twice_is_one(convert: Convert) -> None:
    mapped = convert(letter(media(PNG), media(PNG)))

    urls = {one["content"][0]["attachment"]["url"] for one in files(mapped)}
    assert urls == {f"Binary/{Ids().binary(sha256(PNG).hexdigest())}"}
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

    (kept,) = files(mapped)
    assert kept["content"][0]["attachment"]["contentType"] == "image/png"
    assert [(one.code, one.where.rpartition("/entry")[2]) for one in mapped.issues][:1] == [
        ("RLS-CDA-034", "[1]/observationMedia/value")
    ]
