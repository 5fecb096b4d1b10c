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


def nothing_to_cancel(where: str, *, is_refused: bool) -> Issue:
    """Say that a message cancels something nobody told.

    Args:
        where: the number of what is cancelled.
        is_refused: by a strict source; a lenient one has it kept, to end what comes later.
    """
    return Issue(
        code="RLS-HL7-064",
        severity=Severity.ERROR if is_refused else Severity.WARNING,
        where=where,
        what="nothing is known under the number that this message cancels.",
        fix="Send what is cancelled first, or correct the number.",
        hl7_code=204,
    )


def number_of_another_order(where: str) -> Issue:
    """Say that the numbers of an order contradict a pair of numbers that is known."""
    return Issue(
        code="RLS-HL7-065",
        severity=Severity.ERROR,
        where=where,
        what="placer and filler number are each known with another number: two orders would mix.",
        fix="Send the filler number that goes with this placer number, or a new placer number.",
        hl7_code=205,
    )
