"""Which words about an identity vouch for its INS.

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
