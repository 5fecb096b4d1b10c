"""The search parameters of this release: one table for the index, the queries and `metadata`.

Codes, expressions and definition addresses are those of FHIR R4 (searchparameter-registry). A
parameter that is not here is refused. Does not read resources (`fhir.search`) nor queries
(`fhir.search_query`).
"""

from dataclasses import dataclass
from typing import Literal, get_args

from gateway.core.systems import FHIR_BASE
from gateway.fhir.search_care import CARE, SUBJECT
from gateway.fhir.search_clinical import CLINICAL
from gateway.fhir.search_findings import FINDINGS

Kind = Literal["token", "reference", "date", "string", "uri", "quantity"]

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
        by_part: a text is found from each of its words on, as the parts of a name are.
    """

    code: str
    kind: Kind
    paths: tuple[str, ...]
    definition: str
    target: str = ""
    system: str = ""
    by_part: bool = False

    @property
    def url(self) -> str:
        """Return the canonical address of the definition; R4 has none for what is ours."""
        ours = self.definition.startswith("relais-")
        return f"{FHIR_BASE if ours else _HL7}/SearchParameter/{self.definition}"


#: Parameters of all resources; those without path are read from the resource row and not from the
#: index (FHIR R4 search, parameters for all resources).
COMMON = (
    Parameter("_id", "token", (), "Resource-id"),
    Parameter("_lastUpdated", "date", (), "Resource-lastUpdated"),
    Parameter("_profile", "uri", ("meta.profile",), "Resource-profile"),
    Parameter("_security", "token", ("meta.security",), "Resource-security"),
    Parameter("_source", "uri", ("meta.source",), "Resource-source"),
    Parameter("_tag", "token", ("meta.tag",), "Resource-tag"),
)

# A row: kind, code, paths separated by spaces (`[x]`: every date type of a choice element), then
# `of=` the group a shared definition is named after, `to=` the only target type, `in=` the implied
# code system, below http://hl7.org/fhir or below the terminology server's CodeSystem, `by=part`
# for a name that is found from each of its words on.
_PERSON = """
    date  birthdate birthDate of=individual
    token gender    gender    of=individual in=administrative-gender
"""
_NAMES = """
    string family  name.family  of=individual by=part
    string given   name.given   of=individual by=part
    token  telecom telecom      of=individual
"""
_ROWS = {
    "Patient": f"""
        token     identifier            identifier
        token     active                active
        {_PERSON}
        {_NAMES}
        string    name                  name                  by=part
        token     deceased              deceasedBoolean deceasedDateTime
        date      death-date            deceasedDateTime
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
        reference practitioner      participant.individual  to=Practitioner
        quantity  length            length
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
        reference care-manager  careManager           to=Practitioner
        reference condition     diagnosis.condition   to=Condition
        reference incoming-referral  referralRequest  to=ServiceRequest
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
        string    name        name alias
        reference partof      partOf  to=Organization
    """,
    "Practitioner": f"""
        token identifier  identifier
        token active      active
        token gender      gender      of=individual in=administrative-gender
        {_NAMES}
        string name       name        by=part
    """,
    "PractitionerRole": """
        token     identifier    identifier
        token     active        active
        token     role          code
        token     specialty     specialty
        token     telecom       telecom       of=individual
        date      date          period
        reference organization  organization  to=Organization
        reference practitioner  practitioner  to=Practitioner
        reference location      location      to=Location
    """,
    "HealthcareService": """
        token     identifier    identifier
        token     active        active
        string    name          name
        token     service-type  type
        reference organization  providedBy    to=Organization
        reference location      location      to=Location
        reference coverage-area coverageArea  to=Location
    """,
    "Location": """
        token     identifier    identifier
        string    name          name alias
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
        token     telecom       telecom       of=individual
        string    name          name          by=part
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
        string    description     description
        uri       location        content.attachment.url
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
    **CLINICAL,
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
        reference slot              slot
    """,
    **FINDINGS,
    **CARE,
    "Provenance": """
        date      recorded    recorded
        date      when        occurredDateTime
        token     agent-type  agent.type
        token     agent-role  agent.role
        reference target      target
        reference patient     target       to=Patient
        reference agent       agent.who
        reference entity      entity.what
    """,
    "Binary": "",
}


_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
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
        by_part=options.get("by") == "part",
    )


def _system(name: str) -> str:
    if name.startswith("terminology:"):
        return f"{_TERMINOLOGY}/{name.removeprefix('terminology:')}"
    return f"{_HL7}/{name}" if name else ""


#: Parameters of each resource type, those of all types left out (`COMMON`).
PARAMETERS: dict[str, tuple[Parameter, ...]] = {
    type_: tuple(_parameter(type_, row) for row in rows.splitlines() if row.strip())
    for type_, rows in _ROWS.items()
}
#: Parameters of each resource type that are read from the resource.
INDEXED: dict[str, tuple[Parameter, ...]] = {
    type_: (*found, *(parameter for parameter in COMMON if parameter.paths))
    for type_, found in PARAMETERS.items()
}


def parameters_of(type_: str) -> dict[str, Parameter]:
    """Return every parameter a type is searched by, by its code."""
    return {parameter.code: parameter for parameter in (*COMMON, *PARAMETERS[type_])}
