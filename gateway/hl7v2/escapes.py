r"""Escape sequences of ER7 text: decoded exactly once per leaf, encoded for what we send.

Does not know where a leaf begins (`hl7v2.message`). Standard: HL7 v2.5 2.7 (sequences) and 2.7.4
(`\Xdd..\`). What is no complete, known sequence is text and stays as it is.
"""

import re
from functools import lru_cache

from gateway.hl7v2.charset import decode_mixed
from gateway.hl7v2.separators import ABSENT, Separators

#: Blank lines or spaces one formatting command may ask for.
MAX_FILL = 100

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


@lru_cache(maxsize=64)
def _pattern(escape: str) -> re.Pattern[str]:
    """Compile the sequences that are understood, hexadecimal ones as whole adjacent runs.

    A character of two bytes may come as two sequences, so a run is decoded together.
    """
    e = re.escape(escape)
    return re.compile(
        rf"(?P<hex>(?:{e}X(?:[0-9A-Fa-f]{{2}})+{e})+)"
        rf"|{e}(?:(?P<letter>[FSTREHN])|\.(?P<command>br|ce|fi|nf|sp|sk|in|ti)"
        rf"(?P<count>[+-]?[0-9]{{0,9}})){e}"
    )


def decode(text: str, separators: Separators, codec: str) -> str:
    """Return a leaf as its author typed it.

    Blanks asked for by formatting commands are limited to `MAX_FILL` a command and to the size
    of the leaf in all, so that a short text cannot fill the memory.

    Args:
        text: the leaf as it stands in the message.
        separators: of the message.
        codec: the Python codec of the message, used for hexadecimal bytes.
    """
    escape = separators.escape
    if escape not in text:
        return text
    budget = len(text)
    letters = {
        "F": separators.field,
        "S": separators.component,
        "T": separators.subcomponent,
        "R": separators.repetition,
        "E": escape,
    }

    def replace(match: re.Match[str]) -> str:
        nonlocal budget
        if match["hex"]:
            raw = bytes.fromhex(match["hex"].replace(escape + "X", "").replace(escape, ""))
            return _CONTROLS.sub("", decode_mixed(raw, codec))
        if match["letter"]:
            # H and N (highlighting on and off) have no place in plain text. A role the message
            # does not declare has no character to give.
            return letters.get(match["letter"], "").replace(ABSENT, "")
        fill = _fill(match["command"], match["count"])[: max(budget, 0)]
        budget -= len(fill)
        return fill

    return _pattern(escape).sub(replace, text)


def _fill(command: str, count: str) -> str:
    """Return the line breaks or spaces a formatting command stands for."""
    wanted = min(abs(int(count)) if count.strip("+-") else 1, MAX_FILL)
    if command in ("br", "ce"):
        return "\n"
    if command == "sp":
        return "\n" * wanted
    if command == "sk":
        return " " * wanted
    return ""


@lru_cache(maxsize=64)
def _encoding(separators: Separators) -> dict[int, str]:
    """Build the table of characters that may not stand in a leaf as they are."""
    table: dict[int, str] = dict.fromkeys((*range(32), 127, 0xFFFE, 0xFFFF), "")
    table[9] = "\t"
    roles = {
        separators.field: "F",
        separators.component: "S",
        separators.subcomponent: "T",
        separators.repetition: "R",
        separators.escape: "E",
        "\r": "X0D",
        "\n": "X0A",
    }
    e = separators.escape
    for character, letter in roles.items():
        if character != ABSENT:
            # Without escape character a delimiter cannot be written: a blank is the least harm.
            table[ord(character)] = " " if e == ABSENT else f"{e}{letter}{e}"
    return table


def encode(text: str, separators: Separators) -> str:
    """Write text as a leaf: delimiters and line ends escaped, control characters removed."""
    return text.translate(_encoding(separators))
