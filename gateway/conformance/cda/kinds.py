"""Every kind of finding about a CDA document, one code each.

Does not decide when one is made. What the conversion tells as well has its code in
`gateway.cda.faults`.
"""

from gateway.conformance.finding import Kind, Layer
from gateway.core.issues import Severity

_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.INFORMATION
_READER, _PROFILE, _COHERENCE = Layer.READER, Layer.PROFILE, Layer.COHERENCE
#: HL7 table 0357 is for messages; a document has no segment to blame.
_NONE = 207

TOO_MANY = Kind(
    "RLS-CDA-301", _ERROR, _NONE, _PROFILE, "",
    "{element} is there {count} times, and {most} at most.",
    "Send {element} at most {most} time(s).",
)  # fmt: skip
WRONG_VALUE = Kind(
    "RLS-CDA-302", _ERROR, _NONE, _PROFILE, "",
    "the value is none of those allowed here.", "Send one of: {expected}.",
)  # fmt: skip
WRONG_FORM = Kind(
    "RLS-CDA-303", _ERROR, _NONE, _PROFILE, "", "the value is not {form}.", "Send {form}."
)
NULL_FORBIDDEN = Kind(
    "RLS-CDA-304", _ERROR, _NONE, _PROFILE, "",
    "a nullFlavor stands where a value is mandatory.", "Send the value.",
)  # fmt: skip
NULL_FOREIGN = Kind(
    "RLS-CDA-305", _WARNING, _NONE, _PROFILE, "",
    "the nullFlavor is none of those of the header.", "Send one of: {expected}.",
)  # fmt: skip
EMPTY = Kind(
    "RLS-CDA-306", _WARNING, _NONE, _PROFILE, "CDA ANY",
    "the {part} is there and empty, which counts as absent.",
    "Send a value or a nullFlavor, or leave it out.",
)  # fmt: skip
WRONG_CASE = Kind(
    "RLS-CDA-307", _ERROR, _NONE, _READER, "CDA ANY",
    "the attribute is not written as the standard does; most receivers do not read it.",
    "Write {expected}: the case of attributes counts.",
)  # fmt: skip
NO_TYPE = Kind(
    "RLS-CDA-308", _ERROR, _NONE, _READER, "CDA POCD_MT000040.Observation",
    "the value has no xsi:type, so its data type is not told.", 'Send xsi:type="{expected}".',
)  # fmt: skip
NO_ZONE = Kind(
    "RLS-CDA-309", _NOTE, _NONE, _PROFILE, "CDA TS",
    "{count} time(s) of the document have no zone and are read as those of Paris, first this one.",
    "Send the zone with every time, such as +0100.",
)  # fmt: skip
NOT_IN_PLACE = Kind(
    "RLS-CDA-310", _ERROR, _NONE, _PROFILE, "",
    "{element} stands behind an element that it must precede.",
    "Send the elements in the order: {order}.",
)  # fmt: skip
NOT_ONE_OF = Kind(
    "RLS-CDA-311", _ERROR, _NONE, _PROFILE, "",
    "{count} of these are there, which exclude each other: {names}.", "Send {wanted} of them.",
)  # fmt: skip

NO_MODEL = Kind(
    "RLS-CDA-320", _NOTE, _NONE, _PROFILE, "HDR templateId",
    "the document model is not known here; only what holds for every document was checked.",
    "Send a document of a CI-SIS model, or add the model to profiles/cda/documents.yaml.",
)  # fmt: skip
OTHER_VERSION = Kind(
    "RLS-CDA-321", _NOTE, _NONE, _PROFILE, "HDR templateId",
    "the rules were written for other versions of this model: {known}.",
    "None needed; what the versions have in common was checked.",
)  # fmt: skip
WRONG_CODE = Kind(
    "RLS-CDA-322", _ERROR, _NONE, _PROFILE, "",
    "the code of the document is not that of its model, {model}.",
    "Send {expected}, or the templateId of the model that was meant.",
)  # fmt: skip
SECTION_MISSING = Kind(
    "RLS-CDA-323", _ERROR, _NONE, _PROFILE, "",
    "the section {name} ({template}) is missing.", "Send the section {name}.",
)  # fmt: skip
SECTION_REPEATED = Kind(
    "RLS-CDA-324", _ERROR, _NONE, _PROFILE, "",
    "the section {name} ({template}) is there {count} times, and {most} at most.",
    "Send the section at most {most} time(s).",
)  # fmt: skip
ENTRY_MISSING = Kind(
    "RLS-CDA-325", _ERROR, _NONE, _PROFILE, "",
    "the entry {name} ({entry}) is missing in this section.", "Send the entry {name}.",
)  # fmt: skip
ENTRY_REPEATED = Kind(
    "RLS-CDA-326", _ERROR, _NONE, _PROFILE, "",
    "the entry {name} ({entry}) is there {count} times, and {most} at most.",
    "Send the entry at most {most} time(s).",
)  # fmt: skip
UNKNOWN_TEMPLATE = Kind(
    "RLS-CDA-327", _NOTE, _NONE, _PROFILE, "CI-SIS, templates of sections and entries",
    "the template {template} is not known here ({count} time(s)).",
    "None needed; what stands under it is kept as it is.",
)  # fmt: skip
LEVEL_DIFFERS = Kind(
    "RLS-CDA-328", _ERROR, _NONE, _PROFILE, "HDR templateId, level 1",
    "the templates announce {announced} and the body is {found}.",
    "Send templateId 1.3.6.1.4.1.19376.1.2.20 with nonXMLBody, and that of the model with"
    " structuredBody.",
)  # fmt: skip
MEDIA_DIFFERS = Kind(
    "RLS-CDA-329", _WARNING, _NONE, _COHERENCE, "CDA ED.mediaType",
    "the content is {found}, and another media type is announced.", "Send mediaType {found}.",
)  # fmt: skip

