"""The steps of a compiled path, and what they lead to.

Reads no path (`cda.paths`) and knows no predicate but that it holds or not (`cda.path_tests`).
XML Path Language 1.0, 2.1.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.cda.tree import Node


class Test:
    """Something that holds for a node or not."""

    def holds(self, node: "Node") -> bool:
        """Tell whether it holds."""
        raise NotImplementedError


class Step:
    """One step of a path.

    Attributes:
        tags: names it takes, none for any.
        test: what else a node must be, None for nothing.
        position: which of those it takes, 0 for all.
    """

    __slots__ = ("axis", "position", "tag", "tags", "test")

    def __init__(
        self, axis: str, tags: tuple[str, ...], test: Test | None = None, position: int = 0
    ) -> None:
        self.axis = axis
        self.tags = tags
        self.tag = tags[0] if len(tags) == 1 else ""
        self.test = test
        self.position = position

    @property
    def is_plain(self) -> bool:
        """Tell whether it takes all children or descendants of some names."""
        return bool(self.tags) and not self.position and self.axis in ("child", "descendant")

    def of(self, nodes: "list[Node]") -> "list[Node]":
        """Return where the step leads from each of these nodes."""
        tag = self.tag
        if tag and self.axis == "child" and not self.position:
            found = [child for node in nodes for child in node.nodes if child.tag == tag]
            return found if self.test is None else self.passed(found)
        found = []
        for node in nodes:
            here: list[Node] = []
            self._around(node, here)
            here = here if self.test is None else self.passed(here)
            found += here[self.position - 1 : self.position] if self.position else here
        return found

    def passed(self, nodes: "list[Node]") -> "list[Node]":
        """Return those of some nodes that pass the test."""
        test = self.test
        return nodes if test is None else [node for node in nodes if test.holds(node)]

    def _around(self, node: "Node", found: "list[Node]") -> None:
        tags = self.tags
        if self.axis == "child":
            found += [child for child in node.nodes if not tags or child.tag in tags]
        elif self.axis == "descendant":
            found += node.document.tree.inside(node, tags)
        elif self.axis == "self":
            if not tags or node.tag in tags:
                found.append(node.key)
        elif self.axis == "parent":
            if node.parent is not None and (not tags or node.parent.tag in tags):
                found.append(node.parent)
        else:
            above = node.parent
            while above is not None:
                if not tags or above.tag in tags:
                    found.append(above)
                above = above.parent
            # A path gives nodes in document order.
            found.reverse()


class Path:
    """A compiled path.

    Attributes:
        steps: to elements.
        attribute: name of the attribute at its end, empty without one.
    """

    __slots__ = ("attribute", "first", "steps")

    def __init__(self, steps: list[Step], attribute: str) -> None:
        self.steps = steps
        self.attribute = attribute
        #: Tag of the children it starts with, empty when it starts otherwise.
        self.first = ""
        if steps and steps[0].axis == "child" and not steps[0].position:
            self.first = steps[0].tag

    def from_one(self, node: "Node") -> "list[Node]":
        """Return the nodes the path leads to from one node, in order.

        Nearly half of all looks end here, at a node without such children.
        """
        tag = self.first
        if not tag:
            return self.further([node], 0)
        found = [child for child in node.nodes if child.tag == tag]
        if not found:
            return found
        found = self.steps[0].passed(found)
        return found if len(self.steps) == 1 and not self.attribute else self.further(found, 1)

    def of(self, nodes: "list[Node]") -> "list[Node]":
        """Return the nodes the path leads to from each of these, in order."""
        return self.further(nodes, 0)

    def further(self, nodes: "list[Node]", done: int) -> "list[Node]":
        """Return where the steps after the first `done` lead to."""
        for step in self.steps[done:] if done else self.steps:
            nodes = step.of(nodes)
        name = self.attribute
        if not name:
            return nodes
        return [node.attribute(name) for node in nodes if name in node.written]
