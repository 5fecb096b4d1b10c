"""`relais validate`: what is wrong with a message or document, where, why, and how to fix it."""

import sys
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway import __version__
from gateway.conformance import reports
from gateway.conformance.finding import Report
from gateway.conformance.resources import ResourceJudge
from gateway.core.messages import Channel
from gateway.entry import settings as settings_module
from gateway.entry.cli_convert import read_input
from gateway.entry.judging import Judge, build_judge
from gateway.entry.judging_documents import DocumentJudge, build_document_judge
from gateway.entry.judging_resources import build_resource_judge, is_fhir
from gateway.entry.settings import Settings


class Form(StrEnum):
    """Form of the report of `relais validate`."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"


def validate(
    files: Annotated[list[Path], typer.Argument(help="HL7 v2, CDA or FHIR files; - for stdin.")],
    report: Annotated[Form, typer.Option("--report", help="Form of the report.")] = Form.TEXT,
    site: Annotated[
        str | None, typer.Option("--site", help="Judge as this site table says.")
    ] = None,
) -> None:
    """Judge messages, documents and resources by the French profiles; exit 1 on a broken rule.

    Every finding has a code, a severity, a place, a fix and the clause that asks for it. The
    standard is judged strictly; what a lenient source would have repaired is marked. Documents are
    also checked against value sets and a test kit where settings name their folders, resources
    against the packages of `relais packages`; exit 2 when a check that was asked for could not be
    made and no input breaks a rule.

    Example: relais validate --report sarif admission.er7 > findings.sarif
    """
    made = judge_files(settings_module.load(), site, files)
    sys.stdout.write(rendered(made, report))
    sys.stdout.flush()
    if any(one.is_refused for one in made):
        raise typer.Exit(1)
    if not all(one.is_complete for one in made):
        raise typer.Exit(2)


def judge_files(settings: Settings, site: str | None, files: list[Path]) -> list[Report]:
    """Judge files, each as what it is.

    Raises:
        RejectedError: a file cannot be read (RLS-CFG-110), or a package is not one any more.
        FatalError: a setting is wrong.
    """
    inputs = [(file, read_input(file)) for file in files]
    messages: Judge | None = None
    resources: ResourceJudge | None = None
    with ExitStack() as open_judges:
        documents: DocumentJudge | None = None
        made = []
        for file, raw in inputs:
            if is_fhir(raw):
                resources = resources or build_resource_judge(settings)
                made.append(resources.report(raw.body, str(file)))
            elif raw.channel is Channel.CDA:
                if documents is None:
                    documents = open_judges.enter_context(build_document_judge(settings, site))
                made.append(documents(raw, str(file)))
            else:
                messages = messages or build_judge(settings, site)
                made.append(messages(raw, str(file)))
    return made


def rendered(made: list[Report], form: Form) -> str:
    """Return a report as text."""
    if form is Form.JSON:
        return reports.as_json(made)
    if form is Form.JUNIT:
        return reports.as_junit(made)
    if form is Form.SARIF:
        return reports.as_sarif(made, __version__)
    return "".join(f"{line}\n" for line in reports.as_text(made))
