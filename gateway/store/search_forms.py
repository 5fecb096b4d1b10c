"""Search conditions taken apart: what the text of a statement depends on, and the values in it.

Statements of one form have one text, which is compiled once; the values go into its parameters in
the order in which they stand here. Knows no SQL.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gateway.core.ports import Condition
from gateway.store.codec import instant_text, key_text, read_instant

#: Sorts behind every text that begins alike.
_BEHIND = "\U0010ffff"
ROW_PARAMS = frozenset({"_id", "_lastUpdated"})
#: Kinds that are about resources at the other end of a reference.
LINKED = frozenset({"chain", "has"})
#: An alternative: how it is compared, and which of its values are there.
AlternativeForm = tuple[str, ...]


class Form(NamedTuple):
    """A condition without its values.

    Attributes:
        kind: of the condition; `_id` and `_lastUpdated` for what is read from the row.
        alternatives: one for each; any may be met.
        inner: conditions on the resource at the other end of a reference.
        by_row: asked of what a row repeats of its index: many resources meet it.
    """

    kind: str
    missing: bool | None
    negated: bool
    alternatives: tuple[AlternativeForm, ...]
    inner: tuple["Form", ...] = ()
    by_row: bool = False

    @property
    def is_refusal(self) -> bool:
        """Tell whether what is named is not wanted."""
        return self.negated or self.missing is True


def lower(type_: str, conditions: Iterable[Condition]) -> tuple[tuple[Form, ...], list[str]]:
    """Return the forms of the conditions of a search, and all values: the type, then theirs."""
    values = [type_]
    return tuple(_form(condition, type_, values) for condition in conditions), values


def _form(condition: Condition, type_: str, values: list[str]) -> Form:
    if condition.kind in LINKED:
        return _linked(condition, type_, values)
    kind = condition.param if condition.param in ROW_PARAMS else condition.kind
    if kind not in ROW_PARAMS:
        values.append(condition.param)
    alternatives = []
    for alternative in condition.alternatives:
        form, given = _alternative(kind, condition.test, alternative)
        alternatives.append(form)
        values += given
    return Form(kind, condition.missing, condition.negated, tuple(alternatives))


def _linked(condition: Condition, type_: str, values: list[str]) -> Form:
    # A chain names what it points to; `_has` what points here, and how.
    if condition.kind == "chain":
        values += [condition.param, condition.of]
    else:
        values += [condition.of, condition.param, type_]
    values.append(condition.of)
    inner = tuple(_form(one, condition.of, values) for one in condition.inner)
    return Form(condition.kind, None, condition.negated, (), inner)


def _alternative(
    kind: str, test: str, alternative: Sequence[str | None]
) -> tuple[AlternativeForm, list[str]]:
    if kind == "_lastUpdated":
        prefix, low, high = alternative
        return (prefix or "eq",), [instant_text(read_instant(text or "")) for text in (low, high)]
    if kind in ("date", "quantity"):
        prefix, low, high, *unit = alternative
        named = [
            (name, text) for name, text in zip(("system", "value"), unit, strict=False) if text
        ]
        form = (prefix or "eq", *(name for name, _ in named))
        return form, [low or "", high or "", *(key_text(text) for _, text in named)]
    if kind == "_id":
        system, value = alternative
        if system:
            return ("never",), []
        return ("any",) if value is None else ("is",), [] if value is None else [key_text(value)]
    return _text_form(kind, test, alternative)


def _text_form(
    kind: str, test: str, alternative: Sequence[str | None]
) -> tuple[AlternativeForm, list[str]]:
    if test == "among":
        return (test, str(len(alternative))), [key_text(text or "") for text in alternative]
    first, second = alternative
    if test == "words":
        if first is None:
            return ("words",), [second or ""]
        return ("words", "value"), [second or "", key_text(first)]
    if test:
        return (test,), [key_text(second or "")]
    if kind == "string":
        return ("starts",), [second or "", f"{second}{_BEHIND}"]
    told = [(n, t) for n, t in zip(("system", "value"), alternative, strict=True) if t is not None]
    return ("is", *(name for name, _ in told)), [key_text(text) for _, text in told]
