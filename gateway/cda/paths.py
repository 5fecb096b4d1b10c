"""Compiles the paths of mapping files: a plain subset is walked directly, the rest is XPath.

The subset (child, attribute, parent, ancestor and descendant steps; predicates that compare
attributes) is several times faster than the XPath evaluator and gives the same nodes; a test
compares both on every path of the mapping files. XML Path Language 1.0.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

from lxml import etree

#: Prefixes of the mapping files; those of a document are never looked at.
PREFIXES = {
    "cda": "urn:hl7-org:v3",
    "sdtc": "urn:hl7-org:sdtc",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "pharm": "urn:ihe:pharm:medication",
    "lab": "urn:oid:1.3.6.1.4.1.19376.1.3.2",
    "ps3-20": "urn:dicom-org:ps3-20",
}

_Elements = list[Any]
_Nodes = Callable[[Any], Iterator[Any] | _Elements]
_Test = Callable[[Any], bool]


class Found(NamedTuple):
    """An attribute that was selected."""

    element: Any
    attribute: str


class _Children(NamedTuple):
    """Children of one name that pass a test."""

    tag: str
    passes: "_Test"


#: One step; a bare text is the name of children.
_Step = _Nodes | str | _Children
#: Gives elements, or `Found` attributes, of context elements.
Walker = Callable[[Sequence[Any]], list[Any]]


class Led(NamedTuple):
    """A path that begins with the names of children, or of descendants.

    Attributes:
        tags: these names.
        is_deep: descendants are meant.
        walk: gives what the path gives, from all elements of these names.
    """

    tags: tuple[str, ...]
    is_deep: bool
    walk: Walker


#: What lxml gives for an attribute: a text that knows its element.
_SMART = frozenset({etree._ElementUnicodeResult})
_NAME = r"(?:[a-z][\w\-]*:[A-Za-z][\w\-]*)"
_STEP = re.compile(
    rf"(?:(parent|ancestor|descendant)::)?({_NAME}|\*)((?:\[(?:[^\[\]]|'[^']*')*\])*)"
)
_PREDICATE = re.compile(r"\[((?:[^\[\]]|'[^']*')*)\]")
_LISTED = re.compile(rf"({_NAME})/@(\w+)='([^']*)'")
_ATOM = re.compile(
    rf"(?:(self|parent)::)?(?:({_NAME})(?:/({_NAME}))?(?:/@(\w+))?|@(\w+))(?:='([^']*)')?"
)


@lru_cache(maxsize=4096)
def walker(path: str) -> Walker:
    """Compile a path once.

    Raises:
        etree.XPathSyntaxError: not an XPath.
    """
    return _plain(path) or _xpath(path)


@lru_cache(maxsize=1024)
def led(path: str) -> Led | None:
    """Return a path as the names it begins with and the rest; None when it begins otherwise."""
    match = _STEP.match(path)
    axis, name, predicates = match.groups() if match else ("", "", "")
    texts, rest = _PREDICATE.findall(predicates), path[match.end() :] if match else path
    if axis not in (None, "descendant") or (rest and not rest.startswith("/")):
        return None
    tags = _selves(texts.pop(0)) if name == "*" and texts else None
    if tags is None and name.partition(":")[0] in PREFIXES:
        tags = [_tag(name)]
    tests = [test for text in texts if not text.isdigit() and (test := _predicate(text))]
    if tags is None or len(tests) < len(texts):
        return None
    passes = _all(tests) if tests else None
    further = walker(rest[1:]) if rest else None

    def walk(elements: Sequence[Any]) -> list[Any]:
        found = list(elements) if passes is None else [one for one in elements if passes(one)]
        return found if further is None else further(found)

    return Led(tuple(tags), axis is not None, walk)


def path_fault(path: str) -> str:
    """Tell what is wrong with a path of a mapping file, empty when it is fine."""
    if "//" in path:
        return "no // in a mapping path: it is slow and ambiguous"
    try:
        etree.XPath(path, namespaces=PREFIXES)
    except etree.XPathSyntaxError:
        return "not an XPath"
    unquoted = re.sub(r"'[^']*'|\"[^\"]*\"", "", path)
    unknown = set(re.findall(r"([A-Za-z][\w\-]*):(?!:)", unquoted)) - PREFIXES.keys()
    return f"unknown prefix {min(unknown)}" if unknown else ""


def _xpath(path: str) -> Walker:
    compiled: Any = etree.XPath(path, namespaces=PREFIXES)

    def select(elements: Sequence[Any]) -> list[Any]:
        found: list[Any] = [item for element in elements for item in compiled(element)]
        return [
            Found(item.getparent(), str(item.attrname)) if item.__class__ in _SMART else item
            for item in found
        ]

    return select


def _plain(path: str) -> Walker | None:
    """Return a walker for a path of the subset, None for any other."""
    if path == ".":
        return list
    steps: list[_Step] = []
    attribute = ""
    at = 0
    while at < len(path):
        if path[at] == "@" and re.fullmatch(r"\w+", path[at + 1 :]):
            attribute = path[at + 1 :]
            break
        match = _STEP.match(path, at)
        step = _step(match) if match else None
        if match is None or step is None:
            return None
        steps.append(step)
        at = match.end()
        if at < len(path):
            if path[at] != "/":
                return None
            at += 1
    if attribute:
        return _attributes(steps, attribute)
    if len(steps) == 1 and isinstance(only := steps[0], str):
        return lambda found: [node for parent in found for node in parent.iterchildren(only)]
    return partial(_walk, steps)


def _walk(steps: list[_Step], found: Sequence[Any]) -> _Elements:
    for step in steps:
        # Steps to children are by far the most frequent ones.
        if step.__class__ is str:
            found = [node for parent in found for node in parent.iterchildren(step)]
        elif isinstance(step, _Children):
            tag, passes = step
            found = [n for parent in found for n in parent.iterchildren(tag) if passes(n)]
        else:
            found = [node for parent in found for node in step(parent)]  # type: ignore[operator]
    return list(found)


def _attributes(steps: list[_Step], name: str) -> Walker:
    def select(elements: Sequence[Any]) -> list[Any]:
        nodes = _walk(steps, elements)
        return [Found(node, name) for node in nodes if node.get(name) is not None]

    return select


def _tag(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{PREFIXES[prefix]}}}{local}"


def _step(match: re.Match[str]) -> _Step | None:
    axis, name, predicates = match.groups()
    if name != "*" and name.partition(":")[0] not in PREFIXES:
        return None
    texts = _PREDICATE.findall(predicates)
    tags: list[Any] = [etree.Element if name == "*" else _tag(name)]
    if name == "*" and texts and (selves := _selves(texts[0])):
        # `*[self::cda:a or self::cda:b]` is a test of names, which the tree does by itself.
        tags, texts = selves, texts[1:]
    position = 0
    if texts and texts[-1].isdigit():
        position = int(texts.pop())
    tests = [_predicate(text) for text in texts]
    if any(test is None for test in tests):
        return None
    known = [test for test in tests if test]
    if axis is None and not position and name != "*":
        return _Children(str(tags[0]), _all(known)) if known else str(tags[0])
    return _filtered(_axis(axis, tags), known, position)


def _selves(text: str) -> list[Any] | None:
    parts = text.split(" or ")
    names = [re.fullmatch(rf"self::({_NAME})", part) for part in parts]
    return [_tag(name[1]) for name in names if name] if all(names) else None


def _axis(axis: str | None, tags: list[Any]) -> _Nodes:
    if axis is None:
        return lambda element: element.iterchildren(*tags)
    if axis == "descendant":
        return lambda element: element.iterdescendants(*tags)
    if axis == "ancestor":
        # XPath gives nodes in document order; an ancestor of one name is alone in CDA headers.
        return lambda element: list(element.iterancestors(*tags))[::-1]

    def parent(element: Any) -> _Elements:
        above = element.getparent()
        return [above] if above is not None and above.tag in tags else []

    return parent


def _filtered(nodes: _Nodes, tests: list[_Test], position: int) -> _Nodes:
    passes = _all(tests)

    def select(element: Any) -> _Elements:
        found = [node for node in nodes(element) if passes(node)]
        return found[position - 1 : position] if position else found

    return select


def _all(tests: list[_Test]) -> _Test:
    if len(tests) == 1:
        return tests[0]

    def passes(element: Any) -> bool:
        for test in tests:  # noqa: SIM110 - a generator costs more than the tests
            if not test(element):
                return False
        return True

    return passes


def _predicate(text: str) -> _Test | None:
    negated = text.startswith("not(") and text.endswith(")")
    inner = text[4:-1] if negated else text
    if "(" in inner or " and " in inner:
        return None
    if not negated and (listed := _one_of(inner)) is not None:
        return listed
    atoms = [_atom(part.strip()) for part in inner.split(" or ")]
    if any(atom is None for atom in atoms):
        return None
    tests = [atom for atom in atoms if atom]
    if len(tests) == 1 and not negated:
        return tests[0]
    if negated:
        return lambda element: not any(test(element) for test in tests)
    return lambda element: any(test(element) for test in tests)


def _one_of(text: str) -> _Test | None:
    """Return the test of `a/@b='1' or a/@b='2'`, which needs one look at the children."""
    parts = [_LISTED.fullmatch(part.strip()) for part in text.split(" or ")]
    known = [part for part in parts if part]
    if len(known) < len(parts) or len({part.group(1, 2) for part in known}) > 1:
        return None
    name, attribute = known[0].group(1, 2)
    values = frozenset(part[3] for part in known)
    if len(values) < 2 or name.partition(":")[0] not in PREFIXES:
        return None
    return _child(_tag(name), lambda child: child.get(attribute) in values)


def _atom(text: str) -> _Test | None:
    match = _ATOM.fullmatch(text)
    if match is None:
        return None
    axis, name, below, attribute, own, value = match.groups()
    if any(part and part.partition(":")[0] not in PREFIXES for part in (name, below)):
        return None
    if own:
        return _compares(own, value) if axis is None else None
    if value is not None and not attribute:
        return None
    tag = _tag(name)
    if axis == "self":
        return (lambda element: element.tag == tag) if not below and not attribute else None
    test = _compares(attribute, value) if attribute else None
    if axis == "parent":
        return _parent(tag, _child(_tag(below), test) if below else test)
    return _child(tag, _child(_tag(below), test) if below else test)


def _compares(name: str, value: str | None) -> _Test:
    if value is None:
        return lambda element: element.get(name) is not None
    return lambda element: element.get(name) == value


def _parent(tag: str, test: _Test | None) -> _Test:
    def holds(element: Any) -> bool:
        above = element.getparent()
        return above is not None and above.tag == tag and (test is None or test(above))

    return holds


def _child(tag: str, test: _Test | None) -> _Test:
    def holds(element: Any) -> bool:
        # A loop, not any(): a generator costs more than what it walks here.
        for child in element.iterchildren(tag):  # noqa: SIM110
            if test is None or test(child):
                return True
        return False

    return holds
