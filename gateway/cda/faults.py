"""Problems of a CDA document once it could be read, one function a code.

Places are XPaths, never values. The codes of reading itself are in `cda.safety` and `cda.reader`.
"""

from collections.abc import Sequence

from gateway.core.issues import Issue, Severity

#: HL7 table 0533.
_UNKNOWN_PATIENT = 902
_NO_INS = 903
_OTHER_INS = 904
_OTHER_DOCUMENT = 906
_INCOMPLETE_INS = 905
#: Places an issue names of many.
_SHOWN = 5


def header_element_missing(where: str, element: str) -> Issue:
    """Say that a document lacks an element without which it has no identity."""
    return Issue(
        code="RLS-CDA-010",
        severity=Severity.ERROR,
        where=where,
        what=f"The header has no usable {element}.",
        fix=f"Send {element} as the CI-SIS volet Structuration minimale demands.",
        hl7_code=101,
    )


def other_document(where: str) -> Issue:
    """Say that the message around a document names another one."""
    return Issue(
        code="RLS-CDA-045",
        severity=Severity.ERROR,
        where=where,
        what="The document is not the one its message names in TXA-12.",
        fix="Send the id of the document in TXA-12: the root alone, or extension^^root^ISO.",
        hl7_code=207,
        hl7_user_code=_OTHER_DOCUMENT,
    )


def bad_header_time(where: str) -> Issue:
    """Say that the time that orders the versions of a document cannot be read."""
    return Issue(
        code="RLS-CDA-011",
        severity=Severity.ERROR,
        where=where,
        what="effectiveTime is not a timestamp, or names a date that does not exist.",
        fix="Send YYYYMMDDHHMMSS with a zone, such as +0100 (CDA R2 data type TS).",
        hl7_code=102,
    )


def no_patient_key(where: str) -> Issue:
    """Say that no identifier of recordTarget can name the patient."""
    return Issue(
        code="RLS-CDA-012",
        severity=Severity.ERROR,
        where=where,
        what="recordTarget carries no identifier with both root and extension.",
        fix="Send the IPP with the OID of the establishment as root, and the INS when qualified.",
        hl7_code=101,
        hl7_user_code=_UNKNOWN_PATIENT,
    )


def untrusted_ins_alone(where: str) -> Issue:
    """Say that an INS whose status nobody vouches for cannot name a patient by itself."""
    return Issue(
        code="RLS-CDA-013",
        severity=Severity.ERROR,
        where=where,
        what="recordTarget carries an INS of unknown identity status and no local identifier.",
        fix="Send the IPP as well, send the letter in an MDM with PID-32, or declare the source"
        " ins_from_cda: trusted.",
        hl7_code=204,
        hl7_user_code=_UNKNOWN_PATIENT,
    )


def wrong_ins_key(where: str) -> Issue:
    """Say that an INS was left out because its control key is wrong."""
    return Issue(
        code="RLS-CDA-047",
        severity=Severity.WARNING,
        where=where,
        what="recordTarget carries an INS without 15 characters or with a wrong control key; it"
        " was left out.",
        fix="Query the INS service again and send the matricule with its key.",
        hl7_code=102,
    )


def nobody_in_common(where: str) -> Issue:
    """Say that message and document name no identifier in common."""
    return Issue(
        code="RLS-CDA-014",
        severity=Severity.ERROR,
        where=where,
        what="No identifier of recordTarget is in PID-3 of the message around the document.",
        fix="Send the document in a message of its own patient; map the IPP root in the site file"
        " (cda_roots) when both name the same domain.",
        hl7_user_code=_UNKNOWN_PATIENT,
    )


def no_ins(where: str) -> Issue:
    """Say that a document that needs the INS of its patient carries none."""
    return Issue(
        code="RLS-CDA-023",
        severity=Severity.ERROR,
        where=where,
        what="recordTarget carries no INS, and the message asks to feed the national record.",
        fix="Put the qualified INS in recordTarget, or send DESTDMP with N.",
        hl7_user_code=_NO_INS,
    )


