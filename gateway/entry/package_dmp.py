"""`relais package --channel dmp`: the submission as it would go over the wire, as a file."""

from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.connectors.dmp_submission import prepare
from gateway.core.clock import Clock
from gateway.core.deliveries import Delivery, DeliveryStatus
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.entry.dmp import dmp_house, xds_dialect
from gateway.entry.settings import Settings
from gateway.mapping.loader import Mappings
from gateway.sharing.routing import Decision


def write_submissions(
    settings: Settings,
    mappings: Mappings,
    clock: Clock,
    decisions: Sequence[Decision],
    out: Path,
    show: Callable[[int, Decision], None],
) -> None:
    """Show each decision and write what is fed: Content-Type and body of the request.

    Raises:
        RejectedError: nothing asks for the shared record (RLS-DMP-050), or a submission must not
            leave (RLS-DMP-001 to 006).
        FatalError: settings of the record are missing or wrong.
    """
    if not decisions:
        raise RejectedError([_nothing_asked()])
    dialect = xds_dialect(settings, clock)
    out.mkdir(parents=True, exist_ok=True)
    for number, decision in enumerate(decisions, start=1):
        show(number, decision)
        if decision.status is not DeliveryStatus.QUEUED:
            continue
        item = decision.item
        row = Delivery(number, item, DeliveryStatus.QUEUED, 0, item.due_at, item.due_at)
        submission = prepare(row, dmp_house(settings), mappings.conceptmaps)
        request = dialect.request(submission)
        folder = out / f"{number}-dmp"
        folder.mkdir(exist_ok=True)
        head = f"Content-Type: {request.content_type}\r\nMIME-Version: 1.0\r\n\r\n"
        (folder / "submission.mime").write_bytes(head.encode("ascii") + request.body)


def _nothing_asked() -> Issue:
    return Issue(
        code="RLS-DMP-050",
        severity=Severity.ERROR,
        where="OBX MetaDMPMSS",
        what="the input asks for no submission to the shared record.",
        fix="Give an MDM or ORU with DESTDMP set to Y.",
    )
