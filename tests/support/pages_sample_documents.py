"""A document of the invented territory with everything that can happen to one."""

from datetime import UTC, datetime

from gateway.pipeline.document_timeline import DocumentTimeline, Moment


def _at(day: int, hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, second, tzinfo=UTC)


#: Its title is an attack.
DOCUMENT = DocumentTimeline(
    "d1",
    "p-lucie",
    b'{"resourceType":"DocumentReference","id":"d1","status":"superseded",'
    b'"description":"Lettre de liaison <img src=x onerror=alert(1)>"}',
    (
        Moment(_at(11, 23, 0), "gap_opened", to="TRX-01", words="met_late", link="gaps/g-closed"),
        Moment(_at(12, 9, 2), "received", words="MDM^T02^MDM_T02", link="messages/42"),
        Moment(_at(12, 9, 2, 1), "converted", link="fhir/DocumentReference/d1"),
        Moment(_at(12, 9, 2, 1), "gap_closed", to="TRX-01", words="met_late",
               link="gaps/g-closed"),
        Moment(_at(12, 9, 2, 2), "routed", "mss", "…@essai.mssante.example", "professional"),
        Moment(_at(12, 9, 2, 2), "routed", "dmp", "DMP", "dmp"),
        Moment(_at(12, 9, 2, 2), "held", "dmp", "DMP", "no-trusted-ins: the INS is not qualified"),
        Moment(_at(12, 9, 2, 3), "sent", "mss", "…@essai.mssante.example",
               link="fhir/AuditEvent/a1"),
        Moment(_at(12, 9, 2, 9), "delivered", "mss"),
        Moment(_at(12, 9, 2, 10), "told", "mss", "demo-chu/dpi", "ZAM^Z02 Y, confirmed"),
        Moment(_at(12, 14, 40), "read", "mss"),
        Moment(_at(12, 15, 0), "waits", "dmp", "DMP", "RLS-DMP-020 the shared record is away."),
        Moment(_at(12, 15, 1), "refused", "dmp", "DMP", "RLS-DMP-024 the registry refuses."),
        Moment(_at(12, 15, 2), "given_up", "mss", "…@autre.mssante.example", "RLS-MSS-020"),
        Moment(_at(12, 15, 3), "not_sent", "mss", "…@patient.mssante.fr", "masked-patient: x"),
        Moment(_at(13, 8, 0), "replaced", words="MDM^T10^MDM_T02", link="messages/41"),
        Moment(_at(13, 9, 0), "withdrawn", words="MDM^T04^MDM_T02", link="messages/40"),
        Moment(_at(13, 9, 0), "withdrawal_due", "dmp"),
        Moment(_at(13, 9, 1), "withdrawn_there", "dmp"),
    ),
)  # fmt: skip
