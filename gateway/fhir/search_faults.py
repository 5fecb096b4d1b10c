"""What can be wrong with the parameters of a search or a history, each fault in one place."""

import re
from collections.abc import Iterable

from gateway.core.issues import Issue, Severity

_NAME = re.compile(r"[A-Za-z_$][A-Za-z_.:-]{0,63}")

#: What `handling=lenient` leaves out; a value that cannot be read is refused always, because
#: leaving it out would answer with more than was asked for.
LEFT_OUT = frozenset({"RLS-FHR-060", "RLS-FHR-061", "RLS-FHR-063"})


def place(name: str) -> str:
    """Name a parameter in an issue; anything that does not look like a name stays out."""
    return f"http.{name}" if _NAME.fullmatch(name) else "http.q"


def unknown_parameter(where: str, searched: str, known: Iterable[str]) -> Issue:
    """Say that a parameter is not known here, and which ones are."""
    return Issue(
        code="RLS-FHR-060",
        severity=Severity.ERROR,
        where=where,
        what=f"This is no parameter of {searched} here.",
        fix=f"Use one of {', '.join(sorted(known))}, or send Prefer: handling=lenient.",
    )


def bad_modifier(where: str, code: str, accepted: Iterable[str]) -> Issue:
    """Say that a parameter does not take this modifier, and which it takes."""
    named = ", ".join(accepted) or "no modifier"
    return Issue(
        code="RLS-FHR-061",
        severity=Severity.ERROR,
        where=where,
        what="This modifier is not supported here.",
        fix=f"{code} takes {named}.",
    )


def bad_value(where: str, wanted: str) -> Issue:
    """Say that the value of a parameter cannot be read, and what can."""
    return Issue(
        code="RLS-FHR-062",
        severity=Severity.ERROR,
        where=where,
        what="The value cannot be read.",
        fix=f"Give {wanted}.",
    )


def not_supported(where: str, what: str) -> Issue:
    """Say that a way of searching is not offered; `what` ends with is or are."""
    return Issue(
        code="RLS-FHR-063",
        severity=Severity.ERROR,
        where=where,
        what=f"{what} not supported.",
        fix="Search with what the CapabilityStatement (metadata) lists.",
    )


def too_costly(where: str, what: str) -> Issue:
    """Say that a search is larger than one search may be."""
    return Issue(
        code="RLS-FHR-064",
        severity=Severity.ERROR,
        where=where,
        what=f"The search has {what}",
        fix="Split it into several searches.",
    )


def unknown_value_set(where: str) -> Issue:
    """Say that the codes of a value set cannot be listed here."""
    return Issue(
        code="RLS-FHR-305",
        severity=Severity.ERROR,
        where=where,
        what="This value set is not loaded here, or its codes cannot be listed.",
        fix="Name one of the packages or of the profiles of this server, or give the codes.",
    )


def bad_cursor() -> Issue:
    """Say that a page does not belong to the search it is asked of."""
    return Issue(
        code="RLS-FHR-065",
        severity=Severity.ERROR,
        where="http._cursor",
        what="This page does not belong to this search.",
        fix="Follow the next link as it was given, or start the search again without _cursor.",
    )


def expired_page() -> Issue:
    """Say that a page was asked for too late."""
    return Issue(
        code="RLS-FHR-072",
        severity=Severity.ERROR,
        where="http._cursor",
        what="This page has expired.",
        fix="Start the search again without _cursor.",
    )


def too_many_included() -> Issue:
    """Say that not every resource that was to be included is there."""
    return Issue(
        code="RLS-FHR-073",
        severity=Severity.WARNING,
        where="http._include",
        what="More resources are to be included than one page holds; some are left out.",
        fix="Ask for smaller pages with _count, or search the others by their own type.",
    )
