"""Compiles the paths of mapping files and profiles: a small part of XPath 1.0, walked directly.

The part: child, attribute, parent, ancestor, descendant and self steps; predicates made of such
paths with `=`, `not()`, `and`, `or`, brackets, and a position at the end. A test compares what is
found with the XPath evaluator of lxml on every path of the mapping files. XML Path Language 1.0.
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

from gateway.cda.path_steps import Path, Step, Test
from gateway.cda.path_tests import Not, all_of, any_of, step_of, test_of

if TYPE_CHECKING:
    from gateway.cda.tree import Node

#: Prefixes of the mapping files; those of a document are never looked at.
PREFIXES = {
    "cda": "urn:hl7-org:v3",
    "sdtc": "urn:hl7-org:sdtc",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "pharm": "urn:ihe:pharm:medication",
    "lab": "urn:oid:1.3.6.1.4.1.19376.1.3.2",
    "ps3-20": "urn:dicom-org:ps3-20",
}
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'[^']*'|\"[^\"]*\")|(?P<axis>[a-z-]+)::|@(?P<attribute>(?:[\w-]+:)?[\w-]+)"
    r"|(?P<name>(?:[a-z][\w-]*:)?[A-Za-z][\w-]*)|(?P<number>\d+)|(?P<sign>[\[\]()/=*.]))"
)


class PathError(ValueError):
    """A path is not of the part that is walked."""


@lru_cache(maxsize=4096)
def walker(path: str) -> Path:
    """Compile a path once.

    Raises:
        PathError: it is not of the part of XPath that is walked.
    """
    return _Reader(path).whole()


class Selector:
    """A path for whoever asks for it many times: the rules of a mapping file.

    Compiled when it is first asked, so that `mapping.check` can tell what is wrong with it.
    """

    __slots__ = ("path", "walk")

    def __init__(self, path: str) -> None:
        self.path = path
        self.walk: Path | None = None

    def __call__(self, node: "Node") -> "list[Node]":
        """Return the nodes at the path, as `Node.select` does."""
        if node.parent is None:
            return node.document.index.select(self.path)
        if self.walk is None:
            self.walk = walker(self.path)
        return self.walk.from_one(node)


def path_fault(path: str) -> str:
    """Tell what is wrong with a path of a mapping file, empty when it is fine."""
    if "//" in path:
        return "no // in a mapping path: it is slow and ambiguous"
    unquoted = re.sub(r"'[^']*'|\"[^\"]*\"", "", path)
    unknown = set(re.findall(r"([A-Za-z][\w\-]*):(?!:)", unquoted)) - PREFIXES.keys()
    if unknown:
        return f"unknown prefix {min(unknown)}"
    try:
        walker(path)
    except PathError:
        return "not a path that is walked (cda.paths)"
    return ""


# --- reading ------------------------------------------------------------------------------------

_Token = tuple[str, str]
_AXES = ("child", "self", "parent", "ancestor", "descendant")
_END: _Token = ("end", "")


def _tag(name: str) -> str:
    """Return a name of a path as the tag of a node."""
    prefix, colon, rest = name.partition(":")
    if not colon or prefix not in PREFIXES:
        raise PathError(name)
    return rest if prefix == "cda" else f"{{{PREFIXES[prefix]}}}{rest}"


class _Reader:
    """Reads one path from its words."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.words: list[_Token] = []
        self.at = 0
        end = 0
        while end < len(path.rstrip()):
            match = _TOKEN.match(path, end)
            if match is None or match.lastgroup is None:
                raise PathError(path)
            self.words.append((match.lastgroup, match[match.lastgroup]))
            end = match.end()

    def whole(self) -> Path:
        """Read all of it."""
        path = self._path()
        if self._next() != _END:
            self._fail()
        return path

    def _fail(self) -> NoReturn:
        raise PathError(self.path)

    def _next(self) -> _Token:
        return self.words[self.at] if self.at < len(self.words) else _END

    def _takes(self, sign: str) -> bool:
        is_there = self._next() == ("sign", sign)
        self.at += is_there
        return is_there

    def _word(self, kind: str) -> str:
        found, word = self._next()
        if found != kind:
            self._fail()
        self.at += 1
        return word

    def _path(self) -> Path:
        if self._takes("."):
            return Path([], "")
        steps: list[Step] = []
        while True:
            if self._next()[0] == "attribute":
                name = self._word("attribute")
                return Path(steps, _tag(name) if ":" in name else name)
            steps.append(self._step())
            if not self._takes("/"):
                return Path(steps, "")

    def _step(self) -> Step:
        axis = self._word("axis") if self._next()[0] == "axis" else "child"
        if axis not in _AXES:
            self._fail()
        tags = () if self._takes("*") else (_tag(self._word("name")),)
        tests: list[Test] = []
        while self._takes("["):
            if self._next()[0] == "number":
                position = int(self._word("number"))
                if not self._takes("]") or not position or self._next() == ("sign", "["):
                    self._fail()
                return step_of(axis, tags, tests, position)
            tests.append(self._or())
            if not self._takes("]"):
                self._fail()
        return step_of(axis, tags, tests, 0)

    def _or(self) -> Test:
        tests = [self._and()]
        while self._next() == ("name", "or"):
            self.at += 1
            tests.append(self._and())
        return tests[0] if len(tests) == 1 else any_of(tests)

    def _and(self) -> Test:
        tests = [self._comparison()]
        while self._next() == ("name", "and"):
            self.at += 1
            tests.append(self._comparison())
        return all_of(tests)

    def _comparison(self) -> Test:
        if self._next() == ("name", "not"):
            self.at += 1
            if not self._takes("("):
                self._fail()
            test = self._or()
            if not self._takes(")"):
                self._fail()
            return Not(test)
        if self._takes("("):
            test = self._or()
            if not self._takes(")"):
                self._fail()
            return test
        path = self._path()
        value = self._word("text")[1:-1] if self._takes("=") else None
        return test_of(path, value)
