"""An order as its group of segments tells it: numbers, control code, status, kind of request.

Does not make resources (`hl7v2.convert.orders`) nor facts (`hl7v2.orderfacts`); the status that
remains of several messages is decided in `fhir.requests`.
Standard: HL7 v2.5 4.4 and 4.5 (ORM, OMG, OML), 11.6 (REF), tables 0119, 0038 and 0283.
"""

from gateway.core.issues import Issue
from gateway.hl7v2 import order_refusals
from gateway.hl7v2.message import Message, Node, Segment

#: ORC-1 (table 0119) to the status it stands for when ORC-5 says none. What is asked of the other
#: side (CA, DC, HD) counts at once: the answer that it cannot be done takes it back.
STATUS_OF_CONTROL = {
    "NW": "active",
    "OK": "active",
    "RO": "active",
    "PR": "active",
    "RL": "active",
    "OE": "active",
    "OR": "active",
    "RE": "active",
    "SC": "active",
    "XO": "active",
    "XR": "active",
    "XX": "active",
    "NA": "active",
    "SN": "active",
    "PA": "active",
    "CH": "active",
    "UC": "active",
    "UD": "active",
    "UH": "active",
    "UX": "active",
    "UR": "on-hold",
    "HD": "on-hold",
    "OH": "on-hold",
    "HR": "on-hold",
    "CA": "revoked",
    "OC": "revoked",
    "CR": "revoked",
    "DC": "revoked",
    "OD": "revoked",
    "DR": "revoked",
    "DF": "revoked",
    "RP": "revoked",
    "RU": "revoked",
    "RQ": "revoked",
    "UA": "revoked",
    "FU": "completed",
}
#: ORC-5 (table 0038): what the sender says the order is, whatever the control code asks.
STATUS_OF_ORDER = {
    "A": "active",
    "IP": "active",
    "SC": "active",
    "HD": "on-hold",
    "CM": "completed",
    "CA": "revoked",
    "DC": "revoked",
    "RP": "revoked",
    "ER": "entered-in-error",
}
#: RF1-1 (table 0283).
STATUS_OF_REFERRAL = {"A": "active", "P": "active", "R": "revoked", "E": "revoked"}

#: Begins an order, and thereby the question.
PLACING = frozenset({"NW", "RO", "SN", "PA", "CH"})
#: The other side takes it, or is at work.
ACCEPTING = frozenset({"OK", "NA"})
ACCEPTED_STATUSES = frozenset({"A", "IP", "SC", "CM"})
REFUSING = frozenset({"UA"})
#: "Unable to cancel, to discontinue": a withdrawal that does not happen.
UNABLE = frozenset({"UC", "UD"})
#: Takes it back; a replaced order goes on under another number.
WITHDRAWING = frozenset({"CA", "OC", "CR", "DC", "OD", "DR", "DF", "RP", "RU", "RQ"})
WITHDRAWN_STATUSES = frozenset({"CA", "DC", "RP", "ER"})
#: An order that takes the place of the one told just before it.
REPLACING, REPLACED = "RO", frozenset({"RP", "RU", "RQ"})

#: Details of an order that is no request for a service: medicines, supplies, diets.
_OTHER_DETAILS = frozenset({"RXO", "RXE", "RXD", "RXG", "RXA", "RQD", "RQ1", "ODS", "ODT", "BPO"})
#: What begins the next group, or is no longer about the order itself.
_ENDS = frozenset({"ORC", "OBX"})
#: How many segments back a replaced order is looked for: a message may hold thousands.
_REACH = 200

Group = dict[str, list[Segment]]


def group_of(orc: Segment) -> Group:
    """Return the segments of an order by name: ORC and what follows until the next ORC.

    A note behind a result belongs to the result, so reading stops at the first OBX.
    """
    found: Group = {orc.name: [orc]}
    # From place to place and not over all segments: an order may stand among hundreds.
    cells = orc.message._cells
    for index in range(orc.index + 1, len(cells)):
        name = cells[index].name
        if name in _ENDS or name == orc.name:
            break
        found.setdefault(name, []).append(Segment(orc.message, cells[index]))
    return found