DATES_DISORDERED = Kind(
    "RLS-CDA-330", _ERROR, _NONE, _COHERENCE, "", "the date is {relation}.",
    "Correct one of the two dates.",
)  # fmt: skip
DATES_DIFFER = Kind(
    "RLS-CDA-331", _WARNING, _NONE, _COHERENCE, "",
    "the date is not that of {other}, which tells the same.", "Correct one of the two dates.",
)  # fmt: skip

TRAIT_MISSING = Kind(
    "RLS-CDA-340", _ERROR, _NONE, _COHERENCE, "HDR patientRole, INS",
    "the document holds an INS without this trait: {trait}.",
    "Send the trait as the INS service returned it, or leave the INS out.",
)  # fmt: skip
INS_CONTRADICTS = Kind(
    "RLS-CDA-341", _WARNING, _NONE, _COHERENCE, "INS 3",
    "the matricule and this trait do not describe the same person.",
    "Query the INS service again; do not send an INS that is not this patient's.",
)  # fmt: skip
INS_TWICE = Kind(
    "RLS-CDA-342", _ERROR, _NONE, _COHERENCE, "HDR patientRole/id",
    "the document holds two different INS of one kind.", "Send the INS of the patient once.",
)  # fmt: skip
STRUCTURE_NAMES = Kind(
    "RLS-CDA-343", _WARNING, _NONE, _COHERENCE, "CI-SIS Struct_IdNat",
    "this identifier is given to several structures of the document.",
    "Send to each structure an identifier of its own.",
)  # fmt: skip

NOT_REPLACED = Kind(
    "RLS-CDA-350", _WARNING, _NONE, _COHERENCE, "HDR relatedDocument",
    "a later version names no document that it replaces.",
    "Send relatedDocument RPLC with the id of the version before.",
)  # fmt: skip
REPLACES_AS_FIRST = Kind(
    "RLS-CDA-351", _WARNING, _NONE, _COHERENCE, "HDR versionNumber",
    "the document replaces another one and its version is the first.",
    "Send the version of the replaced document plus 1.",
)  # fmt: skip
REPLACES_ITSELF = Kind(
    "RLS-CDA-352", _ERROR, _NONE, _COHERENCE, "HDR relatedDocument",
    "the document replaces itself.", "Send a new id with each version.",
)  # fmt: skip
PARENT_DIFFERS = Kind(
    "RLS-CDA-353", _ERROR, _NONE, _COHERENCE, "HDR setId",
    "the replaced document has {what}.", "Send {fix}.",
)  # fmt: skip

NO_HASH = Kind(
    "RLS-CDA-360", _WARNING, _NONE, _COHERENCE, "CDA 4.3.5.11",
    "the reference into the narrative does not begin with #.", "Send # and the ID.",
)  # fmt: skip
DANGLING = Kind(
    "RLS-CDA-361", _WARNING, _NONE, _COHERENCE, "CDA 4.3.5.11",
    "the reference points to no ID of the narrative{hint}.",
    "Send an ID that is there; the case counts.",
)  # fmt: skip
ID_TWICE = Kind(
    "RLS-CDA-362", _WARNING, _NONE, _COHERENCE, "CDA 4.3.5",
    "another element of the document has the same ID.", "Give each element an ID of its own.",
)  # fmt: skip

NOT_IN_LIST = Kind(
    "RLS-CDA-370", _ERROR, _NONE, Layer.VALUE_SET, "",
    "the code is not in {name}{version}.", "Send a code of {name} with its system.",
)  # fmt: skip
RETIRED = Kind(
    "RLS-CDA-371", _WARNING, _NONE, Layer.VALUE_SET, "",
    "the code was withdrawn from {name}{version} before the document was made.",
    "Send the code that took its place.",
)  # fmt: skip
NO_LIST = Kind(
    "RLS-CDA-372", _NOTE, _NONE, Layer.VALUE_SET, "",
    "the folder of value sets has no {name} ({oid}); what is bound to it was not checked.",
    "Add the list to the folder.",
)  # fmt: skip

BREAKS_SCHEMA = Kind(
    "RLS-CDA-380", _ERROR, _NONE, Layer.SCHEMA, "", "{what}.", "{fix}"
)  # fmt: skip
BREAKS_SCHEMATRON = Kind(
    "RLS-CDA-381", _ERROR, _NONE, Layer.SCHEMATRON, "", "{what}",
    "Change the document as the sentence asks, or tell the publisher of the kit.",
)  # fmt: skip
CHECK_DIED = Kind(
    "RLS-CDA-385", _WARNING, _NONE, Layer.ENGINE, "", "the check ended by itself: {what}.",
    "This is no fault of the document. Validate again; if it stays so, report the kit's version.",
)  # fmt: skip
CHECK_TOO_SLOW = Kind(
    "RLS-CDA-386", _WARNING, _NONE, Layer.ENGINE, "",
    "the check was stopped: it took longer than {seconds} s.",
    "This is no fault of the document. Raise cda.toolkit_seconds, or validate it by itself.",
)  # fmt: skip
CHECK_NOT_MADE = Kind(
    "RLS-CDA-387", _WARNING, _NONE, Layer.ENGINE, "", "the check could not be made: {what}.",
    "This is no fault of the document. {fix}",
)  # fmt: skip
