"""Whatever becomes of a document, it has a report in every form; a change that says the same none.

An element that is removed, moved, emptied or made null is found where a rule speaks of it.
"""

import json
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.conformance import reports
from tests.support.letters import ROOT, SOUND, found, judged

_CDA = "{urn:hl7-org:v3}"
_PIECES = (b"<", b">", b"&", b'"', b"/", b"\x00", b"\xff", b"<!DOCTYPE a>", b"]]>", b"<a/>",
           b"nullFlavor=", b"20261399", b"#", b"\xef\xbb\xbf")  # fmt: skip


@lru_cache
def documents() -> tuple[bytes, ...]:
    """Return the documents of our fixtures."""
    paths = sorted((ROOT / "fixtures").glob("*/*/input.xml"))
    return tuple(body for path in paths if len(body := path.read_bytes()) < 60_000)


@st.composite
def spoilt(draw):
    """Draw a document with some bytes put in, taken out or exchanged."""
    body = bytearray(draw(st.sampled_from(documents())))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(body)))
        if draw(st.booleans()):
            body[at:at] = draw(st.sampled_from(_PIECES))
        else:
            del body[at : at + draw(st.integers(1, 60))]
    return bytes(body)


@st.composite
def rearranged(draw):
    """Draw a document that is well-formed and of which some elements were changed."""
    root = etree.fromstring(draw(st.sampled_from(sorted(sound_ones()))))
    for _ in range(draw(st.integers(1, 5))):
        elements = list(root.iter(etree.Element))
        element = draw(st.sampled_from(elements))
        above = element.getparent()
        match draw(st.sampled_from(["remove", "move", "null", "blank", "double", "text"])):
            case "remove" if above is not None:
                above.remove(element)
            case "move" if above is not None:
                above.insert(0, element)
            case "double" if above is not None:
                above.append(etree.fromstring(etree.tostring(element, with_tail=False)))
            case "null":
                element.set("nullFlavor", draw(st.sampled_from(["UNK", "NA", "?", ""])))
            case "blank":
                for name in element.attrib:
                    element.set(name, draw(st.sampled_from(["", " ", "0", "20260231"])))
            case _:
                element.text = draw(st.sampled_from(["", "x" * 500, "é\n"]))
    return etree.tostring(root, encoding="UTF-8")


@lru_cache
def sound_ones() -> tuple[bytes, ...]:
    """Return the documents that can be read."""
    return tuple(body for body in documents() if judged(body).message_type)


def told(body):
    """Make a report in every form and return it."""
    report = judged(body)
    assert all(f.issue.where and f.issue.what and f.issue.fix for f in report.findings)
    assert all(f.clause for f in report.findings)
    assert list(reports.as_text([report]))
    assert json.loads(reports.as_json([report]))["inputs"]
    assert json.loads(reports.as_sarif([report], "1"))["runs"]
    etree.fromstring(reports.as_junit([report]).encode())
    return report


@settings(max_examples=60, deadline=None)
@given(spoilt())
def test_any_bytes_have_a_report_in_every_form(body):
    told(body)


@settings(max_examples=80, deadline=None)
@given(rearranged())
def test_any_elements_have_a_report_whose_places_are_in_the_document(body):
    report = told(body)

    assert {f.issue.where[:17] for f in report.findings if f.layer != "reader"} <= {
        "/ClinicalDocument"
    }


def required():
    """Return the elements of the header that no document may lack."""
    root = etree.fromstring(SOUND)
    optional = {"informant", "participant", "component"}
    return [
        etree.QName(child).localname
        for child in root.iterchildren(etree.Element)
        if etree.QName(child).localname not in optional
    ]


@pytest.mark.parametrize("name", dict.fromkeys(required()))
def test_each_element_of_the_header_is_missed(name):
    root = etree.fromstring(SOUND)
    for child in root.findall(f"{_CDA}{name}"):
        root.remove(child)

    assert found(etree.tostring(root))["RLS-CDA-010", f"/ClinicalDocument/{name}"] in (
        "error",
        "warning",
    )


def prefixed(body):
    """Return the document with a prefix on every element."""
    return (
        body.replace(b'xmlns="urn:hl7-org:v3"', b'xmlns:x="urn:hl7-org:v3"')
        .replace(b"</", b"</x:")
        .replace(b"<", b"<x:")
        .replace(b"<x:/x:", b"</x:")
        .replace(b"<x:?", b"<?")
        .replace(b"<x:!", b"<!")
        .replace(b"<x:sdtc:", b"<sdtc:")
    )


def encoded(name):
    text = SOUND.decode().replace('encoding="UTF-8"', f'encoding="{name}"')
    return text.encode(name)


@pytest.mark.parametrize(
    "body",
    [prefixed(SOUND), encoded("ISO-8859-1"), encoded("UTF-16"), b"\xef\xbb\xbf" + SOUND],
    ids=["prefix", "latin-1", "UTF-16", "mark"],
)
def test_a_document_written_in_another_way_is_as_sound(body):
    assert found(body) == {}


def test_a_document_inside_its_style_sheet_is_as_sound():
    inner = SOUND.partition(b"?>")[2]
    around = b'<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0">'
    body = around + inner + b"</xsl:stylesheet>"

    assert found(body) == {}
