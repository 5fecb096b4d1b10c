"""Why bytes are not read as a message: one function an issue.

Does not decide when (`hl7v2.reader`). Severity FATAL means that no header could be used: the
answer is then AR and not AE (`hl7v2.ack.code_for`).
"""

from gateway.core.issues import Issue, Severity


def no_header() -> Issue:
    """Say that the input does not begin with MSH."""
    return Issue(
        code="RLS-HL7-001",
        severity=Severity.FATAL,
        where="MSH",
        what="The input does not begin with an MSH segment.",
        fix="Send one ER7 message that begins with MSH.",
        hl7_code=100,
    )


def utf_16() -> Issue:
    """Say that the input is UTF-16."""
    return Issue(
        code="RLS-HL7-002",
        severity=Severity.FATAL,
        where="MSH",
        what="UTF-16 is not an HL7 v2 transfer encoding here.",
        fix="Send UTF-8 with UNICODE UTF-8 in MSH-18, or 8859/15.",
        hl7_code=100,
    )


def unusable_separators() -> Issue:
    """Say that MSH-1 and MSH-2 cannot cut a message."""
    return Issue(
        code="RLS-HL7-003",
        severity=Severity.FATAL,
        where="MSH-2",
        what="The separators are missing, equal to each other, or not punctuation.",
        fix=r"Send MSH|^~\& as the first eight characters.",
        hl7_code=100,
    )


def no_line_ends() -> Issue:
    """Say that the segments run into each other."""
    return Issue(
        code="RLS-HL7-004",
        severity=Severity.ERROR,
        where="MSH",
        what="No segment terminator was found: all segments are in one line.",
        fix="End each segment with a carriage return; with curl, use --data-binary.",
        hl7_code=100,
    )


def second_header() -> Issue:
    """Say that one frame holds two messages."""
    return Issue(
        code="RLS-HL7-005",
        severity=Severity.ERROR,
        where="MSH[2]",
        what="A second MSH segment stands in the same message.",
        fix="Send each message in its own frame: each is answered by itself.",
        hl7_code=100,
    )


def batch() -> Issue:
    """Say that a batch came where one message is read."""
    return Issue(
        code="RLS-HL7-006",
        severity=Severity.FATAL,
        where="MSH-9.1",
        what="A batch envelope (FHS or BHS) is not accepted here.",
        fix="Send the messages one by one, each in its own frame or HTTP request.",
        hl7_code=200,
    )


def xml() -> Issue:
    """Say that the XML encoding is not read."""
    return Issue(
        code="RLS-HL7-007",
        severity=Severity.FATAL,
        where="MSH-9.1",
        what="The input is XML; only the ER7 encoding of HL7 v2 is read here.",
        fix="Send ER7; a CDA document alone goes to the address for documents.",
        hl7_code=200,
    )


def continuation(line: int) -> Issue:
    """Say that a line is no segment."""
    return Issue(
        code="RLS-HL7-010",
        severity=Severity.ERROR,
        where=f"line {line}",
        what="A line does not begin with a segment name: a line end stands inside a field.",
        fix=r"Escape line ends inside text as \.br\ (HL7 v2.5 2.7.6).",
        hl7_code=100,
    )


def segment_name(line: int) -> Issue:
    """Say that a segment name is misspelt."""
    return Issue(
        code="RLS-HL7-011",
        severity=Severity.ERROR,
        where=f"line {line}",
        what="A segment name is in small letters or has blanks around it.",
        fix="Write segment names as three capital characters followed by MSH-1.",
        hl7_code=100,
    )


def control_characters() -> Issue:
    """Say that the text holds control characters."""
    return Issue(
        code="RLS-HL7-012",
        severity=Severity.ERROR,
        where="MSH",
        what="The message holds control characters that no text may contain.",
        fix="Remove control characters (all below 0x20 but tab and line ends) before sending.",
        hl7_code=102,
    )