def incomplete_ins(where: str, names: str) -> Issue:
    """Say that the traits beside the INS of a document are not complete."""
    return Issue(
        code="RLS-CDA-024",
        severity=Severity.ERROR,
        where=where,
        what=f"recordTarget carries an INS without its strict traits: {names}.",
        fix="Send birth name, given name, birth date, sex and birth place with the INS.",
        hl7_user_code=_INCOMPLETE_INS,
    )


def other_ins(where: str) -> Issue:
    """Say that message and document carry two INS of one kind."""
    return Issue(
        code="RLS-CDA-015",
        severity=Severity.ERROR,
        where=where,
        what="The INS of recordTarget differs from the INS of PID-3.",
        fix="Check whose document this is; nothing was filed.",
        hl7_user_code=_OTHER_INS,
    )


def other_traits(where: str, names: str) -> Issue:
    """Say which strict traits differ between message and document."""
    return Issue(
        code="RLS-CDA-016",
        severity=Severity.ERROR,
        where=where,
        what=f"Strict traits of recordTarget differ from those of PID: {names}.",
        fix="Check whose document this is, correct the wrong identity and send again.",
        hl7_user_code=_OTHER_INS,
    )


def broken_base64(where: str) -> Issue:
    """Say that an unstructured body does not decode."""
    return Issue(
        code="RLS-CDA-017",
        severity=Severity.ERROR,
        where=where,
        what="The body is not valid base64: it is cut, or holds foreign characters.",
        fix="Send the whole body in base64 (RFC 4648 4) with representation B64.",
        hl7_code=102,
    )


def active_content(where: str) -> Issue:
    """Say that an unstructured body is of a kind that is not kept."""
    return Issue(
        code="RLS-CDA-018",
        severity=Severity.ERROR,
        where=where,
        what="The body is HTML, a program or an archive, whatever its announced type.",
        fix="Send PDF, plain text, RTF, JPEG or TIFF (CI-SIS volet CDA R2 niveau 1).",
    )


def bad_time(where: str) -> Issue:
    """Say that a time was left out because it cannot be read."""
    return Issue(
        code="RLS-CDA-019",
        severity=Severity.WARNING,
        where=where,
        what="The time cannot be read and was left out.",
        fix="Send an existing date as YYYY[MM[DD[HHMM[SS]]]] with a zone when it has a time.",
        hl7_code=102,
    )


def code_without_system(where: str) -> Issue:
    """Say that a code came without code system."""
    return Issue(
        code="RLS-CDA-020",
        severity=Severity.WARNING,
        where=where,
        what="The code has no codeSystem; it was kept without system.",
        fix="Send @codeSystem with the code.",
        hl7_code=103,
    )


def unused_entries(where: str, places: Sequence[str]) -> Issue:
    """Say how many statements gave nothing, and where the first of them are."""
    shown = ", ".join(places[:_SHOWN]) + (", …" if len(places) > _SHOWN else "")
    return Issue(
        code="RLS-CDA-021",
        severity=Severity.INFORMATION,
        where=where,
        what=f"No rule makes anything of {len(places)} entries, kept in the document: {shown}.",
        fix="None needed; rules of mappings/cda can be added for this model.",
        hl7_code=0,
    )


def name_conflict(where: str) -> Issue:
    """Say that one professional identifier names several people."""
    return Issue(
        code="RLS-CDA-022",
        severity=Severity.WARNING,
        where=where,
        what="This identifier is given to several people of the document; the first was kept.",
        fix="Send to each professional an RPPS of their own.",
    )


def header_element_expected(where: str, element: str) -> Issue:
    """Say that a header lacks an element it should have; the document is converted without."""
    return Issue(
        code="RLS-CDA-030",
        severity=Severity.WARNING,
        where=where,
        what=f"The header has no usable {element}; the document was converted without it.",
        fix=f"Send {element} as the CI-SIS volet Structuration minimale demands.",
        hl7_code=101,
    )


