"""Plain YAML where every scalar stays text and every key knows its line.

YAML's own typing would turn the codes `NO`, `on`, `010` and `12:30` into something else; here
pydantic decides the type of each key. Tags, anchors and keys written twice are refused.
"""

from dataclasses import dataclass
from typing import Any

import yaml

from gateway.core.errors import FatalError
from gateway.mapping import faults

Keys = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class TextDocument:
    """A YAML document as plain data.

    Attributes:
        name: file name for messages, relative to the folder that was read.
        data: dicts, lists and texts.
        lines: line of each key and list member, 1-based.
    """

    name: str
    data: Any
    lines: dict[Keys, int]

    def place(self, keys: Keys = ()) -> str:
        """Return `file line n` of the nearest known place at or above the keys."""
        for length in range(len(keys), -1, -1):
            line = self.lines.get(keys[:length])
            if line is not None:
                return f"{self.name} line {line}"
        return self.name


class _TextNodes(yaml.composer.Composer):
    """Composes nodes without anchors and tags."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[attr-defined]  # of the parser beside it
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.MarkedYAMLError(
                problem="anchors are not used here", problem_mark=event.start_mark
            )
        tag = getattr(event, "tag", None)
        if tag is not None and tag != "!":
            raise yaml.MarkedYAMLError(
                problem="tags are not used here", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)


class _TextLoader(_TextNodes, yaml.BaseLoader):
    """BaseLoader, which keeps scalars as text; tells precisely what is wrong."""


#: The parser of libyaml where PyYAML was built with it, as its wheels are.
_Parser: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class _FastLoader(_TextNodes, _Parser):  # type: ignore[misc]  # a base that may be absent
    """The same nodes, several times faster."""

    def __init__(self, stream: str) -> None:
        _Parser.__init__(self, stream)
        yaml.composer.Composer.__init__(self)


def _composed(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_FastLoader)
    except yaml.YAMLError:
        return yaml.compose(text, Loader=_TextLoader)


def read_text_yaml(text: str, name: str) -> TextDocument:
    """Read one YAML document.

    Raises:
        FatalError: not YAML, or a tag, an anchor, a key twice (RLS-CFG-002).
    """
    try:
        node = _composed(text)
        lines: dict[Keys, int] = {}
        data = {} if node is None else _plain(node, (), lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = name if mark is None else f"{name} line {mark.line + 1}"
        raise FatalError([faults.not_yaml(where, error.problem or "not YAML")]) from error
    except yaml.YAMLError as error:
        raise FatalError([faults.not_yaml(name, "a character YAML does not allow")]) from error
    return TextDocument(name, data, lines)


def _plain(node: yaml.Node, keys: Keys, lines: dict[Keys, int]) -> Any:
    lines[keys] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                problem = "a key is not a text"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
            if key in found:
                problem = f"key '{key}' is written twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
            found[key] = _plain(value_node, (*keys, key), lines)
            lines[(*keys, key)] = key_node.start_mark.line + 1
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*keys, n), lines) for n, item in enumerate(node.value)]
    return node.value
