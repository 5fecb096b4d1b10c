"""The elements of a document as plain objects: read once, then looked at thousands of times.

Parses nothing (`cda.tree_builder`) and knows no path (`cda.paths`) and no narrative. HL7 CDA R2;
XML Information Set.
"""

from typing import TYPE_CHECKING

from gateway.cda.paths import walker

if TYPE_CHECKING:
    from gateway.cda.document import Document

#: Namespace of CDA R2 as it is written before a name outside of a tree.
CDA = "{urn:hl7-org:v3}"
#: The children of an element that has none.
NO_NODES: "list[Node]" = []
#: The attributes of an element that has none.
NO_ATTRIBUTES: dict[str, str] = {}
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


class Node:
    """An element of a document, or one of its attributes (`Attribute`).

    Attributes are read with `get`, children with `child` and `children`; `select` takes any path
    of `cda.paths`.

    Attributes:
        tag: local name of a CDA element, `{namespace}name` of any other, `{}name` without one.
        written: attributes as they were read, by name or `{namespace}name`.
        content: text before the first child.
        tail: text behind the element.
        nodes: child elements in order; not to be changed.
        parent: the element around it, None for ClinicalDocument.
        document: the document it is of.
        at: its number in the order of the document.
        end: the number after that of the last element inside it.
    """

    __slots__ = ("at", "content", "document", "end", "nodes", "parent", "tag", "tail", "written")

    def __init__(
        self,
        tag: str,
        written: dict[str, str],
        content: str,
        tail: str,
        parent: "Node | None",
        document: "Document",
        at: int,
    ) -> None:
        self.tag = tag
        self.written = written
        self.content = content
        self.tail = tail
        self.nodes: list[Node] = NO_NODES
        self.parent = parent
        self.document = document
        self.at = at
        self.end = at + 1

    @property
    def place(self) -> str:
        """Give the XPath with positions; computed when asked, for traces and issues."""
        return self.document.place_of(self)

    @property
    def name(self) -> str:
        """Give the local name of the element."""
        return local(self.tag)

    @property
    def is_attribute(self) -> bool:
        """Tell whether the node is an attribute of its element."""
        return False

    @property
    def key(self) -> "Node":
        """Give the element, the same object for two nodes of one element."""
        return self

    @property
    def attributes(self) -> dict[str, str]:
        """Give every attribute by its local name, as written."""
        right = self.document.mended.get(self.key, {})
        return {right.get(name) or local(name): value for name, value in self.written.items()}

    @property
    def has_null_flavor(self) -> bool:
        """Tell whether the element carries a nullFlavor (CDA R2 data types, ANY).

        One written in other letters (`nullflavor`) counts: it cannot mean anything else.
        """
        written = self.written
        if written.get("nullFlavor"):
            return True
        return any(name.lower() == "nullflavor" and written[name] for name in written)

    @property
    def null_flavor(self) -> str:
        """Give the nullFlavor, empty without one."""
        return self.get("nullFlavor")

    @property
    def type(self) -> str:
        """Give the local name of `xsi:type`, whatever its prefix; empty when absent.

        A `value` that can only be of one type has that type, and is noted as one without.
        """
        said = self.written.get(_XSI_TYPE)
        told = said.rpartition(":")[2].strip() if said else ""
        if told or self.tag != "value":
            return told
        return self.document.type_without(self.key)

    def select(self, path: str) -> "list[Node]":
        """Return the nodes at a path relative to this one, in document order."""
        if self.parent is None:
            return self.document.index.select(path)
        return walker(path).from_one(self)

    def text(self) -> str:
        """Return the attribute's value, or all text inside with blanks collapsed."""
        if not self.nodes:
            content = self.content
            return " ".join(content.split()) if content else ""
        return " ".join(whole(self).split())

    def raw_text(self) -> str:
        """Return the text of the element itself as written (base64 bodies)."""
        return self.content

    def get(self, name: str) -> str:
        """Return an attribute without blanks around it, empty when absent."""
        value = self.written.get(name)
        return value.strip() if value else ""

    def child(self, name: str) -> "Node | None":
        """Return the first CDA child of that local name."""
        for node in self.nodes:
            if node.tag == name:
                return node
        return None

    def children(self, name: str) -> "list[Node]":
        """Return the CDA children of that local name."""
        return [node for node in self.nodes if node.tag == name]

    def elements(self) -> "list[Node]":
        """Return every child element in order."""
        return self.nodes

    def down(self, *names: str) -> "Node | None":
        """Return the node reached by first children of these local names."""
        node: Node | None = self
        for name in names:
            if node is None:
                return None
            node = node.child(name)
        return node

    def above(self, name: str) -> "Node | None":
        """Return the nearest CDA ancestor of that local name."""
        node = self.parent
        while node is not None and node.tag != name:
            node = node.parent
        return node

    def has_template(self, root: str) -> bool:
        """Tell whether a templateId of the element has that root."""
        for node in self.nodes:
            if node.tag == "templateId" and node.written.get("root") == root:
                return True
        return False

    def attribute(self, name: str) -> "Node":
        """Return an attribute that is there as a node of its own."""
        return Attribute(self.key, name)


