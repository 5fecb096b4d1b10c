"""Write MDM messages that carry a letter (CI-SIS volet "Transmission d'un document CDA", 2.1).

`MSH EVN PID PV1 ORC OBR TXA OBX {PRT} {OBX}`: the document first, then its flags in their order.
"""

from base64 import b64encode

from gateway.simulation.er7 import Field, message, segment
from gateway.simulation.letters import DOCUMENTS, compose, ids
from gateway.simulation.people import Professional
from gateway.simulation.segments import cx, evn, location, moment, msh, pid, xcn
from gateway.simulation.steps import LetterSent, Step

_PROFILE = ("2.1", "CISIS_CDA_HL7_V2")
_FLAGS = (
    ("MASQUE_PS", "Masqué aux professionnels"),
    ("INVISIBLE_PATIENT", "Non visible par le patient"),
    ("INVISIBLE_REP_LEGAUX", "Non visible par les représentants légaux"),
    ("CONNEXION_SECRETE", "Connexion secrète"),
    ("MODIF_CONF_CODE", "Modification de la confidentialité"),
    ("DESTDMP", "Destinataire DMP"),
    ("DESTMSSANTEPS", "Destinataire professionnel"),
    ("DESTMSSANTEPAT", "Destinataire patient"),
    ("ACK_RECEPTION", "Accusé de réception"),
    ("ACK_LECTURE_MSS", "Accusé de lecture"),
)


def letter_message(step: Step, letter: LetterSent, *, pdf_size: int = 0) -> bytes:
    """Write T02 (first version), T10 (replacement) or T04 (withdrawn) with the document in OBX-5.

    Only a discharge letter asks for mails.
    """
    site, person = letter.visit.establishment, letter.visit.person
    first = letter.version == 1
    document = b64encode(compose(step, letter, pdf_size=pdf_size)).decode("ascii")
    content = ("", "text", "XML", "Base64", document)
    event, order, state = ("T02", "NW", "F") if first else ("T10", "RO", "C")
    if letter.withdrawn:
        event, order, state = "T04", "CA", "D"
    kind = ("MDM", event, "MDM_T02")
    of_type = (*DOCUMENTS[letter.kind], "LN")
    is_mailed = letter.kind == "ldl"
    lines = [
        msh(site, step, person, kind, "2.6", _PROFILE),
        evn(site, step),
        pid(site, person, letter.visit.ipp, step, nda=letter.visit.nda),
        _stay(letter),
        segment("ORC", {1: order}),
        segment("OBR", {1: "1", 4: of_type}),
        _txa(step, letter),
        segment("OBX", {1: "1", 2: "ED", 3: of_type, 5: content, 11: state}),
        _sender(letter),
        *([_recipient(person.gp, letter.mailbox)] if person.has_gp and is_mailed else []),
        *_flags(step, letter),
    ]
    return message(lines, site.charset)


def _stay(letter: LetterSent) -> str:
    visit, site = letter.visit, letter.visit.establishment
    fields: dict[int, Field] = {
        1: "1",
        2: visit.care.patient_class,
        3: location(site, letter.place),
        7: xcn(visit.attending),
        19: cx(visit.number, site, "VN"),
        44: moment(site, letter.admitted),
        45: moment(site, letter.discharged),
    }
    return segment("PV1", fields)


def _txa(step: Step, letter: LetterSent) -> str:
    names = ids(letter)
    fields: dict[int, Field] = {
        1: "1",
        2: DOCUMENTS[letter.kind][0],
        3: "TEXT",
        4: moment(letter.visit.establishment, step.occurred),
        12: names.document,
        13: names.parent,
        17: "AU",
        22: letter.visit.attending.national_id,
    }
    return segment("TXA", fields)


def _sender(letter: LetterSent) -> str:
    site = letter.visit.establishment
    authority = ("ASIP-SANTE-ST", "1.2.250.1.71.4.2.2", "ISO")
    organization = (site.name, "", "", "", "", authority, "FINEG", "", "", site.finess)
    return segment(
        "PRT",
        {
            2: "UC",
            4: ("SB", "Send by", "participation"),
            5: xcn(letter.visit.attending),
            8: organization,
        },
    )


def _recipient(doctor: Professional, mailbox: str) -> str:
    return segment(
        "PRT",
        {
            2: "UC",
            4: ("RCT", "Result Copies To", "participation"),
            5: xcn(doctor),
            15: ("", "NET", "X.400", mailbox or doctor.mail),
        },
    )


def _flags(step: Step, letter: LetterSent) -> list[str]:
    """Return the flags: the DMP only with a validated identity and without opposition."""
    person = letter.visit.person
    opposed = person.dmp is not None and person.dmp[0] == "IO"
    chosen = {"DESTMSSANTEPS", "ACK_RECEPTION", "ACK_LECTURE_MSS"}
    if letter.kind != "ldl":
        chosen = set()
    elif step.identity.status == "VALI":
        chosen |= {"DESTMSSANTEPAT"} if opposed else {"DESTMSSANTEPAT", "DESTDMP"}
    return [
        segment(
            "OBX",
            {
                1: str(number),
                2: "CWE",
                3: (name, label, "MetaDMPMSS"),
                5: ("Y" if name in chosen else "N", "", "expandedYes-NoIndicator"),
                11: "F",
            },
        )
        for number, (name, label) in enumerate(_FLAGS, start=2)
    ]
