"""Acknowledgements: MSH, MSA and one ERR an issue, in the encoding of the message they answer.

Does not decide whether an input is accepted (`hl7v2.intake`, `pipeline`). Standards: HL7 v2.5 2.9
and 2.15 (ERR, MSA), IHE ITI TF-2 C.2.3, CI-SIS volet on CDA documents in HL7 v2.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.issues import Issue, Severity
from gateway.core.timestamps import PARIS
from gateway.hl7v2.escapes import encode
from gateway.hl7v2.message import Message
from gateway.hl7v2.rawheader import RawHeader, header_of
from gateway.hl7v2.separators import ABSENT

#: HL7 table 0357 with the two codes of the French volets.
CONDITIONS = {
    0: "Message accepted",
    100: "Segment sequence error",
    101: "Required field missing",
    102: "Data type error",
    103: "Table value not found",
    198: "Non-conformant cardinality",
    199: "Other HL7 error",
    200: "Unsupported message type",
    201: "Unsupported event code",
    202: "Unsupported processing id",
    203: "Unsupported version id",
    204: "Unknown key identifier",
    205: "Duplicate key identifier",
    206: "Application record locked",
    207: "Application error",
}

#: HL7 table 0533 as the CI-SIS volets define it.
USER_CONDITIONS = {
    900: "Version du document incorrecte",
    901: "Auteur non autorisé",
    902: "Identifiant patient inconnu",
    903: "INS absente du document",
    904: "INS différente",
    905: "INS incomplète",
    906: "Autre erreur",
}

#: Conditions of the circumstances, not of the content: the same bytes may be sent again.
_CIRCUMSTANCES = frozenset({200, 201, 202, 203, 206})
_TRANSIENT = frozenset({206, 207})

#: What is answered: the message, its header when that was read already, or the bytes when nothing
#: could be read of them.
Source = Message | RawHeader | bytes

_COMMIT = {"AA": "CA", "AE": "CE", "AR": "CR"}
#: MSH-15 that asks for a commit acknowledgement, HL7 table 0155.
_COMMIT_WANTED = frozenset({"AL", "ER", "SU"})

_DOCUMENT_SENDERS = frozenset({"MDM", "ORU", "ZAM"})
_PLACE = re.compile(
    r"([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?(?:-(\d+)(?:\[(\d+)\])?(?:\.(\d+)(?:\.(\d+))?)?)?(?= |$)"
)
_MAX_ERRORS = 100
_MAX_DIAGNOSTIC, _MAX_USER_MESSAGE = 2048, 250


@dataclass(frozen=True, slots=True)
class _Style:
    """How ERR is written for one sender."""

    conditions: str
    user_conditions: str
    is_document: bool
    err1: bool


def code_for(issues: Sequence[Issue]) -> str:
    """Choose the negative code: AR when the header or the circumstances refuse, else AE.

    A sender may repeat what got AR once its cause is gone; after AE it must change the message.
    Severity FATAL stands for a header that cannot be used and for a fault of our side.

    Spec: IHE ITI TF-2 C.2.3.
    """
    refused = any(
        issue.severity is Severity.FATAL or issue.hl7_code in _CIRCUMSTANCES for issue in issues
    )
    return "AR" if refused else "AE"


def is_wanted(source: Source, code: str) -> bool:
    """Tell whether the sender waits for this answer on the connection.

    In original mode (MSH-15 and MSH-16 empty) always; in enhanced mode as MSH-15 says, and NE
    still gets the application acknowledgement that MSH-16 asks for.

    Spec: HL7 v2.5 2.9.2 and table 0155.
    """
    found = header_of(source)
    accept, application = found.field(15).upper(), found.field(16).upper()
    rule = accept if accept in _COMMIT_WANTED else application
    positive = code in ("AA", "CA")
    if rule == "ER":
        return not positive
    if rule == "SU":
        return positive
    return rule != "NE" or not accept


def is_enhanced(source: Source) -> bool:
    """Tell whether the sender asks for enhanced mode (MSH-15 or MSH-16 valued).

    Spec: HL7 v2.5 2.9.1; IHE ITI TF-2 C.2.3.
    """
    found = header_of(source)
    return bool(found.field(15) or found.field(16))


def is_commit_wanted(source: Source, code: str) -> bool:
    """Tell whether MSH-15 asks for a commit acknowledgement that says this."""
    return _asks(header_of(source).field(15), code)


def is_functional(issues: Sequence[Issue]) -> bool:
    """Tell whether a message is refused for what it asks, and not for how it is written.

    Such a message is taken (CA) and its application refuses it (AE).

    Spec: CI-SIS volet on CDA documents in HL7 v2, condition 207 with its own codes.
    """
    refusing = [issue for issue in issues if issue.severity.refuses]
    return bool(refusing) and all(
        issue.hl7_code == 207 and issue.hl7_user_code in USER_CONDITIONS for issue in refusing
    )


def owes_application_ack(source: Source, code: str, issues: Sequence[Issue]) -> bool:
    """Tell whether the application still has to answer in an exchange of its own.

    It has unless MSH-16 asks for nothing, or a negative commit acknowledgement said it all.
    """
    if not is_enhanced(source) or not _asks(header_of(source).field(16), code):
        return False
    return code == "AA" or is_functional(issues) or not is_commit_wanted(source, code)


def _asks(rule: str, code: str) -> bool:
    """Tell whether a value of HL7 table 0155 asks for an answer with this code."""
    positive = code in ("AA", "CA")
    return {"AL": True, "ER": not positive, "SU": positive}.get(rule.upper(), False)


def build(
    source: Source,
    code: str,
    issues: Sequence[Issue] = (),
    *,
    now: datetime,
    control_id: str,
    msh9_short: bool = False,
    err1: bool = False,
    as_told: bool = False,
    accept: str = "",
) -> bytes:
    """Build an acknowledgement, whatever the state of what it answers.

    Args:
        source: what is answered.
        code: AA, AE or AR; CA, CE or CR as well. An `A` code becomes its commit code when MSH-15
            asks for a commit acknowledgement (enhanced mode).
        issues: one ERR each, the first hundred.
        now: for MSH-7, written as Paris time.
        control_id: own MSH-10.
        msh9_short: two components in MSH-9, for senders that know no message structure.
        err1: places in ERR-1 as HL7 v2.3.1 has them, and no other field but the condition.
        as_told: write the code as given: the word of the application in an exchange of its own.
        accept: MSH-15 of the answer, when it asks for a commit acknowledgement itself.

    Returns:
        The message without MLLP frame, in the character set of the source and with its MSH-18.

    Spec: HL7 v2.5 2.9 and 2.15.5, IHE ITI TF-2 C.2.3.
    """
    found = header_of(source)
    if found.field(15).upper() in _COMMIT_WANTED and not as_told:
        code = _COMMIT.get(code, code)
    documents = found.component(9, 1).upper() in _DOCUMENT_SENDERS
    style = _Style(
        conditions="messageErrorCondition" if documents else "HL70357",
        user_conditions="applicationErrorCondition" if documents else "HL70533",
        is_document=documents,
        err1=err1,
    )
    segments = [
        _msh(found, now, control_id, short=msh9_short, accept=accept),
        _line(found, "MSA", code, found.field(10)),
        *(_err(found, issue, style) for issue in issues[:_MAX_ERRORS]),
    ]
    text = "\r".join([*segments, ""])
    return text.encode(found.codec, "replace")


def _msh(found: RawHeader, now: datetime, control_id: str, *, short: bool, accept: str) -> str:
    trigger = found.component(9, 2)
    kind = ["ACK", trigger] if trigger else ["ACK"]
    if trigger and not short:
        kind.append("ACK")
    return _line(
        found,
        "MSH",
        found.separators.msh_2,
        found.field(5),
        found.field(6),
        found.field(3),
        found.field(4),
        now.astimezone(PARIS).strftime("%Y%m%d%H%M%S"),
        "",
        found.separators.component.join(kind),
        encode(control_id, found.separators),
        found.field(11) or "P",
        found.field(12) or "2.5",
        "",
        "",
        accept,
        "NE" if accept else "",
        "FRA",
        found.field(18),
    )


def _err(found: RawHeader, issue: Issue, style: _Style) -> str:
    """Write one ERR segment."""
    component = found.separators.component
    condition = component.join(
        (
            str(issue.hl7_code),
            CONDITIONS.get(issue.hl7_code, CONDITIONS[207]),
            style.conditions,
        )
    )
    place = _location(issue)
    if style.err1:
        # v2.3.1 ELD: segment, sequence, field and the condition as fourth component.
        inner = condition.split(component)
        by = found.separators.subcomponent
        coded = inner[0] if by == ABSENT else by.join(inner)
        segment, sequence, field = [*place, "", "", ""][:3]
        return _line(found, "ERR", component.join((segment, sequence, field, coded)))
    return _line(
        found,
        "ERR",
        "",
        component.join(place),
        condition,
        _letter(issue.severity),
        _user_condition(found, issue, style),
        "",
        _free(found, f"{issue.code}: {issue.what}", _MAX_DIAGNOSTIC),
        _free(found, issue.fix, _MAX_USER_MESSAGE),
    )


def _location(issue: Issue) -> list[str]:
    """Return ERR-2 (ERL): segment, sequence, field, repetition, component, sub-component."""
    match = _PLACE.match(issue.where)
    if match is None:
        # What is wrong on our side has no place in the message.
        return [] if issue.hl7_code in _TRANSIENT else ["UNK"]
    segment, sequence, field, repetition, part, sub = match.groups()
    place = [segment, sequence or "1"]
    if field:
        place.append(field)
        if repetition or part:
            place.append(repetition or "1")
        place += [one for one in (part, sub) if one]
    return place


def _user_condition(found: RawHeader, issue: Issue, style: _Style) -> str:
    """Return ERR-5: required by the volets with condition 207, else only when known."""
    code = issue.hl7_user_code
    if code is None:
        if not style.is_document or issue.hl7_code != 207 or issue.severity is Severity.FATAL:
            return ""
        code = 906
    text = USER_CONDITIONS.get(code, USER_CONDITIONS[906])
    return found.separators.component.join((str(code), text, style.user_conditions))


def _letter(severity: Severity) -> str:
    """Return the code of HL7 table 0516 in v2.5: E, W or I."""
    if severity.refuses:
        return "E"
    return "W" if severity is Severity.WARNING else "I"


def _free(found: RawHeader, text: str, size: int) -> str:
    return encode(text[:size], found.separators)


def _line(found: RawHeader, *fields: str) -> str:
    """Join fields, without the empty ones at the end."""
    separator = found.separators.field
    return separator.join(fields).rstrip(separator)
