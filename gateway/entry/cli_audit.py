"""`relais audit`: the journal of accesses, proved and anchored."""

import re
import sys
from typing import Annotated

import typer

from gateway.core.audit import Link
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.entry.with_store import with_store
from gateway.pipeline import journal

audit = typer.Typer(help="The journal of who saw what: proof of its chain.")


@audit.command("verify")
def verify(
    anchor: Annotated[
        list[str] | None,
        typer.Option(help="A place written down before, as `relais audit head` printed it."),
    ] = None,
) -> None:
    """Prove that no entry was changed, taken out or cut off; exit 1 when one was.

    Example: relais audit verify --anchor 1204:9f2c…
    """
    anchors = [_anchor(text) for text in anchor or ()]
    proof = with_store(lambda store: journal.verify(store, anchors))
    if proof.fault:
        raise RejectedError([_broken(proof.fault)])
    print(_place(proof.head))
    if not anchors:
        print("without an anchor, entries cut off at the end are not noticed.", file=sys.stderr)


@audit.command("head")
def head() -> None:
    """Print the place of the last entry, to be written down where nobody here can change it.

    Example: relais audit head >> /mnt/elsewhere/anchors
    """
    print(_place(with_store(lambda store: store.read(lambda tx: tx.audit.head()))))


def _place(link: Link) -> str:
    return f"{link.number}:{link.digest.hex()}"


def _anchor(text: str) -> Link:
    found = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})", text.strip())
    if found is None:
        raise RejectedError([_no_anchor()])
    return Link(int(found[1]), bytes.fromhex(found[2]))


def _broken(why: str) -> Issue:
    return Issue(
        code="RLS-SEC-045",
        severity=Severity.ERROR,
        where="audit",
        what=f"the journal of accesses is not whole: {why}.",
        fix="Keep the database as it is, and compare it with a backup and the anchors.",
    )


def _no_anchor() -> Issue:
    return Issue(
        code="RLS-SEC-046",
        severity=Severity.ERROR,
        where="--anchor",
        what="this is no place of the journal.",
        fix="Give number and digest with a colon between, as `relais audit head` prints them.",
    )
