"""Whether a unit is written in UCUM, for senders that say theirs is.

Knows the atoms and prefixes of medicine and the grammar that puts them together; does not compare
or convert units. A unit outside of it is kept as text, never guessed. Gauss and tesla are left out:
no laboratory measures them, and `G/L` and `T/L` are sent for giga and tera per litre.
Standard: UCUM 2.1, section 2 (grammar) and its tables of units.
"""

import re

#: Atoms that take a prefix.
_METRIC = """
    m s g rad K C cd mol sr Hz N Pa J W A V F Ohm S Wb Cel H lm lx Bq Gy Sv L l ar st cal u eV
    t bar kat U [iU] [IU] osm eq B Np Bd bit By [Cal] Ci R RAD REM m[H2O] m[Hg]
"""
#: Atoms that stand alone.
_ALONE = """
    % [ppth] [ppm] [ppb] [pptr] [pi] 10* 10^ min h d a wk mo mo_s mo_j a_j ' '' deg gon atm g%
    [in_i] [ft_i] [lb_av] [oz_av] [degF] [drp] [pH] [HPF] [LPF] [arb'U] [USP'U] [GPL'U] [MPL'U]
    [APL'U] [AU] [TCID_50] [CCID_50] [EID_50] [PFU] [FFU] [CFU] [BAU] [ka'U] [todd'U] [dye'U]
    [smgy'U] [bdsk'U] [Amb'a'1'U] [D'ag'U] [diop] [mesh_i] [Ch] [MET] [knk'U] [mclg'U] [beth'U]
    [anti'Xa'U] [kp_C]
"""
_PREFIXES = "Y Z E P T G M k h da d c m u n p f a z y"

_UNITS = frozenset(
    {
        *_METRIC.split(),
        *_ALONE.split(),
        *(prefix + atom for prefix in _PREFIXES.split() for atom in _METRIC.split()),
    }
)
_LONGEST = 64
_FACTOR = re.compile(r"[1-9][0-9]*")
_ANNOTATION = re.compile(r"\{[!-z|~]*\}")
_EXPONENT = re.compile(r"[+-]?[1-9][0-9]?")
#: What stands between operators and brackets; a square bracket belongs to its unit.
_PIECE = re.compile(r"(?:\[[^\[\]\s]*\]|[^./(){}\[\]\s])+")
_OPERATORS = frozenset("./")


def is_ucum(text: str) -> bool:
    """Tell whether a text is a unit of UCUM, case sensitive.

    Args:
        text: as sent, such as `10*9/L`, `mm[Hg]`, `/min` or `{cells}/uL`.
    """
    if not text or len(text) > _LONGEST:
        return False
    start = 1 if text[0] == "/" else 0
    return start < len(text) and _term(text, start) == len(text)


def _term(text: str, at: int) -> int:
    """Return where a term ends, -1 when there is none."""
    at = _component(text, at)
    while 0 <= at < len(text) and text[at] in _OPERATORS:
        at = _component(text, at + 1)
    return at


def _component(text: str, at: int) -> int:
    """Return where a unit, a factor, an annotation or a term in brackets ends, -1 without any."""
    if text[at : at + 1] == "(":
        end = _term(text, at + 1)
        return end + 1 if end >= 0 and text[end : end + 1] == ")" else -1
    if note := _ANNOTATION.match(text, at):
        return note.end()
    return _annotated(text, at)


def _annotated(text: str, at: int) -> int:
    """Return where a unit with its exponent and annotation ends, -1 when it is none."""
    piece = _PIECE.match(text, at)
    if piece is None or not _is_simple(piece[0]):
        return -1
    note = _ANNOTATION.match(text, piece.end())
    return (note or piece).end()


def _is_simple(piece: str) -> bool:
    """Tell whether a piece is a unit with or without exponent, or a factor."""
    if piece in _UNITS or _FACTOR.fullmatch(piece):
        return True
    for size in (1, 2, 3):
        unit, exponent = piece[:-size], piece[-size:]
        if unit in _UNITS and _EXPONENT.fullmatch(exponent):
            return True
    return False
