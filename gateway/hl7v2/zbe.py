"""Repairs of the movement segment ZBE that senders in the field make necessary.

Does not interpret movements (`hl7v2.ledger`). Standard: PAM France 2.11 6.13. A published
template of the discharge message is shifted by one field, so sites really send that.
"""

from collections.abc import Sequence

from gateway.hl7v2.events import CANCEL, INSERT, UPDATE, find_event
from gateway.hl7v2.message import Message, Segment

ACTIONS = frozenset({INSERT, UPDATE, CANCEL})

FLAG_SHIFTED = "zbe-shifted"
FLAG_MISSING = "zbe-missing"
#: ZBE-4 was empty and the only action the event allows was taken.
FLAG_ACTION_ASSUMED = "zbe-action-assumed"


def is_shifted(fields: Sequence[str]) -> bool:
    """Tell whether ZBE-4 is empty and ZBE-5 holds the action.

    Args:
        fields: raw fields of ZBE, the name at 0.
    """
    return len(fields) > 5 and not fields[4].strip() and fields[5].strip().upper() in ACTIONS


def repair_zbe(segment: Segment) -> tuple[Segment, tuple[str, ...]]:
    """Return ZBE as it should have been sent, with what was repaired.

    ZBE-3 (end of the movement, forbidden in France) is taken out of a shifted segment, so that
    all behind it moves to its place. An empty ZBE-4 gets the action of the event when the event
    allows only one.

    Returns:
        The segment, in a message of its own when it was repaired, and the flags.
    """
    fields = list(segment.fields)
    if is_shifted(fields):
        del fields[3]
        flag = FLAG_SHIFTED
    elif len(fields) <= 4 or not fields[4].strip():
        event = find_event(segment.message.message_type, segment.message.trigger_event)
        if event is None or len(event.actions) != 1:
            return segment, ()
        fields += [""] * (5 - len(fields))
        fields[4] = event.default_action
        flag = FLAG_ACTION_ASSUMED
    else:
        return segment, ()
    message = segment.message.with_fields(segment, fields, flag)
    return message.segments[segment.index], (flag,)


def with_repaired_zbe(message: Message) -> Message:
    """Return the message with ZBE repaired, and flagged when a movement event has none."""
    zbe = message.first("ZBE")
    if zbe is not None:
        return repair_zbe(zbe)[0].message
    event = find_event(message.message_type, message.trigger_event)
    if event is not None and event.has_movement:
        return message.with_flags(FLAG_MISSING)
    return message
