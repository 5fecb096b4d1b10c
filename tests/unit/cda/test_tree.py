"""The plain objects of a document are what its XML says, in its order."""

from gateway.cda.document import Document
from gateway.cda.reader import read
from gateway.cda.tree import Attribute, Node
from tests.unit.cda.documents import cda, document, section, sections


def strange(inner: str) -> Document:
    return document(body=sections(section("158", text=inner)))


def test_only_elements_of_cda_go_by_their_local_name() -> None:
    found = strange('<a/><a xmlns="urn:x"/><a xmlns=""/>')
    (text,) = found.tree.by_tag["text"]

    assert [node.tag for node in text.nodes] == ["a", "{urn:x}a", "{}a"]
    assert [node.name for node in text.nodes] == ["a", "a", "a"]
    assert text.children("a") == text.nodes[:1]
    assert [node.place.rpartition("/")[2] for node in text.nodes] == ["a", "a", "a"]


def test_elements_know_their_order_and_where_they_end() -> None:
    tree = strange("<a><b/><b><c/></b></a><d/>").tree

    assert [node.at for node in tree.order] == list(range(len(tree.order)))
    assert tree.order[0].end == len(tree.order)
    for node in tree.order:
        inside = tree.order[node.at + 1 : node.end]
        assert [one for one in inside if one.parent is node] == node.nodes
        assert all(one.parent is node for one in node.nodes)
        assert tree.inside(node, ()) == inside
        for tag in ("b", "c", "section", "nothing"):
            assert tree.inside(node, (tag,)) == [one for one in inside if one.tag == tag]
        assert tree.inside(node, ("b", "c")) == [one for one in inside if one.tag in ("b", "c")]


def test_words_between_elements_stay_where_they_are() -> None:
    (text,) = strange("un <b>deux</b> trois <c/>quatre").tree.by_tag["text"]

    assert (text.content, [node.tail for node in text.nodes]) == ("un ", [" trois ", "quatre"])
    assert text.text() == "un deux trois quatre"


def test_an_attribute_says_its_value_and_else_is_its_element() -> None:
    root = document().root
    (said,) = root.select("cda:code/@code")
    (code,) = root.select("cda:code")

    assert isinstance(said, Attribute)
    assert (said.text(), said.place) == ("11490-0", "/ClinicalDocument/code/@code")
    assert said.key is code.key is code
    assert said.get("codeSystem") == code.get("codeSystem")
    assert said.parent is root
    assert code.text() == ""


def test_what_is_around_a_document_is_not_of_it() -> None:
    body = cda().decode().partition("?>")[2]
    sheet = (
        '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
        f"<xsl:template>{body} behind</xsl:template></xsl:stylesheet>"
    )

    root = read(sheet.encode()).root

    assert root.parent is None
    assert (root.tag, root.tail, root.place) == ("ClinicalDocument", "", "/ClinicalDocument")


def test_as_deep_as_the_parser_goes() -> None:
    depth = 180
    (text,) = strange("<b>" * depth + "x" + "</b>" * depth).tree.by_tag["text"]

    node: Node = text
    while node.nodes:
        (node,) = node.nodes
    assert node.content == text.text() == "x"
    assert node.place.count("/b") == depth
