"""Rows of the search table for what documents and results say about the health of a person.

Read by `fhir.search_table`, which says how a row is written.
"""

from gateway.fhir.search_care import SUBJECT

CLINICAL = {
    "Composition": f"""
        token     identifier       identifier       of=clinical
        token     status           status           in=composition-status
        token     type             type             of=clinical
        token     category         category
        token     confidentiality  confidentiality  in=terminology:v3-Confidentiality
        token     section          section.code
        date      date             date             of=clinical
        date      period           event.period
        {SUBJECT}
        reference encounter        encounter        of=clinical
        reference author           author
        reference entry            section.entry
    """,
    "Condition": f"""
        token     identifier           identifier                    of=clinical
        token     clinical-status      clinicalStatus
        token     verification-status  verificationStatus
        token     category             category
        token     code                 code                          of=clinical
        token     severity             severity
        date      onset-date           onset[x]
        date      abatement-date       abatement[x]
        date      recorded-date        recordedDate
        {SUBJECT}
        reference encounter            encounter                     to=Encounter
    """,
    "Procedure": f"""
        token     identifier  identifier                          of=clinical
        token     status      status                              in=event-status
        token     category    category
        token     code        code                                of=clinical
        date      date        performed[x]   of=clinical
        {SUBJECT}
        reference encounter   encounter                           of=clinical
        reference based-on    basedOn
        reference part-of     partOf
        reference performer   performer.actor
    """,
    "Observation": f"""
        token     identifier     identifier                                of=clinical
        token     status         status                                    in=observation-status
        token     category       category
        token     code           code                                      of=clinical
        token     value-concept  valueCodeableConcept
        quantity  value-quantity  valueQuantity
        date      date           effective[x]                              of=clinical
        {SUBJECT}
        reference encounter      encounter                                 of=clinical
        reference based-on       basedOn
        reference part-of        partOf
        reference has-member     hasMember
        reference derived-from   derivedFrom
        reference performer      performer
    """,
    "AllergyIntolerance": """
        token     identifier           identifier          of=clinical
        token     clinical-status      clinicalStatus
        token     verification-status  verificationStatus
        token     type                 type                of=clinical in=allergy-intolerance-type
        token     category             category            in=allergy-intolerance-category
        token     criticality          criticality         in=allergy-intolerance-criticality
        token     code                 code reaction.substance  of=clinical
        date      date                 recordedDate        of=clinical
        reference patient              patient             of=clinical to=Patient
    """,
    "MedicationStatement": f"""
        token     identifier  identifier                          of=clinical
        token     status      status     of=medications in=CodeSystem/medication-statement-status
        token     category    category
        token     code        medicationCodeableConcept           of=clinical
        date      effective   effective[x]
        {SUBJECT}
        reference context     context
        reference medication  medicationReference                 of=medications to=Medication
        reference part-of     partOf
    """,
    "MedicationRequest": f"""
        token     identifier  identifier                 of=clinical
        token     status      status     of=medications in=CodeSystem/medicationrequest-status
        token     intent      intent                     in=CodeSystem/medicationrequest-intent
        token     category    category
        token     priority    priority                   in=request-priority
        token     code        medicationCodeableConcept  of=clinical
        date      authoredon  authoredOn
        {SUBJECT}
        reference encounter   encounter                  of=medications to=Encounter
        reference medication  medicationReference        of=medications to=Medication
        reference requester   requester
    """,
    "Medication": """
        token identifier  identifier
        token code        code        of=clinical
    """,
}
