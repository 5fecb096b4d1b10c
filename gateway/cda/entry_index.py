"""Looks up what a document holds, once a path: most rules start from the entries of its body.

Gives the elements the path would give (`cda.paths`), in the same order. CDA R2 section/entry.
"""

from typing import Any

from gateway.cda.paths import led, walker

_BODY = "cda:component/cda:structuredBody/descendant::cda:section/cda:entry"
_ENTRIES = f"{_BODY}/"
#: The same for the sections of one template, which stands between the two.
_SECTIONS = "cda:component/cda:structuredBody/descendant::cda:section[cda:templateId/@root='"
_THEIR_ENTRIES = "']/cda:entry/"


class EntryIndex:
    """What was found in one document, by path from its ClinicalDocument."""

    __slots__ = ("_by_name", "_by_path", "_root")

    def __init__(self, root: Any) -> None:
        self._root = root
        self._by_path: dict[str, list[Any]] = {}
        self._by_name: dict[tuple[tuple[str, ...], bool], list[Any]] = {}

    @property
    def entries(self) -> list[Any]:
        """Return the entry elements of all sections, nested ones too."""
        return self.select(_BODY)

    def select(self, path: str) -> list[Any]:
        """Return the elements, or `Found` attributes, at a path; the list is not to be changed."""
        found = self._by_path.get(path)
        if found is None:
            found = self._by_path[path] = self._walked(path)
        return found

    def _walked(self, path: str) -> list[Any]:
        if path.startswith(_ENTRIES):
            return self._below_entries(path[len(_ENTRIES) :])
        if path.startswith(_SECTIONS) and _THEIR_ENTRIES in path:
            template, _, rest = path[len(_SECTIONS) :].partition(_THEIR_ENTRIES)
            return walker(rest)(self.select(f"{_SECTIONS}{template}']/cda:entry"))
        return walker(path)((self._root,))

    def _below_entries(self, path: str) -> list[Any]:
        known = led(path)
        if known is None:
            return walker(path)(self.entries)
        tags, is_deep, walk = known
        if (tags, is_deep) not in self._by_name:
            inside = [
                entry.iterdescendants(*tags) if is_deep else entry.iterchildren(*tags)
                for entry in self.entries
            ]
            self._by_name[tags, is_deep] = [one for elements in inside for one in elements]
        return walk(self._by_name[tags, is_deep])
