"""What a predicate of a path asks of a node.

Reads no path (`cda.paths`). XML Path Language 1.0, 2.4, as far as mapping files need it.
"""

from typing import TYPE_CHECKING

from gateway.cda.path_steps import Path, Step, Test

if TYPE_CHECKING:
    from gateway.cda.tree import Node

#: Stands for any name.
_ANY = "*"


class _HasAttribute(Test):
    def __init__(self, name: str, value: str | None) -> None:
        self.name = name
        self.value = value

    def holds(self, node: "Node") -> bool:
        found = node.written.get(self.name)
        return found is not None if self.value is None else found == self.value


class _Says(Test):
    """The text of an element is a value."""

    def __init__(self, value: str) -> None:
        self.value = value

    def holds(self, node: "Node") -> bool:
        return node.text() == self.value


class _Is(Test):
    def __init__(self, tag: str, below: Test | None) -> None:
        self.tag = tag
        self.below = below

    def holds(self, node: "Node") -> bool:
        is_named = self.tag == _ANY or node.tag == self.tag
        return is_named and (self.below is None or self.below.holds(node))


class _HasChild(Test):
    def __init__(self, tag: str, below: Test | None) -> None:
        self.tag = tag
        self.below = below

    def holds(self, node: "Node") -> bool:
        tag, below = self.tag, self.below
        for child in node.nodes:
            if (child.tag == tag or tag == _ANY) and (below is None or below.holds(child)):
                return True
        return False


class _HasParent(Test):
    def __init__(self, tag: str, below: Test | None) -> None:
        self.tag = tag
        self.below = below

    def holds(self, node: "Node") -> bool:
        above = node.parent
        if above is None or (above.tag != self.tag and self.tag != _ANY):
            return False
        return self.below is None or self.below.holds(above)


class _Leads(Test):
    """A path leads somewhere."""

    def __init__(self, path: "Path", below: Test | None) -> None:
        self.path = path
        self.below = below

    def holds(self, node: "Node") -> bool:
        found = self.path.of([node])
        below = self.below
        return bool(found) if below is None else any(below.holds(one) for one in found)


class Not(Test):
    """Something does not hold."""

    def __init__(self, test: Test) -> None:
        self.test = test

    def holds(self, node: "Node") -> bool:
        """Tell whether it does not."""
        return not self.test.holds(node)


class All(Test):
    """Several things hold."""

    def __init__(self, tests: list[Test]) -> None:
        self.tests = tests

    def holds(self, node: "Node") -> bool:
        """Tell whether all do."""
        for test in self.tests:  # noqa: SIM110 - a generator costs more than the tests
            if not test.holds(node):
                return False
        return True


class _Any(Test):
    def __init__(self, tests: list[Test]) -> None:
        self.tests = tests

    def holds(self, node: "Node") -> bool:
        for test in self.tests:  # noqa: SIM110 - a generator costs more than the tests
            if test.holds(node):
                return True
        return False


class _ChildHasOneOf(Test):
    """`a/@b='1' or a/@b='2'`, which needs one look at the children."""

    def __init__(self, tag: str, attribute: str, values: frozenset[str]) -> None:
        self.tag = tag
        self.attribute = attribute
        self.values = values

    def holds(self, node: "Node") -> bool:
        for child in node.nodes:
            if child.tag == self.tag and child.written.get(self.attribute) in self.values:
                return True
        return False


def step_of(axis: str, tags: tuple[str, ...], tests: list[Test], position: int) -> Step:
    """Return a step with what its predicates ask."""
    # `*[self::cda:a or self::cda:b]` is a test of names.
    if not tags and tests and (names := _names(tests[0])):
        tags, tests = names, tests[1:]
    return Step(axis, tags, all_of(tests) if tests else None, position)


def _names(test: Test) -> tuple[str, ...]:
    """Return the names a test asks for when it asks for nothing else."""
    parts = test.tests if isinstance(test, _Any) else [test]
    names = [p.tag for p in parts if isinstance(p, _Is) and p.below is None and p.tag != _ANY]
    return tuple(names) if len(names) == len(parts) else ()


def all_of(tests: list[Test]) -> Test:
    """Return the test that all of these hold."""
    return tests[0] if len(tests) == 1 else All(tests)


def any_of(tests: list[Test]) -> Test:
    """Return the test that one of these holds."""
    places: set[tuple[str, str]] = set()
    values: set[str] = set()
    for test in tests:
        below = test.below if isinstance(test, _HasChild) else None
        if not isinstance(test, _HasChild) or not isinstance(below, _HasAttribute):
            return _Any(tests)
        if below.value is None:
            return _Any(tests)
        places.add((test.tag, below.name))
        values.add(below.value)
    if len(places) > 1:
        return _Any(tests)
    tag, attribute = places.pop()
    return _ChildHasOneOf(tag, attribute, frozenset(values))


def test_of(path: Path, value: str | None) -> Test:
    """Return the test of a path in a predicate, from its end to its beginning."""
    test: Test | None = None
    if path.attribute:
        test = _HasAttribute(path.attribute, value)
    elif value is not None:
        test = _Says(value)
    for step in reversed(path.steps):
        test = _before(step, test)
    if test is None:
        # `.` is always there.
        return All([])
    return test


def _before(step: Step, test: Test | None) -> Test:
    tag = step.tag or _ANY
    if step.position or len(step.tags) > 1 or step.axis in ("ancestor", "descendant"):
        return _Leads(Path([step], ""), test)
    both = [one for one in (step.test, test) if one is not None]
    below = all_of(both) if both else None
    if step.axis == "child":
        return _HasChild(tag, below)
    return _Is(tag, below) if step.axis == "self" else _HasParent(tag, below)
