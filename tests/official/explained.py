"""What becomes of a finding: about something absent, explained, or a failure."""

import re
from dataclasses import dataclass

from gateway.core.systems import FHIR_BASE
from tests.official.validator import Finding

#: What is not at hand, by the words of the validator: nothing is said about the resource.
_ABSENT = {
    "code systems": re.compile(r"CodeSystem is unknown and can't be validated: (\S+)"),
    "value sets": re.compile(r"ValueSet '([^']+)' not found"),
    "profiles": re.compile(r"(?:Profile reference|with url=)\s?'?([^'\s]+)"),
    "cross-version extensions": re.compile(r"Extension url '([^']+)' is not valid \(invalid"),
    "snapshot generator": re.compile(r"Unable to resolve package id (hl7\.fhir\.r4\.core)"),
    # A LOINC code in an element bound to all of LOINC: the validator stumbles over its absence.
    "code systems the validator stumbles over": re.compile(
        r'Cannot invoke "org\.hl7\.fhir\.r5\.model\.CodeSystem\.(getConcept)\(\)"'
    ),
}
_LOCAL = f"{FHIR_BASE}/CodeSystem/local/"
#: Who publishes what is absent; anything else must be here.
_OUTSIDE = re.compile(
    r"http://loinc\.org|http://snomed\.info/sct|http://hl7\.org/fhir/sid/|http://www\.whocc\.no/atc"
    r"|http://standardterms\.edqm\.eu|http://ncicb\.nci\.nih\.gov/|http://dicom\.nema\.org/"
    r"|http://terminology\.hl7\.org/CodeSystem/icd-o-3|http://hl7\.org/fhir/uv/"
    r"|http://hl7\.org/fhir/(4\.3|5\.0)/StructureDefinition/extension-SubscriptionTopic\."
    r"|http://hl7\.org/fhir/fhir-types|http://hl7\.org/fhir/us/davinci-deqm/|https://mos\.esante\.gouv\.fr/NOS/|urn:oid:"
    r"|hl7\.fhir\.r4\.core|getConcept"
)


def absent(finding: Finding) -> str | None:
    """Return what kind of thing is not at hand, None when the finding is about the resource."""
    for kind, words in _ABSENT.items():
        found = words.search(finding.message)
        if found and found[1].startswith(_LOCAL):
            return "code systems of a sender"
        if found and _OUTSIDE.match(found[1]):
            return kind
    return None


@dataclass(frozen=True, slots=True)
class Explained:
    """A finding that is no fault.

    Attributes:
        place: FHIRPath without indexes; `*.` before what any resource may carry.
        words: what the message of the finding must hold.
        reason: why it is none.
        version: of FR Core, when it is found with that one alone.
    """

    place: str
    words: str
    reason: str
    version: str = ""

    def covers(self, finding: Finding, version: str) -> bool:
        """Tell whether a finding with a package of FR Core is this one."""
        if self.version not in ("", version) or self.words not in finding.message:
            return False
        place = without_indexes(finding.place)
        # What any resource may carry is explained once.
        return self.place in (place, f"*.{place.partition('.')[2]}")


def without_indexes(place: str) -> str:
    """Return a FHIRPath without the numbers of list members."""
    return re.sub(r"\[\d+\]", "", place)


_NEWER = "HL7 added the code after R4: it is in hl7.terminology.r4 7.1.0, which FR Core 2.2.0 names"
_IDENTIFIER = (
    "R4 lists 18 types of identifiers, extensible; this type has a code in HL7 table 0203, in FR "
    "Core or in a code system of ours that says exactly what it is"
)
_CONTACT = (
    "FR Core binds the French role classes and role codes (R260, R216), R4 its own list; its value "
    "sets take them from nomenclatures that are not at hand, so that no code is found in them"
)
_PARTICIPANT = "the role as the sender's agenda codes it, or ENT, the person who entered it"
_SAID_SO = "the document is coded so, and a translation would be a guess; the binding is extensible"
_LAW = "R4 lists policies of other countries; this one is French and is named in words"

_SINCE = "FR Core 2.2.0 has it, our target; 2.1.0 does not know it yet"

