"""Reading a document: what is refused, what is unwrapped, and the places of nodes."""

import pytest

from gateway.cda.narrative import lines
from gateway.cda.reader import Document, Limits, read
from gateway.core.errors import RejectedError
from tests.unit.cda.documents import cda, document, node, section, sections

PLAIN = cda(body="")


def _refusal(body: bytes, limits: Limits | None = None) -> tuple[str, str]:
    with pytest.raises(RejectedError) as refused:
        read(body, limits or Limits())
    (issue,) = refused.value.issues
    assert issue.fix
    return issue.code, issue.where


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"", "RLS-CDA-001", id="nothing"),
        pytest.param(b"Document medical au format texte", "RLS-CDA-001", id="plain text"),
        pytest.param(b"%PDF-1.4 ...", "RLS-CDA-001", id="a bare PDF"),
        pytest.param(b"MSH|^~\\&|A", "RLS-CDA-001", id="an HL7 v2 message"),
        pytest.param(b"<ClinicalDocument xmlns='urn:hl7-org:v3'>", "RLS-CDA-002", id="not closed"),
        pytest.param(PLAIN[:500], "RLS-CDA-002", id="truncated"),
        pytest.param(b"<html><body/></html>", "RLS-CDA-007", id="another vocabulary"),
        pytest.param(b"<a>" + PLAIN[38:] * 2 + b"</a>", "RLS-CDA-008", id="two documents"),
    ],
)
def test_what_is_not_one_document_is_refused(body: bytes, code: str) -> None:
    assert _refusal(body)[0] == code


@pytest.mark.field("FL-179")
def test_missing_namespace_is_named() -> None:
    assert _refusal(b"<ClinicalDocument/>") == ("RLS-CDA-006", "/ClinicalDocument")


@pytest.mark.parametrize(
    "prolog",
    [
        pytest.param(b"<!DOCTYPE ClinicalDocument>", id="without entity"),
        pytest.param(b"<!DOCTYPE a SYSTEM 'http://example.invalid/a.dtd'>", id="external"),
        pytest.param(
            b"<!-- <x> --><?p <y>?>\n<!DOCTYPE a [<!ENTITY e 'v'>]>", id="behind a comment"
        ),
        pytest.param(b"<!doctype a>", id="in lower case"),
    ],
)
def test_doctype_is_refused_before_parsing(prolog: bytes) -> None:
    assert _refusal(b'<?xml version="1.0"?>' + prolog + PLAIN[38:]) == ("RLS-CDA-003", "prolog")


def test_doctype_in_utf_16_is_refused_too() -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a><a/>'

    assert _refusal(text.encode("utf-16"))[0] == "RLS-CDA-003"


def test_a_comment_or_text_may_talk_of_a_doctype() -> None:
    body = PLAIN.replace(b"<title>", b"<!-- <!DOCTYPE a> --><title><![CDATA[<!DOCTYPE b>]]>")

    assert read(body).root.child("title").text() == "<!DOCTYPE b>Lettre d'essai"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(Limits(size_bytes=100), id="size"),
        pytest.param(Limits(tags=20), id="tags"),
        pytest.param(Limits(attributes=10), id="attributes"),
        pytest.param(Limits(header=5), id="header"),
    ],
)
def test_limits_are_kept(limits: Limits) -> None:
    assert _refusal(PLAIN, limits) == ("RLS-CDA-004", "document")


@pytest.mark.parametrize("inside", ["entry", "entryRelationship"])
def test_more_statements_than_anybody_reads_are_refused(inside: str) -> None:
    many = f"<{inside}><act/></{inside}>" * 30
    body = cda(body=sections(section("158", many, text="x")))

    assert _refusal(body, Limits(statements=25)) == ("RLS-CDA-004", "document")
    assert read(body, Limits(statements=40)).root.name == "ClinicalDocument"


def test_the_place_of_every_one_of_thousands_of_faults_is_counted_once() -> None:
    found = read(PLAIN.replace(b"<component>", b"<setId/>" * 1500 + b"<component>"))

    places = [node.place for node in found.root.children("setId")]

    # Each parent is walked once, so that a document of faults takes no longer than its size.
    assert places == [f"/ClinicalDocument/setId[{number}]" for number in range(1, 1502)]
    assert len(found._positions) == 1


def test_deep_nesting_is_refused_small_and_large() -> None:
    small = b"<a>" * 300 + b"</a>" * 300
    large = b"<x>" + b" " * 10_000_000 + small + b"</x>"

    assert _refusal(small)[0] == "RLS-CDA-004"
    assert _refusal(large)[0] == "RLS-CDA-004"
    assert _refusal(b"<a>" * 200 + b"</a>" * 200)[0] == "RLS-CDA-007"


@pytest.mark.field("FL-188")
def test_xinclude_is_not_processed() -> None:
    include = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/hostname"/>'

    read_document = read(PLAIN.replace(b"<title>", f"<title>{include}".encode()))

    assert read_document.root.child("title").text() == "Lettre d'essai"  # type: ignore[union-attr]


