"""Whether the sender an HL7 v2 input names is the one its connection belongs to.

Does not authenticate a connection (`entry.tls`): that gives the fingerprint of a certificate, and
the site tables say which senders it belongs to.
"""

from dataclasses import replace
from datetime import datetime

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.messages import Header, Incident, RawMessage
from gateway.mapping.sites import Sites

#: On the row and the receipt of an input that came over the connection of somebody else.
FLAG = "sender-not-allowed"
_EXCERPT = 4096


def stranger(raw: RawMessage, header: Header, sites: Sites) -> RejectedError | None:
    """Return the refusal of an input whose sender may not come this way, None when it may.

    An input that is read again has no connection any more: then the flag of its row decides.
    """
    if FLAG in raw.flags:
        return RejectedError([_not_allowed()])
    if raw.peer is None or sites.may_send(*header.sender, raw.peer.certificate):
        return None
    return RejectedError([_not_allowed()])


def disowned(header: Header) -> Header:
    """Return the header without its sender: a stranger uses up no control id of the real one."""
    return replace(header, sender=("", ""))


def incident(raw: RawMessage, now: datetime) -> Incident:
    """Return what is kept for the operator beside the refused input."""
    peer = raw.peer
    details = {"certificate": peer.certificate, "subject": peer.subject} if peer else {}
    return Incident(
        now, FLAG, peer.address if peer else "", len(raw.body), raw.body[:_EXCERPT], details
    )


def _not_allowed() -> Issue:
    return Issue(
        code="RLS-NET-021",
        # FATAL makes the answer AR: nothing is wrong with the message, only with its way.
        severity=Severity.FATAL,
        where="MSH-4",
        what="the sender of the message is not allowed on this connection.",
        fix="Send over TLS with the certificate of this sender, or correct the site table.",
        hl7_code=207,
    )
