"""What makes an INS usable: its control key, and the words about an identity that vouch for it.

The same code means different things in different tables: `VALI` of table 0445 is a qualified
identity, `VALI` of the four statuses of the RNIV one that was checked and never retrieved. So a
word is asked for together with its table.
"""

from collections.abc import Set as AbstractSet

_FRENCH = "https://hl7.fr/ig/fhir/core/CodeSystem/"
#: Table 0445 of France, PID-32: FR Core up to 2.2.0.
TABLE_0445 = f"{_FRENCH}fr-core-cs-v2-0445"
#: PROV, RECUP, VALI and QUAL of the RNIV: what FR Core will say after 2.2.0.
RNIV_STATUSES = f"{_FRENCH}fr-core-cs-identity-status"

_VOUCHES = frozenset({(TABLE_0445, "VALI"), (RNIV_STATUSES, "QUAL")})
#: Attributes beside a status; the RNIV lets neither go with an INS, an usurped identity neither.
_FORBIDS = frozenset({"DOUT", "FICT", "USUR"})


def vouches(statuses: AbstractSet[tuple[str, str]]) -> bool:
    """Tell whether (code system, code) pairs about one identity allow to use its INS.

    Spec: PAM France 2.11 6.6.15 (PID-32); RNIV: only a qualified identity goes with its INS.
    """
    return bool(statuses & _VOUCHES) and not any(code in _FORBIDS for _system, code in statuses)


def ins_key_is_right(value: str) -> bool:
    """Tell whether an INS has 15 characters and the key of its first 13 (Corsica: 2A, 2B).

    Spec: NIR, 97 minus the rest of the division by 97; 2A counts as 19, 2B as 18.
    """
    if len(value) != 15 or not value.isascii():
        return False
    department = {"2A": "19", "2B": "18"}.get(value[5:7], value[5:7])
    digits = f"{value[:5]}{department}{value[7:13]}"
    if not (digits.isdigit() and value[13:].isdigit()):
        return False
    return 97 - int(digits) % 97 == int(value[13:])
