"""What resources are found by, and what keeping that up to date needs of the store."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from gateway.core.values import value


class IndexEntry(NamedTuple):
    """One searchable value of a current resource; which ones exist is decided in `fhir.search`.

    A tuple: every message makes dozens.

    Attributes:
        param: search parameter code, such as `identifier` or `date`.
        system: token system, referenced type, system of a unit, or a text as written; empty when
            none.
        value: token code, identifier value, referenced id, address, unit, or folded text.
        low: start of a range of instants or of numbers, fixed-width text that sorts as they do;
            empty when neither.
        high: end of that range, exclusive; beside a token or a reference the words said with it
            (`fhir.search_words`).
    """

    param: str
    system: str = ""
    value: str = ""
    low: str = ""
    high: str = ""


@value(frozen=True, slots=True)
class Reindexed:
    """What a version of a resource is to be found by now.

    Attributes:
        index: its searchable values.
    """

    type: str
    id: str
    version: int
    index: tuple[IndexEntry, ...]


class IndexQueries(Protocol):
    """The index of current resources as a whole."""

    def mark(self) -> str:
        """Return which search parameters every resource is indexed by; empty when unknown."""
        ...

    def set_mark(self, mark: str) -> None:
        """Say which search parameters every resource is indexed by."""
        ...

    def rewrite(self, rows: Sequence[Reindexed]) -> int:
        """Index current versions anew; return how many changed.

        A resource that has another version by now is left alone: who wrote it indexed it.
        """
        ...
