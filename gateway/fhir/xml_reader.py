"""Reads FHIR XML into the JSON of a resource, decimals with their digits (FHIR R4 2.6.1).

The other way is `fhir.xml`. Judges nothing: what no definition knows is kept under its name and
refused by `fhir.shape`. No document type is read, so there is no entity to expand.
"""

import re
from typing import Any
from xml.etree import ElementTree as Tree

from gateway.core.contributions import Json
from gateway.core.decimals import ExactDecimal
from gateway.fhir.elements import Element, table
from gateway.fhir.strict_json import DEPTH, NODES, UnreadableError

_FHIR = "{http://hl7.org/fhir}"
_XHTML = "http://www.w3.org/1999/xhtml"
_PLAIN = Element("string")
#: As FHIR R4 writes them, which is as JSON does.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
_INTEGERS = frozenset({"integer", "positiveInt", "unsignedInt"})


def read(raw: bytes, *, depth: int = DEPTH, nodes: int = NODES) -> Json:
    """Read a resource.

    Raises:
        UnreadableError: the bytes are no XML of a resource, declare a document type, or are beyond
            a limit.
    """
    return _resource(tree(raw, depth, nodes))


def tree(raw: bytes, depth: int = DEPTH, nodes: int = NODES) -> Tree.Element:
    """Read the XML of a client: no document type, nothing nested without end.

    Raises:
        UnreadableError: the bytes are no such XML.
    """
    if b"<!" in raw.replace(b"<!--", b""):
        msg = "the XML declares a document type or holds CDATA"
        raise UnreadableError(msg)
    parser: Tree.XMLPullParser[Any] = Tree.XMLPullParser(("start", "end"))
    level = seen = 0
    root: Tree.Element | None = None
    try:
        for first in range(0, len(raw), 2**16):
            parser.feed(raw[first : first + 2**16])
            for event, node in parser.read_events():  # type: ignore[misc] # no other events
                if root is None and isinstance(node, Tree.Element):
                    root = node
                seen += event == "start"
                level += 1 if event == "start" else -1
                if level > depth or seen > nodes:
                    msg = "it is nested too deeply or holds too many values"
                    raise UnreadableError(msg)
        parser.close()
    except (Tree.ParseError, LookupError, ValueError) as error:
        if isinstance(error, UnreadableError):
            raise
        msg = "it is not XML"
        raise UnreadableError(msg) from None
    if root is None:
        msg = "it is not XML"
        raise UnreadableError(msg)
    return root


def _resource(node: Tree.Element) -> Json:
    type_ = node.tag.removeprefix(_FHIR)
    if not node.tag.startswith(_FHIR) or type_ not in table().resources:
        msg = "the root of a resource is no type of FHIR R4 that is handled"
        raise UnreadableError(msg)
    return {"resourceType": type_, **_content(node, type_)}


def _content(node: Tree.Element, type_: str) -> Json:
    """Read attributes and elements of a resource or a complex element."""
    known = table().elements_of(type_) if type_ in table().type_names else {}
    made: Json = {name: text for name, text in node.attrib.items() if name in ("id", "url")}
    if set(node.attrib) - {"id", "url"}:
        msg = "an element that has parts has a value too"
        raise UnreadableError(msg)
    for child in node:
        if child.tag.__class__ is not str:
            # A comment or an instruction is no part of the resource.
            continue
        name = child.tag.removeprefix(_FHIR)
        element = known.get(name, _PLAIN)
        if child.tag == f"{{{_XHTML}}}div":
            _put(made, "div", _narrative(child), is_list=False)
        elif element.type == "Resource":
            held = [one for one in child if one.tag.__class__ is str]
            if len(held) != 1:
                msg = "an element that holds a resource holds none or several"
                raise UnreadableError(msg)
            _put(made, name, _resource(held[0]), is_list=element.is_list)
        elif element.is_primitive:
            _primitive(made, name, child, element)
        else:
            _put(made, name, _content(child, element.type), is_list=element.is_list)
    return made


def _primitive(made: Json, name: str, node: Tree.Element, element: Element) -> None:
    text = node.get("value")
    value = None if text is None else _value(text, element.type)
    beside = {key: told for key, told in node.attrib.items() if key == "id"}
    extensions = [one for one in node if one.tag == f"{_FHIR}extension"]
    if extensions:
        beside["extension"] = [_content(one, "Extension") for one in extensions]  # type: ignore[assignment]
    if not element.is_list:
        if name in made or f"_{name}" in made:
            msg = "an element that does not repeat is there twice"
            raise UnreadableError(msg)
        made.update({name: value} if value is not None else {})
        made.update({f"_{name}": beside} if beside else {})
        return
    values = made.setdefault(name, [])
    values.append(value)
    companions = made.setdefault(f"_{name}", [])
    companions.append(beside or None)
    if not any(companions):
        # Written again by the next one that has something beside it.
        made.pop(f"_{name}")
    elif len(companions) < len(values):
        companions[:0] = [None] * (len(values) - len(companions))


def _put(made: Json, name: str, value: Any, *, is_list: bool) -> None:
    if is_list:
        made.setdefault(name, []).append(value)
    elif name in made:
        msg = "an element that does not repeat is there twice"
        raise UnreadableError(msg)
    else:
        made[name] = value


def _value(text: str, type_: str) -> Any:
    """Turn an attribute into the JSON value of its type; what is none stays text, to be refused."""
    if type_ == "boolean" and text in ("true", "false"):
        return text == "true"
    if type_ in _INTEGERS and _INTEGER.fullmatch(text) and len(text) < 12:
        return int(text)
    if type_ == "decimal" and len(text) <= 40 and _DECIMAL.fullmatch(text):
        if _INTEGER.fullmatch(text) and len(text) < 18:
            return int(text)
        found = ExactDecimal(text)
        return found if abs(found.adjusted()) <= 18 else text
    return text


def _narrative(node: Tree.Element) -> str:
    for part in node.iter():
        if part.tag.__class__ is str:
            part.tag = part.tag.rpartition("}")[2]
    node.set("xmlns", _XHTML)
    node.tail = None
    return Tree.tostring(node, encoding="unicode")
