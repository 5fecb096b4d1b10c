"""Reads CDA R2 bytes into a `Document` whose nodes are the `Source` of the mapping engine.

Does not convert anything (`cda.convert`) and shows no lxml type: a node gives text, attributes
and other nodes. HL7 CDA R2 (ISO 27932); CI-SIS volet Structuration minimale.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from lxml import etree

from gateway.cda import narrative, xhtml
from gateway.cda.entry_index import EntryIndex
from gateway.cda.paths import PREFIXES, Found, path_fault, walker
from gateway.cda.repairs import mend_attributes, rename, type_of_value
from gateway.cda.safety import Limits, parse, too_big
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity

__all__ = ["PREFIXES", "Document", "Limits", "Node", "path_fault", "read"]

_CDA = "{urn:hl7-org:v3}"
_ROOT = f"{_CDA}ClinicalDocument"
#: Tag of a section as `Node.key` has it.
SECTION_TAG = f"{_CDA}section"
_XSL = "{http://www.w3.org/1999/XSL/Transform}"
_VALUE = f"{_CDA}value"
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


class Node:
    """An element or an attribute of a document.

    Attributes are read with `get`, children with `child` and `children`; `select` takes any
    XPath with the prefixes of `PREFIXES`.
    """

    __slots__ = ("_element", "_named", "document")

    def __init__(self, element: Any, document: "Document", attribute: str = "") -> None:
        self._element = element
        self._named = attribute
        self.document = document

    @property
    def place(self) -> str:
        """Give the XPath with positions; computed when asked, for traces and issues."""
        return self.document.place_of(self._element, self._named)

    @property
    def name(self) -> str:
        """Give the local name of the element."""
        return _local(self._element.tag)

    @property
    def is_attribute(self) -> bool:
        """Tell whether the node is an attribute of its element."""
        return bool(self._named)

    @property
    def key(self) -> Any:
        """Give a hashable value that is equal for two nodes of one element."""
        return self._element

    @property
    def attributes(self) -> "dict[str, str]":
        """Give every attribute by its local name, as written."""
        written = self.document.mended.get(self._element, {})
        return {
            written.get(name) or _local(name): value for name, value in self._element.attrib.items()
        }

    @property
    def has_null_flavor(self) -> bool:
        """Tell whether the element carries a nullFlavor (CDA R2 data types, ANY).

        One written in other letters (`nullflavor`) counts: it cannot mean anything else.
        """
        element = self._element
        if element.get("nullFlavor"):
            return True
        return any(name.lower() == "nullflavor" and element.get(name) for name in element.attrib)

    @property
    def null_flavor(self) -> str:
        """Give the nullFlavor, empty without one."""
        return self.get("nullFlavor")

    @property
    def type(self) -> str:
        """Give the local name of `xsi:type`, whatever its prefix; empty when absent.

        A `value` that can only be of one type has that type, and is noted as one without.
        """
        element = self._element
        told = str(element.get(_XSI_TYPE) or "").rpartition(":")[2].strip()
        if told or element.tag != _VALUE:
            return told
        return self.document.type_without(element)

    def select(self, path: str) -> "list[Node]":
        """Return the nodes at an XPath relative to this one, in document order."""
        document = self.document
        if self is document.root:
            found = document.index.select(path)
        else:
            found = walker(path)((self._element,))
        if found and found[0].__class__ is Found:
            return [Node(item.element, document, item.attribute) for item in found]
        return [Node(item, document) for item in found]

    def text(self) -> str:
        """Return the attribute's value, or all text inside with blanks collapsed."""
        if self._named:
            return " ".join(str(self._element.get(self._named) or "").split())
        element = self._element
        if len(element) == 0:
            return " ".join((element.text or "").split())
        return " ".join("".join(element.itertext()).split())

    def raw_text(self) -> str:
        """Return the text of the element itself as written (base64 bodies)."""
        return self._element.text or ""

    def get(self, name: str) -> str:
        """Return an attribute without blanks around it, empty when absent."""
        value: str | None = self._element.get(name)
        return value.strip() if value else ""

    def child(self, name: str) -> "Node | None":
        """Return the first CDA child of that local name."""
        for element in self._element.iterchildren(_CDA + name):
            return Node(element, self.document)
        return None

    def children(self, name: str) -> "list[Node]":
        """Return the CDA children of that local name."""
        document = self.document
        return [Node(element, document) for element in self._element.iterchildren(_CDA + name)]

    def elements(self) -> "Iterator[Node]":
        """Give every child element in order."""
        for element in self._element.iterchildren(etree.Element):
            yield Node(element, self.document)

    def down(self, *names: str) -> "Node | None":
        """Return the node reached by first children of these local names."""
        element = self._element
        for name in names:
            element = next(element.iterchildren(_CDA + name), None)
            if element is None:
                return None
        return Node(element, self.document)

    @property
    def parent(self) -> "Node | None":
        """Give the element around this one, None for ClinicalDocument."""
        if self._element is self.document.root._element:
            return None
        return Node(self._element.getparent(), self.document)

    def above(self, name: str) -> "Node | None":
        """Return the nearest CDA ancestor of that local name."""
        for element in self._element.iterancestors(_CDA + name):
            return Node(element, self.document)
        return None

    def has_template(self, root: str) -> bool:
        """Tell whether a templateId of the element has that root."""
        return any(
            child.get("root") == root for child in self._element.iterchildren(f"{_CDA}templateId")
        )

    def lines(self) -> str:
        """Return the narrative text with one line per row, item or paragraph."""
        return narrative.lines(self._element)

    def xhtml(self) -> str:
        """Return the narrative as the `div` FHIR allows, empty when it says nothing."""
        return xhtml.div(self._element)


