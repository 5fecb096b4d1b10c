"""A fault of our own, told as an Issue: where it surfaced, never what the input said."""

from gateway.core.issues import Issue, Severity


def place_of(error: Exception) -> str:
    """Return file and line where a bug surfaced; its text may quote the input."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown"
    return f"{trace.tb_frame.f_code.co_filename.rpartition('gateway/')[2]}:{trace.tb_lineno}"


def broke(place: str) -> Issue:
    """Say that a conversion ended in a bug."""
    return Issue(
        code="RLS-MAP-090",
        severity=Severity.ERROR,
        where=f"gateway/{place}",
        what="the gateway failed on this input; its bytes are kept.",
        fix="Nothing to change in the input: report the place; it is converted again after a fix.",
    )


def connector_broke(connector: str) -> Issue:
    """Say that an attempt to deliver ended in a bug."""
    return Issue(
        code="RLS-SUB-050",
        severity=Severity.ERROR,
        where=f"connector {connector}",
        what="the connector failed by a fault of its own.",
        fix="Report it with the line `delivery_failed` of the log; the delivery is tried again.",
    )
