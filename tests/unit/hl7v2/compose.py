"""Messages composed for the tests of the reader, of the intake and of the answers.

Invented people; the INS is under the root of the test domain.
"""

MSH = (
    r"MSH|^~\&|GAM|CHU-DEMO|RELAIS|DAC|20261120083000||{type}|G0001|P|2.5^FRA^2.11"
    "|||||FRA|{charset}|FR||2.11^IHE_FRANCE-2.11-PAM"
)
EVN = "EVN||20261120083000||||20261120081500"
PID = (
    "PID|1||P0012^^^CHU-DEMO&990000001&M^PI"
    "~279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
    "||ESSAI^CLAIRE^CLAIRE^^^^L||19790328|F|||1 rue du Test^^LYON^^69003^FRA^H~^^^^^^BDL^^69123"
    "|||||||D25001^^^CHU-DEMO&990000001&M^AN||||||||||||||VALI"
)
PV1 = (
    "PV1|1|I|4036^22^3^CHU-DEMO&990000001&M^O||||801234567897^DUBOIS^Luc^^^^^^"
    "ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS|||126||||90|||||"
    "V25001^^^CHU-DEMO&990000001&M^VN||03"
)
ZBE = (
    "ZBE|M1^CHU-DEMO^990000001|20261120081500||INSERT|N||"
    "Oncologie^^^^^CHU-DEMO&990000001&M^UF^^^4036||HMS"
)
#: The same movement with its fields behind ZBE-3 one place too far to the right.
SHIFTED_ZBE = (
    "ZBE|M1^CHU-DEMO^990000001|20261120081500|20261121081500||INSERT|N||"
    "Oncologie^^^^^CHU-DEMO&990000001&M^UF^^^4036||HMS"
)


def er7(*segments: str, end: str = "\r", encoding: str = "utf-8") -> bytes:
    """Join segments as a sender does."""
    return end.join([*segments, ""]).encode(encoding)


def msh(kind: str = "ADT^A01^ADT_A01", charset: str = "UNICODE UTF-8") -> str:
    """Return a header of a message type."""
    return MSH.format(type=kind, charset=charset)


def admission(**changes: str | None) -> bytes:
    """Return an A01; a segment name set to a text replaces it, set to None leaves it out."""
    segments: dict[str, str | None] = {
        "MSH": msh(), "EVN": EVN, "PID": PID, "PV1": PV1, "ZBE": ZBE
    }  # fmt: skip
    segments |= changes
    return er7(*[segment for segment in segments.values() if segment is not None])


def with_field(segment: str, number: int, value: str) -> str:
    """Return a segment (not MSH) with another value in one field."""
    fields = segment.split("|")
    fields += [""] * (number + 1 - len(fields))
    fields[number] = value
    return "|".join(fields)


def with_msh(number: int, value: str, header: str = "") -> str:
    """Return the header with another value in one field, from MSH-3 on."""
    fields = (header or msh()).split("|")
    fields += [""] * (number - len(fields))
    fields[number - 1] = value
    return "|".join(fields)


def named(family: str, charset: str, encoding: str) -> bytes:
    """Return an A01 whose patient has this family name, in an encoding."""
    pid = with_field(PID, 5, f"{family}^CLAIRE^CLAIRE^^^^L")
    return er7(msh(charset=charset), EVN, pid, PV1, ZBE, encoding=encoding)