class Attribute(Node):
    """An attribute that a path selected: it says its value, all else is that of its element."""

    __slots__ = ("element", "named")

    def __init__(self, element: Node, named: str) -> None:
        super().__init__(
            element.tag,
            element.written,
            element.content,
            element.tail,
            element.parent,
            element.document,
            element.at,
        )
        self.nodes = element.nodes
        self.end = element.end
        self.element = element
        self.named = named

    @property
    def place(self) -> str:
        """Give the XPath of the attribute."""
        return f"{self.document.place_of(self.element)}/@{local(self.named)}"

    @property
    def is_attribute(self) -> bool:
        """Tell that the node is an attribute of its element."""
        return True

    @property
    def key(self) -> Node:
        """Give the element."""
        return self.element

    def text(self) -> str:
        """Return the value with blanks collapsed."""
        return " ".join(self.written.get(self.named, "").split())


def whole(node: Node) -> str:
    """Return all text inside an element as it was written."""
    pieces: list[str] = []
    _gather(node, pieces)
    return "".join(pieces)


def _gather(node: Node, pieces: list[str]) -> None:
    if node.content:
        pieces.append(node.content)
    for child in node.nodes:
        _gather(child, pieces)
        if child.tail:
            pieces.append(child.tail)


def local(tag: str) -> str:
    """Return the name without its namespace."""
    return tag if tag[0] != "{" else tag[tag.index("}") + 1 :]


def _place_of(node: Node) -> int:
    return node.at


class Tree:
    """The elements of a document in order, and by tag: filled once, then only read.

    Attributes:
        order: every element, the root first.
        by_tag: the elements of one name, in order.
        names: every name of an attribute.
    """

    __slots__ = ("by_tag", "names", "order")

    def __init__(self) -> None:
        self.order: list[Node] = []
        self.by_tag: dict[str, list[Node]] = {}
        self.names: set[str] = set()

    def part(self, root: Node) -> "Tree":
        """Return an element and all inside it as a tree of their own; they leave this one."""
        made, first = Tree(), root.at
        made.order = self.order[first : root.end]
        for node in made.order:
            node.at -= first
            node.end -= first
            made.by_tag.setdefault(node.tag, []).append(node)
            made.names.update(node.written)
        root.parent, root.tail = None, ""
        return made

    def release(self) -> None:
        """Take the elements apart: none holds those inside it any more."""
        for node in self.order:
            if node.nodes:
                node.nodes = NO_NODES
        self.order, self.by_tag = [], {}

    def inside(self, node: Node, tags: tuple[str, ...]) -> list[Node]:
        """Return the elements of some names inside an element, of any without names, in order."""
        first, end = node.at + 1, node.end
        named = [self.by_tag.get(tag, NO_NODES) for tag in tags]
        # Whichever is shorter: the elements of those names, or those inside.
        if tags and sum([len(ones) for ones in named]) < end - first:
            found = [one for ones in named for one in ones if first <= one.at < end]
            if len(tags) > 1:
                found.sort(key=_place_of)
            return found
        within = self.order[first:end]
        return [one for one in within if one.tag in tags] if tags else within
