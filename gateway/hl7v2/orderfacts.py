"""What orders and referrals assert about a pathway: asked, answered, taken back.

Three facts a request, so that an answer leaves the question as it was asked. An order that is
taken back by number alone does not say what it was about: it takes the question itself back.
Spec: HL7 v2.5 4.5.1 (ORC-1, ORC-5), 11.6.1 (RF1-1).
"""

from gateway.core.facts import Op, Span
from gateway.hl7v2.authorities import finess
from gateway.hl7v2.convert.dates import stamp
from gateway.hl7v2.convert.numbers import number_of
from gateway.hl7v2.convert.orders import order_id, order_priority, times_of
from gateway.hl7v2.convert.providers import providers_of
from gateway.hl7v2.convert.referrals import referral_id, referral_priority
from gateway.hl7v2.factvalues import recorded
from gateway.hl7v2.message import Message, Node, Segment
from gateway.hl7v2.orders import (
    ACCEPTED_STATUSES,
    ACCEPTING,
    PLACING,
    REFUSING,
    UNABLE,
    WITHDRAWING,
    WITHDRAWN_STATUSES,
    control_of,
    first_node,
    group_of,
    number_nodes,
)
from gateway.hl7v2.telling import FACTS, Telling, converter
from gateway.mapping.facts import When, instant_text, when_of

__all__ = ["FACTS"]

#: Stands in the name of a fact that is only taken back: what it was about is not said.
_ANY_KIND = "consult"
_LABORATORY = "OML"
_ANSWERS = {"A": "ACCEPTED", "R": "REFUSED"}


# --- what is asked for ------------------------------------------------------------------------


def _kind(nodes: list[Node], telling: Telling) -> str:
    """Return the first kind the codes of a service stand for, empty for none of ours."""
    local = telling.context.site.local_codes.get("request-kind", {})
    for node in nodes:
        for component in (1, 4):
            code = node.component(component)
            found = local.get(code) or telling.kinds.get(code.upper(), "")
            if found:
                return found
    return ""


def _order_kind(orc: Segment, telling: Telling) -> str:
    node = first_node(group_of(orc), ("OBR", 4))
    if node is None:
        return ""
    return _kind([node], telling) or ("exam" if telling.context.kind == _LABORATORY else "")


def _referral_kind(rf1: Segment, telling: Telling) -> str:
    obr = rf1.message.first("OBR")
    nodes = [*(obr.nodes(4) if obr is not None else []), *rf1.nodes(3)]
    return _kind(nodes, telling)


@converter("order_kind")
def order_kind(orc: Segment, telling: Telling) -> str | None:
    """Return the kind of request an order is.

    Spec: HL7 v2.5 4.5.3.4 (OBR-4).
    """
    return _order_kind(orc, telling) or None


@converter("referral_kind")
def referral_kind(rf1: Segment, telling: Telling) -> str | None:
    """Return the kind of request a referral is.

    Spec: HL7 v2.5 4.5.3.4 (OBR-4), 11.6.1.3 (RF1-3).
    """
    return _referral_kind(rf1, telling) or None


# --- keys -------------------------------------------------------------------------------------


def _order(orc: Segment, telling: Telling, part: str) -> str | None:
    found = order_id(orc, telling.context)
    return f"ServiceRequest/{found}|{part}" if found else None


def _referral(rf1: Segment, telling: Telling, part: str) -> str | None:
    found = referral_id(rf1, telling.context)
    return f"ServiceRequest/{found}|{part}" if found else None


@converter("order_question")
def order_question(orc: Segment, telling: Telling) -> str | None:
    """Return the key of what an order asks."""
    return _order(orc, telling, "sent")


@converter("order_answer")
def order_answer(orc: Segment, telling: Telling) -> str | None:
    """Return the key of the answer to an order: the last one counts."""
    return _order(orc, telling, "answer")


@converter("order_withdrawal")
def order_withdrawal(orc: Segment, telling: Telling) -> str | None:
    """Return the key of the withdrawal of an order."""
    return _order(orc, telling, "withdrawn")


@converter("referral_question")
def referral_question(rf1: Segment, telling: Telling) -> str | None:
    """Return the key of what a referral asks."""
    return _referral(rf1, telling, "sent")


@converter("referral_answer")
def referral_answer(rf1: Segment, telling: Telling) -> str | None:
    """Return the key of the answer to a referral: the last one counts."""
    return _referral(rf1, telling, "answer")


@converter("referral_withdrawal")
def referral_withdrawal(rf1: Segment, telling: Telling) -> str | None:
    """Return the key of the withdrawal of a referral."""
    return _referral(rf1, telling, "withdrawn")


# --- names and operations ---------------------------------------------------------------------


