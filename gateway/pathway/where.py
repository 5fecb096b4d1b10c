"""The conditions of a rule: a closed grammar, checked when read, compiled to a closure.

    or      = and {"or" and}
    and     = not {"and" not}
    not     = "not" not | test
    test    = operand [("==" | "!=" | "<" | "<=" | ">" | ">=") operand | "in" (list | field)]
    operand = field | "t." field | 'text' | number | true | false | null | "(" or ")"
    list    = "[" literal {"," literal} "]"

No call, no arithmetic, no clock: a condition is a function of two facts. With null, `==` and `!=`
compare plainly and every other comparison is false.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne
from typing import Any, NamedTuple

from gateway.core.events import Kind
from gateway.core.facts import Attributes

#: A condition on a fact and the trigger's fact.
Condition = Callable[[Attributes, Attributes], bool]
_Value = Callable[[Attributes, Attributes], Any]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'[^']*')|(?P<number>-?\d+(?:\.\d+)?)(?![\w.])"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)"
    r"|(?P<op>==|!=|<=|>=|<|>|\(|\)|\[|\]|,))"
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge
}  # fmt: skip
_WORDS = frozenset({"and", "or", "not", "in"})
_CONSTANTS: Mapping[str, tuple[Any, Kind | None]] = {
    "true": (True, Kind.BOOLEAN),
    "false": (False, Kind.BOOLEAN),
    "null": (None, None),
}
_ORDERED = frozenset({Kind.NUMBER, Kind.INSTANT})


class WhereError(ValueError):
    """An expression is wrong.

    Attributes:
        column: 1-based place in the expression.
        kind: `syntax`, `field` or `types`.
        name: of the unknown field.
        of_trigger: whether it was asked of the trigger.
    """

    def __init__(
        self,
        column: int,
        reason: str,
        kind: str = "syntax",
        name: str = "",
        *,
        of_trigger: bool = False,
    ) -> None:
        self.column = column
        self.reason = reason
        self.kind = kind
        self.name = name
        self.of_trigger = of_trigger
        super().__init__(reason)


class _Token(NamedTuple):
    sort: str
    text: str
    column: int


@dataclass(frozen=True, slots=True)
class _Node:
    """A checked part: how to compute it, and its type (None for null)."""

    run: _Value
    kind: Kind | None
    column: int


def compile_where(
    text: str,
    fields: Mapping[str, Kind],
    trigger_fields: Mapping[str, Kind],
    reads: set[str] | None = None,
) -> Condition:
    """Return a condition as a function.

    Args:
        text: expression; empty is always true.
        fields: attributes of the fact.
        trigger_fields: attributes readable as `t.<name>`.
        reads: gains the names it reads, those of the trigger as `t.<name>`.

    Raises:
        WhereError: it is not of the grammar, names an unknown field or mixes types.
    """
    if not text.strip():
        return _always
    parser = _Parser(_tokens(text), fields, trigger_fields, len(text) + 1)
    node = parser.either()
    parser.expect_end()
    _boolean(node)
    if reads is not None:
        reads |= parser.reads
    run = node.run
    return lambda fact, trigger: run(fact, trigger) is True


def literals(text: str) -> tuple[frozenset[str], frozenset[float]]:
    """Return the texts and the numbers an expression compares with.

    Raises:
        WhereError: it cannot be read.
    """
    found = [_literal(token) for token in _tokens(text) if token.sort in ("text", "number")]
    return (
        frozenset(value for value, kind in found if kind is Kind.TEXT),
        frozenset(value for value, kind in found if kind is Kind.NUMBER),
    )


def _always(_fact: Attributes, _trigger: Attributes) -> bool:
    return True


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            column = position + len(text[position:]) - len(text[position:].lstrip()) + 1
            raise WhereError(column, f"'{text[column - 1]}' cannot be read here")
        sort = match.lastgroup or ""
        found.append(_Token(sort, match[sort], match.start(sort) + 1))
        position = match.end()
    return found


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(
        self,
        tokens: list[_Token],
        fields: Mapping[str, Kind],
        trigger_fields: Mapping[str, Kind],
        end: int,
    ) -> None:
        self._tokens = tokens
        self._fields = fields
        self._trigger_fields = trigger_fields
        self._end = end
        self._at = 0
        self.reads: set[str] = set()

    def either(self) -> _Node:
        node = self._both()
        while self._accept("or"):
            node = _join(_boolean(node), _boolean(self._both()), either=True)
        return node

    def expect_end(self) -> None:
        if self._at < len(self._tokens):
            token = self._tokens[self._at]
            raise WhereError(token.column, f"'{token.text}' is not expected here")

    def _both(self) -> _Node:
        node = self._negation()
        while self._accept("and"):
            node = _join(_boolean(node), _boolean(self._negation()), either=False)
        return node

    def _negation(self) -> _Node:
        token = self._accept("not")
        if token is None:
            return self._test()
        run = _boolean(self._negation()).run
        return _Node(lambda f, t: run(f, t) is not True, Kind.BOOLEAN, token.column)

    def _test(self) -> _Node:
        left = self._operand()
        token = self._peek()
        if token is None:
            return left
        if token.text in _COMPARE and token.sort == "op":
            self._at += 1
            return _compare(token, left, self._operand())
        if token.text == "in" and token.sort == "name":
            self._at += 1
            return self._membership(token, left)
        return left

    def _membership(self, token: _Token, left: _Node) -> _Node:
        if self._accept("["):
            values = self._literals(left)
            run = left.run
            return _Node(lambda f, t: run(f, t) in values, Kind.BOOLEAN, token.column)
        right = self._operand()
        if right.kind is not Kind.TEXTS or left.kind is not Kind.TEXT:
            raise WhereError(
                token.column, "'in' wants [a list], or a text in a list of texts", "types"
            )
        one, many = left.run, right.run
        return _Node(lambda f, t: _within(one(f, t), many(f, t)), Kind.BOOLEAN, token.column)

    def _literals(self, left: _Node) -> frozenset[Any]:
        values = set()
        while True:
            token = self._next("a value")
            if token.sort not in ("text", "number"):
                raise WhereError(token.column, "a list holds texts and numbers only")
            value, kind = _literal(token)
            _comparable(left, _Node(_constant(value), kind, token.column))
            values.add(value)
            token = self._next("',' or ']'")
            if token.text == "]":
                return frozenset(values)
            if token.text != ",":
                raise WhereError(token.column, "',' or ']' is expected here")

    def _operand(self) -> _Node:
        token = self._next("a field or a value")
        if token.sort in ("text", "number"):
            value, kind = _literal(token)
            return _Node(_constant(value), kind, token.column)
        if token.text == "(":
            node = self.either()
            closing = self._next("')'")
            if closing.text != ")":
                raise WhereError(closing.column, "')' is expected here")
            return node
        if token.sort != "name" or token.text in _WORDS:
            raise WhereError(token.column, f"a field or a value is expected, not '{token.text}'")
        if token.text in _CONSTANTS:
            value, constant_kind = _CONSTANTS[token.text]
            return _Node(_constant(value), constant_kind, token.column)
        return self._field(token)

    def _field(self, token: _Token) -> _Node:
        of_trigger = token.text.startswith("t.")
        name = token.text.removeprefix("t.")
        known = self._trigger_fields if of_trigger else self._fields
        if name not in known:
            raise WhereError(
                token.column, f"unknown field '{name}'", "field", name, of_trigger=of_trigger
            )
        self.reads.add(token.text)
        run: _Value = (lambda _f, t: t.get(name)) if of_trigger else (lambda f, _t: f.get(name))
        return _Node(run, known[name], token.column)

    def _peek(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self, wanted: str) -> _Token:
        token = self._peek()
        if token is None:
            raise WhereError(self._end, f"{wanted} is expected at the end")
        self._at += 1
        return token

    def _accept(self, word: str) -> _Token | None:
        token = self._peek()
        if token is None or token.text != word or token.sort not in ("name", "op"):
            return None
        self._at += 1
        return token


def _literal(token: _Token) -> tuple[Any, Kind]:
    if token.sort == "text":
        return token.text[1:-1], Kind.TEXT
    return float(token.text) if "." in token.text else int(token.text), Kind.NUMBER


def _constant(value: Any) -> _Value:
    return lambda _f, _t: value


def _boolean(node: _Node) -> _Node:
    if node.kind is not Kind.BOOLEAN:
        raise WhereError(node.column, "a comparison or a true-or-false field is expected", "types")
    return node


def _comparable(left: _Node, right: _Node) -> None:
    kinds = {_plain(left.kind), _plain(right.kind)} - {None}
    if len(kinds) > 1:
        names = " with ".join(sorted(kind.value for kind in kinds if kind))
        raise WhereError(right.column, f"this compares {names}", "types")


def _plain(kind: Kind | None) -> Kind | None:
    """Return the type as it is compared: an instant is a text that sorts."""
    return Kind.TEXT if kind is Kind.INSTANT else kind


def _compare(token: _Token, left: _Node, right: _Node) -> _Node:
    _comparable(left, right)
    compare, one, other = _COMPARE[token.text], left.run, right.run
    if token.text in ("==", "!="):
        return _Node(lambda f, t: compare(one(f, t), other(f, t)), Kind.BOOLEAN, token.column)
    if not {left.kind, right.kind} & _ORDERED:
        raise WhereError(token.column, f"'{token.text}' wants numbers or instants", "types")

    def ordered(fact: Attributes, trigger: Attributes) -> bool:
        first, second = one(fact, trigger), other(fact, trigger)
        return first is not None and second is not None and compare(first, second)

    return _Node(ordered, Kind.BOOLEAN, token.column)


def _join(left: _Node, right: _Node, *, either: bool) -> _Node:
    one, other = left.run, right.run
    if either:
        return _Node(
            lambda f, t: one(f, t) is True or other(f, t) is True, Kind.BOOLEAN, left.column
        )
    return _Node(lambda f, t: one(f, t) is True and other(f, t) is True, Kind.BOOLEAN, left.column)


def _within(value: Any, values: Any) -> bool:
    return value is not None and values is not None and value in values