class Document:
    """A ClinicalDocument as received; frozen in spirit.

    Attributes:
        body: the bytes as received, stylesheet or signature around included.
        root: the ClinicalDocument element.
        content_type: `text/xml`, or `application/xslt+xml` for the self-presentable form.
        index: what was looked up from the root.
        flags: `bom`, `xml-encoding`, `xml-utf-16`, `self-presentable`, `signature-unverified`.
        mended: attributes that were in the wrong case, by element: right name to the written one.
        model: templateId of the model once somebody asked for it (`bodies.model_of`).
        untyped: values that were read although they had no `xsi:type`, with the type they got.
    """

    __slots__ = (
        "_ids",
        "_positions",
        "_texts",
        "body",
        "content_type",
        "flags",
        "index",
        "mended",
        "model",
        "root",
        "untyped",
    )

    def __init__(
        self, body: bytes, element: Any, content_type: str, flags: tuple[str, ...]
    ) -> None:
        self.body = body
        self.root = Node(element, self)
        self.content_type = content_type
        self.flags = flags
        self._ids: dict[str, Any] | None = None
        self._texts: dict[str, str] = {}
        self._positions: dict[Any, dict[Any, tuple[int, int]]] = {}
        self.mended = mend_attributes(element, body)
        self.index = EntryIndex(element)
        self.untyped: dict[Any, str] = {}
        self.model: str | None = None

    def entry_nodes(self) -> list[Node]:
        """Return the entries of all sections in document order."""
        return [Node(element, self) for element in self.index.entries]

    @property
    def place(self) -> str:
        """Give the place of the whole document."""
        return self.root.place

    def select(self, path: str) -> list[Node]:
        """Return the nodes at an XPath relative to ClinicalDocument."""
        return self.root.select(path)

    def type_without(self, element: Any) -> str:
        """Return the only type a value without `xsi:type` can have, and note it."""
        found = type_of_value(element)
        if found:
            self.untyped[element] = found
        return found

    def place_of(self, element: Any, attribute: str = "") -> str:
        """Return the XPath of an element or of its attribute, with positions where they count."""
        parts: list[str] = []
        root = self.root._element
        while element is not root and element is not None:
            name = _local(element.tag)
            position, count = self._position(element)
            parts.append(f"{name}[{position}]" if count > 1 else name)
            element = element.getparent()
        path = "/".join(["/ClinicalDocument", *reversed(parts)])
        return f"{path}/@{_local(attribute)}" if attribute else path

    def _position(self, element: Any) -> tuple[int, int]:
        """Return the position of an element among those of its name, and how many there are.

        Counted once for all children of a parent: a document may have thousands of faults.
        """
        parent = element.getparent()
        if parent is None:
            return 1, 1
        known = self._positions.get(parent)
        if known is None:
            names: dict[Any, list[Any]] = {}
            for child in parent.iterchildren(etree.Element):
                names.setdefault(child.tag, []).append(child)
            known = self._positions[parent] = {
                child: (number, len(same))
                for same in names.values()
                for number, child in enumerate(same, start=1)
            }
        return known[element]

    def text(self) -> str:
        """Return all text of the document."""
        return self.root.text()

    def alone(self) -> bytes:
        """Return the ClinicalDocument as UTF-8, without what was around it, as it was written."""
        for element, names in self.mended.items():
            rename(element, names)
        whole = bytes(etree.tostring(self.root._element, encoding="UTF-8", with_tail=False))
        for element, names in self.mended.items():
            rename(element, {written: right for right, written in names.items()})
        return whole

    def referenced(self, reference: str) -> Node | None:
        """Return the narrative element a `reference/@value` names, None when it dangles.

        The leading `#` is often forgotten; a bare `#` names nothing. The case counts.
        """
        wanted = reference.strip().removeprefix("#")
        if not wanted:
            return None
        if self._ids is None:
            self._ids = narrative.targets(self.root._element)
        element = self._ids.get(wanted)
        return None if element is None else Node(element, self)

    def narrative(self, reference: str) -> str:
        """Return the text a reference points to, empty when it dangles; kept once made."""
        found = self._texts.get(reference)
        if found is None:
            target = self.referenced(reference)
            found = self._texts[reference] = "" if target is None else target.lines()
        return found


