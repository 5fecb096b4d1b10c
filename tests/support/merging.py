"""Messages about records of a patient that are merged, renumbered, linked or taken apart."""

from hashlib import blake2b

from gateway.fhir.identity import Ids
from tests.unit.hl7v2.compose import PID, PV1, ZBE, er7, with_field

FINESS = "990000001"
DOMAIN = f"https://relais.example/ns/ipp/{FINESS}"
OTHER_DOMAIN = "https://relais.example/ns/ipp/990004004"
INS = "279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
OTHER_INS = "280049999900166^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
STRUCTURES = {"A24": "ADT_A24", "A37": "ADT_A37", "A40": "ADT_A39", "A44": "ADT_A43",
              "A47": "ADT_A30", "A28": "ADT_A05", "A31": "ADT_A05", "A02": "ADT_A02",
              "A01": "ADT_A01", "A03": "ADT_A03", "A11": "ADT_A09", "A04": "ADT_A01"}  # fmt: skip


def cx(number: str, kind: str = "PI", authority: str = f"CHU-DEMO&{FINESS}&M") -> str:
    """Return a number with its authority."""
    return f"{number}^^^{authority}^{kind}"


def patient_id(number: str, domain: str = DOMAIN) -> str:
    """Return the id of the Patient of a local number."""
    return Ids().patient(domain, number)


def pid(number: str, *more: str, dossier: str = "", **fields: str) -> str:
    """Return PID of a local number; `f13` is field 13."""
    segment = with_field(PID, 3, "~".join([cx(number), *more]))
    segment = with_field(segment, 18, cx(dossier, "AN") if dossier else "")
    for name, value in fields.items():
        segment = with_field(segment, int(name[1:]), value)
    return segment


def told(event: str, at: str, *segments: str, sender: str = "GAM") -> bytes:
    """Return a message of an event, recorded and sent at an instant (`YYYYMMDDHHMM`)."""
    kind = f"ADT^{event}^{STRUCTURES[event]}"
    control = event + at[-6:] + blake2b("".join(segments).encode(), digest_size=4).hexdigest()
    header = (
        rf"MSH|^~\&|{sender}|CHU-DEMO|RELAIS|DAC|{at}00||{kind}|{control}|P|2.5^FRA^2.11"
        "|||||FRA|UNICODE UTF-8|FR||2.11^IHE_FRANCE-2.11-PAM"
    )
    return er7(header, f"EVN||{at}00", *segments)


def identity(number: str, at: str, *more: str, event: str = "A31", **fields: str) -> bytes:
    """Return an identity message of one record."""
    return told(event, at, pid(number, *more, **fields), "PV1|1|N")


def merge(stays: str, goes: str, at: str, *more: str, **fields: str) -> bytes:
    """Return an A40."""
    return told("A40", at, pid(stays, *more, **fields), f"MRG|{cx(goes)}")


def renumbered(new: str, old: str, at: str, **fields: str) -> bytes:
    """Return an A47 of another local number."""
    return told("A47", at, pid(new, **fields), f"MRG|{cx(old)}")


def pair(event: str, one: str, other: str, at: str) -> bytes:
    """Return an A24 or A37."""
    return told(event, at, f"PID|1||{cx(one)}", f"PID|2||{cx(other)}")


def moved_dossier(dossier: str, right: str, wrong: str, at: str) -> bytes:
    """Return an A44."""
    return told("A44", at, pid(right, dossier=dossier), f"MRG|{cx(wrong)}||{cx(dossier, 'AN')}")


def stay(event: str, number: str, visit: str, dossier: str, movement: str, at: str) -> bytes:
    """Return a movement of a stay."""
    visited = with_field(PV1, 19, cx(visit, "VN"))
    told_by = with_field(with_field(ZBE, 1, f"{movement}^CHU-DEMO^{FINESS}"), 2, f"{at}00")
    return told(event, at, pid(number, dossier=dossier), visited, told_by)


def two_establishments() -> list[bytes]:
    """Return the identity of one person, P1 in a hospital and P2 in another, by one INS."""
    here = identity("P1", "202603010800", INS, f32="VALI")
    there = identity("P2", "202603010801", INS, f32="VALI")
    there = there.replace(b"CHU-DEMO", b"HAD-DORDE").replace(FINESS.encode(), b"990004004")
    # The site table of the other takes test messages only.
    there = there.replace(b"|P|2.5", b"|T|2.5")
    return [here, there]
