"""What can go wrong when a message leaves over MLLP, one function a code; nothing is quoted.

Does not decide (`connectors.mllp`).
"""

from gateway.core.issues import Issue, Severity


def no_destination(name: str) -> Issue:
    """Say that no site file names the destination any more."""
    return Issue(
        code="RLS-NET-070",
        severity=Severity.ERROR,
        where=f"destination {name}",
        what="no site file has this destination.",
        fix="Add it under `destinations` of the site, or discard the delivery.",
    )


def unreachable(name: str, kind: str) -> Issue:
    """Say that no connection could be made."""
    return Issue(
        code="RLS-NET-071",
        severity=Severity.ERROR,
        where=f"destination {name}",
        what=f"no connection could be made ({kind}).",
        fix="Check host, port, firewall and, with TLS, the certificates; it is tried again.",
    )


def cut(name: str) -> Issue:
    """Say that the connection ended before the answer."""
    return Issue(
        code="RLS-NET-072",
        severity=Severity.ERROR,
        where=f"destination {name}",
        what="the connection ended before the answer; it is not known whether it was taken.",
        fix="Nothing: the same message goes again under the same MSH-10.",
    )


def no_answer(name: str) -> Issue:
    """Say that no answer came in time."""
    return Issue(
        code="RLS-NET-073",
        severity=Severity.ERROR,
        where=f"destination {name}",
        what="no answer came in time; the connection was closed.",
        fix="Check the application behind the address; the same message goes again.",
    )


def not_its_answer(name: str) -> Issue:
    """Say that what came back acknowledges nothing, or something else."""
    return Issue(
        code="RLS-NET-074",
        severity=Severity.ERROR,
        where=f"destination {name}",
        what="what came back is no acknowledgement of this message (MSA-1, MSA-2).",
        fix="Let the other side repeat MSH-10 in MSA-2; the same message goes again.",
    )


def only_committed(name: str) -> Issue:
    """Say that the message is kept there and its application has not answered."""
    return Issue(
        code="RLS-NET-075",
        severity=Severity.ERROR,
        where=f"destination {name}",
        what="the message was taken (CA); the answer of the application has not come.",
        fix="Nothing while it comes late; set final_ack: commit where none will ever come.",
    )


def not_now(name: str, code: str) -> Issue:
    """Say that the other side cannot take the message now."""
    return Issue(
        code="RLS-NET-076",
        severity=Severity.ERROR,
        where=f"destination {name}",
        what=f"the other side answered {code} for reasons of its own.",
        fix="Nothing: the same message goes again later.",
    )


def refused(name: str, code: str, condition: str) -> Issue:
    """Say that the other side refuses the message for good."""
    return Issue(
        code="RLS-NET-077",
        severity=Severity.ERROR,
        where=f"destination {name}",
        what=f"the other side refused the message: {code} {condition}".rstrip() + ".",
        fix="Look the condition up in HL7 tables 0357 and 0533, mend the cause, send it again.",
    )