EXPLAINED = (
    Explained("DetectedIssue.code", "v3-ActCode#CAREGAP", _NEWER),
    Explained("ServiceRequest.requisition.type", "v2-0203#PGN", _NEWER),
    Explained("Appointment.identifier.type", "v2-0203#PGN", _NEWER),
    Explained(
        "Observation.code",
        "Unknown code 'http://terminology.hl7.org/CodeSystem/v3-ObservationMethod#",
        "a published sample takes the code of a measure for one of HL7; it is kept as sent",
    ),
    Explained(
        "Patient.gender",
        "No code provided, and a code is required",
        "the document says only why it does not tell the sex; the reason stands in its place, as "
        "R4 allows for every value",
    ),
    *(
        Explained(f"{type_}.identifier.type", "'IdentifierType'", _IDENTIFIER)
        for type_ in ("Patient", "Location", "Account", "Organization", "Encounter")
    ),
    Explained(
        "Encounter.identifier.type",
        "fr-core-vs-encounter-identifier-type",
        "the pre-admission number: FR Core fixes the system of its own place for it to a text no "
        "number can have",
    ),
    Explained("Patient.contact.relationship", "'Patient Contact Relationship '", _CONTACT),
    Explained("Patient.contact.relationship", "'FR Core ValueSet ", _CONTACT),
    Explained("Appointment.participant.type", "'Participant type'", _PARTICIPANT),
    Explained(
        "Encounter.participant.type",
        "v3-ParticipationType#RESP",
        "the responsible professional of a CDA; R4's list of participants leaves the code out",
    ),
    Explained(
        "Encounter.class",
        "v3-NullFlavor#UNK",
        "R4 demands a class, and the document says that it is unknown",
    ),
    Explained(
        "Provenance.activity",
        "'Provenance activity type'",
        "R4 lists no transformation: a CDA gives the life cycle code of ISO 21089, a message its "
        "event in words",
    ),
    Explained("Consent.policyRule", "'Consent PolicyRule Codes'", _LAW),
    Explained("Consent.category", "'Consent Category Codes'", _SAID_SO),
    Explained("Condition.category", "'Condition Category Codes'", _SAID_SO),
    Explained("Observation.interpretation", "'Observation Interpretation Codes'", _SAID_SO),
    Explained(
        "DocumentReference.securityLabel",
        "TRE-A07-StatutVisibiliteDocument",
        "the masks of the national record are French; R4's list of labels has none of them",
    ),
    Explained(
        "*.meta.security",
        "TRE-A07-StatutVisibiliteDocument",
        "what a masked document alone tells carries its masks, which are French",
    ),
    Explained(
        "Observation.value.ofType(CodeableConcept)",
        "Coding has no system",
        "the document forgets the system; the code is kept and the document flagged (RLS-CDA-020)",
    ),
    Explained(
        "Composition.author",
        "A Reference without an actual reference or identifier should have a display",
        "the author is masked in the document: the reason stands in its place",
    ),
    Explained(
        "Patient.contact.relationship",
        "Could not match discriminator (coding.system) for slice",
        "the slices of 2.1.0 do not fix what they are told apart by; 2.2.0 mended it",
        "2.1.0",
    ),
    Explained(
        "Patient.identifier.use",
        "Value is 'old' but is fixed to 'usual'",
        "a number given up after a merge; 2.2.0 allows every use, 2.1.0 none but usual",
        "2.1.0",
    ),
    Explained("Organization.meta.profile", "fr-core-organization-etablissement", _SINCE, "2.1.0"),
    Explained("Location.type", "fr-core-cs-location-type#", _SINCE, "2.1.0"),
    Explained(
        "Organization.extension.value.ofType(Coding)", "fr-core-cs-champ-activite", _SINCE, "2.1.0"
    ),
    Explained("Encounter.serviceType", "fr-core-cs-discipline-prestation", _SINCE, "2.1.0"),
)


def explanation(finding: Finding, version: str) -> Explained | None:
    """Return why a finding with a package of FR Core is no fault, None when it is one."""
    return next((one for one in EXPLAINED if one.covers(finding, version)), None)
