"""Times and attributes of what a message asserts: the second half of `hl7v2.facts`.

Spec: PAM France 2.11 6.10, 6.11, 6.13; times without offset are those of Paris (HL7 v2.5 2.A.22).
"""

from datetime import datetime

from gateway.core.facts import Span
from gateway.core.timestamps import Timestamp, parse_timestamp
from gateway.fhir.identity import RPPS_SYSTEM
from gateway.hl7v2.authorities import finess
from gateway.hl7v2.convert.dates import stamp
from gateway.hl7v2.convert.organizations import unit_code
from gateway.hl7v2.convert.professionals import person
from gateway.hl7v2.message import Message, Node, Segment
from gateway.hl7v2.movement_rows import start_stamp
from gateway.hl7v2.telling import Telling, converter, nodes_at
from gateway.mapping.converters import Source
from gateway.mapping.facts import When, instant_text, when_of

#: PV1-21: hospital at home, and the psychiatric modes.
_SECTORS = {"06": "had", "37": "psy", "38": "psy", "39": "psy"}
#: Takes the separators out of a FHIR dateTime.
_DIGITS = str.maketrans("", "", "-:T")


# --- times ------------------------------------------------------------------------------------


@converter("movement_start")
def movement_start(_source: Source, telling: Telling) -> When:
    """Return ZBE-2; without it what comes nearest.

    An hour that exists twice is settled by when it was written down and sent.
    Spec: PAM France 2.11 6.13.2 (ZBE-2).
    """
    message = telling.context.message
    return when_of(_settled(start_stamp(message, message.first("ZBE")), message))


def _settled(found: Timestamp, message: Message) -> Timestamp:
    if found.instant_utc == found.latest_utc or found.instant_utc is None:
        return found
    # What was recorded or sent may itself be in that hour: its last reading is the limit.
    limits = [known.bounds_utc()[1] for path in ("EVN-2", "MSH-7")
              if (known := stamp(message.value(path)))]  # fmt: skip
    limit = min(limits, default=found.instant_utc)
    # Something planned is later than its recording, which then settles nothing.
    if limit < found.instant_utc or not limits:
        return found
    return parse_timestamp(found.text_fhir[:19].translate(_DIGITS), not_after=limit)


@converter("recorded")
def recorded(_source: Source, telling: Telling) -> When:
    """Return EVN-2, else MSH-7.

    Spec: HL7 v2.5 3.4.1.2 (EVN-2).
    """
    return _at(telling.context.recorded)


@converter("expected_admission")
def expected_admission(source: Source, telling: Telling) -> When:
    """Return PV2-8, else EVN-3, else the start of the movement.

    Spec: PAM France 2.11 6.11 (PV2-8); HL7 v2.5 3.4.1.3 (EVN-3).
    """
    return _expected(("PV2-8", "EVN-3"), source, telling)


@converter("expected_exit")
def expected_exit(source: Source, telling: Telling) -> When:
    """Return when a pending discharge is expected; one that is not dated happens now.

    Spec: PAM France 2.11 2 (event A16), 6.11 (PV2-9); HL7 v2.5 3.4.1.3 (EVN-3).
    """
    return _expected(("EVN-3", "PV2-9"), source, telling)


def _expected(paths: tuple[str, ...], source: Source, telling: Telling) -> When:
    for path in paths:
        if found := stamp(telling.context.message.value(path)):
            return when_of(found)
    started: When = movement_start(source, telling)
    return started


@converter("expected_discharge")
def expected_discharge(source: Source, telling: Telling) -> When:
    """Return PV2-9; when it is taken back, when that was written down.

    Spec: PAM France 2.11 6.11 (PV2-9).
    """
    found = stamp(telling.context.message.value("PV2-9"))
    return when_of(found) if found else recorded(source, telling)


@converter("death_time")
def death_time(source: Source, telling: Telling) -> When:
    """Return PID-29, else when the death was written down.

    Spec: HL7 v2.5 3.4.2.29 (PID-29).
    """
    found = stamp(telling.context.message.value("PID-29"))
    return when_of(found) if found else recorded(source, telling)


@converter("opposed_since")
def opposed_since(source: Source, telling: Telling) -> When:
    """Return ZFA-10, else when the opposition was written down.

    Spec: PAM France 2.11 6.14 (ZFA-10).
    """
    found = stamp(telling.context.message.value("ZFA-10"))
    return when_of(found) if found else recorded(source, telling)


def _at(instant: datetime) -> When:
    return When(Span(instant, instant))


# --- attributes -------------------------------------------------------------------------------


@converter("visit_number")
def visit_number(_source: Source, telling: Telling) -> str | None:
    """Return the number of the visit: PV1-19, else PID-18."""
    visit = telling.context.visit
    return visit.number if visit else None


@converter("unit")
def unit(_source: Source, telling: Telling) -> str | None:
    """Return the unit that hosts, else the one that is responsible.

    Spec: PAM France 2.11 6.10 (PV1-3.1), 6.13 (ZBE-7.10).
    """
    for path in ("PV1-3", "ZBE-7"):
        for node in nodes_at(telling.context.message, path):
            if code := unit_code(node):
                return code
    return None


@converter("estab_unit")
def estab_unit(source: Source, telling: Telling) -> str | None:
    """Return the unit with its establishment, which tells units of two hospitals apart."""
    code = unit(source, telling)
    return f"{telling.context.finess}#{code}" if code and telling.context.finess else None


@converter("sector")
def sector(_source: Source, telling: Telling) -> str | None:
    """Return the sector of the unit in the site table, else that of the treatment mode.

    Spec: PAM France 2.11 6.10.19 (PV1-21).
    """
    row = telling.movement
    if row is None:
        return None
    return row.unit_sector or _SECTORS.get(row.treatment)


@converter("finess")
def finess_number(node: Node, _telling: Telling) -> str | None:
    """Return the FINESS of an establishment (DLD.1)."""
    return finess(node.component(1)) or None


@converter("instant")
def instant(node: Node, _telling: Telling) -> str | None:
    """Return the first instant a timestamp may mean."""
    found = stamp(node.text())
    return instant_text(found.bounds_utc()[0]) if found else None


@converter("rpps")
def rpps(node: Node, telling: Telling) -> str | None:
    """Return the RPPS of a professional, nothing for another number.

    Spec: IHE France, constraints on HL7 data types, XCN.
    """
    found = person(node, telling.context.site)
    return found.value if found and found.system == RPPS_SYSTEM else None


@converter("appointment_number")
def appointment_number(segment: Segment, _telling: Telling) -> str | None:
    """Return the number of an appointment: the filler's, else the placer's."""
    return segment.field(2) or segment.field(1) or None


@converter("appointment_start")
def appointment_start(segment: Segment, _telling: Telling) -> str | None:
    """Return when the appointment is.

    Spec: HL7 v2.5 4.5.4.7 (TQ1-7), 10.6.3.11 (SCH-11), 10.6.4.4 (AIS-4).
    """
    said = segment.value("TQ1-7") or segment.value("SCH-11.4") or segment.value("AIS-4")
    found = stamp(said)
    return instant_text(found.bounds_utc()[0]) if found else None
