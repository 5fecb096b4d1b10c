"""Filters of subscriptions: how they are written, and whether an event meets them.

Both spellings of the guide are read, `param=value` and `Type?param=value` or `Type.param=value`;
kept is `Type?param=value`. All filters of a subscription must be met (Subscriptions R5 Backport
1.1.0, components).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from gateway.fhir.topics import Filter, Topic

_WRITTEN = re.compile(
    r"(?:(?P<type>[A-Z][A-Za-z]{1,63})[.?])?(?P<param>[a-z][a-z-]{0,63})"
    r"(?::(?P<modifier>[a-zA-Z-]{1,32}))?=(?P<values>[^&]{1,1000})"
)


class FilterError(ValueError):
    """The filter cannot be honoured; the text says why, without quoting values."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One filter of a subscription.

    Attributes:
        values: alternatives; one is enough.
    """

    param: str
    modifier: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Traits:
    """What an event has that filters compare.

    Attributes:
        tokens: (system, code) pairs by parameter.
        references: `Type/id` by parameter.
        identifiers: (system, value) pairs of what the references point to, by parameter.
    """

    tokens: Mapping[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    references: Mapping[str, frozenset[str]] = field(default_factory=dict)
    identifiers: Mapping[str, frozenset[tuple[str, str]]] = field(default_factory=dict)


def read_filter(text: str, topic: Topic) -> list[Wish]:
    """Read one filter criterion; `&` joins several.

    Raises:
        FilterError: the topic has no such filter, or it is not well written.
    """
    type_, mark, rest = text.partition("?")
    parts = rest.split("&") if mark else [text]
    return [_wish(f"{type_}?{part}" if mark else part, topic) for part in parts]


def _wish(text: str, topic: Topic) -> Wish:
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        msg = "it is not param=value, Type.param=value or Type?param=value"
        raise FilterError(msg)
    if found["type"] not in (None, topic.resource):
        raise FilterError(f"the topic is about {topic.resource} and no other type")
    filter_ = topic.filters.get(found["param"])
    if filter_ is None:
        raise FilterError(f"the topic can be filtered by {', '.join(topic.filters)}")
    modifier = found["modifier"] or ""
    if modifier and modifier not in filter_.modifiers:
        allowed = " or ".join(f":{name}" for name in filter_.modifiers) or "no modifier"
        raise FilterError(f"{filter_.param} takes {allowed}")
    values = tuple(unquote(value.strip()) for value in found["values"].split(","))
    if not all(values):
        msg = "one of its values is empty"
        raise FilterError(msg)
    return Wish(filter_.param, modifier, tuple(_value(v, filter_, modifier) for v in values))


def _value(text: str, filter_: Filter, modifier: str) -> str:
    """Bring a reference to `Type/id`; tokens and identifiers stay as written.

    Raises:
        FilterError: a reference to another type, or an identifier without system.
    """
    if filter_.kind == "token":
        return text
    if modifier == "identifier":
        system, bar, value = text.partition("|")
        if not (bar and system and value):
            raise FilterError(f"{filter_.param}:identifier takes system|value")
        return text
    parts = text.rstrip("/").rsplit("/", 2)
    type_ = parts[-2] if len(parts) > 1 else filter_.target
    is_id = re.fullmatch(r"[A-Za-z0-9.-]{1,64}", parts[-1])
    is_type = re.fullmatch("[A-Z][A-Za-z]{1,63}", type_) and filter_.target in ("", type_)
    if not (is_id and is_type):
        raise FilterError(f"{filter_.param} takes {filter_.target or 'Type'}/id")
    return f"{type_}/{parts[-1]}"


def write_filter(wish: Wish, topic: Topic) -> str:
    """Write a filter in the one form that is kept."""
    modifier = f":{wish.modifier}" if wish.modifier else ""
    return f"{topic.resource}?{wish.param}{modifier}={','.join(wish.values)}"


def meets(wishes: Iterable[Wish], traits: Traits) -> bool:
    """Tell whether an event meets every filter."""
    return all(_met(wish, traits) for wish in wishes)


def _met(wish: Wish, traits: Traits) -> bool:
    if wish.modifier == "identifier":
        return _one_of(wish.values, traits.identifiers.get(wish.param, frozenset()))
    if wish.param in traits.references:
        return not traits.references[wish.param].isdisjoint(wish.values)
    return _one_of(wish.values, traits.tokens.get(wish.param, frozenset()))


def _one_of(values: Sequence[str], pairs: frozenset[tuple[str, str]]) -> bool:
    return any(_same(value, system, code) for value in values for system, code in pairs)


def _same(value: str, system: str, code: str) -> bool:
    """Compare as token search does: `code`, `system|code`, `|code`, `system|`."""
    wanted, bar, rest = value.partition("|")
    if not bar:
        return code == value
    return system == wanted and rest in ("", code)
