"""The known name that is closest to one that is not known, for messages about mistakes."""

from collections.abc import Iterable
from difflib import get_close_matches

_ALIKE = 0.5


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name closest to another, letter case aside; empty when none is near."""
    by_fold = {item.casefold(): item for item in sorted(known)}
    found = get_close_matches(name.casefold(), by_fold, n=1, cutoff=_ALIKE)
    return by_fold[found[0]] if found else ""


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """Return `; nearest: '<name>'` for the end of a sentence; empty when none is near."""
    found = nearest(name, known)
    return f"; nearest: '{found}'" if found else ""
