"""The search parameters of this release: one table for the index, the queries and `metadata`.

Codes, expressions and definition addresses are those of FHIR R4 (searchparameter-registry). A
parameter that is not here is refused. Does not read resources (`fhir.search`) nor queries
(`fhir.search_query`).
"""

from dataclasses import dataclass
from typing import Literal

from gateway.core.systems import FHIR_BASE
from gateway.fhir.search_care import CARE, SUBJECT
from gateway.fhir.search_findings import FINDINGS

Kind = Literal["token", "reference", "date"]

_HL7 = "http://hl7.org/fhir"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter of one resource type.

    Attributes:
        code: name in the query.
        kind: search type.
        paths: dotted element paths below the resource; a choice element by its concrete names.
        definition: end of the canonical address of the R4 SearchParameter.
        target: the only referenced type that counts; empty when any does.
        system: code system an element of type `code` implies.
        shown: type in the CapabilityStatement where R4 calls it otherwise; empty: `kind`.
    """

    code: str
    kind: Kind
    paths: tuple[str, ...]
    definition: str
    target: str = ""
    system: str = ""
    shown: str = ""

    @property
    def url(self) -> str:
        """Return the canonical address of the definition; R4 has none for what is ours."""
        ours = self.definition.startswith("relais-")
        return f"{FHIR_BASE if ours else _HL7}/SearchParameter/{self.definition}"


#: Read from the resource row and not from the index (FHIR R4 search, parameters for all resources).
COMMON = (
    Parameter("_id", "token", (), "Resource-id"),
    Parameter("_lastUpdated", "date", (), "Resource-lastUpdated"),
)

# A row: kind, code, paths separated by spaces (`[x]`: every date type of a choice element), then
# `of=` the group a shared definition is named after, `to=` the only target type, `in=` the implied
# code system, below http://hl7.org/fhir or below the terminology server's CodeSystem, `as=` the
# type R4 gives a parameter that is compared like a token.
_PERSON = """
    date  birthdate birthDate of=individual
    token gender    gender    of=individual in=administrative-gender
