"""The movement a message tells: one row of the ledger, of ZBE, PV1 and PV2.

Does not settle rows against each other (`hl7v2.ledger`).
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

from gateway.core.clock import CLOCKS_DIFFER
from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.systems import IDENTIFIER_BASE
from gateway.core.timestamps import Timestamp, TimestampError, parse_timestamp
from gateway.hl7v2 import faults
from gateway.hl7v2.context import Context, VisitKey
from gateway.hl7v2.convert.dates import stamp
from gateway.hl7v2.convert.former import former_visit
from gateway.hl7v2.convert.organizations import location_reference, unit_code
from gateway.hl7v2.convert.stay import MOVEMENT_NUMBER
from gateway.hl7v2.events import CANCEL, INSERT, UPDATE
from gateway.hl7v2.ledger import (
    CANCELLED_BY,
    CLASS_CHANGES,
    DISCHARGE,
    PENDING_DISCHARGE,
    PENDING_TRANSFER,
    Moment,
    Movement,
)
from gateway.hl7v2.message import Message, Node, Segment
from gateway.hl7v2.way_out import PMSI

FLAG_FUTURE = "future-event"
FLAG_UNMAPPED_UNIT = "unmapped-uf"

RANK_OF_ACTION = {INSERT: 0, UPDATE: 1, CANCEL: 2}
_TRIGGER = re.compile(r"[AZ][0-9]{2}")
#: Movements that happen once a visit: without ZBE-1 the event names them.
_ONCE = frozenset({"A01", "A03", "A04", "A05", "A14"})
#: Where each kind of announcement tells when it is expected to happen.
_EXPECTED = {
    "A05": ("PV2-8", "EVN-3"),
    "A14": ("PV2-8", "EVN-3"),
    PENDING_TRANSFER: ("EVN-3",),
    PENDING_DISCHARGE: ("EVN-3", "PV2-9"),
}


def movement_row(context: Context, visit: VisitKey, said: Json) -> tuple[Movement, list[str]]:
    """Return the row of the ledger and data-quality flags.

    Args:
        context: of the message, its ZBE repaired.
        visit: the stay.
        said: partial Encounter made by the mapping file; takes what is not part of the stay.

    Raises:
        RejectedError: the movement has no usable start.
    """
    message = context.message
    segment, stay = message.first("ZBE"), message.first("PV1")
    action = context.action
    event = _original(context, segment)
    start = _start(message, segment)
    flags = [FLAG_FUTURE] if start[0] > _text(context.recorded + CLOCKS_DIFFER) else []
    number, aliases = _numbers(segment, context)
    said = dict(said)
    if not number[0]:
        number = (event if event in _ONCE else f"{event}-{start[0]}", "no-zbe")
        if event == "A04":
            # A11 does not say which of the two admissions it cancels.
            number = ("A01", "no-zbe")
        said["identifier"] = [_made_identifier(context, number[0])]
    pmsi = _take_pmsi(said)
    sector, unmapped = _sector(context, segment)
    if unmapped:
        flags.append(FLAG_UNMAPPED_UNIT)
    row = Movement(
        key="#".join(number),
        id=context.ids.movement(visit.system, visit.number, *number),
        event=event,
        trigger=context.event,
        action=action,
        start=start,
        aliases=aliases,
        historic=segment is not None and segment.field(5) == "Y",
        nature="".join(sorted(segment.field(9))) if segment else "",
        patient_class=_class(stay),
        treatment=stay.field(21) if stay else "",
        unit_sector=sector,
        admitted=_moment(stay.field(44)) if stay else None,
        planned=_planned(message, event),
        preadmission=bool(stay and stay.field(5)),
        pmsi=pmsi,
        said=said,
        reserved=_reserved(context, stay) if event == PENDING_TRANSFER else {},
        follows=_follows(context, event),
    )
    return row, flags


def _class(stay: Segment | None) -> str:
    """Return PV1-2; `N` (no encounter) says nothing of a stay that moves: what was known stands."""
    said = stay.field(2).upper() if stay else ""
    return "" if said == "N" else said


def _planned(message: Message, event: str) -> Moment | None:
    """Return when what is announced is expected: EVN-3, else the date of PV2 for its kind.

    A pre-admission has said so in PV2-8 since before EVN-3 was used.
    Spec: PAM France 2.11 2 (events A05, A14, A15, A16), 6.11 (PV2-8, PV2-9); HL7 v2.5 3.4.1.3.
    """
    paths = _EXPECTED.get(event, ("PV2-8",))
    return next((found for path in paths if (found := _moment(message.value(path)))), None)


def _reserved(context: Context, stay: Segment | None) -> Json:
    """Return the place kept for a pending transfer. Spec: PAM France 2.11 6.10 (PV1-42)."""
    node = stay.node(42) if stay else None
    found = location_reference(node, context) if node is not None else None
    return {"location": found} if found else {}


def _follows(context: Context, event: str) -> str:
    if event not in CLASS_CHANGES:
        return ""
    former = former_visit(context)
    return former.number if former else ""


def rows_by_stay(row: Movement | None, context: Context) -> dict[str, Movement]:
    """Return the movement for each stay it is about, by id of the stay.

    A class change into another visit number ends the visit it leaves behind. The end has the key
    of the class change, so that its corrections and its cancellation reach both visits.

    Args:
        row: the movement, None for a message that tells none.
        context: of the message.

    Spec: PAM France 2.11 5.3.5; HL7 v2.5 3.3.6 (A06), MRG-5.
    """
    if row is None or context.visit is None:
        return {}
    rows = {context.visit.id: row}
    former = former_visit(context) if row.follows else None
    if former is not None:
        number, _, authority = row.key.partition("#")
        rows[former.id] = Movement(
            key=row.key,
            id=context.ids.movement(former.system, former.number, number, authority),
            event=DISCHARGE,
            trigger=row.trigger,
            action=row.action,
            start=row.start,
            aliases=row.aliases,
            historic=row.historic,
            said={"identifier": row.said["identifier"]},
        )
    return rows


def _original(context: Context, segment: Segment | None) -> str:
    """Return the event of the movement itself: ZBE-6 when the message changes or cancels it."""
    trigger = context.event
    if context.action == INSERT:
        return trigger
    said = segment.field(6).upper() if segment else ""
    return said if _TRIGGER.fullmatch(said) else CANCELLED_BY.get(trigger, trigger)


def _start(message: Message, segment: Segment | None) -> Moment:
    return as_moment(start_stamp(message, segment))


def start_stamp(message: Message, segment: Segment | None) -> Timestamp:
    """Return ZBE-2; without ZBE what comes nearest: EVN-6, PV1-45 or PV1-44, EVN-2, MSH-7.

    Raises:
        RejectedError: the movement has no usable start.
    """
    said = segment.field(2) if segment else ""
    if said:
        try:
            return parse_timestamp(said)
        except TimestampError:
            raise RejectedError([faults.unusable_start("ZBE-2")]) from None
    leaving = message.trigger_event in ("A03", "A13")
    stay_date = "PV1-45" if leaving else "PV1-44"
    for path in ("EVN-6", stay_date, "EVN-2", "MSH-7"):
        found = stamp(message.value(path))
        if found is not None:
            return found
    raise RejectedError([faults.unusable_start("EVN-2")])


def _moment(text: str) -> Moment | None:
    found = stamp(text)
    return as_moment(found) if found else None


def as_moment(found: Timestamp) -> Moment:
    """Return a timestamp as sortable UTC text and as FHIR writes it."""
    return _text(found.bounds_utc()[0]), found.text_fhir


def _text(instant: datetime) -> str:
    return _utc_text(instant.astimezone(UTC))


# The movement, the stay and the record often tell one instant.
@lru_cache(maxsize=256)
def _utc_text(instant: datetime) -> str:
    return instant.isoformat(timespec="microseconds")


def _numbers(segment: Segment | None, context: Context) -> tuple[tuple[str, str], tuple[str, ...]]:
    """Return number and authority of the first ZBE-1, and the keys of the others.

    Spec: PAM France 2.11 6.13.1; the number repeats across visits.
    """
    if segment is None:
        return ("", ""), ()
    found = [
        (node.component(1), _authority(node, context))
        for node in segment.nodes(1)
        if node.component(1)
    ]
    if not found:
        return ("", ""), ()
    return found[0], tuple("#".join(pair) for pair in found[1:])


def _authority(node: Node, context: Context) -> str:
    """Return who numbers movements; `name` and `name^FINESS` come out equal."""
    name, universal = node.component(2), node.component(3)
    known = context.site.authorities
    return known.get(universal) or known.get(name) or universal or name


def _made_identifier(context: Context, number: str) -> Json:
    authority = context.finess or "unknown"
    system = f"{IDENTIFIER_BASE}/movement/{authority}"
    return {"type": MOVEMENT_NUMBER, "system": system, "value": number}


def _take_pmsi(said: Json) -> Json:
    """Take the PMSI extension out of the partial Encounter, as parts the fold puts together."""
    for extension in said.pop("extension", ()):
        if extension["url"] == PMSI:
            return {part["url"]: part["valueCode"] for part in extension["extension"]}
    return {}


def _sector(context: Context, segment: Segment | None) -> tuple[str, bool]:
    """Return the sector of the responsible unit, and whether a unit is not in the site table.

    Medical responsibility first, then hosting, then care: a patient of rehabilitation in a bed
    of surgery is in rehabilitation.
    """
    site = context.site
    candidates: list[Node] = segment.nodes(7) if segment else []
    stay = context.message.first("PV1")
    if stay is not None:
        candidates = candidates + stay.nodes(3)
    if segment is not None:
        candidates = candidates + segment.nodes(8)
    unmapped = False
    for node in candidates:
        code = unit_code(node)
        if not code:
            continue
        sector = site.unit(code).sector
        if sector:
            return sector, unmapped
        unmapped = unmapped or bool(site.ufs and code not in site.ufs)
    return "", unmapped
