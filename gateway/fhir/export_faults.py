"""What can be wrong with a bulk export, each fault in one place."""

from gateway.core.issues import Issue, Severity


def not_asynchronous() -> Issue:
    """Say that an export is answered later only (Bulk Data 2.0.0, kick-off request)."""
    return Issue(
        code="RLS-FHR-300",
        severity=Severity.ERROR,
        where="http.Prefer",
        what="An export is answered later, and the client does not say that it will wait.",
        fix="Send Prefer: respond-async, then ask the address of Content-Location.",
    )


def no_groups() -> Issue:
    """Say that there are no groups to export."""
    return Issue(
        code="RLS-FHR-301",
        severity=Severity.ERROR,
        where="http.path",
        what="Groups of persons are not kept here.",
        fix="Export all persons with Patient/$export, or some of them with its parameter patient.",
    )


def unknown_export() -> Issue:
    """Say that there is no such job or file for this client."""
    return Issue(
        code="RLS-FHR-302",
        severity=Severity.ERROR,
        where="http.path",
        what="This client has no such export, or no such file in it.",
        fix="Ask for the export again; one is kept for a limited time, told in Expires.",
    )


def failed() -> Issue:
    """Say that a job could not be done."""
    return Issue(
        code="RLS-FHR-303",
        severity=Severity.ERROR,
        where="gateway",
        what="The export could not be made within the limits of the store.",
        fix="Ask for fewer types at once, or narrow them with _since or _typeFilter.",
    )


def too_many_exports() -> Issue:
    """Say that a client keeps as many jobs as it may."""
    return Issue(
        code="RLS-FHR-304",
        severity=Severity.ERROR,
        where="http",
        what="The client has as many exports as are kept for one.",
        fix="Delete an export that was fetched, or wait until one expires.",
    )
