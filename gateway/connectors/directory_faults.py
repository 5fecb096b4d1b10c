"""What can be wrong with a source of the directory, each with its code."""

from gateway.core.issues import Issue, Severity


def no_date(name: str) -> Issue:
    """The name of an extract tells no date, and none was given."""
    return Issue(
        code="RLS-DIR-001",
        severity=Severity.ERROR,
        where=name,
        what="the name of the extract does not end in its date.",
        fix="Keep the published name (…_202611200838.txt), or give --as-of.",
    )


def unknown_columns(name: str, missing: str) -> Issue:
    """The first line is that of no extract we know."""
    return Issue(
        code="RLS-DIR-002",
        severity=Severity.ERROR,
        where=f"{name} line 1",
        what=f"the columns of the extract are not known: {missing} is missing.",
        fix="Give the extract of secure mailboxes or that of professionals, as published.",
    )


def bad_line(name: str, line: int, why: str) -> Issue:
    """A line is not read."""
    return Issue(
        code="RLS-DIR-003",
        severity=Severity.WARNING,
        where=f"{name} line {line}",
        what=f"the line is left out: {why}.",
        fix="Nothing, if they are few; else fetch the extract again.",
    )


def not_text(name: str) -> Issue:
    """It is no text in UTF-8, or no archive with one text in it."""
    return Issue(
        code="RLS-DIR-004",
        severity=Severity.ERROR,
        where=name,
        what="the file holds no text in UTF-8.",
        fix="Give the published text, or the archive it is published in.",
    )


def away(why: str) -> Issue:
    """The service does not answer."""
    return Issue(
        code="RLS-DIR-010",
        severity=Severity.WARNING,
        where="directory",
        what=f"the directory cannot be asked now ({why}); what is kept of it serves.",
        fix="Nothing at first; if it lasts, import a published extract.",
    )


def refused(status: int) -> Issue:
    """The service refuses us."""
    return Issue(
        code="RLS-DIR-011",
        severity=Severity.ERROR,
        where="setting directory.key",
        what=f"the directory refuses the question (HTTP {status}).",
        fix="Check the key of the interface and its subscription.",
    )


def cut_short(told: int, given: int) -> Issue:
    """Pages end before what they promised."""
    return Issue(
        code="RLS-DIR-012",
        severity=Severity.WARNING,
        where="Bundle.total",
        what=f"the directory promised {told} answers and gave {given}.",
        fix="Nothing: it is asked again.",
    )


def not_understood() -> Issue:
    """The answer is no Bundle."""
    return Issue(
        code="RLS-DIR-013",
        severity=Severity.WARNING,
        where="directory",
        what="the answer of the directory is no searchset.",
        fix="Check setting directory.base_url.",
    )


def bad_offer(name: str, line: int, why: str) -> Issue:
    """A line of an offer cannot be taken."""
    return Issue(
        code="RLS-DIR-014",
        severity=Severity.ERROR,
        where=f"{name} line {line}",
        what=f"the offer cannot be taken: {why}.",
        fix="Correct the line; nothing of the table was taken.",
    )


def no_offer_in(name: str) -> Issue:
    """A file of FHIR holds no service that can be read."""
    return Issue(
        code="RLS-DIR-037",
        severity=Severity.ERROR,
        where=name,
        what="the file is no FHIR in JSON, or holds no active HealthcareService.",
        fix="Give a Bundle, or NDJSON, of HealthcareService, Organization and Location.",
    )


def passed_over(name: str, code: str, count: int) -> Issue:
    """Services of the ROR whose codes name no kind of care that is proposed."""
    return Issue(
        code="RLS-DIR-038",
        severity=Severity.WARNING,
        where=name,
        what=f"services of {code}: {count}, of no kind of care that is proposed; not taken.",
        fix="None; if the code is one of these kinds, add it to mappings/conceptmaps/ror-*.yaml.",
    )
