"""Which mailbox of a recipient is written to, of those the directory gives.

Pure. A mailbox that the sender names needs no choice (`sharing.routing`). Standard: ANS
référentiel socle MSSanté #2 (search in the directory), Annuaire Santé (types of mailbox, red list).
"""

from collections.abc import Sequence

from gateway.core.directory import BoxKind, Entry
from gateway.sharing.reasons import NOT_IN_DIRECTORY, SEVERAL_MAILBOXES, UNLISTED, Reason

#: A person is written to in person before a service is; software is never guessed.
_PREFERRED = (BoxKind.PERSONAL, BoxKind.PRACTICE, BoxKind.ORGANISATION)


def choose(entries: Sequence[Entry], finess: str = "") -> Entry | Reason:
    """Return the one mailbox, or why there is none: a letter to the wrong doctor is worse.

    Two sources that tell one address are one mailbox; the red list of either counts.

    Args:
        entries: of one professional or structure, from every source.
        finess: structure the letter is meant for, empty when it says none.
    """
    boxes: dict[str, Entry] = {}
    hidden = {one.address.lower() for one in entries if one.address and one.unlisted}
    for one in entries:
        if one.address and one.address.lower() not in hidden:
            boxes.setdefault(one.address.lower(), one)
    found = list(boxes.values())
    at_place = [one for one in found if finess and one.finess == finess]
    for kind in _PREFERRED:
        of_kind = [one for one in at_place or found if one.kind == kind]
        if of_kind:
            return of_kind[0] if len(of_kind) == 1 else SEVERAL_MAILBOXES
    return UNLISTED if hidden and not found else NOT_IN_DIRECTORY
