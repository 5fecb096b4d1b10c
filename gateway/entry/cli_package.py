"""`relais package`: what would be sent for a message, as files; nothing leaves."""

import sys
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import orjson
import typer

from gateway.connectors.mssante_mail import ARCHIVE_NAME, build
from gateway.core.deliveries import Delivery, DeliveryStatus
from gateway.core.errors import FatalError, RejectedError
from gateway.core.issues import Issue, Severity
from gateway.entry import settings as settings_module
from gateway.entry.cli_convert import read_input
from gateway.entry.mail import mail_sender
from gateway.entry.package_dmp import write_bundles, write_submissions
from gateway.entry.package_known import known_here
from gateway.entry.settings import Settings
from gateway.entry.wiring import SystemClock, build_converter
from gateway.mapping.loader import Mappings, load_mappings
from gateway.pipeline.folds import fold_alone
from gateway.pipeline.prepared import Prepared
from gateway.pipeline.route import Known, outgoing_documents, route
from gateway.pipeline.route import explain as explained
from gateway.sharing.routing import Decision
from gateway.sharing.routing_dmp import decide as decide_dmp


class Channel(StrEnum):
    """Ways out."""

    MSSANTE = "mssante"
    DMP = "dmp"
    PDSM = "pdsm"


def package(
    file: Annotated[Path, typer.Argument(help="MDM or ORU with a document; - for stdin.")],
    channel: Annotated[
        Channel | None, typer.Option("--channel", help="Way out; none: explain all of them.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the files; made if missing.")
    ] = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Say why each document leaves, waits or is not sent."),
    ] = False,
) -> None:
    """Write what would be sent: per recipient the mail and its archive, or the submission.

    Without channel nothing is written: every channel and recipient is explained.

    Example: relais package letter.er7 --channel mssante --out outgoing
    """
    settings = settings_module.load()
    mappings = load_mappings(settings.mappings)
    if channel is None or out is None:
        _explain(settings, mappings, file, explains=explain and channel is None and out is None)
        return
    if channel is not Channel.MSSANTE:
        item, known, about, now = _read(settings, mappings, file)
        made = [
            decision
            for one in outgoing_documents(item, known, about)
            if (decision := decide_dmp(one, now)) is not None
        ]
        show = partial(print_decision, explain=explain)
        writer = write_bundles if channel is Channel.PDSM else write_submissions
        writer(settings, mappings, SystemClock(), made, out, show)
        return
    decisions = decide(settings, mappings, file)
    if not decisions:
        raise RejectedError([_nothing_asked()])
    out.mkdir(parents=True, exist_ok=True)
    for number, decision in enumerate(decisions, start=1):
        print_decision(number, decision, explain=explain)
        if decision.status is DeliveryStatus.QUEUED:
            write(out, number, decision, settings, mappings)


def _explain(settings: Settings, mappings: Mappings, file: Path, *, explains: bool) -> None:
    """Print one line per channel and recipient, those nobody asks for included.

    Raises:
        RejectedError: the message is refused, or carries no document (RLS-RTE-001).
    """
    if not explains:
        raise FatalError([_half_asked()])
    item, known, about, now = _read(settings, mappings, file)
    decisions = explained(item, known, about, now)
    if not decisions:
        raise RejectedError([_no_document()])
    for number, decision in enumerate(decisions, start=1):
        print_decision(number, decision, explain=True)


def decide(settings: Settings, mappings: Mappings, file: Path) -> list[Decision]:
    """Return what a message asks for; a second run decides and writes the same.

    Raises:
        RejectedError: the message is refused.
    """
    item, known, about, now = _read(settings, mappings, file)
    return route(item, known, about, now)


def _read(
    settings: Settings, mappings: Mappings, file: Path
) -> tuple[Prepared, Known, str, datetime]:
    """Return the input, what is known of its patient, its `DocumentReference/id`, its instant."""
    converter = build_converter(settings, mappings=mappings)
    raw = read_input(file)
    item = converter.accepted(converter.open(raw))
    resources = fold_alone(item.contributions)
    by_type = {resource["resourceType"]: resource for resource in resources}
    about = f"DocumentReference/{by_type.get('DocumentReference', {}).get('id', '')}"
    now = item.opened.header.sent_at or raw.received_at
    return item, known_here(settings, resources, now), about, now


def write(
    out: Path, number: int, decision: Decision, settings: Settings, mappings: Mappings
) -> None:
    """Write one mail and its archive.

    Raises:
        RejectedError: the mail cannot be built.
    """
    item = decision.item
    row = Delivery(number, item, DeliveryStatus.QUEUED, 0, item.due_at, item.due_at)
    mail = build(row, mail_sender(settings), mappings.conceptmaps)
    folder = out / f"{number}-{item.details['kind']}"
    folder.mkdir(exist_ok=True)
    (folder / "mail.eml").write_bytes(mail.data)
    (folder / ARCHIVE_NAME).write_bytes(mail.archive)
    for name in mail.lacks:
        print(f"{folder}: the header of the document gives no {name}", file=sys.stderr)
    for doubt in mail.doubts:
        print(f"{folder}: {doubt}", file=sys.stderr)


def print_decision(number: int, decision: Decision, *, explain: bool) -> None:
    """Print one decision as a line of JSON, its reason in words when asked."""
    line = {
        "number": number,
        "status": decision.status.value,
        "kind": decision.item.details["kind"],
        "to": decision.item.details["to"],
        "key": decision.item.key,
        "reason": decision.reason.word,
    }
    if explain:
        line |= {
            "channel": decision.item.connector,
            "recipient": decision.item.details["recipient"],
            "fr": decision.reason.fr,
            "en": decision.reason.en,
            "from": decision.rests_on,
        }
    sys.stdout.write(f"{orjson.dumps(line).decode()}\n")


def _nothing_asked() -> Issue:
    return Issue(
        code="RLS-MSS-050",
        severity=Severity.ERROR,
        where="OBX MetaDMPMSS",
        what="the input asks for no secure mail.",
        fix="Give an MDM or ORU with DESTMSSANTEPS or DESTMSSANTEPAT set to Y.",
    )


def _no_document() -> Issue:
    return Issue(
        code="RLS-RTE-001",
        severity=Severity.ERROR,
        where="OBX",
        what="the input carries no document that could be sent anywhere.",
        fix="Give an MDM or ORU with a CDA document.",
    )


def _half_asked() -> Issue:
    return Issue(
        code="RLS-RTE-002",
        severity=Severity.FATAL,
        where="relais package",
        what="files need both a channel and a folder, an explanation of all channels neither.",
        fix="Give --channel with --out, or --explain alone.",
    )
