"""Who may replace or withdraw a document: its authors and the structure it comes from.

The requester is PRT SB; a request that names none is one of the establishment that sends it.
CI-SIS volet on CDA documents in HL7 v2, code 901.
"""

import re
from collections.abc import Iterator

from gateway.core.contributions import Json, Target
from gateway.core.errors import RejectedError
from gateway.core.ports import Transaction
from gateway.hl7v2.message import Message
from gateway.hl7v2.participants import Participant, sender
from gateway.hl7v2.reader import read
from gateway.pipeline import written

#: National forms of RPPS and FINESS put one digit before the number itself.
_PREFIXED = re.compile(r"8(\d{11})|1([0-9][0-9AB][0-9]{7})")


def may_change(tx: Transaction, message: Message, target: Target, original: Json) -> bool:
    """Tell whether the requester of a message may change a document.

    Args:
        tx: sees the inputs and resources stored so far.
        message: the request.
        target: the document.
        original: it, as it stands.
    """
    people, structures = _requester(message)
    if not people and not structures:
        return True
    known = set(_named(tx, original)) | _senders(tx, target)
    return bool(known & (people | structures))


def _requester(message: Message) -> tuple[set[str], set[str]]:
    who = sender(message)
    if who is None:
        return set(), set()
    return {_number(who.id)} - {""}, _structures(who, message)


def _structures(who: Participant, message: Message) -> set[str]:
    """Return the structure of a participant; the sending facility where none is named."""
    if who.organisation is not None and who.organisation.id:
        return {_number(who.organisation.id)}
    facility = message.value("MSH-4.1")
    return {f"facility {facility}"} if facility else set()


def _senders(tx: Transaction, target: Target) -> set[str]:
    """Return who sent the messages that made a document, with the facilities they came from."""
    found: set[str] = set()
    ids = tx.contributions.inbox_ids(target)
    made = tx.contributions.made_by(ids)
    for row_id in ids:
        row = tx.inbox.get(row_id) if target in made.get(row_id, ()) else None
        if row is None or not row.body.startswith(b"MSH"):
            continue
        try:
            message = read(row.body)
        except RejectedError:
            # It was read once; a reader that has become stricter costs no right.
            continue
        people, structures = _requester(message)
        found |= people | structures | {f"facility {row.header.sender[1]}"}
    return found


def _named(tx: Transaction, document: Json) -> Iterator[str]:
    """Yield the numbers of authors, authenticator and custodian of a document."""
    wanted = [*document.get("author", ()), document.get("authenticator"), document.get("custodian")]
    for one in _resolved(tx, [str((ref or {}).get("reference", "")) for ref in wanted]):
        parts = [str(one.get(name, {}).get("reference", "")) for name in _ROLE_PARTS]
        for resource in (one, *_resolved(tx, parts)):
            for identifier in resource.get("identifier", ()):
                yield _number(str(identifier.get("value", "")))


_ROLE_PARTS = ("practitioner", "organization")


def _resolved(tx: Transaction, references: list[str]) -> list[Json]:
    keys = [(type_, id_) for type_, _, id_ in (r.partition("/") for r in references) if id_]
    found = tx.resources.current(keys).values() if keys else ()
    return [resource for one in found if (resource := written.read(one))]


def _number(text: str) -> str:
    """Return RPPS and FINESS without the digit of their national form."""
    match = _PREFIXED.fullmatch(text.strip())
    return (match[1] or match[2]) if match else text.strip()