def traits_expected(where: str, names: str) -> Issue:
    """Say that an INS stands without the traits that make it an identity."""
    return Issue(
        code="RLS-CDA-031",
        severity=Severity.WARNING,
        where=where,
        what=f"recordTarget carries an INS without its strict traits: {names}.",
        fix="Send birth name, given name, birth date, sex and birth place with the INS.",
        hl7_code=101,
    )


def empty_body(where: str) -> Issue:
    """Say that a document has no content; its header was converted."""
    return Issue(
        code="RLS-CDA-032",
        severity=Severity.WARNING,
        where=where,
        what="The document has no content: no section with text or entry, no attached body.",
        fix="Send the sections of the model, or the PDF in nonXMLBody/text (CI-SIS niveau 1).",
        hl7_code=101,
    )


def unknown_model(where: str) -> Issue:
    """Say that the model of a document has no mapping of its own."""
    return Issue(
        code="RLS-CDA-033",
        severity=Severity.INFORMATION,
        where=where,
        what="The model of the document is not known; header and known entries were converted.",
        fix="None needed when the model is new; a plan in mappings/cda can be added for it.",
        hl7_code=0,
    )


def media_left_out(where: str) -> Issue:
    """Say that embedded media were not kept beside the document."""
    return Issue(
        code="RLS-CDA-034",
        severity=Severity.WARNING,
        where=where,
        what="Embedded media were left out: broken base64, or of a kind that is not kept.",
        fix="Send PDF, JPEG, PNG or TIFF in base64 (RFC 4648 4); the document itself keeps them.",
        hl7_code=102,
    )


def wrong_case(where: str, *, strict: bool) -> Issue:
    """Say that an attribute is in the wrong case; a strict source is refused."""
    return Issue(
        code="RLS-CDA-035",
        severity=Severity.ERROR if strict else Severity.WARNING,
        where=where,
        what="The attribute is in the wrong case; XML names are case-sensitive.",
        fix="Write the attribute as at the end of this place (CDA R2 schema).",
        hl7_code=102,
    )


def value_without_type(where: str, type_: str, *, strict: bool) -> Issue:
    """Say that a value has no data type; a strict source is refused."""
    return Issue(
        code="RLS-CDA-036",
        severity=Severity.ERROR if strict else Severity.WARNING,
        where=where,
        what=f"The value has no xsi:type; it was read as {type_}.",
        fix=f'Add xsi:type="{type_}" to the value (CDA R2 data types, ANY).',
        hl7_code=102,
    )


def time_of_message(where: str) -> Issue:
    """Say that a document without readable time was dated by the message around it."""
    return Issue(
        code="RLS-CDA-037",
        severity=Severity.WARNING,
        where=where,
        what="effectiveTime is missing or cannot be read; the time of the message was taken.",
        fix="Send YYYYMMDDHHMMSS with a zone, such as +0100 (CDA R2 data type TS).",
        hl7_code=102,
    )


def dates_contradict(where: str, other: str) -> Issue:
    """Say that two dates of one document contradict each other; both are kept."""
    return Issue(
        code="RLS-CDA-041",
        severity=Severity.WARNING,
        where=where,
        what=f"The date contradicts that of {other}; each is kept where it was said.",
        fix="Send the same day in header and body, or correct the wrong one in a new version.",
    )


def negated_reaction(where: str) -> Issue:
    """Say that a reaction that is said not to be one was left out."""
    return Issue(
        code="RLS-CDA-042",
        severity=Severity.WARNING,
        where=where,
        what="The reaction carries negationInd true: it is said not to have happened; left out.",
        fix="Send negationInd false, or none, for a reaction the person had.",
    )


def set_of_another() -> Issue:
    """Say that the setId of a document is that of a document about another person."""
    return Issue(
        code="RLS-CDA-046",
        severity=Severity.ERROR,
        where="/ClinicalDocument/setId",
        what="The setId is that of a document about another person; nothing of this one was used.",
        fix="Give each document a setId of its own, or declare `set_ids: shared` for this site.",
        hl7_code=205,
    )
