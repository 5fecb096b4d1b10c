"""`relais validate`: what is wrong with a message, where, why, and how to fix it."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway import __version__
from gateway.conformance import reports
from gateway.conformance.validate import Report
from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.core.messages import Channel, RawMessage
from gateway.entry import settings as settings_module
from gateway.entry.cli_convert import read_input
from gateway.entry.judging import Judge, build_judge


class Form(StrEnum):
    """Form of the report of `relais validate`."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"


def validate(
    files: Annotated[list[Path], typer.Argument(help="HL7 v2 files; - for stdin.")],
    report: Annotated[Form, typer.Option("--report", help="Form of the report.")] = Form.TEXT,
    site: Annotated[
        str | None, typer.Option("--site", help="Judge as this site table says.")
    ] = None,
) -> None:
    """Judge messages by the French profiles; exit 1 when one breaks a rule.

    Every finding has a code, a severity, a place, a fix and the clause that asks for it. The
    standard is judged strictly; what a lenient source would have repaired is marked.

    Example: relais validate --report sarif admission.er7 > findings.sarif
    """
    judge = build_judge(settings_module.load(), site)
    made = [judge_file(judge, file) for file in files]
    sys.stdout.write(rendered(made, report))
    sys.stdout.flush()
    if any(one.is_refused for one in made):
        raise typer.Exit(1)


def judge_file(judge: Judge, file: Path) -> Report:
    """Judge one file.

    Raises:
        RejectedError: the file cannot be read (RLS-CFG-110).
        FatalError: its kind is not judged yet (RLS-CFG-112).
    """
    raw = read_input(file)
    if not_judged := _kind_not_judged(raw):
        raise FatalError([_not_yet(str(file), not_judged)])
    return judge(raw, str(file))


def rendered(made: list[Report], form: Form) -> str:
    """Return a report as text."""
    if form is Form.JSON:
        return reports.as_json(made)
    if form is Form.JUNIT:
        return reports.as_junit(made)
    if form is Form.SARIF:
        return reports.as_sarif(made, __version__)
    return "".join(f"{line}\n" for line in reports.as_text(made))


def _kind_not_judged(raw: RawMessage) -> str:
    """Return what an input is when there is no profile check for its kind, else nothing."""
    if raw.channel is Channel.CDA:
        is_fhir = b"http://hl7.org/fhir" in raw.body[:2048]
        return "a FHIR resource" if is_fhir else "a CDA document"
    return "a FHIR resource" if raw.body.lstrip().startswith(b"{") else ""


def _not_yet(file: str, kind: str) -> Issue:
    return Issue(
        code="RLS-CFG-112",
        severity=Severity.ERROR,
        where=file,
        what=f"the input is {kind}; only HL7 v2 messages are judged so far.",
        fix="Give HL7 v2 messages; `relais convert` tells what is wrong with a document.",
    )
