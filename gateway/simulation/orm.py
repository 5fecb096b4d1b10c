"""Write requests for a place and their answers (HL7 v2.5 4.4.1: ORM^O01, structure ORM_O01)."""

from gateway.simulation.er7 import message, segment
from gateway.simulation.segments import cx, moment, msh, pid, xcn
from gateway.simulation.steps import Request, Step


def request_message(step: Step, request: Request) -> bytes:
    """Write an order, or what became of it: the answer comes from who gives it.

    An answer names the patient as the question did.

    Spec: HL7 v2.5 4.5.1.1 (ORC-1, table 0119: NW, OK, UA).
    """
    visit = request.visit
    site = visit.establishment
    sender = request.answers or site
    service = (*request.service, "L")
    number = (request.number, *site.authority[:2])
    lines = [
        msh(sender, step, visit.person, ("ORM", "O01", "ORM_O01"), "2.5"),
        pid(site, visit.person, visit.ipp, step),
        segment("PV1", {1: "1", 2: visit.care.patient_class, 19: cx(visit.number, site, "VN")}),
        segment(
            "ORC",
            {
                1: request.control,
                2: number,
                9: moment(sender, request.at),
                12: xcn(visit.attending),
            },
        ),
        segment("TQ1", {1: "1", 7: moment(sender, request.wished)}),
        segment("OBR", {1: "1", 2: number, 4: service}),
    ]
    return message(lines, sender.charset)
