"""The forms in which names and words are compared (FHIR R4 search, string).

Letter case, accents, spaces and punctuation do not count: `D'ARTAGNAN`, `dartagnan` and
`d'Artagnan` are one name. A folded text holds letters and digits only, so marks around it can
never be part of it. Does not compare; the store does.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from unicodedata import normalize

#: A folded text is cut here, in the index and in a search alike.
LONGEST = 80
#: Word starts of one name part that are kept.
_MAX_WORDS = 6
#: Letters that Unicode does not take apart.
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i"})
_BETWEEN = re.compile(r"[^\w]+")


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """Return a text without letter case, accents, spaces and punctuation."""
    folded = text[: 4 * LONGEST].casefold()
    if not folded.isascii():
        folded = normalize("NFKD", folded.translate(_LIGATURES))
    return "".join(letter for letter in folded if letter.isalnum())[:LONGEST]


def starts(text: str) -> list[str]:
    """Return a name folded from each of its words on, the whole first.

    `JEAN-PIERRE` is found by `jean pierre` and by `pierre`.
    """
    words = [word for word in _BETWEEN.split(text[: 4 * LONGEST]) if word][:_MAX_WORDS]
    found = [fold(text), *(fold(" ".join(words[place:])) for place in range(1, len(words)))]
    return list(dict.fromkeys(word for word in found if word))


def spoken(texts: Iterable[str]) -> str:
    """Return the words beside a code, for `:text`."""
    return "".join(f"|{folded}" for text in texts if (folded := fold(text)))


def beside(system: str, value: str) -> str:
    """Return a system and a value as they stand among the words, for `:of-type`, `:identifier`."""
    return f"^{system}|{value}^"
