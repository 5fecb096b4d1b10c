"""Writes the narrative block of a section as the XHTML FHIR allows, and nothing else.

An allow-list: what is not in it keeps its text and loses its element. No style, script, image or
address of the document survives; a link keeps only a target inside the document. HL7 CDA R2
4.3.5 (narrative block); FHIR R4 narrative, txt-1.
"""

import re
from html import escape

from gateway.cda.tree import Node, whole
from gateway.core.digits import whole_number

_DIV = '<div xmlns="http://www.w3.org/1999/xhtml">'
#: Elements that keep a name of their own.
_NAMES = {
    "table": "table", "thead": "thead", "tbody": "tbody", "tfoot": "tfoot", "tr": "tr",
    "th": "th", "td": "td", "item": "li", "paragraph": "p", "sub": "sub", "sup": "sup",
    "content": "span", "footnote": "span", "footnoteRef": "span",
}  # fmt: skip
_BLOCKS = frozenset({"paragraph", "list", "table"})
_SPANS = ("colspan", "rowspan")
_XML_ID = re.compile(r"[A-Za-z_][\w.\-]*")
_STRUCK = ' style="text-decoration: line-through"'
#: Control characters XML 1.0 allows; and the layout of the source, which is one blank.
_BLANK = re.compile(r"[\u0080-\u009f]|\s*\n\s*")


def div(text: Node) -> str:
    """Return `section/text` as one `div`, empty when nothing in it can be read.

    Spec: FHIR R4 Narrative.div, txt-2: there is some content that is not blank.
    """
    parts: list[str] = []
    _inside(text, parts)
    content = "".join(parts).strip()
    return f"{_DIV}{content}</div>" if text.text() else ""


def _inside(element: Node, parts: list[str]) -> None:
    _words(element.content, parts)
    for child in element.nodes:
        _element(child, parts)
        _words(child.tail, parts)


def _words(text: str, parts: list[str]) -> None:
    if not text:
        return
    # Most of what stands between elements is the layout of the source.
    is_layout = "\n" in text and text.isspace()
    if is_layout:
        parts.append(" ")
        return
    is_clean = text.isascii() and "\n" not in text
    # Three looks cost less than three copies.
    has_markup = "&" in text or "<" in text or ">" in text
    escaped = escape(text, quote=False) if has_markup else text
    parts.append(escaped if is_clean else _BLANK.sub(" ", escaped))


def _element(element: Node, parts: list[str]) -> None:
    name = element.tag.removeprefix("{}")
    if name == "br":
        parts.append("<br/>")
    elif name == "list":
        _list(element, parts)
    elif name == "caption":
        # Only a table has a caption; that of a list or an image is a line of its own.
        is_of_table = element.parent is not None and element.parent.tag == "table"
        _wrapped("caption" if is_of_table else "p", element, parts)
    elif name == "linkHtml":
        _link(element, parts)
    elif name == "renderMultiMedia":
        _image(element, parts)
    elif name in _NAMES:
        has_blocks = name == "content" and any(child.tag in _BLOCKS for child in element.nodes)
        _wrapped("div" if has_blocks else _NAMES[name], element, parts)
    elif name not in ("col", "colgroup"):
        _inside(element, parts)


def _wrapped(name: str, element: Node, parts: list[str], attributes: str = "") -> None:
    parts.append(f"<{name}{_attributes(element)}{attributes}>")
    _inside(element, parts)
    parts.append(f"</{name}>")


def _attributes(element: Node) -> str:
    found = ""
    written = element.written
    if not written:
        return found
    own = element.get("ID")
    if own and _XML_ID.fullmatch(own):
        found = f' id="{own}"'
    for name in _SPANS:
        if name in written and whole_number(number := element.get(name)) is not None:
            found += f' {name}="{number}"'
    # Words taken back must not be read as said.
    return found + (_STRUCK if written.get("revised") == "delete" else "")


def _list(element: Node, parts: list[str]) -> None:
    name = "ol" if element.written.get("listType") == "ordered" else "ul"
    for caption in element.children("caption"):
        _wrapped("p", caption, parts)
    parts.append(f"<{name}{_attributes(element)}>")
    for child in element.children("item"):
        _wrapped("li", child, parts)
    parts.append(f"</{name}>")


def _link(element: Node, parts: list[str]) -> None:
    target = element.get("href")
    if target.startswith("#") and _XML_ID.fullmatch(target[1:]):
        parts.append(f'<a href="{target}">')
        _inside(element, parts)
        parts.append("</a>")
        return
    _inside(element, parts)
    if target and target not in whole(element):
        _words(f" ({target})", parts)


def _image(element: Node, parts: list[str]) -> None:
    """Name the medium; its bytes are kept apart."""
    names = escape(element.written.get("referencedObject", ""), quote=False)
    parts.append(f"<span{_attributes(element)}>[{names}]")
    _inside(element, parts)
    parts.append("</span>")
