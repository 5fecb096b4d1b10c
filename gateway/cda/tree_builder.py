"""Builds the elements of a document while Expat reads its bytes.

Judges nothing about the bytes (`cda.safety`) and knows no ClinicalDocument (`cda.reader`).
XML 1.0; Namespaces in XML; XML Information Set, without comments and instructions.
"""

import re
from typing import TYPE_CHECKING
from xml.parsers import expat

from gateway.cda.safety import Judged, Limits, doctype, too_deep, unreadable
from gateway.cda.tree import NO_ATTRIBUTES, NO_NODES, Node, Tree
from gateway.core.errors import RejectedError

if TYPE_CHECKING:
    from gateway.cda.document import Document

_CDA = "urn:hl7-org:v3"
#: Between namespace and local name, where Expat writes both; no namespace holds it unescaped.
_BETWEEN = "}"
#: XML 1.0 2.8 [26], which Expat does not ask for; libxml2 takes `1.` as well.
_VERSION = re.compile(r"1\.[0-9]*")
#: RFC 3986 2: what a namespace name may be written with; most other readers refuse the rest.
_URI = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*")


def build(judged: Judged, limits: Limits, document: "Document") -> Tree:
    """Read the bytes of a whole XML document into the elements of `document`.

    Raises:
        RejectedError: not well-formed, a DTD, too deep (RLS-CDA-002 to 005).
    """
    builder = _Builder(document, limits.depth)
    # The names of one document: a dictionary of all would grow with what is sent.
    parser = expat.ParserCreate(judged.encoding, _BETWEEN, {})
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.pieces.append
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.XmlDeclHandler = _refuse_version
    parser.StartNamespaceDeclHandler = _refuse_namespace
    try:
        parser.Parse(judged.text, True)
    except expat.ExpatError as error:
        raise RejectedError([unreadable(judged.text, error.lineno, error.offset + 1)]) from error
    except _FaultyError as error:
        line, column = parser.CurrentLineNumber, parser.CurrentColumnNumber + 1
        raise RejectedError([unreadable(judged.text, line, column)]) from error
    return builder.tree


class _FaultyError(Exception):
    """What Expat reads and other parsers do not."""


def _refuse_version(version: str, _encoding: str | None, _standalone: int) -> None:
    if not _VERSION.fullmatch(version):
        raise _FaultyError


def _refuse_namespace(_prefix: str | None, name: str | None) -> None:
    if name and not _URI.fullmatch(name):
        raise _FaultyError


def _refuse_doctype(_name: str, _system: str | None, _public: str | None, _internal: int) -> None:
    """Second lock: whatever the scan may have missed, a document with a DTD is not used."""
    raise RejectedError([doctype()])


class _Builder:
    """What is open while the bytes are read."""

    __slots__ = ("_deepest", "_depth", "_document", "_last", "_parent", "_tags", "pieces", "tree")

    def __init__(self, document: "Document", deepest: int) -> None:
        self.tree = Tree()
        #: Text since the last tag; Expat gives a long one in pieces.
        self.pieces: list[str] = []
        self._document = document
        self._tags: dict[str, str] = {}
        #: The element around, and its child that ended last.
        self._parent: Node | None = None
        self._last: Node | None = None
        self._depth = 0
        self._deepest = deepest

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Open an element."""
        if self.pieces:
            self._said()
        self._depth += 1
        if self._depth > self._deepest:
            raise RejectedError([too_deep(self._deepest)])
        tree = self.tree
        tag = self._tags.get(name)
        if tag is None:
            tag = self._tags[name] = _short(name)
            tree.by_tag[tag] = []
        order, parent = tree.order, self._parent
        written = _named(attributes, tree.names) if attributes else NO_ATTRIBUTES
        node = Node(tag, written, "", "", parent, self._document, len(order))
        order.append(node)
        tree.by_tag[tag].append(node)
        if parent is not None:
            if parent.nodes is NO_NODES:
                parent.nodes = [node]
            else:
                parent.nodes.append(node)
        self._parent = node
        self._last = None

    def end(self, _name: str) -> None:
        """Close the element that is open."""
        if self.pieces:
            self._said()
        self._depth -= 1
        node = self._parent
        if node is not None:
            node.end = len(self.tree.order)
            self._last, self._parent = node, node.parent

    def _said(self) -> None:
        """Put the text since the last tag where it belongs: behind a child, or before the first."""
        pieces = self.pieces
        text = pieces[0] if len(pieces) == 1 else "".join(pieces)
        pieces.clear()
        if self._last is not None:
            self._last.tail = text
        elif self._parent is not None:
            self._parent.content = text


def _short(name: str) -> str:
    """Return the tag of a node: a local name for CDA, `{namespace}name` for any other."""
    space, _, local = name.rpartition(_BETWEEN)
    return local if space == _CDA else f"{{{space}}}{local}"


def _named(attributes: dict[str, str], names: set[str]) -> dict[str, str]:
    """Note the names of attributes; return them with `{namespace}name` for those that have one."""
    foreign = False
    for name in attributes:
        if name not in names:
            if _BETWEEN in name:
                foreign = True
            else:
                names.add(name)
    if not foreign:
        return attributes
    right = {f"{{{name}" if _BETWEEN in name else name: value for name, value in attributes.items()}
    names.update(right)
    return right
