"""Makes a narrative safe: what is left cannot act, load or lead away (FHIR R4 2.4.0, narrative).

A link or an image keeps its place inside the resource only (`#id`). Text is kept whatever stood
around it, but for the content of scripts and styles. Pure; used on everything a client writes.
"""

import re
from collections.abc import Mapping
from xml.etree import ElementTree as Tree

from gateway.fhir.strict_json import UnreadableError
from gateway.fhir.xml_reader import tree

_XHTML = "http://www.w3.org/1999/xhtml"
_TAGS = frozenset(
    {
        "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup",
        "dd", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i",
        "img", "li", "ol", "p", "pre", "q", "samp", "small", "span", "strong", "sub", "sup",
        "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "ul", "var",
    }
)  # fmt: skip
#: Gone with all that is in them.
_SILENT = frozenset(
    {
        "script", "style", "iframe", "object", "embed", "applet", "form", "input", "button",
        "textarea", "select", "link", "meta", "base", "head", "title", "noscript", "svg",
        "math", "template", "audio", "video",
    }
)  # fmt: skip
_ATTRIBUTES = frozenset({"id", "class", "title", "lang", "colspan", "rowspan", "alt", "name"})
#: Attributes that lead somewhere, by tag.
_LINKS: Mapping[str, str] = {"a": "href", "img": "src"}
_INSIDE = re.compile(r"#[A-Za-z0-9.\-]{1,64}", re.ASCII)


def safe(div: str) -> str | None:
    """Return the XHTML of a narrative with everything unsafe left out.

    Args:
        div: `text.div` as sent.

    Returns:
        The safe form, the same text when nothing had to go; None when it is no XHTML `div` with
        something to read in it.
    """
    try:
        found = tree(div.encode("utf-8"))
    except (UnicodeEncodeError, UnreadableError):
        return None
    if _name(found) != "div" or found.tag not in ("div", f"{{{_XHTML}}}div"):
        return None
    changed = _clean(found)
    if not "".join(found.itertext()).strip() and found.find(".//img") is None:
        return None
    # Comments and instructions are gone once it is read.
    is_plain = div.startswith("<div xmlns=") and "<!" not in div and "<?" not in div
    if not changed and is_plain:
        return div
    for part in found.iter():
        part.tag = _name(part)
    found.set("xmlns", _XHTML)
    found.tail = None
    return Tree.tostring(found, encoding="unicode")


def _clean(root: Tree.Element) -> bool:
    """Take away what is not allowed, from the leaves up; tell whether anything was."""
    changed = _attributes(root)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.__class__ is not str or _name(child) in _SILENT:
                _remove(parent, child)
                changed = True
            else:
                changed = _attributes(child) or changed
    # A foreign tag leaves its text; the deepest first, so that what it holds is already in order.
    for parent in reversed(list(root.iter())):
        for child in list(parent):
            if _name(child) not in _TAGS:
                _unwrap(parent, child)
                changed = True
    return changed


def _attributes(node: Tree.Element) -> bool:
    tag, changed = _name(node), False
    for name in list(node.attrib):
        is_link = name == _LINKS.get(tag) and _INSIDE.fullmatch(node.attrib[name]) is not None
        if name not in _ATTRIBUTES and not is_link:
            del node.attrib[name]
            changed = True
    return changed


def _remove(parent: Tree.Element, child: Tree.Element) -> None:
    _add_text(parent, list(parent).index(child), child.tail or "")
    parent.remove(child)


def _unwrap(parent: Tree.Element, child: Tree.Element) -> None:
    place = list(parent).index(child)
    inside = list(child)
    if inside:
        inside[-1].tail = (inside[-1].tail or "") + (child.tail or "")
        before = child.text or ""
    else:
        before = (child.text or "") + (child.tail or "")
    _add_text(parent, place, before)
    parent.remove(child)
    for offset, one in enumerate(inside):
        parent.insert(place + offset, one)


def _add_text(parent: Tree.Element, place: int, text: str) -> None:
    if place:
        before = list(parent)[place - 1]
        before.tail = (before.tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def _name(node: Tree.Element) -> str:
    return node.tag.rpartition("}")[2].lower() if node.tag.__class__ is str else ""