def read(body: bytes, limits: Limits = Limits()) -> Document:  # noqa: B008 - frozen, shared
    """Read a CDA document, plain, self-presentable or inside a signature.

    Raises:
        RejectedError: on any bytes that are not one ClinicalDocument (RLS-CDA-001 to 009).
    """
    root, flags = parse(body, limits)
    _refuse_crowd(root, len(body), limits)
    if root.tag == _ROOT:
        return Document(body, root, "text/xml", flags)
    found = list(root.iter(_ROOT))
    if len(found) != 1:
        raise RejectedError([_no_document(root, len(found))])
    if root.tag in (f"{_XSL}stylesheet", f"{_XSL}transform"):
        # The style sheet around it is never compiled.
        return Document(body, found[0], "application/xslt+xml", (*flags, "self-presentable"))
    return Document(body, found[0], "text/xml", (*flags, "signature-unverified"))


def _refuse_crowd(root: Any, size: int, limits: Limits) -> None:
    """Refuse what would take long: the time a conversion takes grows with these two numbers."""
    found = next(root.iter(_ROOT), root)
    if len(found) > limits.header:
        raise RejectedError([too_big(f"the header has more than {limits.header} elements")])
    # None is shorter than `<entry></entry>`, so most documents are not counted.
    if size < 15 * limits.statements:
        return
    statements = sum(1 for _ in found.iter(f"{_CDA}entry", f"{_CDA}entryRelationship"))
    if statements > limits.statements:
        raise RejectedError([too_big(f"the body has more than {limits.statements} statements")])


def _no_document(root: Any, count: int) -> Issue:
    if count > 1:
        return Issue(
            code="RLS-CDA-008",
            severity=Severity.ERROR,
            where=f"/{_local(root.tag)}",
            what="The XML holds several ClinicalDocument elements.",
            fix="Send one document per request.",
        )
    if _local(root.tag) == "ClinicalDocument":
        return Issue(
            code="RLS-CDA-006",
            severity=Severity.ERROR,
            where="/ClinicalDocument",
            what="The namespace urn:hl7-org:v3 is missing or wrong.",
            fix='Declare xmlns="urn:hl7-org:v3" on ClinicalDocument.',
        )
    return Issue(
        code="RLS-CDA-007",
        severity=Severity.ERROR,
        where="/",
        what="The XML is not a CDA document: no ClinicalDocument element was found.",
        fix="Send a CDA R2 document with the root ClinicalDocument of urn:hl7-org:v3.",
    )


@lru_cache(maxsize=1024)
def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]
