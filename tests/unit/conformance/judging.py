"""Judges composed messages and gives back codes and places."""

import base64
from functools import lru_cache

from gateway.conformance.finding import Report
from gateway.conformance.profiles import Profiles, load_profiles
from gateway.conformance.validate import Validator
from gateway.mapping.sites import Site
from tests.unit.hl7v2.compose import PID, PV1, er7, msh, with_field, with_msh

LENIENT = Site(name="here")
STRICT = Site(name="strict", leniency="strict")

#: Enough of a document to be compared with its message.
CDA = (
    b'<ClinicalDocument xmlns="urn:hl7-org:v3">'
    b'<id root="1.2.250.1.999.1" extension="L7"/><code code="11490-0"/></ClinicalDocument>'
)
FLAGS = {
    "MASQUE_PS": "N",
    "INVISIBLE_PATIENT": "N",
    "INVISIBLE_REP_LEGAUX": "N",
    "CONNEXION_SECRETE": "N",
    "MODIF_CONF_CODE": "N",
    "DESTDMP": "Y",
    "DESTMSSANTEPS": "Y",
    "DESTMSSANTEPAT": "N",
}
SENDER = (
    "PRT||UC||SB^^participation|801234567897^DUBOIS^Luc^^^^^^ASIP-SANTE-PS"
    "&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS|||CHU^^^^^ASIP-SANTE-ST&1.2.250.1.71.4.2.2&ISO^FINEG"
    "^^^990000001"
)
RECIPIENT = "PRT||UC||RCT^^participation|||||||||||^^X.400^luc@essai.mssante.fr"


@lru_cache
def profiles() -> Profiles:
    """Return our profiles, read once."""
    return load_profiles()


def judged(raw: bytes, site: Site = LENIENT) -> Report:
    """Return the report on a message."""
    return Validator(profiles(), frozenset({"P", "T", "D"})).validate(raw, site, name="input")


def found(raw: bytes, site: Site = LENIENT) -> dict[tuple[str, str], str]:
    """Return severity by code and place."""
    return {
        (one.issue.code, one.issue.where): str(one.issue.severity)
        for one in judged(raw, site).findings
    }


def letter(
    event: str = "T02",
    *,
    header: str = "",
    pid: str = PID,
    pv1: str = PV1,
    orc: str = "ORC|NW",
    obr: str = "OBR|1|||11490-0^Lettre^LN",
    txa: str = "TXA|1|11490-0|TEXT|||||||||L7^^1.2.250.1.999.1^ISO|||||AU",
    status: str = "F",
    flags: dict[str, str] | None = None,
    participants: tuple[str, ...] = (SENDER, RECIPIENT),
    body: bytes = CDA,
) -> bytes:
    """Return an MDM that hands a document over, without fault unless one is asked for."""
    data = base64.b64encode(body).decode()
    head = header or with_msh(21, "2.1^CISIS_CDA_HL7_V2", msh(f"MDM^{event}^MDM_T02"))
    given = FLAGS if flags is None else flags
    return er7(
        with_msh(12, "2.6", head),
        "EVN||20261120083000",
        pid,
        pv1,
        orc,
        obr,
        txa,
        f"OBX|1|ED|11490-0^Lettre^LN||^text^XML^Base64^{data}||||||{status}",
        *participants,
        *(
            f"OBX|{n}|CWE|{name}^^MetaDMPMSS||{value}^^expandedYes-NoIndicator||||||F"
            for n, (name, value) in enumerate(given.items(), 2)
        ),
    )


def identity(event: str = "A31", **changes: str) -> bytes:
    """Return an identity message; a segment name set to a text replaces or adds it."""
    structure = {"A40": "ADT_A39", "A47": "ADT_A30"}.get(event, "ADT_A05")
    segments = {"MSH": msh(f"ADT^{event}^{structure}"), "EVN": "EVN||20261120083000", "PID": PID}
    if event in ("A28", "A31"):
        segments["PV1"] = "PV1|1|N"
    segments |= changes
    return er7(*segments.values())


def patient(number: int, value: str) -> str:
    """Return a PID with another value in one field."""
    return with_field(PID, number, value)
