"""Write appointment messages (HL7 v2.5 10.3: SIU^S12 to S26, structure SIU_S12)."""

from datetime import timedelta

from gateway.simulation.er7 import message, segment
from gateway.simulation.segments import location, moment, msh, pid, xcn
from gateway.simulation.steps import Booking, Step

#: SCH-25 filler status (HL7 table 0278) and SCH-6 event reason of each trigger event.
_STATUS = {
    "S12": ("Booked", "ROUTINE"),
    "S15": ("Cancelled", "PATIENT"),
    "S26": ("Noshow", "ABSENT"),
}


def appointment_message(step: Step, booking: Booking) -> bytes:
    """Write S12 (new), S15 (cancelled) or S26 (nobody came) for an appointment."""
    site, start = booking.establishment, booking.start
    end = start + timedelta(minutes=booking.minutes)
    status, reason = _STATUS[booking.event]
    minutes = ("min", "minute", "UCUM")
    lines = [
        msh(site, step, booking.person, ("SIU", booking.event, "SIU_S12"), "2.5"),
        segment(
            "SCH",
            {
                1: (booking.number, *site.authority),
                2: (booking.number, *site.authority),
                6: reason,
                7: booking.service,
                8: ("NORMAL", "", "HL70276"),
                9: str(booking.minutes),
                10: minutes,
                11: ("", "", "", moment(site, start), moment(site, end)),
                16: xcn(booking.doctor),
                20: xcn(booking.doctor),
                25: status,
            },
        ),
        segment("TQ1", {1: "1", 7: moment(site, start), 8: moment(site, end)}),
        pid(site, booking.person, booking.ipp, step),
        segment("RGS", {1: "1", 2: "A"}),
        segment(
            "AIS",
            {
                1: "1",
                2: "A",
                3: booking.service,
                4: moment(site, start),
                7: str(booking.minutes),
                8: minutes,
            },
        ),
        segment("AIL", {1: "1", 2: "A", 3: location(site, booking.place)}),
        segment("AIP", {1: "1", 2: "A", 3: xcn(booking.doctor), 4: "AT"}),
    ]
    return message(lines, site.charset)
