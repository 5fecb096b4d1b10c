"""The segments that ADT, SIU and MDM messages share: MSH, EVN, PID, PV1 and their types.

Contents follow PAM France 2.11 (6.5 MSH, 6.6 PID, 6.10 PV1) and the French constraints on HL7
types (CX, XCN, XON, XTN). Times are local, in the form of each sender.
"""

from datetime import datetime

from gateway.simulation.er7 import Field, segment, stamp
from gateway.simulation.establishments import Establishment, Unit
from gateway.simulation.people import Person, Professional
from gateway.simulation.steps import Identity, Place, Step, Visit

_INS_AUTHORITY = ("ASIP-SANTE-INS-NIR", "1.2.250.1.213.1.4.10", "ISO")
_PS_AUTHORITY = ("ASIP-SANTE-PS", "1.2.250.1.71.4.2.1", "ISO")
RECEIVER = ("RELAIS", "REGION")


def control_id(site: Establishment, person: Person, order: int) -> str:
    """Return MSH-10: unique per sender, and independent of what happens to other patients."""
    return f"{site.key.upper()}{person.order:05d}{order:04d}"


def moment(site: Establishment, at: datetime) -> str:
    """Return a TS as this sender writes it."""
    return stamp(at, offset=site.offset)


def msh(
    site: Establishment,
    step: Step,
    person: Person,
    kind: tuple[str, str, str],
    version: Field,
    profile: Field = "",
) -> str:
    """Return MSH; `kind` is MSH-9, `version` MSH-12, `profile` MSH-21."""
    return segment(
        "MSH",
        {
            3: "GAM" if kind[0] == "ADT" else "DPI",
            4: site.alias,
            5: RECEIVER[0],
            6: RECEIVER[1],
            7: moment(site, step.sent + step.clock),
            9: kind,
            10: control_id(site, person, step.order),
            11: "T",
            12: version,
            17: "FRA",
            18: site.charset,
            19: "FR" if kind[0] == "ADT" else "",
            21: profile,
        },
    )


def evn(site: Establishment, step: Step, planned: datetime | None = None) -> str:
    """Return EVN; EVN-1 is left out (PAM France), a planned event has EVN-3."""
    fields: dict[int, Field] = {2: moment(site, step.recorded), 7: site.authority[:1]}
    if planned is None:
        fields[6] = moment(site, step.occurred)
    else:
        fields[3] = moment(site, planned)
    return segment("EVN", fields)


def pid(
    site: Establishment,
    person: Person,
    ipp: str,
    step: Step,
    *,
    nda: str = "",
    cared_at_home: bool = False,
    dead_at: datetime | None = None,
) -> str:
    """Return PID with the identity as the establishment knew it when it spoke."""
    fields: dict[int, Field] = {
        1: "1",
        3: _identifiers(site, person, ipp, step.identity),
        5: _names(person),
        7: f"{person.birth:%Y%m%d}",
        8: person.sex,
        11: _addresses(person, cared_at_home),
        13: [("", "PRN", "CP", "", "", "", "", "", "", "", "", person.phone)],
        18: cx(nda, site, "AN") if nda else "",
        31: "N",
        32: step.identity.status,
        33: moment(site, step.recorded),
    }
    if dead_at is not None:
        fields[29], fields[30] = moment(site, dead_at), "Y"
    return segment("PID", fields)


def cx(value: str, site: Establishment, kind: str) -> tuple[str | tuple[str, ...], ...]:
    """Return a CX of the establishment; authority by name and FINESS (type M)."""
    return (value, "", "", site.authority, kind)


def xcn(doctor: Professional) -> tuple[str | tuple[str, ...], ...]:
    """Return an XCN with the RPPS number (XCN-13 RPPS)."""
    return (
        doctor.rpps, doctor.family, doctor.given, "", "", "", "", "", _PS_AUTHORITY, "D", "", "",
        "RPPS",
    )  # fmt: skip


def location(site: Establishment, place: Place) -> tuple[str | tuple[str, ...], ...]:
    """Return a PL: UF, room, bed, facility, bed occupied (PAM France 2.11, PV1-3)."""
    occupied = "O" if place.bed else ""
    return (place.unit.code, place.room, place.bed, site.authority, occupied)


def unit_name(site: Establishment, unit: Unit) -> tuple[str | tuple[str, ...], ...]:
    """Return the XON of a functional unit (ZBE-7, ZBE-8)."""
    return (unit.name, "", "", "", "", site.authority, "UF", "", "", unit.code)


def pv1_of(visit: Visit, place: Place) -> dict[int, Field]:
    """Return the fields of PV1 that every message of a visit carries."""
    site = visit.establishment
    return {
        1: "1",
        2: visit.care.patient_class,
        3: location(site, place),
        4: "U" if visit.care.urgent else "R",
        7: xcn(visit.attending),
        10: place.unit.dmt,
        19: cx(visit.number, site, "VN"),
        21: visit.care.mode,
    }


def _identifiers(
    site: Establishment, person: Person, ipp: str, identity: Identity
) -> list[tuple[str | tuple[str, ...], ...]]:
    found = [cx(ipp, site, "PI")]
    if identity.with_ins:
        found.append((person.matricule, "", "", _INS_AUTHORITY, "INS"))
    return found


def _names(person: Person) -> list[tuple[str, ...]]:
    title = "Mme" if person.sex == "F" else "M."
    birth = (person.birth_family, person.given, " ".join(person.givens), "", title, "", "L")
    if not person.used_family:
        return [birth]
    return [birth, (person.used_family, person.given, "", "", title, "", "D")]


def _addresses(person: Person, cared_at_home: bool) -> list[tuple[str, ...]]:
    home = (person.street, "", person.town, "", person.postal_code, "FRA")
    places = [(*home, "H"), ("", "", "", "", "", "", "BDL", "", person.place)]
    if cared_at_home:
        places.append((*home, "ASE"))
    return places
