"""Abstract message structures: notation, automaton, and the smallest set of faults of a message.

Does not look into segments (`profile_check`). Notation: HL7 v2.5 2.12, `[ ]` optional, `{ }`
repeated, `< | >` one of several; `$name` stands for a part that is written once for many.
"""

import heapq
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

_TOKEN = re.compile(r"\s*(?:(\$?[A-Za-z][A-Za-z0-9_]*)|([\[\]{}<|>])|(\S))")
#: Of two ways to explain a message the one that supposes a missing segment is preferred.
_MISSING, _EXTRA = 1, 2


class StructureError(ValueError):
    """The text is no structure."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One difference between a message and its structure.

    Attributes:
        kind: the segment is missing before `index`, or stands at `index` and should not.
        name: of the segment.
        index: position in the message, from 0.
    """

    kind: Literal["missing", "extra"]
    name: str
    index: int


@dataclass(frozen=True, slots=True)
class _Part:
    """First and last positions of a part, and whether it may be absent."""

    first: frozenset[int]
    last: frozenset[int]
    optional: bool


_NOTHING = _Part(frozenset(), frozenset(), optional=True)


@dataclass(frozen=True, slots=True)
class Structure:
    """A compiled structure; a position is one place where a segment name is written.

    Attributes:
        text: as written, parts put in.
        names: segment name of each position.
        first: positions a message may begin with.
        follow: what may come behind each position.
        last: positions a message may end with.
    """

    text: str
    names: tuple[str, ...]
    first: frozenset[int]
    follow: tuple[frozenset[int], ...]
    last: frozenset[int]

    def repeats(self, name: str) -> bool:
        """Tell whether a segment may directly follow one of its own name."""
        return any(
            self.names[at] == name and any(self.names[n] == name for n in self.follow[at])
            for at in range(len(self.names))
        )

    def edits(self, segments: Sequence[str]) -> list[Edit]:
        """Return the fewest differences that explain a message, in its order.

        Args:
            segments: segment names of the message.
        """
        start = -1
        queue: list[tuple[int, int, int]] = [(0, 0, start)]
        cost_of: dict[tuple[int, int], int] = {(0, start): 0}
        came: dict[tuple[int, int], tuple[tuple[int, int], Edit | None]] = {}
        while queue:
            cost, behind, position = heapq.heappop(queue)
            index = -behind
            here = (index, position)
            if cost > cost_of[here]:
                continue
            if index == len(segments) and position in self.last:
                return _path(came, here)
            steps: list[tuple[int, tuple[int, int], Edit | None]] = []
            for at in sorted(self.first if position == start else self.follow[position]):
                if index < len(segments) and self.names[at] == segments[index]:
                    steps.append((0, (index + 1, at), None))
                edit = Edit("missing", self.names[at], index)
                steps.append((_MISSING, (index, at), edit))
            if index < len(segments):
                edit = Edit("extra", segments[index], index)
                steps.append((_EXTRA, (index + 1, position), edit))
            for price, there, step in steps:
                if cost + price < cost_of.get(there, 1 << 30):
                    cost_of[there] = cost + price
                    came[there] = (here, step)
                    heapq.heappush(queue, (cost + price, -there[0], there[1]))
        msg = "a structure has an end"
        raise AssertionError(msg)


def _path(
    came: Mapping[tuple[int, int], tuple[tuple[int, int], Edit | None]], end: tuple[int, int]
) -> list[Edit]:
    found: list[Edit] = []
    while end in came:
        end, edit = came[end]
        if edit is not None:
            found.append(edit)
    return found[::-1]


def compile_structure(text: str, parts: Mapping[str, str]) -> Structure:
    """Compile a structure.

    Args:
        text: in the notation of the standard.
        parts: texts of the `$` names.

    Raises:
        StructureError: brackets that do not match, an unknown part, or nothing at all.
    """
    reading = _Reading(_tokens(text, parts))
    whole = reading.sequence(closing="")
    if not reading.names or whole.optional:
        msg = f"{text!r} asks for no segment"
        raise StructureError(msg)
    return Structure(
        text=" ".join(reading.tokens),
        names=tuple(reading.names),
        first=whole.first,
        follow=tuple(frozenset(found) for found in reading.follow),
        last=whole.last,
    )


def _tokens(text: str, parts: Mapping[str, str], depth: int = 0) -> list[str]:
    found: list[str] = []
    for word, bracket, other in _TOKEN.findall(text):
        if other or depth > len(parts):
            msg = f"{text!r} holds {other!r}" if other else f"{text!r} contains itself"
            raise StructureError(msg)
        if word.startswith("$"):
            if word[1:] not in parts:
                msg = f"there is no part {word}"
                raise StructureError(msg)
            found += _tokens(parts[word[1:]], parts, depth + 1)
        else:
            found.append(word or bracket)
    return found


class _Reading:
    """Recursive descent over the tokens; positions get their followers on the way."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.names: list[str] = []
        self.follow: list[set[int]] = []
        self._at = 0

    def sequence(self, closing: str) -> _Part:
        """Read parts one behind the other up to a closing bracket, which is consumed."""
        found = _NOTHING
        while self._at < len(self.tokens):
            token = self.tokens[self._at]
            self._at += 1
            if token == closing or (closing == ">" and token == "|"):  # noqa: S105 - brackets
                if token == "|":  # noqa: S105
                    return self._either(found, self.sequence(">"))
                return found
            found = self._behind(found, self._one(token))
        if closing:
            msg = f"a closing {closing} is missing"
            raise StructureError(msg)
        return found

    def _one(self, token: str) -> _Part:
        if token == "[":  # noqa: S105
            inner = self.sequence("]")
            return _Part(inner.first, inner.last, optional=True)
        if token == "{":  # noqa: S105
            inner = self.sequence("}")
            self._link(inner.last, inner.first)
            return inner
        if token == "<":  # noqa: S105
            return self.sequence(">")
        if not token[0].isalpha():
            msg = f"{token} closes nothing"
            raise StructureError(msg)
        self.names.append(token)
        self.follow.append(set())
        here = frozenset({len(self.names) - 1})
        return _Part(here, here, optional=False)

    def _behind(self, one: _Part, other: _Part) -> _Part:
        self._link(one.last, other.first)
        return _Part(
            one.first | other.first if one.optional else one.first,
            one.last | other.last if other.optional else other.last,
            one.optional and other.optional,
        )

    @staticmethod
    def _either(one: _Part, other: _Part) -> _Part:
        return _Part(one.first | other.first, one.last | other.last, one.optional or other.optional)

    def _link(self, last: frozenset[int], first: frozenset[int]) -> None:
        for position in last:
            self.follow[position] |= first
