"""Every problem the mapping of HL7 v2 can report, one function a code; no value is ever quoted."""

from gateway.core.issues import Issue, Severity

_REQUIRED, _DATA_TYPE, _TABLE_VALUE, _EVENT, _UNKNOWN_KEY = 101, 102, 103, 201, 204
#: HL7 table 0533, French functional refusals.
_PATIENT_UNKNOWN, _INS_INCOMPLETE = 902, 905


def no_visit_number(where: str) -> Issue:
    """Say that a movement names neither visit nor account."""
    return Issue(
        code="RLS-HL7-100",
        severity=Severity.ERROR,
        where=where,
        what="the movement has neither a visit number nor an account number.",
        fix="Send the visit number in PV1-19 (PAM France 2.11 6.10).",
        hl7_code=_REQUIRED,
    )


def unusable_date(where: str) -> Issue:
    """Say that a date was dropped."""
    return Issue(
        code="RLS-HL7-101",
        severity=Severity.WARNING,
        where=where,
        what="this date does not exist or is a placeholder; it was left out.",
        fix="Send a real date, or leave the field empty.",
        hl7_code=_DATA_TYPE,
    )


def unknown_sex(where: str) -> Issue:
    """Say that PID-8 is outside of its table."""
    return Issue(
        code="RLS-HL7-102",
        severity=Severity.WARNING,
        where=where,
        what="this administrative sex is not in the French table (F, M, U).",
        fix="Send F, M or U (PAM France 2.11 6.6).",
        hl7_code=_TABLE_VALUE,
    )


def unknown_code(where: str, table: str) -> Issue:
    """Say that a coded value was left out."""
    return Issue(
        code="RLS-HL7-103",
        severity=Severity.WARNING,
        where=where,
        what=f"this code is not in {table}; it was left out.",
        fix=f"Send a code of {table}.",
        hl7_code=_TABLE_VALUE,
    )


def second_birth_name(where: str) -> Issue:
    """Say that a second legal name was left out."""
    return Issue(
        code="RLS-HL7-104",
        severity=Severity.WARNING,
        where=where,
        what="the patient has more than one birth name; the first is kept.",
        fix="Send one repetition of PID-5 with type L (PAM France 2.11 6.6).",
        hl7_code=198,
    )


def unusable_start(where: str) -> Issue:
    """Say that a movement has no usable start."""
    return Issue(
        code="RLS-HL7-105",
        severity=Severity.ERROR,
        where=where,
        what="the start of the movement is not a date that exists.",
        fix="Send ZBE-2 as YYYYMMDDHHMMSS (PAM France 2.11 6.13).",
        hl7_code=_DATA_TYPE,
    )


def no_mapping(where: str) -> Issue:
    """Say that no mapping file exists for an event."""
    return Issue(
        code="RLS-HL7-107",
        severity=Severity.ERROR,
        where=where,
        what="no mapping is installed for this event.",
        fix="Send another event, or add a file to mappings/hl7v2.",
        hl7_code=_EVENT,
    )


def unusable_sent_at(where: str) -> Issue:
    """Say that a message cannot be put in order."""
    return Issue(
        code="RLS-HL7-108",
        severity=Severity.ERROR,
        where=where,
        what="the message has no usable date and time.",
        fix="Send MSH-7 as YYYYMMDDHHMMSS.",
        hl7_code=_DATA_TYPE,
    )


def no_patient_number(where: str) -> Issue:
    """Say that PID-3 holds nothing a Patient can be made of."""
    return Issue(
        code="RLS-INS-001",
        severity=Severity.ERROR,
        where=where,
        what="there is no patient number with an assigning authority.",
        fix="Send the IPP in PID-3 with type PI and its authority (PAM France 2.11 6.6.1).",
        hl7_code=_REQUIRED,
        hl7_user_code=None,
    )


def untrusted_ins_alone(where: str) -> Issue:
    """Say that the only identifier is an INS that may not be used."""
    return Issue(
        code="RLS-INS-002",
        severity=Severity.ERROR,
        where=where,
        what="the only patient identifier is an INS, and the identity is not validated.",
        fix="Send the IPP, or a validated identity with its five traits (PID-32 VALI).",
        hl7_code=_UNKNOWN_KEY,
        hl7_user_code=_PATIENT_UNKNOWN,
    )


def patient_number_without_authority(where: str) -> Issue:
    """Say that an IPP has no authority and the site declares none."""
    return Issue(
        code="RLS-INS-003",
        severity=Severity.ERROR,
        where=where,
        what="the patient number has no assigning authority.",
        fix="Send the authority in PID-3.4, or declare the establishment in the site file.",
        hl7_code=_REQUIRED,
    )


def test_ins_refused(where: str) -> Issue:
    """Say that a test INS was left out of a production store."""
    return Issue(
        code="RLS-INS-004",
        severity=Severity.WARNING,
        where=where,
        what="an INS of the test or demonstration authority was left out.",
        fix="Send test identities to a test installation only.",
        hl7_code=_TABLE_VALUE,
    )


def wrong_ins_key(where: str) -> Issue:
    """Say that an INS was left out because its control key is wrong."""
    return Issue(
        code="RLS-INS-005",
        severity=Severity.WARNING,
        where=where,
        what="the INS has not 15 characters or its control key is wrong; it was left out.",
        fix="Query the INS service again and send the matricule with its key.",
        hl7_code=_DATA_TYPE,
    )


def ins_withheld(where: str) -> Issue:
    """Say that the INS stays unused because of the identity status."""
    return Issue(
        code="RLS-INS-006",
        severity=Severity.WARNING,
        where=where,
        what="the INS is not used: PID-32 does not hold VALI, or holds DOUT or FICT.",
        fix="Send the INS once the identity is validated (PAM France 2.11 6.6.15).",
        hl7_code=207,
        hl7_user_code=_INS_INCOMPLETE,
    )


def same_record(where: str) -> Issue:
    """Say that a merge names one record twice."""
    return Issue(
        code="RLS-INS-011",
        severity=Severity.ERROR,
        where=where,
        what="the record that goes and the record that stays are the same.",
        fix="Send in MRG the number that is given up, in PID-3 the one that stays.",
        hl7_code=205,
    )


def no_former_number(where: str) -> Issue:
    """Say that the number that is given up is not one of the authority of PID-3."""
    return Issue(
        code="RLS-INS-012",
        severity=Severity.ERROR,
        where=where,
        what="there is no number of the authority of PID-3 among the numbers that are given up.",
        fix="Send in MRG-1 a number with the authority of the IPP in PID-3.",
        hl7_code=_UNKNOWN_KEY,
    )


def unknown_birth_place(where: str) -> Issue:
    """Say that the birth place of a validated identity is the code of an unknown place."""
    return Issue(
        code="RLS-INS-013",
        severity=Severity.WARNING,
        where=where,
        what="the birth place of a validated identity is the code of an unknown place.",
        fix="Send the birth place as the INS service returned it.",
        hl7_code=_TABLE_VALUE,
    )
