"""The direct walk of a path gives what XPath gives."""

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree

from gateway.cda import paths
from gateway.cda.convert import CONVERTERS
from gateway.cda.entry_index import EntryIndex
from gateway.cda.reader import read
from gateway.cda.safety import Limits, parse
from gateway.cda.tree import CDA, Attribute, Node
from gateway.mapping.loader import Mappings, load_mappings
from gateway.mapping.plan import Rule, Use
from tests.conftest import ROOT
from tests.golden.test_cda import ACCEPTED

MAPPINGS: Mappings = load_mappings()


def _rules_by_scope() -> Iterator[tuple[str, list[Rule]]]:
    """Give the rules of the fragments, and those a document plan adds to them."""
    for name, fragment in MAPPINGS.fragments.items():
        if "/cda/" in MAPPINGS.files[f"fragment {name}"].name:
            yield fragment.each or ".", fragment.rules
    for plan in MAPPINGS.documents.values():
        for entry in plan.resources:
            if isinstance(entry, Use):
                yield MAPPINGS.fragments[entry.use].each or ".", entry.add


def _paths_by_scope() -> set[tuple[str, str]]:
    found = set()
    for scope, rules in _rules_by_scope():
        found.add((".", scope))
        for rule in rules:
            found |= {(scope, path) for path in ([rule.from_] if rule.from_ else []) + [*rule.when]}
    return found


PATHS = sorted(_paths_by_scope())


def test_every_path_of_the_mapping_files_is_well_formed() -> None:
    assert [path for _, path in PATHS if paths.path_fault(path)] == []


class Twin:
    """A document as its nodes and, beside them, as what lxml read: the judge of paths."""

    def __init__(self, body: bytes) -> None:
        self.document = read(body)
        tree, _ = parse(body, Limits())
        root = next(tree.iter(f"{CDA}ClinicalDocument"))
        elements = list(root.iter("*"))
        nodes = list(_in_order(self.document.root))
        self.root: Any = root
        self.node = dict(zip(elements, nodes, strict=True))
        assert [e.tag.removeprefix(CDA) for e in elements] == [n.tag for n in nodes]

    def by_xpath(self, path: str, element: Any) -> list[tuple[Node, str]]:
        """Return the nodes XPath gives, an attribute as its element and its name."""
        found: list[Any] = etree.XPath(path, namespaces=paths.PREFIXES)(element)
        return [
            (self.node[item.getparent()], str(item.attrname))
            if isinstance(item, str)
            else (self.node[item], "")
            for item in found
        ]

    def scopes(self, path: str) -> list[Any]:
        """Return the elements XPath gives from the root."""
        found: list[Any] = etree.XPath(path, namespaces=paths.PREFIXES)(self.root)
        return found


def _in_order(node: Node) -> Iterator[Node]:
    yield node
    for child in node.nodes:
        yield from _in_order(child)


def _told(nodes: list[Node]) -> list[tuple[Node, str]]:
    return [(n.key, n.named if isinstance(n, Attribute) else "") for n in nodes]


TWINS = [Twin((case / "input.xml").read_bytes()) for case in ACCEPTED]


def test_walk_and_xpath_agree_on_every_path_of_the_mapping_files() -> None:
    different = [
        path
        for scope, path in PATHS
        for twin in TWINS
        for element in twin.scopes(scope)
        if _told(paths.walker(path).of([twin.node[element]])) != twin.by_xpath(path, element)
    ]

    assert len(PATHS) > 100
    assert different == []


def test_walk_and_xpath_agree_on_every_place_of_the_document_profiles() -> None:
    places = sorted(
        {found for file in sorted((ROOT / "profiles" / "cda").glob("*.yaml"))
         for found in re.findall(r"at: \"?((?:cda|descendant)[^\"\s,}]*)", file.read_text("utf-8"))}
    )  # fmt: skip

    different = [
        path
        for path in places
        for twin in TWINS
        if _told(twin.document.select(path)) != twin.by_xpath(path, twin.root)
    ]

    assert len(places) > 150
    assert different == []