def heads_of(message: Message) -> list[Segment]:
    """Return what each group of a message begins with: its ORC, else its OBR."""
    if message.message_type == "ORU":
        return [head_of(obr) for obr in message.segments_named("OBR")]
    return list(message.segments_named("ORC"))


def head_of(obr: Segment) -> Segment:
    """Return what a group of results begins with: the ORC right before its OBR, else the OBR.

    Spec: HL7 v2.5 7.3.1 (ORU R01: one optional ORC before each OBR).
    """
    cells = obr.message._cells
    if obr.index and cells[obr.index - 1].name == "ORC":
        return Segment(obr.message, cells[obr.index - 1])
    return obr


def first_node(group: Group, *places: tuple[str, int]) -> Node | None:
    """Return the first valued field among places of a group, None without any."""
    for name, field in places:
        for segment in group.get(name, ())[:1]:
            node = segment.node(field)
            if node is not None:
                return node
    return None


def number_nodes(orc: Segment) -> tuple[Node | None, Node | None]:
    """Return the numbers of the placer and of the filler: ORC-2 and ORC-3, else those of OBR.

    Spec: HL7 v2.5 4.5.1.2, 4.5.1.3 (ORC-2, ORC-3), 4.5.3.2, 4.5.3.3 (OBR-2, OBR-3).
    """
    group = group_of(orc)
    return (
        _numbered(group, ("ORC", 2), ("OBR", 2)),
        _numbered(group, ("ORC", 3), ("OBR", 3)),
    )


def _numbered(group: Group, *places: tuple[str, int]) -> Node | None:
    node = first_node(group, *places)
    return node if node is not None and node.component(1) else None


def is_service(orc: Segment) -> bool:
    """Tell whether a group asks for a service, or says too little to tell."""
    return not _OTHER_DETAILS & group_of(orc).keys()


def control_of(orc: Segment) -> str:
    """Return ORC-1."""
    return orc.field(1).upper()


def status_of(orc: Segment) -> str:
    """Return the FHIR status: of ORC-5, else of ORC-1; a code of neither table: `unknown`.

    Spec: HL7 v2.5 4.5.1.1 (ORC-1, table 0119), 4.5.1.5 (ORC-5, table 0038).
    """
    said = STATUS_OF_ORDER.get(orc.field(5).upper())
    return said or STATUS_OF_CONTROL.get(control_of(orc), "unknown")


def predecessor_of(orc: Segment) -> Segment | None:
    """Return the group a replacement order replaces: the one told just before it.

    One order may be replaced by several, told one behind the other.
    Spec: HL7 v2.5 4.5.1.1 (ORC-1 RP, RU, RQ followed by RO).
    """
    if control_of(orc) != REPLACING:
        return None
    cells = orc.message._cells
    for index in range(orc.index - 1, max(orc.index - _REACH, -1), -1):
        if cells[index].name != orc.name:
            continue
        earlier = Segment(orc.message, cells[index])
        if control_of(earlier) in REPLACED:
            return earlier
        if control_of(earlier) != REPLACING:
            return None
    return None


def order_issues(message: Message) -> list[Issue]:
    """Say what is wrong with the groups of an order message.

    A group without any number cannot be found again and refuses the message; a group that orders
    no service is kept with the message and becomes no resource.
    """
    issues: list[Issue] = []
    for orc in message.segments_named("ORC"):
        if not is_service(orc):
            issues.append(order_refusals.no_service(orc.place))
        elif not any(number_nodes(orc)):
            issues.append(order_refusals.no_order_number(f"{orc.place}-2"))
        elif orc.field(1) and control_of(orc) not in STATUS_OF_CONTROL:
            issues.append(order_refusals.unknown_control(f"{orc.place}-1"))
    return issues


def appointment_issues(message: Message) -> list[Issue]:
    """Say that a message plans several times at once: one message tells one occurrence."""
    if not message.has("SCH") or message.count("TQ1") < 2:
        return []
    return [order_refusals.several_times("TQ1[2]")]
