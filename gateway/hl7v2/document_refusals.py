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


def reference_pointer(ordinal: int, *, kept: bool = False) -> Issue:
    """Say that the document is only pointed to, and is `kept` without its content or refused."""
    end = "it is kept without content." if kept else "its content is needed here."
    return Issue(
        code="RLS-HL7-045",
        severity=Severity.WARNING if kept else Severity.ERROR,
        where=f"OBX[{ordinal}]-5",
        what=f"The document is a reference (type RP), which is never fetched: {end}",
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
        hl7_code=207,
        hl7_user_code=906,
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


def newer_version(where: str) -> Issue:
    """Say that a request names a version that is not the latest."""
    return Issue(
        code="RLS-HL7-070",
        severity=Severity.ERROR,
        where=where,
        what="The request names a version of the document that another one has replaced already.",
        fix="Replace or delete the latest version.",
        hl7_code=207,
        hl7_user_code=900,
    )


def replaces_itself() -> Issue:
    """Say that a document names itself as the one it replaces."""
    return Issue(
        code="RLS-HL7-071",
        severity=Severity.ERROR,
        where="TXA-13",
        what="The document replaces itself: TXA-12 and TXA-13 are equal.",
        fix="Give the new version an identifier of its own, or send MODIF_CONF_CODE with Y when "
        "only the confidentiality changes.",
        hl7_code=207,
        hl7_user_code=900,
    )


def not_the_author() -> Issue:
    """Say that the requester may not replace or delete the document."""
    return Issue(
        code="RLS-HL7-072",
        severity=Severity.ERROR,
        where="PRT",
        what="The requester (PRT SB) is neither an author of the document nor of the structure "
        "it comes from.",
        fix="Let the author or the structure of the document send the request.",
        hl7_code=207,
        hl7_user_code=901,
    )


def unknown_patient() -> Issue:
    """Say that a strict source names a patient nobody told of."""
    return Issue(
        code="RLS-HL7-073",
        severity=Severity.ERROR,
        where="PID-3",
        what="No patient is known under the number of the message.",
        fix="Send the identity (A28 or A31) first, then the document.",
        hl7_code=207,
        hl7_user_code=902,
    )


def other_ins_stored() -> Issue:
    """Say that the INS of a message is not the one that is known of the patient."""
    return Issue(
        code="RLS-HL7-074",
        severity=Severity.ERROR,
        where="PID-3",
        what="The INS differs from the one that is known of this patient.",
        fix="Correct the identity (A31 or A47), then send the document again.",
        hl7_code=207,
        hl7_user_code=904,
    )


def other_traits_stored(names: str) -> Issue:
    """Say that strict traits are not those that are known beside the INS."""
    return Issue(
        code="RLS-HL7-075",
        severity=Severity.ERROR,
        where="PID",
        what=f"Strict traits differ from those known beside the same INS: {names}.",
        fix="Correct the identity (A31), then send the document again.",
        hl7_code=207,
        hl7_user_code=904,
    )


def other_document_of_same_id() -> Issue:
    """Say that the identifier belongs to a document with other content."""
    return Issue(
        code="RLS-HL7-076",
        severity=Severity.ERROR,
        where="TXA-12",
        what="A document with this identifier and other content is known already.",
        fix="Give each document, and each version, an identifier of its own.",
        hl7_code=205,
    )


def unknown_receipt(where: str) -> Issue:
    """Say that a business acknowledgement does not tell what it is or what it says."""
    return Issue(
        code="RLS-HL7-077",
        severity=Severity.ERROR,
        where=where,
        what="The business acknowledgement is not one of its event, or says neither Y nor N.",
        fix="Send the code of the event in OBX-3 and Y or N in OBX-5.",
        hl7_code=103,
    )
