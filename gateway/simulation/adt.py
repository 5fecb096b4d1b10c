"""Write ADT messages of PAM France 2.11 from steps (4.3, 5.2: order of the segments).

`MSH EVN PID PD1 {ROL} {NK1} PV1 PV2 ZBE ZFA ZFV ZFM ZFD`; a Z segment without content is left out.
"""

from dataclasses import replace

from gateway.simulation.er7 import Field, message, segment
from gateway.simulation.people import Person, Relative
from gateway.simulation.segments import (
    cx,
    evn,
    location,
    moment,
    msh,
    pid,
    pv1_of,
    unit_name,
    xcn,
)
from gateway.simulation.steps import Identity, IdentityNews, Movement, Step

_VERSION = ("2.5", "FRA", "2.11")
_PROFILE = ("2.11", "IHE_FRANCE-2.11-PAM")
#: MSH-9.3 of each trigger event (PAM France 2.11, HL7 table 0354).
STRUCTURES = {
    "A28": "ADT_A05", "A31": "ADT_A05", "A05": "ADT_A05", "A01": "ADT_A01", "A04": "ADT_A01",
    "A02": "ADT_A02", "A21": "ADT_A21", "A22": "ADT_A21", "A03": "ADT_A03", "A11": "ADT_A09",
    "A12": "ADT_A12", "A13": "ADT_A01", "A52": "ADT_A52", "A53": "ADT_A52", "A06": "ADT_A06",
    "A07": "ADT_A06", "A14": "ADT_A05", "A15": "ADT_A15", "A16": "ADT_A16", "A25": "ADT_A21",
    "A26": "ADT_A21", "A27": "ADT_A21", "A38": "ADT_A38", "A54": "ADT_A54", "A55": "ADT_A52",
    "Z99": "ADT_A01", "A40": "ADT_A39", "A37": "ADT_A37",
}  # fmt: skip
#: Events that carry what was collected at the arrival: general practitioner, contact, consent.
_ARRIVALS = ("A05", "A14", "A01", "A04")
_CONSENT_EVENTS = (*_ARRIVALS, "A28", "A31")
_PMSI_EVENTS = ("A01", "A02", "A03", "A04", "A05", "A06", "A14", "A21", "A22", "Z99")


def identity_message(step: Step, news: IdentityNews) -> bytes:
    """Write A28 or A31 (ITI-30): PV1-2 is N, there is no ZBE; or A40 and A37 about two records."""
    site, person = news.establishment, news.person
    kind = ("ADT", news.event, STRUCTURES[news.event])
    head = [
        msh(site, step, person, kind, _VERSION, _PROFILE),
        evn(site, step),
        pid(site, person, news.ipp, step, dead_at=news.dead_at),
    ]
    if news.event == "A40":
        return message([*head, segment("MRG", {1: cx(news.other, site, "PI")})], site.charset)
    if news.event == "A37":
        apart = replace(step, identity=Identity("PROV", with_ins=False))
        return message([*head, pid(site, person, news.other, apart)], site.charset)
    lines = [
        *head,
        _pd1(person),
        *([_gp(person)] if news.event == "A31" and news.names_gp else []),
        segment("PV1", {1: "1", 2: "N"}),
        *_zfa(person, news.event),
        *_zfd(step, person),
    ]
    return message(lines, site.charset)


def movement_message(step: Step, move: Movement) -> bytes:
    """Write a movement or its cancellation (ITI-31)."""
    visit = move.visit
    site, person = visit.establishment, visit.person
    arrival = move.event in _ARRIVALS
    dead = move.discharged if move.exit and move.exit.mode == "9" else None
    patient = pid(
        site,
        person,
        visit.ipp,
        step,
        nda=visit.nda,
        cared_at_home=visit.care.mode == "06",
        dead_at=dead,
    )
    kind = ("ADT", move.event, STRUCTURES[move.event])
    lines = [
        msh(site, step, person, kind, _VERSION, _PROFILE),
        evn(site, step, move.planned),
        patient,
        *([_pd1(person)] if arrival else []),
        *([_gp(person)] if arrival and person.has_gp else []),
        *([_contact(move, person.relative)] if arrival else []),
        segment("PV1", _pv1(move)),
        *_pv2(move),
        _zbe(move),
        *_zfa(person, move.event),
        *_zfv(move),
        *_zfm(move),
        *(_zfd(step, person) if arrival else []),
    ]
    return message(lines, site.charset)


def _pd1(person: Person) -> str:
    return segment("PD1", {2: person.living, 12: "N"})


def _gp(person: Person) -> str:
    """Return the médecin traitant: ROL after PD1 (PAM France 2.11, ROL-3 ODRP)."""
    gp = person.gp
    phone = ("", "WPN", "PH", "", "", "", "", "", "", "", "", gp.phone)
    address = ("1 place de la Maquette", "", "VAL-DES-ESSAIS", "", "99001", "FRA", "O")
    return segment("ROL", {2: "UC", 3: "ODRP", 4: xcn(gp), 11: address, 12: phone})


