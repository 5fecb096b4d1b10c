"""What is wrong with a document carried in a message: one function an issue.

Does not look for it (`hl7v2.envelope`).
"""

from gateway.core.issues import Issue, Severity


def no_document() -> Issue:
    """Say that a document message carries none."""
    return Issue(
        code="RLS-HL7-040",
        severity=Severity.ERROR,
        where="OBX-5",
        what="The message carries no document: no OBX of type ED holds one.",
        fix="Send the document as ED in the first OBX, base64 in the fifth component of OBX-5.",
        hl7_code=101,
    )


def empty_document(ordinal: int) -> Issue:
    """Say that the document has no content."""
    return Issue(
        code="RLS-HL7-041",
        severity=Severity.ERROR,
        where=f"OBX[{ordinal}]-5.5",
        what="The document is empty.",
        fix="Send the document base64 encoded in the fifth component of OBX-5.",
        hl7_code=101,
    )


def several_documents(ordinal: int) -> Issue:
    """Say that an MDM carries a second document."""
    return Issue(
        code="RLS-HL7-042",
        severity=Severity.ERROR,
        where=f"OBX[{ordinal}]",
        what="An MDM message carries exactly one document.",
        fix="Send one message for each document.",
        hl7_code=198,
    )


def not_base64(ordinal: int) -> Issue:
    """Say that OBX-5.5 is no base64."""
    return Issue(
        code="RLS-HL7-043",
        severity=Severity.ERROR,
        where=f"OBX[{ordinal}]-5.5",
        what="The document is not complete, clean base64: it was cut or mixed with other bytes.",
        fix="Encode the whole document (RFC 4648 section 4) and send it in one component.",
        hl7_code=102,
    )


def unknown_encoding(ordinal: int) -> Issue:
    """Say that OBX-5.4 is not Base64."""
    return Issue(
        code="RLS-HL7-044",
        severity=Severity.ERROR,
        where=f"OBX[{ordinal}]-5.4",
        what="The encoding of the document is not Base64.",
        fix="Encode the document in base64 and say Base64 in OBX-5.4.",
        hl7_code=103,
    )


def reference_pointer(ordinal: int) -> Issue:
    """Say that the document is only pointed to."""
    return Issue(
        code="RLS-HL7-045",
        severity=Severity.ERROR,
        where=f"OBX[{ordinal}]-5",
        what="The document is a reference (type RP); references are not fetched.",
        fix="Send the document itself as ED.",
        hl7_code=207,
        hl7_user_code=906,
    )


def inconsistent_request(where: str) -> Issue:
    """Say that the three places that tell the request disagree."""
    return Issue(
        code="RLS-HL7-046",
        severity=Severity.ERROR,
        where=where,
        what="The event, ORC-1 and OBX-11 do not ask for the same thing.",
        fix="Send T02, NW and F to add, T10, RO and C to replace, T04, CA and D to delete.",
        hl7_code=199,
    )


def unusable_flag(ordinal: int) -> Issue:
    """Say that a flag is neither Y nor N."""
    return Issue(
        code="RLS-HL7-047",
        severity=Severity.ERROR,
        where=f"OBX[{ordinal}]-5",
        what="A flag of the document is neither Y nor N.",
        fix="Send Y or N in OBX-5 of the flag.",
        hl7_code=103,
    )


def contradicting_flags(ordinal: int) -> Issue:
    """Say that a flag is given twice with different values."""
    return Issue(
        code="RLS-HL7-048",
        severity=Severity.ERROR,
        where=f"OBX[{ordinal}]-5",
        what="A flag of the document is sent twice with different values.",
        fix="Send each flag once.",
        hl7_code=198,
    )
