"""Read the parameters of a search into conditions (FHIR R4 search).

Refuses what it does not know, one issue per fault, and says what would work. Does not run the
search; the store does.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.core.ports import Condition, Sort
from gateway.fhir import page_tokens, search_results
from gateway.fhir.search_faults import (
    LEFT_OUT,
    bad_modifier,
    bad_value,
    not_supported,
    place,
    too_costly,
    unknown_parameter,
    unknown_value_set,
)
from gateway.fhir.search_results import DEFAULT_COUNT, Include, Wanted
from gateway.fhir.search_table import PARAMETERS, Parameter, parameters_of
from gateway.fhir.search_values import READINGS, Alternative, Given, Reading, modifiers, split

Handling = Literal["strict", "lenient"]

_MAX_PARAMETERS = 30
_MAX_ALTERNATIVES = 50
_MAX_VALUE = 256
#: Codes of the value sets of one condition.
_MAX_CODES = 5000
#: Resources one after the other in a chain, the searched one not counted.
_MAX_CHAIN = 3

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_UNSUPPORTED = frozenset({"_containedType", "_filter", "_query", "_list", "_content", "_text"})


#: Gives the (system, code) pairs of a value set by its canonical; None when they are not known.
ValueSets = Callable[[str], frozenset[tuple[str, str]] | None]


def no_value_sets(_canonical: str) -> None:
    """Know no value set."""


@dataclass(frozen=True, slots=True)
class Query:
    """A search that was understood.

    Attributes:
        type: searched resource type.
        conditions: what a match meets, all of them.
        count: resources per page.
        count_only: only the total is wanted.
        cursor: where the page starts in the store's order; None for the first.
        used: name and value pairs that had an effect, in the order given, for the links.
        sort: keys of the order; none for the newest first.
        total: `none`, `estimate` or `accurate`; empty: as far as that costs little.
        includes: what else is to be on a page.
        elements: the only elements wanted; empty for all.
        summary: `true`, `text` or `data`; empty for whole resources.
        issued: when the page was offered; None for the first.
    """

    type: str
    conditions: tuple[Condition, ...]
    count: int = DEFAULT_COUNT
    count_only: bool = False
    cursor: str | None = None
    used: tuple[tuple[str, str], ...] = ()
    sort: tuple[Sort, ...] = ()
    total: str = ""
    includes: tuple[Include, ...] = ()
    elements: tuple[str, ...] = ()
    summary: str = ""
    issued: datetime | None = None

    def page_token(self, cursor: str, now: datetime | None) -> str:
        """Return the token that continues this search at a store cursor, given out now."""
        return page_tokens.write(self._asked(), cursor, now)

    def own_token(self) -> str | None:
        """Return the token of this page; None for the first."""
        return None if self.cursor is None else self.page_token(self.cursor, self.issued)

    def at(self, token: str, now: datetime | None) -> "Query":
        """Return this search from the page of a token on.

        Raises:
            RejectedError: the token is of another search, or too old (RLS-FHR-065, RLS-FHR-072).
        """
        opened = page_tokens.read(self._asked(), token, now)
        return replace(self, cursor=opened.cursor, issued=opened.issued)

    def looked_at(self) -> list[tuple[str, str]]:
        """Return what is looked at beside the searched type, to be held against rights.

        Returns:
            (type, letter) pairs: `s` for what conditions and reverse includes search, `r` for
            what is included; the type is `*` where any may be.
        """
        found = [(of, "s") for condition in self.conditions for of in _linked_types(condition)]
        for include in self.includes:
            found.append((include.type, "s") if include.reverse else (include.target or "*", "r"))
        return found

    def _asked(self) -> str:
        # The size of a page may change on the way; `ap` widens with time, so the text counts.
        return f"{self.type}\n{[pair for pair in self.used if pair[0] not in _FREE]}"


def _linked_types(condition: Condition) -> list[str]:
    inner = [of for one in condition.inner for of in _linked_types(one)]
    return [condition.of, *inner] if condition.of else inner


#: What may differ from one page to the next.
_FREE = frozenset({"_count", "_format", "_total"})


def parse(
    type_: str,
    pairs: Sequence[tuple[str, str]],
    handling: Handling = "strict",
    base: str = "",
    now: datetime | None = None,
    value_sets: ValueSets = no_value_sets,
) -> Query:
    """Read a search.

    Args:
        type_: a type of `search_table.PARAMETERS`.
        pairs: decoded names and values of the address and the form, in order.
        handling: `lenient` leaves out what is not supported (`Prefer: handling=lenient`).
        base: address of this server; a reference below it is one of our own.
        now: what `ap` and the life of a page are measured from.
        value_sets: lists the codes of a value set, for `:in` and `:not-in`.

    Returns:
        The query; what was left out is missing in `used`.

    Raises:
        RejectedError: one issue per fault (RLS-FHR-060 to RLS-FHR-065, RLS-FHR-072).
    """
    if len(pairs) > _MAX_PARAMETERS:
        raise RejectedError([too_costly("http.q", f"more than {_MAX_PARAMETERS} parameters.")])
    reader = _Reader(type_, base, now, value_sets)
    for name, value in pairs:
        reader.read(name, value)
    faults = [i for i in reader.issues if i.code not in LEFT_OUT or handling == "strict"]
    if faults:
        raise RejectedError(faults)
    return reader.query()


class _Reader:
    """Collects what each parameter of one search means."""

    def __init__(self, type_: str, base: str, now: datetime | None, value_sets: ValueSets) -> None:
        self.type = type_
        self.value_sets = value_sets
        self.own = f"{base}/"
        self.now = now
        self.conditions: list[Condition] = []
        self.used: list[tuple[str, str]] = []
        self.issues: list[Issue] = []
        self.wanted = Wanted()
        self.token: str | None = None

    def read(self, name: str, value: str) -> None:
        """Read one parameter; what is wrong goes to `issues`."""
        if name == "_cursor":
            self.token = value
            return
        if search_results.is_control(name):
            issue = search_results.control(name, value, self.type, self.wanted)
        else:
            found = self._condition(self.type, name, name, value, 0)
            issue = found if isinstance(found, Issue) else None
            if isinstance(found, Condition):
                self.conditions.append(found)
        if issue is not None:
            self.issues.append(issue)
        elif name == "_count":
            self.used.append((name, str(self.wanted.count)))
        elif name != "_pretty":
            self.used.append((name, value))

    def query(self) -> Query:
        """Give the whole, once every parameter was read."""
        wanted = self.wanted
        found = Query(
            self.type,
            tuple(self.conditions),
            wanted.count,
            wanted.count_only,
            None,
            tuple(self.used),
            tuple(wanted.sort),
            wanted.total,
            tuple(wanted.includes),
            tuple(wanted.elements),
            wanted.summary,
        )
        return found if self.token is None else found.at(self.token, self.now)

    def _condition(
        self, type_: str, asked: str, name: str, value: str, depth: int
    ) -> Condition | Issue:
        """Read one condition on a type.

        Args:
            type_: what the condition is about.
            asked: the whole name, for issues.
            name: what is left of it behind a chain.
            value: as given.
            depth: how many references the chain followed so far.
        """
        where = place(asked)
        if not value or len(value) > _MAX_VALUE * _MAX_ALTERNATIVES or _CONTROL.search(value):
            return bad_value(where, "a text without control characters, not empty")
        if name.startswith("_has:"):
            return self._has(type_, asked, name, value, depth)
        link, dot, rest = name.partition(".")
        code, colon, modifier = link.partition(":")
        if code in _UNSUPPORTED:
            return not_supported(where, f"The parameter {code} is")
        known = parameters_of(type_)
        parameter = known.get(code)
        if parameter is None:
            return unknown_parameter(where, type_, known)
        if dot:
            return self._chain(parameter, modifier, asked, (rest, value), depth)
        return self._modified(parameter, modifier if colon else "", where, value)

    def _chain(
        self, parameter: Parameter, type_: str, asked: str, rest: tuple[str, str], depth: int
    ) -> Condition | Issue:
        """Read `subject:Patient.identifier=...` (FHIR R4 3.1.1.4.16)."""
        where, of = place(asked), type_ or parameter.target
        if parameter.kind != "reference":
            return not_supported(where, f"A chain through {parameter.code}, no reference, is")
        if of not in PARAMETERS or parameter.target not in ("", of):
            return bad_value(where, f"the type, as in {parameter.code}:Patient.identifier")
        if depth == _MAX_CHAIN:
            return too_costly(where, f"a chain of more than {_MAX_CHAIN} references.")
        inner = self._condition(of, asked, *rest, depth + 1)
        if isinstance(inner, Issue):
            return inner
        return Condition(parameter.code, "chain", of=of, inner=(inner,))

    def _has(self, type_: str, asked: str, name: str, value: str, depth: int) -> Condition | Issue:
        """Read `_has:Task:focus:status=...` (FHIR R4 3.1.1.4.17)."""
        where = place(asked)
        _, of, code, rest = (*name.split(":", 3), "", "", "")[:4]
        found = {p.code: p for p in PARAMETERS.get(of, ()) if p.kind == "reference"}
        if code not in found or not rest or found[code].target not in ("", type_):
            return bad_value(where, "the form _has:Type:reference:parameter")
        if depth == _MAX_CHAIN:
            return too_costly(where, f"a chain of more than {_MAX_CHAIN} references.")
        inner = self._condition(of, asked, rest, value, depth + 1)
        if isinstance(inner, Issue):
            return inner
        return Condition(code, "has", of=of, inner=(inner,))

    def _modified(
        self, parameter: Parameter, modifier: str, where: str, value: str
    ) -> Condition | Issue:
        if modifier == "missing" and parameter.paths:
            if value not in ("true", "false"):
                return bad_value(where, "true or false")
            return Condition(parameter.code, parameter.kind, missing=value == "true")
        reading = READINGS[parameter.kind][""]
        type_ = ""
        if parameter.kind == "reference" and modifier in PARAMETERS:
            type_ = modifier
        elif modifier:
            accepted = modifiers(parameter)
            if modifier not in accepted:
                return bad_modifier(where, parameter.code, accepted_by(parameter))
            reading = accepted[modifier]
        return self._read_values(parameter, reading, where, value, type_)

    def _read_values(
        self, parameter: Parameter, reading: Reading, where: str, value: str, type_: str
    ) -> Condition | Issue:
        texts = split(value, ",")
        if len(texts) > _MAX_ALTERNATIVES:
            return too_costly(where, f"more than {_MAX_ALTERNATIVES} values.")
        alternatives = []
        for given in texts:
            text = given.removeprefix(self.own) if parameter.kind == "reference" else given
            alternative = reading.read(parameter, Given(text, type_, self.now))
            if alternative is None or len(text) > _MAX_VALUE:
                return bad_value(where, reading.wanted)
            alternatives.append(alternative)
        if reading.test == "among":
            listed = self._listed(where, [text or "" for _, text in alternatives])
            if isinstance(listed, Issue):
                return listed
            alternatives = listed
        return Condition(
            parameter.code,
            parameter.kind,
            tuple(alternatives),
            negated=reading.negated,
            test=reading.test,
        )

    def _listed(self, where: str, named: Sequence[str]) -> list[Alternative] | Issue:
        """Return one alternative for each system of some value sets: the system, its codes."""
        by_system: dict[str, list[str]] = {}
        for canonical in named:
            codes = self.value_sets(canonical)
            if codes is None:
                return unknown_value_set(where)
            for system, code in sorted(codes):
                by_system.setdefault(system, []).append(code)
        if sum(map(len, by_system.values())) > _MAX_CODES:
            return too_costly(where, f"a value set of more than {_MAX_CODES} codes.")
        return [(system, *codes) for system, codes in by_system.items()]


def accepted_by(parameter: Parameter) -> list[str]:
    """Name the modifiers of a parameter, as a client writes them."""
    if not parameter.paths:
        return []
    types = [":Type"] if parameter.kind == "reference" else []
    return [":missing", *(f":{name}" for name in modifiers(parameter)), *types]
