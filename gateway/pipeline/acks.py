"""The acknowledgement of an input, built once its fate is known."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from gateway.core.issues import Issue
from gateway.hl7v2 import ack
from gateway.hl7v2.rawheader import RawHeader
from gateway.mapping.sites import Site


class Clerk(Protocol):
    """Who dates and numbers acknowledgements."""

    def now(self) -> datetime:
        """Return the instant for MSH-7."""
        ...

    def next_control_id(self) -> str:
        """Return a new MSH-10."""
        ...


class Acks:
    """Builds the acknowledgement of one HL7 v2 input."""

    __slots__ = ("_clerk", "_found", "_site")

    def __init__(self, clerk: Clerk, found: RawHeader, site: Site) -> None:
        self._clerk = clerk
        self._found = found
        self._site = site

    def __call__(self, code: str, issues: Sequence[Issue]) -> bytes:
        """Build the ACK; `refuse` chooses AE or AR; empty when the sender wants none (MSH-15).

        In enhanced mode the connection carries the commit acknowledgement alone, where the site
        names a destination for the word of the application (`pipeline.to_hospital`).
        """
        source = self._found
        chosen = ack.code_for(issues) if code == "refuse" else code
        # A fault of our own leaves nothing in the outbox: it is told here or nowhere.
        if self._site.acks_to and ack.is_enhanced(source) and (code == "refuse" or chosen == "AA"):
            if ack.is_functional(issues) and ack.owes_application_ack(source, chosen, issues):
                chosen, issues = "AA", ()
            if not ack.is_commit_wanted(source, chosen):
                return b""
        elif not ack.is_wanted(source, chosen):
            return b""
        return ack.build(
            source,
            chosen,
            issues,
            now=self._clerk.now(),
            control_id=self._clerk.next_control_id(),
            msh9_short=self._site.ack_msh9 == "short",
            err1=self._site.err_style == "err1",
        )


def no_ack(_code: str, _issues: Sequence[Issue]) -> bytes:
    """Answer a document: there is no acknowledgement to build."""
    return b""
