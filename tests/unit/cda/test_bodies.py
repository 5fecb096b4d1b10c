"""The bytes of a level-1 body."""

from base64 import b64encode

import pytest

from gateway.core.errors import RejectedError
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import cda, level_1, only, resources

PDF = b"%PDF-1.4 essai"


def test_level_1_body_is_kept_beside_the_document(convert: Convert) -> None:
    mapped = convert(cda(body=level_1(b64encode(PDF).decode())))

    contents = only(mapped, "DocumentReference")["content"]
    assert [item["attachment"]["contentType"] for item in contents] == [
        "text/xml",
        "application/pdf",
    ]
    assert contents[0]["format"]["code"] == "urn:ihe:iti:xds-sd:pdf:2008"
    bodies = {item["contentType"]: item["data"] for item in resources(mapped, "Binary")}
    assert bodies["application/pdf"] == b64encode(PDF).decode()


@pytest.mark.field("FL-156")
def test_base64_with_line_breaks_and_blanks_decodes(convert: Convert) -> None:
    text = b64encode(PDF).decode()

    mapped = convert(cda(body=level_1(f"\n\t{text[:7]}\n  {text[7:]} \n")))

    assert resources(mapped, "Binary")[1]["data"] == text


@pytest.mark.field("FL-157")
@pytest.mark.parametrize("text", ["JVBERi0xL", "JVBERi0x=AAA", "JVBERi0xé", "JVBE!Ri0x"])
def test_broken_base64_is_refused_with_its_place(text: str, convert: Convert) -> None:
    with pytest.raises(RejectedError) as refused:
        convert(cda(body=level_1(text)))

    (issue,) = refused.value.issues
    assert issue.code == "RLS-CDA-017"
    assert issue.where == "/ClinicalDocument/component/nonXMLBody/text"
    assert issue.hl7_code == 102


@pytest.mark.field("FL-157")
def test_url_safe_base64_is_read_and_flagged(convert: Convert) -> None:
    data = PDF + b"\xfb\xff"
    text = b64encode(data).decode().replace("+", "-").replace("/", "_")

    mapped = convert(cda(body=level_1(text)))

    assert resources(mapped, "Binary")[1]["data"] == b64encode(data).decode()
    assert "base64-url-safe" in mapped.flags


@pytest.mark.field("FL-160")
@pytest.mark.field("FL-189")
@pytest.mark.parametrize(
    "data", [b"<html><script>x</script></html>", b"  <!DOCTYPE html>", b"MZ\x90", b"PK\x03\x04"]
)
def test_active_content_is_refused_whatever_its_announced_type(
    data: bytes, convert: Convert
) -> None:
    with pytest.raises(RejectedError) as refused:
        convert(cda(body=level_1(b64encode(data).decode())))

    assert [issue.code for issue in refused.value.issues] == ["RLS-CDA-018"]


@pytest.mark.field("FL-160")
def test_content_decides_the_type_and_the_difference_is_flagged(convert: Convert) -> None:
    mapped = convert(cda(body=level_1(b64encode(PDF).decode(), "image/jpeg")))

    assert resources(mapped, "Binary")[1]["contentType"] == "application/pdf"
    assert mapped.flags == ["body-type-differs"]


@pytest.mark.field("FL-169")
def test_empty_body_converts_the_header_and_is_flagged(convert: Convert) -> None:
    mapped = convert(cda(body=level_1("")))

    assert len(resources(mapped, "Binary")) == 1
    assert mapped.flags == ["empty-body"]


def test_plain_text_body_is_kept(convert: Convert) -> None:
    mapped = convert(cda(body=level_1("Sortie sans incident", "text/plain", "TXT")))

    assert resources(mapped, "Binary")[1]["data"] == b64encode(b"Sortie sans incident").decode()
