"""Care class and care sector of a stay, from PV1-2, PV1-21 and the sector of its unit.

Does not know where the three inputs come from: `hl7v2.movements` follows them along the stay.
"""

from functools import lru_cache
from typing import Any, NamedTuple

Json = dict[str, Any]

ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CARE_SECTOR = "https://relais.example/fhir/CodeSystem/care-sector"
#: Kinds of contact of the French health information systems framework: EXTERNE, SEANCE.
CONTACT_KIND = "urn:oid:1.2.250.1.213.1.1.4.2.291"

#: PV1-21 (table 0032): hospital at home.
_HOME_CARE = "06"
#: PV1-21: day, night, week, ambulatory surgery.
_SHORT_STAY = frozenset({"04", "05", "20", "23"})
#: PV1-21: the three psychiatric modes.
_PSYCHIATRIC = frozenset({"37", "38", "39"})

#: PV1-2 values whose class does not depend on anything else: class, sector, kind of contact.
_FIXED = {
    "E": ("EMER", "urgences", ""),
    "R": ("AMB", "seance", "SEANCE"),
    "O": ("AMB", "externe", "EXTERNE"),
    "V": ("VR", "telesurveillance", ""),
}

#: Class of an inpatient by the sector of the unit.
_INPATIENT = {"mco": "ACUTE", "smr": "NONAC", "usld": "NONAC", "psy": "IMP", "had": "HH"}


class CareClass(NamedTuple):
    """What is published about the kind of stay.

    Attributes:
        code: v3-ActCode of `Encounter.class`; empty when PV1-2 says no encounter.
        sector: code of the care-sector tag, empty when unknown: never guessed from the class.
        kind: kind of contact added to `Encounter.type`, empty when none.
    """

    code: str
    sector: str
    kind: str


@lru_cache(maxsize=1024)
def classify(patient_class: str, treatment: str, unit_sector: str) -> CareClass:
    """Derive class, sector and kind of contact.

    A planned stay takes the class of the expected stay. The unit decides the sector before the
    treatment mode does: a day hospital of a rehabilitation unit stays rehabilitation.

    Args:
        patient_class: PV1-2.
        treatment: PV1-21.
        unit_sector: sector of the responsible unit in the site table, empty when unknown.

    Returns:
        The class; for an unknown PV1-2 that of an inpatient of unknown sector.

    Spec: PAM France 2.11 6.10.19 (visit modes); HL7 table 0004; FR Core encounter class.
    """
    if patient_class == "N":
        return CareClass("", "", "")
    if patient_class in _FIXED:
        return CareClass(*_FIXED[patient_class])
    if treatment == _HOME_CARE or unit_sector == "had":
        # The other class of a stay at home goes in `type`, for readers that only know IMP.
        return CareClass("HH", "had", "IMP")
    sector = unit_sector if unit_sector in _INPATIENT else ""
    if treatment in _PSYCHIATRIC:
        return CareClass("IMP", "psy", "")
    if treatment in _SHORT_STAY:
        return CareClass("SS", "mco-day" if sector in ("", "mco") else sector, "")
    return CareClass(_INPATIENT.get(sector, "IMP"), sector, "")


def class_coding(care: CareClass) -> Json:
    """Return the coding of `Encounter.class`."""
    return {"system": ACT_CODE, "code": care.code}


def kind_coding(care: CareClass) -> Json | None:
    """Return the coding that `care` adds to `Encounter.type`, None when it adds nothing."""
    if not care.kind:
        return None
    system = ACT_CODE if care.kind == "IMP" else CONTACT_KIND
    return {"system": system, "code": care.kind}


def sector_tag(care: CareClass) -> Json | None:
    """Return the care-sector tag, None when the sector is unknown."""
    if not care.sector:
        return None
    return {"system": CARE_SECTOR, "code": care.sector}
