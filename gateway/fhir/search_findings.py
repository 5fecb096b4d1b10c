"""Rows of the search table for reports, samples, vaccinations, family history, device orders.

Read by `fhir.search_table`, which says how a row is written.
"""

from gateway.fhir.search_care import SUBJECT

FINDINGS = {
    "DiagnosticReport": f"""
        token     identifier           identifier          of=clinical
        token     status               status              in=diagnostic-report-status
        token     category             category
        token     code                 code                of=clinical
        date      date                 effective[x]        of=clinical
        date      issued               issued
        {SUBJECT}
        reference encounter            encounter           of=clinical
        reference based-on             basedOn
        reference performer            performer
        reference results-interpreter  resultsInterpreter
        reference result               result              to=Observation
        reference specimen             specimen            to=Specimen
    """,
    "Specimen": """
        token     identifier  identifier
        token     accession   accessionIdentifier
        token     status      status                 in=specimen-status
        token     type        type
        token     bodysite    collection.bodySite
        date      collected   collection.collectedDateTime collection.collectedPeriod
        reference patient     subject                to=Patient
        reference subject     subject
        reference collector   collection.collector
        reference parent      parent                 to=Specimen
    """,
    "Immunization": """
        token     identifier     identifier              of=clinical
        token     status         status                  in=event-status
        token     status-reason  statusReason
        token     vaccine-code   vaccineCode
        token     reason-code    reasonCode
        date      date           occurrence[x]           of=clinical
        reference patient        patient                 of=clinical to=Patient
        reference performer      performer.actor
        reference reaction       reaction.detail         to=Observation
    """,
    "FamilyMemberHistory": """
        token     identifier    identifier      of=clinical
        token     status        status          in=history-status
        token     code          condition.code  of=clinical
        token     relationship  relationship
        token     sex           sex
        date      date          date            of=clinical
        reference patient       patient         of=clinical to=Patient
    """,
    "DeviceRequest": f"""
        token     identifier        identifier           of=clinical
        token     group-identifier  groupIdentifier
        token     status            status               in=request-status
        token     intent            intent               in=request-intent
        token     code              codeCodeableConcept  of=clinical
        date      authored-on       authoredOn
        date      event-date        occurrence[x]
        {SUBJECT}
        reference encounter         encounter            of=clinical
        reference requester         requester
        reference performer         performer
        reference based-on          basedOn
        reference device            codeReference        to=Device
    """,
}