@pytest.mark.field("FL-172")
def test_body_over_ten_million_characters_is_read_whole() -> None:
    body = PLAIN.replace(b"<component>", b"<component><nonXMLBody><text>" + b"A" * 10_000_001)
    body = body.replace(b"</component></Clin", b"</text></nonXMLBody></component></Clin")

    text = read(body).root.down("component", "nonXMLBody", "text")

    assert text is not None
    assert len(text.raw_text()) == 10_000_001


@pytest.mark.field("FL-173")
def test_byte_order_mark_is_accepted() -> None:
    assert read(b"\xef\xbb\xbf" + PLAIN).flags == ("bom",)


@pytest.mark.field("FL-174")
def test_wrong_byte_for_the_declared_encoding_is_placed() -> None:
    body = b'<?xml version="1.0" encoding="UTF-8"?>\n<a>\nx\x92</a>'

    assert _refusal(body) == ("RLS-CDA-005", "line 3, column 2")


@pytest.mark.parametrize("encoding", ["windows-1252", "ISO-8859-15", "iso-8859-1"])
def test_declared_encodings_are_honoured(encoding: str) -> None:
    text = cda(person="<name><family>É</family></name>").decode().replace("UTF-8", encoding)

    found = read(text.encode(encoding))

    assert found.select("cda:recordTarget/cda:patientRole/cda:patient")[0].text() == "É"
    assert found.flags == ("xml-encoding",)


def test_utf_16_with_its_mark_is_read() -> None:
    body = PLAIN.decode().replace("UTF-8", "UTF-16").encode("utf-16")

    assert read(body).flags == ("bom", "xml-utf-16")


@pytest.mark.parametrize("encoding", ["UTF-7", "EBCDIC-CP-FR", "UTF-16", "x-unknown"])
def test_encodings_that_hide_markup_are_refused(encoding: str) -> None:
    body = f'<?xml version="1.0" encoding="{encoding}"?><a/>'.encode()

    assert _refusal(body)[0] == "RLS-CDA-005"


@pytest.mark.field("FL-178")
def test_wrapped_and_prefixed_documents_read_as_plain_ones() -> None:
    core = PLAIN[38:].decode()
    sheet = (
        '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
        f'<c:Contenu xmlns:c="urn:asip-sante:ci-sis">{core}</c:Contenu></xsl:stylesheet>'
    )
    signed = f'<s:Signature xmlns:s="http://www.w3.org/2000/09/xmldsig#">{core}</s:Signature>'
    prefixed = core.replace("<", "<h:").replace("<h:/", "</h:").replace("xmlns=", "xmlns:h=")

    found = [read(text.encode()) for text in (core, sheet, signed, prefixed)]

    assert {item.root.text() for item in found} == {found[0].root.text()}
    assert [item.content_type for item in found] == [
        "text/xml",
        "application/xslt+xml",
        "text/xml",
        "text/xml",
    ]
    assert [item.flags for item in found] == [
        (),
        ("self-presentable",),
        ("signature-unverified",),
        (),
    ]
    assert found[1].body == sheet.encode()


@pytest.mark.field("FL-190")
def test_processing_instructions_are_ignored() -> None:
    body = PLAIN.replace(
        b"<ClinicalDocument", b'<?xml-stylesheet href="http://x/y.xsl"?><ClinicalDocument'
    )

    assert read(body).root.text() == read(PLAIN).root.text()


def test_places_count_only_where_several_elements_share_a_name() -> None:
    found = document().select("cda:templateId/@root")

    assert found[2].place == "/ClinicalDocument/templateId[3]/@root"
    assert document().select("cda:setId")[0].place == "/ClinicalDocument/setId"
    assert document().place == "/ClinicalDocument"


def test_nodes_of_two_searches_have_one_key() -> None:
    found = document()

    assert found.select("cda:id")[0].key is found.select("cda:id")[0].key


def test_type_is_the_local_name_whatever_the_prefix() -> None:
    assert (
        node('<value xmlns:lab="urn:oid:1.3.6.1.4.1.19376.1.3.2" xsi:type="lab:CD"/>').type == "CD"
    )


@pytest.mark.field("FL-182")
def test_references_resolve_by_id_with_or_without_hash_and_never_by_guess() -> None:
    found: Document = document(
        body=sections(
            section("158", text='<content ID="a1">un</content><content ID="A2">deux</content>')
        )
    )

    assert [
        None if target is None else target.text()
        for target in map(found.referenced, ("#a1", "a1", " #A2 ", "#a2", "#", ""))
    ] == ["un", "un", "deux", None, None, None]


def test_narrative_lines_follow_rows_items_and_paragraphs() -> None:
    found = document(
        body=sections(
            section(
                "158",
                text="<table><tbody><tr><td>a</td><td>b\n c</td></tr><tr><td>d</td></tr></tbody>"
                "</table><list><item>e</item><item>f</item></list>g<br/>h",
            )
        )
    ).root.down("component", "structuredBody", "component", "section", "text")

    assert found is not None
    assert lines(found) == "a | b c\nd\ne\nf\ng\nh"
