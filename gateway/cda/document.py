"""A document that was read: its tree, and what is looked up in it more than once.

Reads no bytes (`cda.reader`) and converts nothing (`cda.convert`). HL7 CDA R2 (ISO 27932).
"""

from hashlib import sha256

from lxml import etree

from gateway.cda import narrative
from gateway.cda.entry_index import EntryIndex
from gateway.cda.repairs import mend_attributes, type_of_value
from gateway.cda.safety import Limits, parse
from gateway.cda.tree import CDA, Node, Tree, local


class Document:
    """A ClinicalDocument as received; frozen in spirit.

    Attributes:
        body: the bytes as received, stylesheet or signature around included.
        limits: what it was read within.
        root: the ClinicalDocument element.
        tree: every element in order and by name.
        content_type: `text/xml`, or `application/xslt+xml` for the self-presentable form.
        index: what was looked up from the root.
        flags: `bom`, `xml-encoding`, `xml-utf-16`, `self-presentable`, `signature-unverified`.
        mended: attributes that were in the wrong case, by element: right name to the written one.
        model: templateId of the model once somebody asked for it (`bodies.model_of`).
        untyped: values that were read although they had no `xsi:type`, with the type they got.
    """

    # For the compiled build: what may be deleted (`release`).
    __deletable__ = ("index", "root", "tree")
    __slots__ = (
        "_ids",
        "_positions",
        "_sha256",
        "_texts",
        "body",
        "content_type",
        "flags",
        "index",
        "limits",
        "mended",
        "model",
        "root",
        "tree",
        "untyped",
    )

    def __init__(self, body: bytes, limits: Limits) -> None:
        """Make a document whose elements are still to be read (`plant`)."""
        self.body = body
        self.limits = limits
        self._sha256 = ""
        self._ids: dict[str, Node] | None = None
        self._texts: dict[str, str] = {}
        self._positions: dict[Node, dict[Node, tuple[int, int]]] = {}
        self.untyped: dict[Node, str] = {}
        self.model: str | None = None

    def plant(self, tree: Tree, content_type: str, flags: tuple[str, ...]) -> None:
        """Take the elements, which name this document already."""
        self.content_type = content_type
        self.flags = flags
        self.tree = tree
        self.root = tree.order[0]
        self.mended = mend_attributes(self.tree)
        self.index = EntryIndex(self.root)

    @property
    def sha256(self) -> str:
        """Give the hash of the bytes as received, computed once."""
        if not self._sha256:
            self._sha256 = sha256(self.body).hexdigest()
        return self._sha256

    def entry_nodes(self) -> list[Node]:
        """Return the entries of all sections in document order."""
        return self.index.entries

    @property
    def place(self) -> str:
        """Give the place of the whole document."""
        return self.root.place

    def select(self, path: str) -> list[Node]:
        """Return the nodes at an XPath relative to ClinicalDocument."""
        return self.root.select(path)

    def type_without(self, element: Node) -> str:
        """Return the only type a value without `xsi:type` can have, and note it."""
        found = type_of_value(element)
        if found:
            self.untyped[element] = found
        return found

    def place_of(self, element: Node) -> str:
        """Return the XPath of an element, with positions where they count."""
        parts: list[str] = []
        around = element.parent
        while around is not None:
            position, count = self._position(element, around)
            name = local(element.tag)
            parts.append(f"{name}[{position}]" if count > 1 else name)
            element, around = around, around.parent
        return "/".join(["/ClinicalDocument", *reversed(parts)])

    def _position(self, element: Node, parent: Node) -> tuple[int, int]:
        """Return the position of an element among those of its name, and how many there are.

        Counted once for all children of a parent: a document may have thousands of faults.
        """
        known = self._positions.get(parent)
        if known is None:
            names: dict[str, list[Node]] = {}
            for child in parent.nodes:
                names.setdefault(child.tag, []).append(child)
            known = self._positions[parent] = {
                child: (number, len(same))
                for same in names.values()
                for number, child in enumerate(same, start=1)
            }
        return known[element]

    def release(self) -> None:
        """Let go of the elements once nobody looks at them any more.

        They hold each other; left to the garbage collector they cost a letter a fifth more.
        """
        self.tree.release()
        del self.tree, self.root, self.index
        self._ids = None
        self._positions.clear()
        self.mended, self.untyped = {}, {}

    def text(self) -> str:
        """Return all text of the document."""
        return self.root.text()

    def alone(self) -> bytes:
        """Return the ClinicalDocument as UTF-8, without what was around it, as it was written."""
        root, _ = parse(self.body, self.limits)
        element = next(root.iter(f"{CDA}ClinicalDocument"))
        return bytes(etree.tostring(element, encoding="UTF-8", with_tail=False))

    def referenced(self, reference: str) -> Node | None:
        """Return the narrative element a `reference/@value` names, None when it dangles.

        The leading `#` is often forgotten; a bare `#` names nothing. The case counts.
        """
        wanted = reference.strip().removeprefix("#")
        if not wanted:
            return None
        if self._ids is None:
            self._ids = narrative.targets(self.tree)
        return self._ids.get(wanted)

    def narrative(self, reference: str) -> str:
        """Return the text a reference points to, empty when it dangles; kept once made."""
        found = self._texts.get(reference)
        if found is None:
            target = self.referenced(reference)
            found = self._texts[reference] = "" if target is None else narrative.lines(target)
        return found
