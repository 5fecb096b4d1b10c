"""Scopes of SMART App Launch 2.2 (v2 syntax, v1 read as the same): what a client may ask and do.

Only `system/` scopes without a filter are understood; what else a client asks for is left out of
the grant, as the standard allows. Letters: c create, r read and version and its history, u update,
d delete, s search and history of a type.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

#: `*` of a scope: any type.
ANY = "*"
_LETTERS = "cruds"
_SCOPE = re.compile(r"system/(\*|[A-Z][A-Za-z]{1,40})\.(?:(c?r?u?d?s?)|(read|write|\*))", re.ASCII)
_V1 = {"read": "rs", "write": "cud", "*": _LETTERS}
#: What is not about a type of resources.
METRICS = "system/metrics"


@dataclass(frozen=True, slots=True)
class Scope:
    """One scope.

    Attributes:
        type: resource type, or `*`.
        letters: some of c, r, u, d, s.
    """

    type: str
    letters: frozenset[str]

    def __str__(self) -> str:
        """Write it in the syntax of version 2."""
        return f"system/{self.type}.{''.join(one for one in _LETTERS if one in self.letters)}"


def parse(text: str) -> tuple[Scope, ...]:
    """Read the scopes that are understood, in their order; the others are left out."""
    found = []
    for part in text.split():
        match = _SCOPE.fullmatch(part)
        letters = (match[2] or _V1.get(match[3] or "", "")) if match else ""
        if match and letters:
            found.append(Scope(match[1], frozenset(letters)))
    return tuple(found)


def granted(asked: str, registered: str) -> str:
    """Return what a client gets of what it asks for; empty when nothing of it may be given.

    Args:
        asked: as in the request; empty asks for all it may have.
        registered: what it may have.
    """
    may = parse(registered)
    wanted = parse(asked) if asked.strip() else may
    found: dict[str, frozenset[str]] = {}
    for one in wanted:
        for other in may:
            letters = one.letters & other.letters
            if letters and (one.type == other.type or ANY in (one.type, other.type)):
                type_ = other.type if one.type == ANY else one.type
                found[type_] = found.get(type_, frozenset()) | letters
    made = [str(Scope(type_, letters)) for type_, letters in sorted(found.items()) if letters]
    asked_words = set(asked.split()) or {METRICS}
    if METRICS in asked_words and METRICS in registered.split():
        made.append(METRICS)
    return " ".join(made)


def unknown(text: str) -> list[str]:
    """Return the scopes of a registration that are not understood."""
    return [one for one in text.split() if one != METRICS and not parse(one)]


def allows(scopes: Iterable[Scope], type_: str, letter: str) -> bool:
    """Tell whether scopes allow an interaction on a type; `*` asks for every type."""
    return any(letter in one.letters and one.type in (ANY, type_) for one in scopes)
