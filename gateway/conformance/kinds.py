"""Every kind of finding of the conformance layer, one code each.

Does not decide when one is made (`profile_check`, `movement_rules`, `identity_rules`,
`document_rules`).
"""

from gateway.conformance.finding import Kind, Layer
from gateway.core.issues import Severity

_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.INFORMATION
_READER, _PROFILE, _COHERENCE = Layer.READER, Layer.PROFILE, Layer.COHERENCE

REPAIRED = Kind(
    "RLS-HL7-300", _WARNING, 199, _READER, "HL7 v2.5 2.5", "repaired on reading: {what}.", "{fix}"
)
NO_PROFILE = Kind(
    "RLS-HL7-301", _NOTE, 200, _PROFILE, "HL7 v2.5 2.12",
    "there is no message profile for this structure; only the header was checked.",
    "Add a file to profiles/hl7v2, or send a message of a French profile.",
)  # fmt: skip
UNEXPECTED_SEGMENT = Kind(
    "RLS-HL7-302", _ERROR, 100, _PROFILE, "HL7 v2.5 2.12",
    "the message structure has no such segment.",
    "Leave the segment out; the structure is {structure}.",
)  # fmt: skip
EMPTY_SEGMENT = Kind(
    "RLS-HL7-303", _WARNING, 100, _PROFILE, "PAM-FR 2.11 5.2", "the segment holds no value at all.",
    "Leave an optional segment out when it is empty.",
)  # fmt: skip
FORBIDDEN_FIELD = Kind(
    "RLS-HL7-304", _ERROR, 199, _PROFILE, "HL7 v2.5 2.12",
    "this field is forbidden and has a value.",
    "Leave {place} empty.",
)  # fmt: skip
TOO_MANY = Kind(
    "RLS-HL7-305", _ERROR, 198, _PROFILE, "HL7 v2.5 2.12",
    "the field repeats more than {most} time(s).",
    "Send {place} at most {most} time(s).",
)  # fmt: skip
TOO_LONG = Kind(
    "RLS-HL7-306", _WARNING, 102, _PROFILE, "HL7 v2.5 2.A",
    "the value is longer than {most} characters.",
    "Send at most {most} characters.",
)  # fmt: skip
WRONG_FORM = Kind(
    "RLS-HL7-307", _ERROR, 102, _PROFILE, "HL7 v2.5 2.A", "the value is not {form}.", "Send {form}."
)
FOREIGN_STRUCTURE = Kind(
    "RLS-HL7-308", _WARNING, 199, _PROFILE, "PAM-FR 2.11 6.5",
    "MSH-21 names no profile of this message.",
    "Send {expected} in MSH-21.",
)  # fmt: skip