def _is_withdrawn(orc: Segment) -> bool:
    said = orc.field(5).upper()
    return said in WITHDRAWN_STATUSES if said else control_of(orc) in WITHDRAWING


@converter("order_sent", gives=("*.SENT",))
def order_sent(orc: Segment, telling: Telling) -> str | None:
    """Return what an order asks, by its kind; a kind no pathway knows asserts nothing."""
    kind = _order_kind(orc, telling)
    if not kind and order_sent_op(orc, telling) == Op.RETRACT:
        kind = _ANY_KIND
    return f"{kind}.SENT" if kind else None


@converter("order_sent_op")
def order_sent_op(orc: Segment, telling: Telling) -> str | None:
    """Return what is done to the question: asked when placed, gone when withdrawn unnamed.

    A change repeats the order and does not ask anew.
    Spec: HL7 v2.5 4.5.1.1 (ORC-1, table 0119).
    """
    if _is_withdrawn(orc):
        return None if _order_kind(orc, telling) else Op.RETRACT
    return Op.ASSERT if control_of(orc) in PLACING else None


@converter("order_answered", gives=("*.ACCEPTED", "*.REFUSED"))
def order_answered(orc: Segment, telling: Telling) -> str | None:
    """Return the answer to an order: taken, or not.

    Spec: HL7 v2.5 4.5.1.1 (ORC-1 OK, UA), 4.5.1.5 (ORC-5, table 0038).
    """
    kind, control, said = _order_kind(orc, telling), control_of(orc), orc.field(5).upper()
    if not kind or _is_withdrawn(orc):
        return None
    if control in REFUSING:
        return f"{kind}.REFUSED"
    return f"{kind}.ACCEPTED" if control in ACCEPTING or said in ACCEPTED_STATUSES else None


@converter("order_withdrawn", gives=("*.WITHDRAWN",))
def order_withdrawn(orc: Segment, telling: Telling) -> str | None:
    """Return that an order is withdrawn, by its kind.

    Spec: HL7 v2.5 4.5.1.1 (ORC-1 CA, OC, DC, OD, RP), 4.5.1.5 (ORC-5).
    """
    kind = _order_kind(orc, telling)
    if not kind and order_withdrawn_op(orc, telling) == Op.RETRACT:
        kind = _ANY_KIND
    return f"{kind}.WITHDRAWN" if kind else None


@converter("order_withdrawn_op")
def order_withdrawn_op(orc: Segment, _telling: Telling) -> str | None:
    """Return what is done to the withdrawal; a side that is unable to cancel takes it back.

    Spec: HL7 v2.5 4.5.1.1 (ORC-1 UC, UD).
    """
    if control_of(orc) in UNABLE:
        return Op.RETRACT
    return Op.ASSERT if _is_withdrawn(orc) else None


@converter("referral_sent", gives=("*.SENT",))
def referral_sent(rf1: Segment, telling: Telling) -> str | None:
    """Return what a referral asks, by its kind."""
    kind = _referral_kind(rf1, telling)
    if not kind and referral_sent_op(rf1, telling) == Op.RETRACT:
        kind = _ANY_KIND
    return f"{kind}.SENT" if kind else None


@converter("referral_sent_op")
def referral_sent_op(rf1: Segment, telling: Telling) -> str | None:
    """Return what is done to the question: a pending referral asks, a status answers.

    Spec: HL7 v2.5 11.6.1.1 (RF1-1, table 0283), 11.5 (I12, I14).
    """
    if telling.context.event == "I14":
        return None if _referral_kind(rf1, telling) else Op.RETRACT
    return Op.ASSERT if rf1.field(1).upper() in ("P", "") else None


@converter("referral_answered", gives=("*.ACCEPTED", "*.REFUSED"))
def referral_answered(rf1: Segment, telling: Telling) -> str | None:
    """Return the answer to a referral; time that ran out is none.

    Spec: HL7 v2.5 11.6.1.1 (RF1-1, table 0283).
    """
    kind, answer = _referral_kind(rf1, telling), _ANSWERS.get(rf1.field(1).upper())
    return f"{kind}.{answer}" if kind and answer else None


@converter("referral_withdrawn", gives=("*.WITHDRAWN",))
def referral_withdrawn(rf1: Segment, telling: Telling) -> str | None:
    """Return that a referral is withdrawn, by its kind.

    Spec: HL7 v2.5 11.5 (I14).
    """
    kind = _referral_kind(rf1, telling)
    return f"{kind}.WITHDRAWN" if kind else None


# --- times and attributes ---------------------------------------------------------------------


@converter("order_time")
def order_time(orc: Segment, telling: Telling) -> When:
    """Return when the order was placed, answered or withdrawn.

    Spec: HL7 v2.5 4.5.1.9 (ORC-9), else 2.15.9.7 (MSH-7).
    """
    return _when(orc.field(9), orc, telling)