def _contact(move: Movement, relative: Relative) -> str:
    site, person = move.visit.establishment, move.visit.person
    number = cx(f"C{person.order:06d}", site, "PN")
    phone = ("", "PRN", "CP", "", "", "", "", "", "", "", "", relative.phone)
    return segment(
        "NK1",
        {
            1: "1",
            2: (relative.family, relative.given, "", "", "", "", "D"),
            3: relative.relation,
            5: phone,
            7: "K" if relative.trusted else "C",
            33: number,
        },
    )


def _pv1(move: Movement) -> dict[int, Field]:
    visit, site = move.visit, move.visit.establishment
    fields = pv1_of(visit, move.place)
    fields |= {14: visit.care.entry.source, 51: "V"}
    if visit.preadmission:
        fields[5] = cx(visit.preadmission, site, "")
    if move.prior is not None:
        fields[6] = location(site, move.prior)
    if move.admitted is not None:
        fields[44] = moment(site, move.admitted)
        fields[17] = xcn(visit.attending)
    if move.exit is not None:
        fields |= {36: move.exit.circumstance, 37: move.exit.finess}
    if move.exit is not None and move.discharged is not None:
        fields[41] = "D" if move.exit.last else "N"
        fields[45] = moment(site, move.discharged)
    if move.reserved is not None:
        fields[42] = location(site, move.reserved)
    return fields


def _pv2(move: Movement) -> list[str]:
    visit, site = move.visit, move.visit.establishment
    fields: dict[int, Field] = {}
    if move.event in _ARRIVALS:
        fields |= {7: "TO", 12: visit.care.reason, 22: "N", 30: "F"}
        if visit.care.urgent:
            fields[38] = "5"
    if move.planned is not None and move.expects != "A15":
        fields[9 if move.expects == "A16" else 8] = moment(site, move.planned)
    if (
        visit.care.expected_end is not None
        and 9 not in fields
        and move.event in (*_ARRIVALS, "A02")
    ):
        fields[9] = moment(site, visit.care.expected_end)
    if move.back_by is not None and move.event == "A21":
        fields[47] = moment(site, move.back_by)
    return [segment("PV2", fields)] if fields else []


def _zbe(move: Movement) -> str:
    """Return ZBE (PAM France 2.11 6.13.3): ZBE-3 stays empty.

    UPDATE and CANCEL name the original event.
    """
    site = move.visit.establishment
    unit = unit_name(site, move.place.unit)
    return segment(
        "ZBE",
        {
            1: (move.number, *site.authority),
            2: moment(site, move.start),
            4: move.action,
            5: "Y" if move.historic else "N",
            6: move.original,
            7: unit,
            8: unit,
            9: move.nature,
        },
    )


def _zfa(person: Person, event: str) -> list[str]:
    """Return the DMP consent, left out when it was not recorded; a date goes with a choice."""
    if person.dmp is None or event not in _CONSENT_EVENTS:
        return []
    feeding, consulting = person.dmp
    day = f"{person.dmp_day:%Y%m%d}"
    fields: dict[int, Field] = {1: "ACTIF", 2: day, 9: feeding, 11: consulting}
    if feeding != "NA":
        fields[10] = day
    if consulting != "NA":
        fields[12] = day
    return [segment("ZFA", fields)]


def _zfv(move: Movement) -> list[str]:
    origin = move.visit.care.origin
    if origin is None or move.event not in _ARRIVALS:
        return []
    site = move.visit.establishment
    fields: dict[int, Field] = {
        1: (origin.finess, moment(site, origin.admitted)),
        7: (origin.nda, "", "", "", "AN"),
    }
    return [segment("ZFV", fields)]


def _zfm(move: Movement) -> list[str]:
    """Return ZFM: how the stay began, and for a discharge how it ended (PMSI codes)."""
    if move.event not in _PMSI_EVENTS:
        return []
    entry, way = move.visit.care.entry, move.exit
    fields: dict[int, Field] = {1: entry.mode, 3: entry.provenance, 5: entry.emergency}
    if way is not None:
        fields |= {2: way.mode, 4: way.destination}
    return [segment("ZFM", fields)]


def _zfd(step: Step, person: Person) -> list[str]:
    """Return how the identity was obtained: from the national service once validated."""
    if step.identity.status != "VALI":
        return [segment("ZFD", {3: "N", 4: "N", 5: "SM"})]
    called = step.recorded.strftime("%Y%m%d")
    proof = "CN" if person.order % 3 else "PA"
    return [segment("ZFD", {3: "Y", 4: "N", 5: "INSI", 6: called, 7: proof})]
