"""Which flags may stand together when a document goes by secure mail.

Pure. Spec: CI-SIS volet on CDA documents in HL7 v2, rules of management for MSSanté: three rows;
every other combination is an error.
"""

from collections.abc import Mapping

#: A flag not named in a row may be both.
TO_BOTH: Mapping[str, bool] = {
    "MASQUE_PS": False,
    "INVISIBLE_PATIENT": False,
    "INVISIBLE_REP_LEGAUX": False,
    "DESTMSSANTEPS": True,
    "DESTMSSANTEPAT": True,
}
TO_PROFESSIONALS: Mapping[str, bool] = {
    "MASQUE_PS": False,
    "INVISIBLE_REP_LEGAUX": False,
    "DESTMSSANTEPS": True,
    "DESTMSSANTEPAT": False,
}
TO_PATIENT: Mapping[str, bool] = {
    "INVISIBLE_PATIENT": False,
    "CONNEXION_SECRETE": False,
    "DESTDMP": False,
    "DESTMSSANTEPS": False,
    "DESTMSSANTEPAT": True,
}
_ROWS = (TO_BOTH, TO_PROFESSIONALS, TO_PATIENT)


def is_allowed(flags: Mapping[str, bool]) -> bool:
    """Tell whether flags stand in a row, or ask for no mail.

    The row for professionals takes a document the patient may see as well: the volet has no row
    for that very ordinary letter.
    """
    if not flags.get("DESTMSSANTEPS") and not flags.get("DESTMSSANTEPAT"):
        return True
    return any(all(flags.get(name, False) is v for name, v in row.items()) for row in _ROWS)
