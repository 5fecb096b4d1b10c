"""The table of fact converters, what they read beside their node, and how they write times.

The converters are in `cda.facts` and `cda.facts_cancer`.
"""

from dataclasses import dataclass
from datetime import timedelta

from gateway.cda.contacts import stamp
from gateway.cda.context import Context
from gateway.cda.paths import Selector
from gateway.cda.reader import Node
from gateway.mapping.converters import Converters
from gateway.mapping.facts import instant_text

FACTS = Converters(Selector)
converter = FACTS.converter

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Telling:
    """What fact converters read beside their node.

    Attributes:
        context: of the document.
        estab: FINESS of the establishment it comes from, empty when nothing tells it.
    """

    context: Context
    estab: str


def first_of(node: Node | None) -> str | None:
    """Return the first moment of a time, `Z` text; None when it is absent or unreadable."""
    found = stamp(node)
    return None if found is None else instant_text(found.bounds_utc()[0])


def last_of(node: Node | None) -> str | None:
    """Return the last moment of a time; of a date its last second."""
    found = stamp(node)
    if found is None:
        return None
    end = found.bounds_utc()[1]
    return instant_text(end if found.instant_utc else end - _SECOND)