#: Texts of the sources that begin as paths do; `_NAME` stands where one is put together.
_NAME = "cda:x"
_LIKE_A_PATH = re.compile(r"(?:(?:cda|pharm|lab|descendant|ancestor):|\*\[)[\w:*@/\[\]()=\'.{} -]+")


def _in_sources() -> Iterator[str]:
    """Give the paths that converters and judges of documents hold."""
    for file in (
        *(ROOT / "gateway/cda").glob("*.py"),
        *(ROOT / "gateway/conformance/cda").glob("*.py"),
    ):
        tree = ast.parse(file.read_text("utf-8"))
        joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
        pieces = {id(piece) for node in joined for piece in node.values}
        for node in joined:
            said = [one.value if isinstance(one, ast.Constant) else None for one in node.values]
            if any("cda:" in str(one) for one in said):
                yield "".join(_NAME if one is None else str(one) for one in said)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and id(node) not in pieces:
                yield str(node.value)


def test_every_path_a_converter_holds_is_walked() -> None:
    texts = {text for text in _in_sources() if _LIKE_A_PATH.fullmatch(text)}
    # The index of entries takes paths apart.
    found = sorted(text for text in texts if text[-1] not in "='/")

    assert len(found) > 80
    assert [path for path in found if paths.path_fault(path)] == []


def test_what_is_looked_up_once_is_what_xpath_gives() -> None:
    from_root = {path for scope, path in PATHS if scope == "."}

    different = [
        path
        for twin in TWINS
        for index in [EntryIndex(twin.document.root)]
        for path in from_root
        if _told(index.select(path)) != twin.by_xpath(path, twin.root)
    ]

    assert len([path for path in from_root if "cda:entry/" in path]) > 25
    assert different == []


@pytest.mark.parametrize(
    "path",
    [
        ".",
        "*",
        "@classCode",
        "cda:author[2]",
        "*[self::cda:id or self::cda:code]",
        "self::cda:ClinicalDocument/cda:id",
        "cda:author/cda:assignedAuthor[cda:id/@root and not(cda:telecom)]",
        "cda:author[cda:assignedAuthor[cda:code]]/cda:time/@value",
        "cda:title[not(cda:id)]",
        "cda:component/descendant::cda:code[parent::cda:observation[@moodCode='EVN']]",
        "descendant::cda:value/ancestor::cda:section",
        "descendant::*[cda:low][cda:high]",
        "descendant::*[@ID]/@ID",
        "descendant::cda:observation[not(cda:value) and cda:code]",
        "descendant::cda:languageCode[@code='fr-FR']/parent::*/cda:setId/@root",
    ],
)
def test_walk_and_xpath_agree_on_paths_nobody_wrote_yet(path: str) -> None:
    for twin in TWINS:
        found = paths.walker(path).of([twin.document.root])

        # XPath gives a node once; a walk gives it once for each node it came from.
        assert list(dict.fromkeys(_told(found))) == twin.by_xpath(path, twin.root)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("cda:a/cda:b[cda:c/@code='x:y']/@d", ""),
        ("cda:a//cda:b", "no // in a mapping path: it is slow and ambiguous"),
        ("cda:a[", "not a path that is walked (cda.paths)"),
        ("cda:a]", "not a path that is walked (cda.paths)"),
        ("cda:a[1][cda:b]", "not a path that is walked (cda.paths)"),
        ("cda:a[position()=1]", "not a path that is walked (cda.paths)"),
        ("cda:a | cda:b", "not a path that is walked (cda.paths)"),
        ("cda:a/text()", "not a path that is walked (cda.paths)"),
        ("following::cda:a", "not a path that is walked (cda.paths)"),
        ("a", "not a path that is walked (cda.paths)"),
        ("hl7:a", "unknown prefix hl7"),
    ],
)
def test_faults_of_a_path_are_named(path: str, fault: str) -> None:
    assert paths.path_fault(path) == fault


def test_every_converter_is_used_by_a_mapping_file() -> None:
    used = {rule.via for _, rules in _rules_by_scope() for rule in rules}

    assert set(CONVERTERS) - used == set()