@converter("referral_time")
def referral_time(rf1: Segment, telling: Telling) -> When:
    """Return when the referral was written.

    Spec: HL7 v2.5 11.6.1.9 (RF1-9), else 2.15.9.7 (MSH-7).
    """
    return _when(rf1.field(9), rf1, telling)


def _when(text: str, source: Segment, telling: Telling) -> When:
    found = stamp(text)
    if found is None:
        when: When = recorded(source, telling)
        return when
    low, high = when_of(found).span
    # What a message tells has happened by then, whatever day it was written under.
    limit = max(low, telling.context.recorded)
    return when_of(found)._replace(span=Span(low, min(high, limit)))


@converter("order_request")
def order_request(orc: Segment, _telling: Telling) -> str | None:
    """Return the number of an order as the appointment made for it names it.

    Spec: HL7 v2.5 4.5.1.2 (ORC-2), 10.6.3.26 (SCH-26).
    """
    node = next((node for node in number_nodes(orc) if node is not None), None)
    return node.component(1) if node is not None else None


@converter("order_numbered")
def order_numbered(orc: Segment, telling: Telling) -> str | None:
    """Return the key of the numbers of an order; nothing unless both sides number it.

    Spec: HL7 v2.5 4.5.1.2, 4.5.1.3 (ORC-2, ORC-3).
    """
    filler = order_filler(orc, telling)
    own = _order(orc, telling, filler.partition("/")[2]) if filler else None
    return own if own and not own.startswith(f"{filler}|") else None


@converter("order_filler")
def order_filler(orc: Segment, telling: Telling) -> str | None:
    """Return the request as a message would name it that gives the number of the filler alone.

    Spec: HL7 v2.5 4.5.1.3 (ORC-3), given beside 4.5.1.2 (ORC-2).
    """
    placer, filler = number_nodes(orc)
    found = number_of(filler, telling.context, "order") if placer and filler else None
    return f"ServiceRequest/{telling.context.ids.order(*found)}" if found else None


@converter("referral_request")
def referral_request(rf1: Segment, _telling: Telling) -> str | None:
    """Return the number of a referral: RF1-6, else RF1-11.

    Spec: HL7 v2.5 11.6.1.6 (RF1-6).
    """
    return rf1.field(6) or rf1.field(11) or None


@converter("order_urgency")
def order_urgency(orc: Segment, telling: Telling) -> str | None:
    """Return whether an order is urgent; nothing when it gives no priority.

    Spec: HL7 v2.5 4.5.4.9 (TQ1-9), 4.5.1.7 (ORC-7.6), 4.5.3.5 (OBR-5), table 0485.
    """
    return _urgency(order_priority(orc, telling.context))


@converter("referral_urgency")
def referral_urgency(rf1: Segment, telling: Telling) -> str | None:
    """Return whether a referral is urgent; nothing when it gives no priority.

    Spec: HL7 v2.5 11.6.1.2 (RF1-2, table 0280).
    """
    node = rf1.node(2)
    return _urgency(referral_priority(node, telling.context)) if node is not None else None


def _urgency(priority: object) -> str | None:
    """Return `urgent` or `standard`; a code of no table says neither."""
    if not isinstance(priority, str) or not priority:
        return None
    return "standard" if priority == "routine" else "urgent"


@converter("order_date")
def order_date(orc: Segment, _telling: Telling) -> str | None:
    """Return when the service is to be done.

    Spec: HL7 v2.5 4.5.4.7 (TQ1-7), 4.5.1.7 (ORC-7.4).
    """
    return _instant(times_of(orc)[0])


@converter("referral_date")
def referral_date(rf1: Segment, _telling: Telling) -> str | None:
    """Return from when the referral holds.

    Spec: HL7 v2.5 11.6.1.7 (RF1-7).
    """
    return _instant(rf1.field(7))


def _instant(text: str) -> str | None:
    found = stamp(text)
    return instant_text(found.bounds_utc()[0]) if found else None


@converter("sender_finess")
def sender_finess(_source: Message | Segment, telling: Telling) -> str | None:
    """Return the establishment that answers an order: the sender.

    Spec: HL7 v2.5 2.15.9.4 (MSH-4).
    """
    return telling.context.finess or None


@converter("referred_to")
def referred_to(rf1: Segment, telling: Telling) -> str | None:
    """Return the structure a patient is referred to, by its FINESS, else the one that answers.

    Spec: HL7 v2.5 11.6.3.1 (PRD-1 RT), 11.6.3.7 (PRD-7).
    """
    found = (provider.finess for provider in providers_of(rf1, "RT"))
    return next((number for number in found if number), None) or finess(telling.context.finess)
