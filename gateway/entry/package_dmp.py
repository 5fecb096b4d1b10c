"""`relais package --channel dmp` and `pdsm`: the submission as it would be sent, as a file."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import orjson

from gateway.connectors import dmp_faults
from gateway.connectors.dmp_bundle import provide
from gateway.connectors.dmp_submission import prepare
from gateway.connectors.dmp_value_sets import CodeLists
from gateway.core.clock import Clock
from gateway.core.deliveries import Delivery, DeliveryStatus
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.entry.dmp import dmp_house, record_lists, xds_dialect
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
    """Show each decision and write what is fed by ITI-41: Content-Type and body of the request.

    Raises:
        RejectedError: nothing asks for the shared record (RLS-DMP-050), or a submission must not
            leave (RLS-DMP-001 to 006, 060).
        FatalError: settings of the record are missing or wrong.
    """
    _refuse_nothing(decisions)
    dialect = xds_dialect(settings, clock)
    lists = _lists(settings)
    for folder, row in _queued(decisions, out, show):
        submission = prepare(row, dmp_house(settings), mappings.conceptmaps, lists)
        request = dialect.request(submission)
        folder.mkdir(parents=True, exist_ok=True)
        head = f"Content-Type: {request.content_type}\r\nMIME-Version: 1.0\r\n\r\n"
        (folder / "submission.mime").write_bytes(head.encode("ascii") + request.body)


def write_bundles(
    settings: Settings,
    mappings: Mappings,
    clock: Clock,
    decisions: Sequence[Decision],
    out: Path,
    show: Callable[[int, Decision], None],
) -> None:
    """Show each decision and write the Bundle that is fed by ITI-65; needs no certificate.

    Raises:
        RejectedError: as `write_submissions`.
    """
    _refuse_nothing(decisions)
    lists = _lists(settings)
    for folder, row in _queued(decisions, out, show):
        submission = prepare(row, dmp_house(settings), mappings.conceptmaps, lists)
        bundle = provide(submission, uuid4(), clock.now())
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "bundle.json").write_bytes(orjson.dumps(bundle, option=orjson.OPT_INDENT_2))


def _lists(settings: Settings) -> CodeLists:
    """Return the value sets; those that are missing are said."""
    lists = record_lists(settings.dmp.value_sets)
    if lists.missing:
        sys.stderr.write(f"{dmp_faults.no_list(', '.join(lists.missing))}\n")
    return lists


def _queued(
    decisions: Sequence[Decision], out: Path, show: Callable[[int, Decision], None]
) -> Iterator[tuple[Path, Delivery]]:
    """Show every decision; yield a folder and a row for each that leaves."""
    for number, decision in enumerate(decisions, start=1):
        show(number, decision)
        if decision.status is not DeliveryStatus.QUEUED:
            continue
        item = decision.item
        row = Delivery(number, item, DeliveryStatus.QUEUED, 0, item.due_at, item.due_at)
        yield out / f"{number}-dmp", row


def _refuse_nothing(decisions: Sequence[Decision]) -> None:
    if not decisions:
        raise RejectedError([_nothing_asked()])


def _nothing_asked() -> Issue:
    return Issue(
        code="RLS-DMP-050",
        severity=Severity.ERROR,
        where="OBX MetaDMPMSS",
        what="the input asks for no submission to the shared record.",
        fix="Give an MDM or ORU with DESTDMP set to Y.",
    )
