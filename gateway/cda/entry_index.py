"""Looks up what a document holds, once a path: most rules start from the entries of its body.

Gives the nodes the path would give (`cda.paths`), in the same order. CDA R2 section/entry.
"""

from gateway.cda.path_steps import Step
from gateway.cda.paths import walker
from gateway.cda.tree import Node

_BODY = "cda:component/cda:structuredBody/descendant::cda:section/cda:entry"
_ENTRIES = f"{_BODY}/"
#: The same for the sections of one template, which stands between the two.
_SECTIONS = "cda:component/cda:structuredBody/descendant::cda:section[cda:templateId/@root='"
_THEIR_ENTRIES = "']/cda:entry/"


class EntryIndex:
    """What was found in one document, by path from its ClinicalDocument."""

    __slots__ = ("_by_name", "_by_path", "_root")

    def __init__(self, root: Node) -> None:
        self._root = root
        self._by_path: dict[str, list[Node]] = {}
        self._by_name: dict[tuple[str, tuple[str, ...]], list[Node]] = {}

    @property
    def entries(self) -> list[Node]:
        """Return the entry elements of all sections, nested ones too."""
        return self.select(_BODY)

    def select(self, path: str) -> list[Node]:
        """Return the nodes at a path; the list is not to be changed."""
        found = self._by_path.get(path)
        if found is None:
            found = self._by_path[path] = self._walked(path)
        return found

    def _walked(self, path: str) -> list[Node]:
        if path.startswith(_ENTRIES):
            return self._below_entries(path[len(_ENTRIES) :])
        if path.startswith(_SECTIONS) and _THEIR_ENTRIES in path:
            section, _, rest = path.partition(_THEIR_ENTRIES)
            return walker(rest).of(self.select(section + _THEIR_ENTRIES[:-1]))
        return walker(path).of([self._root])

    def _below_entries(self, path: str) -> list[Node]:
        rest = walker(path)
        first = rest.steps[0] if rest.steps else None
        if first is None or not first.is_plain:
            return rest.of(self.entries)
        place = (first.axis, first.tags)
        named = self._by_name.get(place)
        if named is None:
            named = self._by_name[place] = Step(first.axis, first.tags).of(self.entries)
        return rest.further(first.passed(named), 1)
