"""What a converter is and may return; the table an adapter registers its converters in.

Knows no data type of HL7 v2 or CDA: the converters themselves are in `hl7v2` and `cda`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, Protocol, Self

from gateway.core.issues import Issue


class Source(Protocol):
    """A place in an input, as the engine sees it: a message, a segment, an XML element."""

    @property
    def place(self) -> str:
        """Name the place for traces and issues: `PID-3[2]` or an XPath."""
        ...

    def select(self, path: str, /) -> Sequence[Self]:
        """Return the nodes at a path, in order; empty when absent."""
        ...

    def text(self) -> str:
        """Return the decoded text."""
        ...


@dataclass(frozen=True, slots=True)
class Removed:
    """A converter's word that the source declares the place empty (HL7 `""`).

    Attributes:
        key: the member of a keyed list that is emptied (`usual` makes the removal
            `name:usual`); empty: the whole element.
    """

    key: str = ""


REMOVED = Removed()


@dataclass(frozen=True, slots=True)
class Flawed:
    """A value with what is wrong about it; the value is written, the issues are reported.

    Attributes:
        value: anything a converter may return, None when nothing can be written.
        issues: what is wrong; severity error refuses the input.
    """

    value: Any
    issues: tuple[Issue, ...]


#: What is at one place, seen from a source: `select` for a path that is known beforehand.
Selector = Callable[[Any], Sequence[Any]]


def by_path(path: str) -> Selector:
    """Return the selector of a place for any source."""
    return methodcaller("select", path)


#: `(node, context) -> value`. A value is None (nothing), `REMOVED` or `Removed(key)`, a scalar, a
#: dict, a list of those (members of a list element), or one of them in `Flawed`. The engine
#: never changes a returned object when no rule writes below it, so constants may be shared.
Converter = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class Registered:
    """A converter under its name.

    Attributes:
        reads: places it reads beside its own node, for the report of unmapped fields.
        of_text: what it returns depends on the text of its node and on the sender alone, so that
            it can be remembered: codes, professionals, places, not people.
        gives: of a converter that names a fact, the names it may give; `*` stands for anything.
    """

    name: str
    function: Converter
    reads: tuple[str, ...] = ()
    of_text: bool = False
    gives: tuple[str, ...] = ()


def text(node: Source, _context: object) -> Any:
    """Return the trimmed text of a node; the converter of a rule without `via`.

    A node whose source says empty (`is_null`, HL7 `""`) is `REMOVED`.
    """
    # Only HL7 v2 can say "empty"; other sources have no such attribute.
    if getattr(node, "is_null", False):
        return REMOVED
    return node.text().strip() or None


class Converters(Mapping[str, Converter]):
    """The converters of one adapter, filled at import by the decorator of this table.

    Usage: `TABLE = Converters()`, `converter = TABLE.converter`, then
    `@converter("human_name", reads=("PID-5",))` above a function. `text` is there from the start
    and may be registered again.
    """

    def __init__(self, selector: Callable[[str], Selector] = by_path) -> None:
        """Make an empty table; `selector` compiles a path for the sources of its adapter."""
        self.selector = selector
        self._registered = {"text": Registered("text", text)}

    def converter(
        self,
        name: str,
        *,
        reads: tuple[str, ...] = (),
        of_text: bool = False,
        gives: tuple[str, ...] = (),
    ) -> Callable[[Converter], Converter]:
        """Register the decorated function under a name.

        Raises:
            ValueError: the name is taken.
        """

        def register(function: Converter) -> Converter:
            if name in self._registered and self._registered[name].function is not text:
                raise ValueError(f"converter '{name}' is registered twice")
            self._registered[name] = Registered(name, function, reads, of_text, gives)
            return function

        return register

    def reads(self, name: str) -> tuple[str, ...]:
        """Return what a converter declares to read beside its node."""
        return self._registered[name].reads

    def is_of_text(self, name: str) -> bool:
        """Tell whether what a converter returns can be remembered by the text of its node."""
        return self._registered[name].of_text

    def gives(self, name: str) -> tuple[str, ...]:
        """Return the names a converter of names may give; empty for any other."""
        return self._registered[name].gives

    def __getitem__(self, name: str) -> Converter:
        return self._registered[name].function

    def __iter__(self) -> Iterator[str]:
        return iter(self._registered)

    def __len__(self) -> int:
        return len(self._registered)
