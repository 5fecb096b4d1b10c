"""What is wrong with an input before it is mapped: one function an issue.

Does not decide when (`hl7v2.reader` for bytes, `hl7v2.intake` for content). Severity FATAL means
that no header could be used: the answer is then AR and not AE (`hl7v2.ack.code_for`).
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
        fix="Send the batch to POST /hl7v2 over HTTP; over MLLP each message has its own frame.",
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


def typographic_tilde() -> Issue:
    """Say that a typographic tilde separates identifiers."""
    return Issue(
        code="RLS-HL7-013",
        severity=Severity.ERROR,
        where="PID-3",
        what="A typographic tilde (U+02DC) stands where the repetition separator belongs.",
        fix="Send the repetition separator of MSH-2.",
        hl7_code=102,
    )


def byte_order_mark() -> Issue:
    """Say that a byte-order mark stands before the header."""
    return Issue(
        code="RLS-HL7-014",
        severity=Severity.ERROR,
        where="MSH",
        what="A byte-order mark stands before the MSH segment.",
        fix="Begin with MSH; the character set is told in MSH-18.",
        hl7_code=100,
    )


def misspelt_separators() -> Issue:
    """Say that MSH-2 was completed or mended."""
    return Issue(
        code="RLS-HL7-015",
        severity=Severity.ERROR,
        where="MSH-2",
        what="MSH-2 lacks a character, or its backslash is doubled.",
        fix=r"Send MSH|^~\& as the first eight characters.",
        hl7_code=102,
    )


def loose_delimiter() -> Issue:
    """Say that a text holds separators that were not escaped."""
    return Issue(
        code="RLS-HL7-016",
        severity=Severity.ERROR,
        where="MSH-2",
        what="A text field holds component separators that are not escaped.",
        fix=r"Escape separators inside text as \S\ and \T\ (HL7 v2.5 2.7.4).",
        hl7_code=102,
    )


def required_field(where: str, severity: Severity = Severity.ERROR) -> Issue:
    """Say that a required field is empty."""
    return Issue(
        code="RLS-HL7-020",
        severity=severity,
        where=where,
        what="A required field is empty.",
        fix=f"Value {where}.",
        hl7_code=101,
    )


def message_type() -> Issue:
    """Say that MSH-9.1 is unknown."""
    return Issue(
        code="RLS-HL7-021",
        severity=Severity.ERROR,
        where="MSH-9.1",
        what="The message type is not supported.",
        fix="Send ADT, MDM, ORU, SIU, ORM, OMG, OML or REF messages to this address.",
        hl7_code=200,
    )


def event_code() -> Issue:
    """Say that MSH-9.2 is unknown."""
    return Issue(
        code="RLS-HL7-022",
        severity=Severity.ERROR,
        where="MSH-9.2",
        what="The trigger event is not one of the French profiles.",
        fix="Send an event of IHE PAM France or of the CI-SIS volet, or filter this one out.",
        hl7_code=201,
    )


def processing_id() -> Issue:
    """Say that MSH-11 is not accepted by this installation."""
    return Issue(
        code="RLS-HL7-023",
        severity=Severity.ERROR,
        where="MSH-11",
        what="The processing id is not accepted here: tests and production do not mix.",
        fix="Send to the address of the right environment, or correct MSH-11.",
        hl7_code=202,
    )


def version() -> Issue:
    """Say that MSH-12.1 is not accepted."""
    return Issue(
        code="RLS-HL7-024",
        severity=Severity.ERROR,
        where="MSH-12",
        what="The HL7 version is not accepted from this sender.",
        fix="Send version 2.5, 2.5.1 or 2.6, or have the version allowed for the site.",
        hl7_code=203,
    )


def missing_segment(name: str) -> Issue:
    """Say that a required segment is not there."""
    return Issue(
        code="RLS-HL7-025",
        severity=Severity.ERROR,
        where=name,
        what="A required segment is missing.",
        fix=f"Send {name} as the message structure asks.",
        hl7_code=100,
    )


def segment_order(name: str) -> Issue:
    """Say that a segment stands before one it must follow."""
    return Issue(
        code="RLS-HL7-026",
        severity=Severity.ERROR,
        where=name,
        what="A segment stands at the wrong place in the message.",
        fix="Send the segments in the order of the message structure.",
        hl7_code=100,
    )


def repeated_segment(name: str) -> Issue:
    """Say that a segment that may stand once stands twice."""
    return Issue(
        code="RLS-HL7-027",
        severity=Severity.ERROR,
        where=f"{name}[2]",
        what="A segment that a message holds once is repeated.",
        fix="Send one message for each patient, stay or document.",
        hl7_code=198,
    )


def impossible_date(where: str) -> Issue:
    """Say that a timestamp is none, or does not exist."""
    return Issue(
        code="RLS-HL7-028",
        severity=Severity.ERROR,
        where=where,
        what="The value is no timestamp, or a date or time that does not exist.",
        fix="Send YYYY[MM[DD[HHMM[SS[.S]]]]][+/-ZZZZ].",
        hl7_code=102,
    )


def not_a_number(where: str, severity: Severity) -> Issue:
    """Say that a numeric value is none."""
    return Issue(
        code="RLS-HL7-029",
        severity=severity,
        where=where,
        what="The value is announced as a number and is none.",
        fix="Send digits with a decimal point, or another type in OBX-2.",
        hl7_code=102,
    )


def unknown_code(where: str, table: str, severity: Severity = Severity.ERROR) -> Issue:
    """Say that a code is not in its table."""
    return Issue(
        code="RLS-HL7-030",
        severity=severity,
        where=where,
        what=f"The code is not in {table}.",
        fix="Send a code of the French table.",
        hl7_code=103,
    )


def structure_mismatch() -> Issue:
    """Say that MSH-9.3 does not fit the event, which decides alone."""
    return Issue(
        code="RLS-HL7-031",
        severity=Severity.WARNING,
        where="MSH-9.3",
        what="The message structure does not belong to the trigger event; the event was followed.",
        fix="Send the structure of the event in MSH-9.3.",
        hl7_code=103,
    )


def missing_movement(severity: Severity) -> Issue:
    """Say that ZBE is missing."""
    return Issue(
        code="RLS-HL7-032",
        severity=severity,
        where="ZBE",
        what="The movement segment ZBE is missing.",
        fix="Send ZBE with every movement event (PAM France 2.11 6.13).",
        hl7_code=100,
    )


def shifted_movement(severity: Severity) -> Issue:
    """Say that ZBE is shifted by one field."""
    return Issue(
        code="RLS-HL7-033",
        severity=severity,
        where="ZBE-4",
        what="ZBE-4 is empty and its value stands in ZBE-5: the segment is shifted by one field.",
        fix="Leave ZBE-3 empty and send the action in ZBE-4 (PAM France 2.11 6.13.4).",
        hl7_code=101,
    )


def contradicting_action() -> Issue:
    """Say that ZBE-4 and the event contradict each other."""
    return Issue(
        code="RLS-HL7-034",
        severity=Severity.ERROR,
        where="ZBE-4",
        what="The action of the movement is not one the trigger event allows.",
        fix="Send INSERT with a movement, CANCEL with its cancelling event, UPDATE with Z99.",
        hl7_code=103,
    )
