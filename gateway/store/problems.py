"""The issues of the store, each written once; what they mean is in docs/reference/errors.md."""

from gateway.core.errors import FatalError, RejectedError, RetriableError
from gateway.core.issues import Issue, Severity


def fatal(code: str, *, where: str, what: str, fix: str) -> FatalError:
    """Return the error of a fault that needs a person; the texts are those of its issue."""
    return FatalError([Issue(code, Severity.FATAL, where, what, fix)])


def retriable(code: str, *, where: str, what: str, fix: str) -> RetriableError:
    """Return the error of a fault that may be gone next time; the texts are those of its issue."""
    return RetriableError([Issue(code, Severity.ERROR, where, what, fix)])


def unavailable(where: str, reason: str) -> RetriableError:
    """Return the error of a database that is away, locked or full.

    Args:
        where: which database and which kind of access, never its address.
        reason: the class of the driver's error, never its text (drivers quote values).
    """
    return retriable(
        "RLS-STO-001",
        where=where,
        what=f"the database did not take the transaction ({reason}); nothing of it is stored.",
        fix="Send again; check that the database runs, answers and has free space.",
    )


def wrong_schema(where: str, found: str, known: str) -> FatalError:
    """Return the error of a schema this program does not know."""
    return fatal(
        "RLS-STO-002",
        where=where,
        what=f"the schema is at version {found}, this program knows versions up to {known}.",
        fix="Start a release that knows this schema; never start an older one on it.",
    )


def old_schema(where: str, found: str, needed: str) -> FatalError:
    """Return the error of a schema that was not migrated yet."""
    return fatal(
        "RLS-STO-003",
        where=where,
        what=f"the schema is at version {found}, this program needs version {needed}.",
        fix="Back the database up, then run `relais admin migrate`.",
    )


def forbidden_transition(row_id: int, found: str, wanted: str) -> FatalError:
    """Return the error of an inbox row asked to do what its state does not allow."""
    return fatal(
        "RLS-STO-004",
        where=f"inbox row {row_id}",
        what=f"a row that is {found} cannot become {wanted}.",
        fix="Read the row again; another worker may have settled it.",
    )


def bad_cursor() -> RejectedError:
    """Return the error of a search cursor this store did not make."""
    issue = Issue(
        code="RLS-STO-005",
        severity=Severity.ERROR,
        where="page cursor",
        what="this cursor was not made by this search.",
        fix="Follow the `next` link of the page before, or start from the first page.",
    )
    return RejectedError([issue])


def outcome_unknown(where: str, reason: str) -> RetriableError:
    """Return the error of a commit nobody confirmed: it may or may not have become durable."""
    return retriable(
        "RLS-STO-006",
        where=where,
        what=f"the database did not confirm the transaction ({reason}); it may be durable.",
        fix="Send again: what is stored already is recognised. Check the load of the database.",
    )


def bad_encoding(where: str, found: str) -> FatalError:
    """Return the error of a database that cannot hold every character."""
    return fatal(
        "RLS-STO-007",
        where=where,
        what=f"the database encoding is {found}, it must be UTF8.",
        fix="Create the database with ENCODING 'UTF8' TEMPLATE template0.",
    )


def bad_url(scheme: str = "this address") -> FatalError:
    """Return the error of a store address of an unknown kind."""
    return fatal(
        "RLS-STO-008",
        where="store.url",
        what=f"no store is known for `{scheme}`.",
        fix="Use sqlite:///file, sqlite:// (temporary), postgresql://... or memory://.",
    )


class ConflictError(RetriableError):
    """Another writer stored the same thing: running the transaction again sees it."""


def conflict() -> ConflictError:
    """Return the error of two writers that stored the same thing at the same time."""
    issue = Issue(
        code="RLS-STO-009",
        severity=Severity.ERROR,
        where="write transaction",
        what="another writer stored the same thing meanwhile; nothing of this one is stored.",
        fix="Run the transaction again; it will see what the other one stored.",
    )
    return ConflictError([issue], retry_after_s=0.1)


def closed() -> RetriableError:
    """Return the error of a store that is not open."""
    return retriable(
        "RLS-STO-010",
        where="store",
        what="the store is not open.",
        fix="Wait until the process has started, or send to another one.",
    )
