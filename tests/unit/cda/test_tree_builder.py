"""What is built while Expat reads is what lxml reads, of good bytes and of bad ones."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gateway.cda.document import Document
from gateway.cda.reader import read
from gateway.cda.safety import Limits, judge, parse
from gateway.cda.tree import CDA, Node
from gateway.cda.tree_builder import build
from gateway.core.errors import RejectedError
from tests.conftest import ROOT, corpus
from tests.support.absent import absent
from tests.unit.cda.documents import cda

Told = tuple[str, list[tuple[str, str]], str, str, int]
LIMITS = Limits()
SMALL = """<?xml version="1.0" encoding="{}"?><?xml-stylesheet href="x"?>
<!-- before --><ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xmlns:s="urn:hl7-org:sdtc"><title>L&#39;été <!-- in --> &amp; après</title><value xsi:type="CD"
 code='a &lt; b	c'/><s:x xml:lang="fr" s:y="1">a<b xmlns="">c</b> d<![CDATA[ <e> ]]>
f</s:x> g
</ClinicalDocument><!-- behind -->
"""
ENCODINGS = ("utf-8", "iso-8859-1", "iso-8859-15", "windows-1252", "latin1", "utf8", "UTF-8")
PIECES = st.sampled_from([
    b"<", b">", b"&", b"/", b"=", b'"', b"'", b":", b"p:", b"{", b"}", b" ", b"\r", b"", b"--",
    b"\x00", b"\x0b", b"\xe9", b"\xc3\xa9", b"\x81", b"\xef\xbf\xbe", b"\xed\xa0\x80",
    b"]]>", b"<!--", b"-->", b"<![CDATA[", b"<?x y?>", b"<a/>", b"</title>",
    b"&#0;", b"&#xD800;", b"&#x1F600;", b"&nbsp;", b"&lt;", b" xmlns:s=''", b" code='2'",
])  # fmt: skip


def by_lxml(body: bytes) -> list[Told]:
    root, _ = parse(body, LIMITS)
    return [
        (e.tag, list(e.items()), e.text or "", (e.tail or "") if e is not root else "", len(e))
        for e in root.iter()
    ]


def written(name: str) -> str:
    if name.startswith("{}"):
        return name[2:]
    return name if name.startswith("{") else f"{CDA}{name}"


def told(nodes: list[Node]) -> list[Told]:
    return [
        (written(n.tag), list(n.written.items()), n.content, n.tail, len(n.nodes)) for n in nodes
    ]


def by_expat(body: bytes) -> list[Told]:
    return told(build(judge(body, LIMITS), LIMITS, Document(body, LIMITS)).order)


def outcome(reader: Any, body: bytes) -> list[Told] | str:
    """Return what was read, or the code of what is wrong with the bytes."""
    try:
        return reader(body)  # type: ignore[no-any-return]
    except RejectedError as refused:
        return refused.issues[0].code


def documents() -> Iterator[bytes]:
    for path in sorted((ROOT / "fixtures").rglob("*.xml")):
        if b"ClinicalDocument" in path.read_bytes():
            yield path.read_bytes()


def test_every_document_of_ours_is_the_same_tree() -> None:
    bodies = list(documents())

    assert len(bodies) > 40
    assert [body for body in bodies if outcome(by_expat, body) != outcome(by_lxml, body)] == []


def test_every_published_document_is_the_same_tree() -> None:
    folder = corpus()
    if folder is None:
        absent("published samples not found: set RELAIS_TEST_CORPUS")
    paths = sorted((folder / "cda").rglob("*.xml"))

    different = [
        p.name
        for p in paths
        if outcome(by_expat, p.read_bytes()) != outcome(by_lxml, p.read_bytes())
    ]

    assert len(paths) > 10
    assert different == []


@pytest.mark.parametrize("name", ENCODINGS)
def test_each_encoding_is_the_same_tree(name: str) -> None:
    body = SMALL.format(name).encode(name)

    assert by_expat(body) == by_lxml(body)
    assert read(body).root.child("title").text() == "L'été & après"  # type: ignore[union-attr]


def test_utf_16_is_the_same_tree() -> None:
    body = SMALL.format("utf-16").encode("utf-16")

    assert by_expat(body) == by_lxml(body)


@settings(max_examples=1_500, deadline=None)
@given(
    st.sampled_from(ENCODINGS),
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 12), PIECES), min_size=1, max_size=3),
)
@example("utf-8", [(0, 700, b"")])
def test_bytes_that_were_changed_are_read_the_same_or_refused_the_same(
    name: str, changes: list[tuple[int, int, bytes]]
) -> None:
    body = SMALL.format(name).encode(name)
    for at, gone, piece in changes:
        body = body[:at] + piece + body[at + gone :]

    try:
        theirs: list[Told] | str = by_lxml(body)
    except RejectedError as refused:
        # libxml2 also parses a namespace name, which only has to be written as one.
        assume("is not a valid URI" not in str(refused.__cause__))
        theirs = refused.issues[0].code
    assert outcome(by_expat, body) == theirs


@pytest.mark.parametrize("name", ["urn:hl7-org:v3 ", "urn:hl7-org:é", "a{b}c", "u<v"])
def test_a_namespace_that_is_no_uri_is_refused_as_by_others(name: str) -> None:
    body = f"<a xmlns:p='{name.replace('<', '&lt;')}'><b/></a>".encode()

    assert outcome(by_expat, body) == outcome(by_lxml, body) == "RLS-CDA-002"


@pytest.mark.parametrize("version", ["1", "1.--0", "x1.0", "10"])
def test_a_version_of_xml_that_is_none_is_refused_as_by_others(version: str) -> None:
    body = f"<?xml version='{version}'?><a/>".encode()

    assert outcome(by_expat, body) == outcome(by_lxml, body) == "RLS-CDA-002"


def test_the_part_of_a_style_sheet_that_is_a_document_stands_alone() -> None:
    own = cda().partition(b"?>")[2] if cda().startswith(b"<?xml") else cda()
    sheet = (
        b'<x:stylesheet xmlns:x="http://www.w3.org/1999/XSL/Transform"><x:a b="c"/>'
        + own
        + b" tail</x:stylesheet>"
    )

    found, alone = read(sheet), read(cda())

    assert told(found.tree.order) == told(alone.tree.order)
    assert [(n.at, n.end) for n in found.tree.order] == [(n.at, n.end) for n in alone.tree.order]
    assert found.tree.names == alone.tree.names
    assert {tag: len(n) for tag, n in found.tree.by_tag.items()} == {
        tag: len(n) for tag, n in alone.tree.by_tag.items()
    }
    assert found.root.parent is None
    assert told(read(found.alone()).tree.order) == told(alone.tree.order)
