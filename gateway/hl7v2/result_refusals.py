"""What can be wrong with the results of a message, one function a code."""

from gateway.core.issues import Issue, Severity


def wrong_type(where: str, kind: str, severity: Severity) -> Issue:
    """Say that a value is not of the type its OBX-2 announces."""
    return Issue(
        code="RLS-HL7-066",
        severity=severity,
        where=where,
        what=f"the value is announced as {kind} and is none; it is kept as text.",
        fix="Send the value as its type is written, or another type in OBX-2.",
        hl7_code=102,
    )


def no_value(where: str) -> Issue:
    """Say that a result has neither a value nor a status that explains why."""
    return Issue(
        code="RLS-HL7-067",
        severity=Severity.WARNING,
        where=where,
        what="the result has no value, and its status does not say why.",
        fix="Send the value, or say in OBX-11 why there is none (HL7 table 0085).",
        hl7_code=101,
    )


def no_ucum(where: str) -> Issue:
    """Say that a unit is announced as UCUM and is none."""
    return Issue(
        code="RLS-HL7-068",
        severity=Severity.WARNING,
        where=where,
        what="the unit is announced as UCUM and is not written so; it is kept as text.",
        fix="Send a UCUM unit in OBX-6, or name the table it comes from in OBX-6.3.",
        hl7_code=103,
    )