WRONG_ORIGINAL = Kind(
    "RLS-HL7-320", _ERROR, 103, _COHERENCE, "PAM-FR 2.11 6.13.6",
    "the original event is not one that this event corrects or cancels.",
    "Send in ZBE-6 the event of the movement in ZBE-1: {expected}.",
)  # fmt: skip
NEEDLESS_ORIGINAL = Kind(
    "RLS-HL7-321", _WARNING, 199, _COHERENCE, "PAM-FR 2.11 6.13.6",
    "an original event is given for a movement that is inserted.",
    "Leave ZBE-6 empty unless ZBE-4 is UPDATE or CANCEL.",
)  # fmt: skip
WRONG_NATURE = Kind(
    "RLS-HL7-322", _ERROR, 103, _COHERENCE, "PAM-FR 2.11 6.13.9",
    "the nature of the movement is none of the letters S, H, M, L, D, or C alone with Z99.",
    "Send the letters of what changes: S care, H hosting, M medical, L bed, D condition.",
)  # fmt: skip
UNIT_MISSING = Kind(
    "RLS-HL7-323", _WARNING, 101, _COHERENCE, "PAM-FR 2.11 5.1.1",
    "the nature of the movement names a responsibility whose unit is not given.",
    "Send the code of the unit in {place}.",
)  # fmt: skip
NO_HOSTING_UNIT = Kind(
    "RLS-HL7-324", _WARNING, 101, _COHERENCE, "PAM-FR 2.11 5.1.1",
    "the hosting unit is not given.", "Send the code of the unit in PV1-3.1.",
)  # fmt: skip
DATES_DISORDERED = Kind(
    "RLS-HL7-325", _WARNING, 102, _COHERENCE, "{clause}", "the date is {relation}.",
    "Correct one of the two dates: {rule}.",
)  # fmt: skip
WRONG_CLASS = Kind(
    "RLS-HL7-326", _ERROR, 103, _COHERENCE, "PAM-FR 2.11 5.3.5",
    "the patient class does not fit the event.",
    "Send in PV1-2 one of {expected}, or another event.",
)  # fmt: skip
DISCHARGE_FIELD = Kind(
    "RLS-HL7-327", _WARNING, 199, _COHERENCE, "PAM-FR 2.11 6.10",
    "a field about the discharge has a value and the event tells no discharge.",
    "Send it with A03, A16, A21 or their Z99 only.",
)  # fmt: skip
NO_DESTINATION = Kind(
    "RLS-HL7-328", _NOTE, 101, _COHERENCE, "PAM-FR 2.11 6.17",
    "the discharge does not say where the patient goes.",
    "Send ZFM-2 with ZFM-4, and the FINESS of the destination in PV1-37.",
)  # fmt: skip
WRONG_CATEGORY = Kind(
    "RLS-HL7-329", _WARNING, 103, _COHERENCE, "PAM-FR 2.11 6.10.19",
    "the treatment mode is not one of this patient class.",
    "Send a pair of PV1-2 and PV1-21 of the table of visit modes.",
)  # fmt: skip

INS_AUTHORITY = Kind(
    "RLS-HL7-330", _ERROR, 103, _COHERENCE, "PAM-FR 2.11 6.6.1",
    "the identifier type and its assigning authority contradict each other.",
    "Send an INS with type INS under the OID of the INS, a billing NIR with type NH.",
)  # fmt: skip
INS_TRAIT_MISSING = Kind(
    "RLS-HL7-331", _ERROR, 101, _COHERENCE, "PAM-FR 2.11 6.6.1",
    "the message holds a validated INS without this strict trait: {trait}.",
    "Send the trait as the INS service returned it.",
)  # fmt: skip
INS_DATED = Kind(
    "RLS-HL7-332", _NOTE, 199, _COHERENCE, "PAM-FR 2.11 6.6.1",
    "an INS has no validity dates.", "Leave CX-7 and CX-8 of the INS empty.",
)  # fmt: skip
INS_CONTRADICTS = Kind(
    "RLS-HL7-333", _WARNING, 199, _COHERENCE, "INS 3",
    "the matricule and this trait do not describe the same person.",
    "Query the INS service again; do not send an INS that is not this patient's.",
)  # fmt: skip
INS_TWICE = Kind(
    "RLS-HL7-334", _ERROR, 198, _COHERENCE, "PAM-FR 2.11 6.6.1",
    "the message holds two different INS of one kind.", "Send the INS of the patient once.",
)  # fmt: skip
SAME_PATIENT = Kind(
    "RLS-HL7-335", _ERROR, 205, _COHERENCE, "PAM-FR 2.11 4.3",
    "the number to be replaced is the one that stays.",
    "Send the absorbed or former number in MRG-1.",
)  # fmt: skip
BIRTH_NAME = Kind(
    "RLS-HL7-336", _ERROR, 198, _COHERENCE, "PAM-FR 2.11 6.6.5",
    "the birth name (PID-5, type L) is there {count} time(s).", "Send it exactly once.",
)  # fmt: skip
CONFIDANT = Kind(
    "RLS-HL7-337", _WARNING, 199, _COHERENCE, "PAM-FR 2.11 6.9.2",
    "a trusted person (role K) is named outside of a stay.",
    "Send the trusted person with A01, A04, A05 or Z99.",
)  # fmt: skip

