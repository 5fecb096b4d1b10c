"""What can be wrong with the groups of an order message, one function a code."""

from gateway.core.issues import Issue, Severity


def no_order_number(where: str) -> Issue:
    """Say that an order carries no number at all."""
    return Issue(
        code="RLS-HL7-060",
        severity=Severity.ERROR,
        where=where,
        what="the order has neither a placer nor a filler number: nothing could find it again.",
        fix="Send the number of the placer in ORC-2 (HL7 v2.5 4.5.1.2).",
        hl7_code=101,
    )


def no_service(where: str) -> Issue:
    """Say that a group orders no service."""
    return Issue(
        code="RLS-HL7-061",
        severity=Severity.WARNING,
        where=where,
        what="this group orders medicines, supplies or a diet: it is kept and becomes no request.",
        fix="Nothing, unless a request for a service was meant: send it with OBR.",
        hl7_code=103,
    )


def unknown_control(where: str) -> Issue:
    """Say that an order control code is not in its table."""
    return Issue(
        code="RLS-HL7-062",
        severity=Severity.WARNING,
        where=where,
        what="this order control code is not in table 0119; the status stays as it was.",
        fix="Send a code of HL7 table 0119 in ORC-1, or the status in ORC-5.",
        hl7_code=103,
    )


def several_times(where: str) -> Issue:
    """Say that one message plans several occurrences."""
    return Issue(
        code="RLS-HL7-063",
        severity=Severity.WARNING,
        where=where,
        what="one message plans several times; only the first one became an appointment.",
        fix="Send one message for each occurrence, numbered in SCH-3 (HL7 v2.5 10.6.3.3).",
        hl7_code=198,
    )
