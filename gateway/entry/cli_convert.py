"""`relais convert`: a message or document becomes one transaction Bundle, explained if asked."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import orjson
import typer

from gateway.core.contributions import Json, TraceLine
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.messages import Channel, RawMessage
from gateway.entry import settings as settings_module
from gateway.entry.bench.inputs import channel_of
from gateway.entry.traced import coverage_lines, short, value_at
from gateway.entry.unread import unread_lines
from gateway.entry.wiring import SystemClock, build_converter
from gateway.fhir import bundle, shape
from gateway.hl7v2.batch import is_batch, open_batch
from gateway.mapping.loader import load_mappings
from gateway.pipeline.convert import Conversion, Converter
from gateway.pipeline.folds import fold_alone


class Format(StrEnum):
    """Output of `relais convert`."""

    JSON = "json"
    NDJSON = "ndjson"
    XML = "xml"


def convert(
    files: Annotated[list[Path], typer.Argument(help="HL7 v2 or CDA files; - for stdin.")],
    explain: Annotated[
        bool, typer.Option("--explain", help="Show each FHIR value beside its source.")
    ] = False,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Print what became of each section, as NDJSON.")
    ] = False,
    facts: Annotated[
        bool, typer.Option("--facts", help="Print what it asserts about the pathway, as NDJSON.")
    ] = False,
    output: Annotated[Format, typer.Option("--format", help="Form of the bundles.")] = Format.JSON,
    site: Annotated[
        str | None, typer.Option("--site", help="Use this site table whatever the sender.")
    ] = None,
) -> None:
    """Convert messages and documents to FHIR, one transaction Bundle per input.

    A batch file (FHS, BHS) holds several inputs: one Bundle a line for each message.

    Example: relais convert --explain admission.er7
    """
    settings = settings_module.load()
    mappings = load_mappings(settings.mappings)
    if site is not None and site not in mappings.sites.by_name:
        raise RejectedError([_no_site(site, mappings.sites.by_name)])
    converter = build_converter(settings, mappings=mappings, site=site)
    refused = False
    single = len(files) == 1
    for file in files:
        try:
            inputs = read_inputs(file)
        except RejectedError as error:
            refused = refuse(str(file), error)
            continue
        for name, raw in inputs:
            alone = single and len(inputs) == 1
            try:
                if facts:
                    print_facts(converter, name, raw)
                elif coverage:
                    print_coverage(converter, name, raw)
                else:
                    print_one(converter, name, raw, output, explain=explain, single=alone)
                    if explain:
                        unread = unread_lines(converter, raw, mappings, settings)
                        sys.stdout.writelines(f"{line}\n" for line in unread)
            except RejectedError as error:
                refused = refuse(name, error)
    if refused:
        raise typer.Exit(1)


def refuse(name: str, error: RejectedError) -> bool:
    """Say on standard error why an input is refused; return that one was."""
    for issue in error.issues:
        print(f"{name}: {issue}", file=sys.stderr)
    return True


def print_one(
    converter: Converter, name: str, raw: RawMessage, output: Format, *, explain: bool, single: bool
) -> None:
    """Convert one input and print it.

    Raises:
        RejectedError: the input is refused, or a resource breaks its FHIR shape.
    """
    conversion = converter.convert(raw, trace=explain)
    resources = fold_alone(conversion.contributions)
    remark(name, conversion)
    if explain:
        sys.stdout.writelines(f"{line}\n" for line in explanation(resources, conversion))
        sys.stdout.writelines(f"{line}\n" for line in coverage_lines(conversion.coverage))
        return
    made = bundle.assemble(resources)
    if output is Format.XML:
        sys.stdout.write(shape.to_xml(made))
    else:
        option = orjson.OPT_INDENT_2 if output is Format.JSON and single else 0
        sys.stdout.buffer.write(orjson.dumps(made, option=option | orjson.OPT_APPEND_NEWLINE))
    sys.stdout.flush()


def print_facts(converter: Converter, name: str, raw: RawMessage) -> None:
    """Print one line for each assertion of an input.

    Raises:
        RejectedError: the input is refused.
    """
    conversion = converter.convert(raw)
    remark(name, conversion)
    for one in conversion.assertions:
        line = {
            "event": one.event,
            "op": one.op,
            "key": one.key,
            "te": [_instant(one.when.low), _instant(one.when.high)],
            "revision": one.revision,
            "sent_at": _instant(one.sent_at),
            "patient": one.patient and f"{one.patient.type}/{one.patient.id}",
            "source": one.source,
            "attributes": one.attributes,
            "flags": one.flags,
            "aid": one.aid,
        }
        sys.stdout.buffer.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.flush()


def print_coverage(converter: Converter, name: str, raw: RawMessage) -> None:
    """Print one line for each section of a document.

    Raises:
        RejectedError: the input is refused.
    """
    conversion = converter.convert(raw, trace=True)
    remark(name, conversion)
    for section in conversion.coverage:
        line = {"state": section.state, **asdict(section)}
        sys.stdout.buffer.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.flush()


def _instant(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")


def remark(name: str, conversion: Conversion) -> None:
    """Say on standard error what was dropped or doubtful."""
    for issue in conversion.issues:
        print(f"{name}: {issue.severity}: {issue}", file=sys.stderr)
    for flag in dict.fromkeys(conversion.flags):
        print(f"{name}: flag: {flag}", file=sys.stderr)


def read_inputs(file: Path) -> list[tuple[str, RawMessage]]:
    """Read a file as a door would; a batch file gives each of its messages, named by its number.

    A count that is not what the file holds is told on standard error, as the door tells it.

    Raises:
        RejectedError: the file cannot be read (RLS-CFG-110), or is a batch without any
            message (RLS-CFG-114).

    Spec: HL7 v2.5 2.10.3 (batch protocol).
    """
    raw = read_input(file)
    if raw.channel is Channel.CDA or not is_batch(raw.body):
        return [(str(file), raw)]
    batch = open_batch(raw.body)
    for issue in batch.issues:
        print(f"{file}: {issue.severity}: {issue}", file=sys.stderr)
    if not batch.messages:
        raise RejectedError([_empty_batch()])
    return [
        (f"{file}[{number}]", replace(raw, body=body))
        for number, body in enumerate(batch.messages, 1)
    ]


def read_input(file: Path) -> RawMessage:
    """Read a file as a door would: an XML document is a CDA, the rest HL7 v2.

    Raises:
        RejectedError: the file cannot be read (RLS-CFG-110).
    """
    try:
        body = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise RejectedError([_unreadable(error)]) from error
    return RawMessage(body, channel_of(body), SystemClock().now())


def explanation(resources: Iterable[Json], conversion: Conversion) -> Iterator[str]:
    """Yield each explained value beside the field it came from, resource by resource."""
    lines: dict[str, list[TraceLine]] = {}
    for line in conversion.trace:
        lines.setdefault(line.resource, []).append(line)
    for resource in resources:
        name = f"{resource['resourceType']}/{resource['id']}"
        yield name
        for line in dict.fromkeys(lines.get(name, ())):
            value = value_at(resource, line.target)
            via = f" via {line.via}" if line.via and line.via != "text" else ""
            spec = f"  [{line.spec}]" if line.spec else ""
            yield f"  {line.target} = {short(value)}  <- {line.source}{via}{spec}"


def _unreadable(error: OSError) -> Issue:
    return Issue(
        code="RLS-CFG-110",
        severity=Severity.ERROR,
        where="file",
        what=f"it cannot be read: {(error.strerror or 'unknown reason').lower()}.",
        fix="Give the path of a file you may read, or - for standard input.",
    )


def _empty_batch() -> Issue:
    return Issue(
        code="RLS-CFG-114",
        severity=Severity.ERROR,
        where="file",
        what="it is a batch that holds no message.",
        fix="Put messages between BHS and BTS, each beginning with MSH.",
        hl7_code=100,
    )


def _no_site(site: str, known: Iterable[str]) -> Issue:
    return Issue(
        code="RLS-CFG-111",
        severity=Severity.ERROR,
        where="--site",
        what=f"there is no site table '{site}'.",
        fix=f"Give one of: {', '.join(sorted(known))}; or write mappings/sites/{site}.yaml.",
    )