TYPES_DIFFER = Kind(
    "RLS-HL7-340", _ERROR, 199, _COHERENCE, "CI-SIS CDA in HL7 v2, TXA-2",
    "the type of the document is not the same here as in OBR-4.",
    "Send one type in OBR-4, TXA-2 and OBX-3 of the document, that of the CDA.",
)  # fmt: skip
NEEDLESS_PARENT = Kind(
    "RLS-HL7-341", _WARNING, 199, _COHERENCE, "CI-SIS CDA in HL7 v2, TXA-13",
    "a replaced document is named and none is replaced.",
    "Send T10, RO and C, or leave TXA-13 empty.",
)  # fmt: skip
FLAG_MISSING = Kind(
    "RLS-HL7-342", _ERROR, 101, _COHERENCE, "CI-SIS CDA in HL7 v2, MetaDMPMSS",
    "required flags are missing: {flags}.", "Send each flag with Y or N in an OBX of its own.",
)  # fmt: skip
FLAGS_DISORDERED = Kind(
    "RLS-HL7-343", _WARNING, 100, _COHERENCE, "CI-SIS CDA in HL7 v2, MetaDMPMSS",
    "the flags are not in the order of the volet.", "Send the flags in the order: {order}.",
)  # fmt: skip
FLAGS_CONTRADICT = Kind(
    "RLS-HL7-344", _ERROR, 199, _COHERENCE, "CI-SIS CDA in HL7 v2, rules for MSSanté",
    "the flags ask for what does not go together: {flags}.",
    "Send a combination of the table of the volet.",
)  # fmt: skip
NO_PARTICIPANT = Kind(
    "RLS-HL7-345", _ERROR, 101, _COHERENCE, "CI-SIS CDA in HL7 v2, PRT",
    "there is no PRT with role {role}, and {flag} is Y.",
    "Send the PRT behind the OBX of the document.",
)  # fmt: skip
NO_MAIL_ADDRESS = Kind(
    "RLS-HL7-346", _ERROR, 101, _COHERENCE, "CI-SIS CDA in HL7 v2, PRT-15",
    "the recipient has no secure mail address.",
    "Send X.400 in PRT-15.3 and the address in PRT-15.4.",
)  # fmt: skip
MAIL_ADDRESS_MISPLACED = Kind(
    "RLS-HL7-347", _WARNING, 199, _COHERENCE, "CI-SIS CDA in HL7 v2, PRT-15",
    "the secure mail address stands in PRT-16.", "Send it in PRT-15.4.",
)  # fmt: skip
ANSWER_CONTRADICTS = Kind(
    "RLS-HL7-348", _ERROR, 199, _COHERENCE, "CI-SIS CDA in HL7 v2, ZAM",
    "the answer and the error segment contradict each other.",
    "Send ERR when OBX-5 is N or MSA-1 is negative, and none otherwise.",
)  # fmt: skip
CDA_TYPE_DIFFERS = Kind(
    "RLS-HL7-349", _ERROR, 199, _COHERENCE, "CI-SIS CDA in HL7 v2, TXA-2",
    "the type of the document is not the code of the CDA it carries.",
    "Send ClinicalDocument/code in OBR-4, TXA-2 and OBX-3.",
)  # fmt: skip
CDA_ID_DIFFERS = Kind(
    "RLS-HL7-350", _ERROR, 199, _COHERENCE, "CI-SIS CDA in HL7 v2, TXA-12",
    "the document number is not the id of the CDA it carries.",
    "Send ClinicalDocument/id in TXA-12: the root alone, or extension^^root^ISO.",
)  # fmt: skip

SECOND_OPINION = Kind(
    "RLS-HL7-390", _WARNING, 199, Layer.SECOND_OPINION, "HL7 v2.5 2.12",
    "second opinion of hl7apy: {what}.", "Compare the field with the base standard.",
)  # fmt: skip
