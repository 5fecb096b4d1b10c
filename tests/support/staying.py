"""Letters that come by themselves, and the stays they may be about."""

from base64 import b64encode

from gateway.fhir.identity import Ids
from tests.support.merging import FINESS, cx, pid, told
from tests.unit.cda.documents import TA, cda, entry, section, sections
from tests.unit.hl7v2.compose import PV1, ZBE, er7, with_field

NOBODY = '<id root="1.2.250.1.999.1.1" extension="{}"/>'


def movement(
    event: str, visit: str, at: str, *, number: str = "501", name: str = "", dossier: str = "",
    care: str = "I", sent: str = "",
) -> bytes:  # fmt: skip
    """Return a movement of a stay that took place at an instant (`YYYYMMDDHHMM`)."""
    visited = with_field(with_field(PV1, 19, cx(visit, "VN")), 2, care)
    told_by = with_field(ZBE, 1, f"{name or event + visit}^CHU-DEMO^{FINESS}")
    person = pid(number, dossier=dossier or f"D{visit}")
    return told(event, sent or at, person, visited, with_field(told_by, 2, f"{at}00"))


def letter(
    name: str,
    low: str = "",
    high: str = "",
    *,
    number: str = "501",
    visit: str = "",
    root: str = "1.2.250.1.999.9.9",
    version: int = 1,
    finess: str = FINESS,
    kind: str = "",
    planned: str = "",
    mentioned: bool = False,
) -> bytes:
    """Return a discharge letter about a stay between two times (`YYYYMMDDHHMM`, or less).

    It plans an act of this CCAM code, or nothing. It may mention, as a stay of the past, one of
    the same establishment between the same times.
    """
    times = "".join(
        f'<{end} value="{time}{"+0100" if len(time) > 8 else ""}"/>'
        for end, time in (("low", low), ("high", high))
        if time
    )
    own = f'<id root="{root}" extension="{visit}"/>' if visit else ""
    code = f'<code code="{kind}" codeSystem="2.16.840.1.113883.5.4"/>' if kind else ""
    stay = (
        f"<componentOf><encompassingEncounter>{own}{code}<effectiveTime>{times}</effectiveTime>"
        "</encompassingEncounter></componentOf>"
    )
    left = (
        f'<code code="ORG-074" codeSystem="{TA}"/><effectiveTime value="20260312"/>'
        f'<value xsi:type="CE" code="GEN-092.06.03" codeSystem="{TA}"/>'
    )
    acts = [
        entry("procedure", "INT", "62", f'<code code="{one}" codeSystem="1.2.250.1.215.300.1"/>')
        for one in planned.split()
    ]
    told_in = [section("163.1", entry("observation", "EVN", "48", left))]
    told_in += [section("158", *acts, code="18776-5")] if acts else []
    past = (
        '<code code="IMP" codeSystem="2.16.840.1.113883.5.4"/>'
        f'<effectiveTime>{times}</effectiveTime><participant typeCode="LOC"><participantRole '
        'classCode="SDLOC"><id root="1.2.250.1.71.4.2.2" extension="1990000010"/>'
        "</participantRole></participant>"
    )
    told_in += [section("76", entry("encounter", "EVN", "58", past))] if mentioned else []
    body = cda(
        own_id=f'<id root="1.2.250.1.999.7.1" extension="{name}-{version}"/>',
        set_id=f'<setId root="1.2.250.1.999.7.1" extension="{name}"/>',
        version=f'<versionNumber value="{version}"/>',
        time=f'<effectiveTime value="2026032{version}0900+0100"/>',
        ids=NOBODY.format(number),
        stay=stay,
        body=sections(*told_in),
    )
    return body.replace(b'extension="1990000010"', f'extension="1{finess}"'.encode())


def carried(body: bytes, name: str, visit: str, *, number: str = "501", version: int = 1) -> bytes:
    """Return a message that carries a letter and names its stay."""
    header = (
        r"MSH|^~\&|DEMO-GAM|CHU-DEMO|RELAIS|DAC|20260321100000||MDM^T02^MDM_T02|"
        f"M{name}{version}{visit}|P|2.5|||||FRA|UNICODE UTF-8|||2.1^CISIS_CDA_HL7_V2"
    )
    visited = with_field("PV1|1|I|4036", 19, cx(visit, "VN"))
    document = b64encode(body).decode()
    return er7(
        header,
        "EVN||20260321100000||||20260321095500",
        # No identity status and no traits beside those of the letter.
        f"PID|1||{cx(number)}||ESSAI-MARRON^ANNE^ANNE^^^^L||19480317|F",
        visited,
        "ORC|NW",
        "OBR|1|||11490-0^Lettre de liaison^LN",
        f"TXA|1|11490-0|TEXT|20260321||||||||{name}-{version}^^1.2.250.1.999.7.1^ISO|||||AU",
        f"OBX|1|ED|11490-0^Lettre de liaison^LN||^text^XML^Base64^{document}||||||F",
    )


def stay_id(visit: str) -> str:
    """Return the id of the Encounter of a visit."""
    return Ids().stay(f"https://relais.example/ns/visit/{FINESS}", visit)


def own_stay_id(name: str) -> str:
    """Return the id of the Encounter that a letter makes."""
    return Ids().document_stay(f"1.2.250.1.999.7.1#{name}")


def document_id(name: str, version: int = 1) -> str:
    """Return the id of the DocumentReference of a letter."""
    return Ids().document("urn:oid:1.2.250.1.999.7.1", f"{name}-{version}")