"""
_ROWS = {
    "Patient": f"""
        token     identifier            identifier
        token     active                active
        {_PERSON}
        reference general-practitioner  generalPractitioner
        reference organization          managingOrganization  to=Organization
        reference link                  link.other
    """,
    "Encounter": f"""
        token     identifier        identifier              of=clinical
        token     status            status                  in=encounter-status
        token     class             class
        token     type              type                    of=clinical
        date      date              period                  of=clinical
        {SUBJECT}
        reference part-of           partOf                  to=Encounter
        reference service-provider  serviceProvider         to=Organization
        reference location          location.location       to=Location
        reference participant       participant.individual
        reference appointment       appointment             to=Appointment
        reference episode-of-care   episodeOfCare           to=EpisodeOfCare
        reference based-on          basedOn                 to=ServiceRequest
        reference account           account                 to=Account
    """,
    "EpisodeOfCare": """
        token     identifier    identifier            of=clinical
        token     status        status                in=episode-of-care-status
        token     type          type                  of=clinical
        date      date          period                of=clinical
        reference patient       patient               of=clinical to=Patient
        reference organization  managingOrganization  to=Organization
        reference condition     diagnosis.condition   to=Condition
    """,
    "Account": """
        token     identifier  identifier
        token     status      status         in=account-status
        token     type        type
        date      period      servicePeriod
        reference patient     subject        to=Patient
        reference subject     subject
    """,
    "Organization": """
        token     identifier  identifier
        token     active      active
        token     type        type
        reference partof      partOf  to=Organization
    """,
    "Practitioner": """
        token identifier  identifier
        token active      active
    """,
    "PractitionerRole": """
        token     identifier    identifier
        token     active        active
        token     role          code
        token     specialty     specialty
        date      date          period
        reference organization  organization  to=Organization
        reference practitioner  practitioner  to=Practitioner
        reference location      location      to=Location
    """,
    "HealthcareService": """
        token     identifier    identifier
        token     active        active
        reference organization  providedBy  to=Organization
        reference location      location    to=Location
    """,
    "Location": """
        token     identifier    identifier
        token     status        status                in=location-status
        token     type          type
        reference organization  managingOrganization  to=Organization
        reference partof        partOf                to=Location
    """,
    "RelatedPerson": f"""
        token     identifier    identifier
        token     active        active
        token     relationship  relationship
        {_PERSON}
        reference patient       patient       to=Patient
    """,
    "Device": """
        token     identifier    identifier
        token     status        status   in=device-status
        token     type          type
        reference patient       patient  to=Patient
        reference organization  owner    to=Organization
    """,
    "DeviceUseStatement": """
        token     identifier  identifier
        reference patient     subject    of=clinical to=Patient
        reference subject     subject
        reference device      device     to=Device
    """,
    "DocumentReference": f"""
        token     identifier      masterIdentifier identifier  of=clinical
        token     status          status                   in=document-reference-status
        token     type            type                     of=clinical
        token     category        category
        token     facility        context.facilityType
        token     setting         context.practiceSetting
        token     event           context.event
        token     format          content.format
        token     contenttype     content.attachment.contentType
        token     security-label  securityLabel
        token     relation        relatesTo.code           in=document-relationship-type
        date      date            date
        date      period          context.period
        {SUBJECT}
        reference encounter       context.encounter        of=clinical
        reference author          author
        reference authenticator   authenticator
        reference custodian       custodian                to=Organization
        reference related         context.related
        reference relatesto       relatesTo.target         to=DocumentReference
    """,
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
        date      date           effective[x]                              of=clinical
        {SUBJECT}
        reference encounter      encounter                                 of=clinical
        reference based-on       basedOn
        reference part-of        partOf
        reference has-member     hasMember
        reference derived-from   derivedFrom
        reference performer      performer
    """,
    "DiagnosticReport": f"""
        token     identifier   identifier    of=clinical
        token     status       status        in=diagnostic-report-status
        token     category     category
        token     code         code          of=clinical
        date      date         effective[x]  of=clinical
        date      issued       issued
        {SUBJECT}
        reference encounter    encounter     of=clinical
        reference based-on     basedOn
        reference performer    performer
        reference result       result        to=Observation
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
    "ServiceRequest": f"""
        token     identifier      identifier       of=clinical
        token     requisition     requisition
        token     status          status           in=request-status
        token     intent          intent           in=request-intent
        token     priority        priority         in=request-priority
        token     category        category
        token     code            code             of=clinical
        token     performer-type  performerType
        date      authored        authoredOn
        date      occurrence      occurrence[x]
        {SUBJECT}
        reference encounter       encounter        of=clinical
        reference requester       requester
        reference performer       performer
        reference based-on        basedOn
        reference replaces        replaces         to=ServiceRequest
    """,
    "Appointment": """
        token     identifier        identifier
        token     status            status              in=appointmentstatus
        token     service-type      serviceType
        token     specialty         specialty
        token     appointment-type  appointmentType
        token     part-status       participant.status  in=participationstatus
        date      date              start
        reference patient           participant.actor   to=Patient
        reference practitioner      participant.actor   to=Practitioner
        reference location          participant.actor   to=Location
        reference actor             participant.actor
        reference based-on          basedOn             to=ServiceRequest
    """,
    **FINDINGS,
    **CARE,
    "Provenance": """
        date      recorded    recorded
        date      when        occurredDateTime
        token     agent-type  agent.type
        reference target      target
        reference patient     target       to=Patient
        reference agent       agent.who
        reference entity      entity.what
    """,
    "Binary": "",
}


_KINDS: dict[str, Kind] = {"token": "token", "reference": "reference", "date": "date"}
_DATE_TYPES = ("DateTime", "Period", "Instant", "Timing")


def _parameter(type_: str, row: str) -> Parameter:
    kind, code, *rest = row.split()
    options = dict(item.split("=", 1) for item in rest if "=" in item)
    paths: list[str] = []
    for path in rest:
        if path.endswith("[x]"):
            paths += [path.removesuffix("[x]") + name for name in _DATE_TYPES]
        elif "=" not in path:
            paths.append(path)
    return Parameter(
        code=code,
        kind=_KINDS[kind],
        paths=tuple(paths),
        definition=f"{options.get('of', type_)}-{code}",
        target=options.get("to", ""),
        system=_system(options.get("in", "")),
        shown=options.get("as", ""),
    )


def _system(name: str) -> str:
    if name.startswith("terminology:"):
        return f"{_TERMINOLOGY}/{name.removeprefix('terminology:')}"
    return f"{_HL7}/{name}" if name else ""


#: Parameters of each resource type, `_id` and `_lastUpdated` left out (`COMMON`).
PARAMETERS: dict[str, tuple[Parameter, ...]] = {
    type_: tuple(_parameter(type_, row) for row in rows.splitlines() if row.strip())
    for type_, rows in _ROWS.items()
}
