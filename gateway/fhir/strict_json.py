"""Reads the JSON of a body from outside, strictly and within limits.

Two readers must not see two things in one body, and nothing may cost more than it weighs: a name
said twice, NaN, controls, endless nesting and endless numbers are refused. Decimals keep their
digits. Standard: FHIR R4 2.6.2 (JSON), RFC 8259 4 and 8.1.
"""

import json
import re
from typing import Any

from gateway.core.decimals import ExactDecimal

DEPTH = 60
NODES = 1_000_000
_DIGITS, _EXPONENT = 40, 18
#: Beside what JSON forbids: NUL and half surrogates, which no database keeps, and the other
#: controls that FHIR forbids in a text.
_FOREIGN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class UnreadableError(ValueError):
    """The bytes are no JSON that is read; the text says why, never what they hold."""


def read(raw: bytes, *, depth: int = DEPTH, nodes: int = NODES) -> Any:
    """Read JSON in UTF-8.

    Args:
        raw: the bytes; a byte order mark is left out.
        depth: how far objects and lists may be nested.
        nodes: how many values there may be.

    Returns:
        The value; a number with a fraction is an `ExactDecimal`.

    Raises:
        UnreadableError: they are none, or beyond a limit.
    """
    try:
        found = json.loads(
            raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8"),
            object_pairs_hook=_once,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_constant,
        )
    except UnicodeDecodeError:
        msg = "it is not UTF-8"
        raise UnreadableError(msg) from None
    except json.JSONDecodeError as error:
        msg = f"it is not JSON (line {error.lineno})"
        raise UnreadableError(msg) from None
    except RecursionError:
        msg = "it is nested too deeply"
        raise UnreadableError(msg) from None
    _walk(found, depth, nodes)
    return found


def _walk(found: Any, depth: int, nodes: int) -> None:
    todo, seen = [(found, 1)], 0
    while todo:
        value, level = todo.pop()
        seen += 1
        if level > depth:
            msg = "it is nested too deeply"
            raise UnreadableError(msg)
        if seen > nodes:
            msg = "it holds too many values"
            raise UnreadableError(msg)
        if value.__class__ is dict:
            todo += [(item, level + 1) for item in value.values()]
            for name in value:
                _check_text(name)
        elif value.__class__ is list:
            todo += [(item, level + 1) for item in value]
        elif value.__class__ is str:
            _check_text(value)


def _check_text(text: str) -> None:
    if not text.isprintable() and _FOREIGN.search(text):
        msg = "a text holds a control character or half of a surrogate pair"
        raise UnreadableError(msg)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        msg = "an object names one element twice"
        raise UnreadableError(msg)
    return made


def _decimal(text: str) -> ExactDecimal:
    if len(text) > _DIGITS:
        msg = "a number has too many digits"
        raise UnreadableError(msg)
    found = ExactDecimal(text)
    if abs(found.adjusted()) > _EXPONENT:
        msg = "a number is too large or too small"
        raise UnreadableError(msg)
    return found


def _integer(text: str) -> int:
    if len(text) > _EXPONENT:
        msg = "a number has too many digits"
        raise UnreadableError(msg)
    return int(text)


def _constant(_name: str) -> Any:
    msg = "it holds NaN or an infinity"
    raise UnreadableError(msg)
