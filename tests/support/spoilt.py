"""A submission that can be spoilt, and every way of spoiling it that a judge must see."""

import re

from lxml import etree

from gateway.connectors import dmp_messages as messages
from gateway.simulation.dmp_objects import read_objects
from gateway.simulation.dmp_rules import judge
from tests.support.dmp import SETS

RIM = "{urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0}"
SCHEME = {
    "lot author": "a7058bb9", "contentTypeCode": "aa543740", "author": "93606bcf",
    "classCode": "41a5887f", "typeCode": "f0306f51", "confidentialityCode": "f4f85eac",
    "formatCode": "a09d5840", "facility": "f33fb8ac", "practice": "cccf5598",
    "lot patientId": "6b5aea1a", "sourceId": "554ac39e", "lot uniqueId": "96fdda7c",
    "patientId": "58a6f841", "uniqueId": "2e82c1f6",
}  # fmt: skip


class Case:
    """A submission that can be spoilt."""

    def __init__(self, parts):
        lot, members, data = parts
        self.root = messages.feeding(lot, *members, "urn:uuid:0b4d0000-0000-4000-8000-000000000001")
        self.package = self.root.find(f".//{RIM}RegistryPackage")
        self.entry, self.signature = self.root.findall(f".//{RIM}ExtrinsicObject")
        self.documents = {
            self.entry.get("id"): data[0],
            self.signature.get("id"): data[1],
        }

    def judged(self):
        return judge(read_objects(self.root), self.documents, SETS)

    def slot(self, name, *values, of=None):
        """Give a slot other values; without values it goes."""
        holder = self.entry if of is None else of
        found = next(one for one in holder.iter(f"{RIM}Slot") if one.get("name") == name)
        if not values:
            found.getparent().remove(found)
            return
        listed = found.find(f"{RIM}ValueList")
        for old in list(listed):
            listed.remove(old)
        for value in values:
            etree.SubElement(listed, f"{RIM}Value").text = value

    def code(self, name):
        """Return a classification or identifier by its attribute."""
        holder = self.package if name in ("lot author", "contentTypeCode") or "lot" in name or (
            name == "sourceId") else self.entry  # fmt: skip
        return next(
            one
            for one in holder
            if SCHEME[name] in one.get("classificationScheme", one.get("identificationScheme", ""))
        )

    def drop(self, name):
        found = self.code(name)
        found.getparent().remove(found)

    def links(self, kind):
        return [
            one
            for one in self.root.iter(f"{RIM}Association")
            if one.get("associationType").endswith(f":{kind}")
        ]

    def drop_link(self, kind):
        found = self.links(kind)[0]
        found.getparent().remove(found)


def without(name):
    return lambda case: case.drop(name)


def wrong_slot(name, *values):
    return lambda case: case.slot(name, *values)


def in_lot(name, *values):
    return lambda case: case.slot(name, *values, of=case.package)


def coded(name, value):
    return lambda case: case.code(name).set("nodeRepresentation", value)


def system(name, value):
    return lambda case: case.slot("codingScheme", value, of=case.code(name))


def identified(name, value):
    return lambda case: case.code(name).set("value", value)


def attribute(name, value):
    return lambda case: case.entry.set(name, value)


def author_slot(name, *values):
    return lambda case: case.slot(name, *values, of=case.code("author"))


def twice(name):
    def spoil(case):
        found = case.code(name)
        copy = etree.fromstring(etree.tostring(found))
        copy.set("id", "urn:uuid:00000000-0000-4000-8000-000000000009")
        found.addnext(copy)

    return spoil


def add_codes(*labels):
    def spoil(case):
        found = case.code("confidentialityCode")
        for number, label in enumerate(labels):
            copy = etree.fromstring(etree.tostring(found))
            copy.set("id", f"urn:uuid:00000000-0000-4000-8000-00000000010{number}")
            copy.set("nodeRepresentation", label)
            scheme = next(one for one in copy.iter(f"{RIM}Value"))
            scheme.text = "1.2.250.1.213.1.1.4.13"
            found.addnext(copy)

    return spoil


def only_signature(case):
    case.documents.pop(case.entry.get("id"))
    case.entry.getparent().remove(case.entry)


def fewer_documents(case):
    case.documents.pop(case.entry.get("id"))


def more_documents(case):
    case.documents["urn:uuid:00000000-0000-4000-8000-00000000000a"] = b"x"


def same_id(case):
    case.code("typeCode").set("id", case.code("classCode").get("id"))


def other_document(case):
    key = case.entry.get("id")
    case.documents[key] = re.sub(rb"254039902200377", b"190109902900410", case.documents[key])
    case.slot("hash")
    case.slot("size")


def no_cda(case):
    case.documents[case.entry.get("id")] = b"%PDF-1.4"
    case.slot("hash")
    case.slot("size")


def no_title(case):
    case.entry.remove(case.entry.find(f"{RIM}Name"))


def not_a_lot(case):
    found = next(one for one in case.root.iter(f"{RIM}Classification")
                 if one.get("classificationNode"))  # fmt: skip
    found.getparent().remove(found)


def no_lot(case):
    case.package.getparent().remove(case.package)


def of_signature(case, name):
    return [one for one in case.signature if SCHEME[name] in one.get("classificationScheme", "")]


def unsigned(case):
    found = next(
        one for one in case.signature if SCHEME["typeCode"] in one.get("classificationScheme", "")
    )
    found.set("nodeRepresentation", "11490-0")


def bare_signature(case):
    found = [
        one
        for one in case.signature
        if SCHEME["confidentialityCode"] in one.get("classificationScheme", "")
    ]
    for one in found[1:]:
        case.signature.remove(one)


def replaced_kind(case):
    case.links("RPLC")[0].set("associationType", "urn:ihe:iti:2010:AssociationType:RPLX")


def same_unique(case):
    case.code("lot uniqueId").set("value", case.code("uniqueId").get("value"))


METADATA = "XDSRepositoryMetadataError"
ON_DEMAND = "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248"
OTHER_CX = "190109902900410^^^&1.2.250.1.213.1.4.10&ISO^NH"
MUTATIONS = {
    "no submission set": (no_lot, METADATA, "RegistryPackage"),
    "a package that is no submission set": (not_a_lot, METADATA, "RegistryPackage"),
    "submission time missing": (in_lot("submissionTime"), METADATA, "submissionTime"),
    "submission time with an offset": (
        in_lot("submissionTime", "20260302093000+0100"),
        METADATA,
        "submissionTime",
    ),
    "lot without author": (without("lot author"), METADATA, "author"),
    "no content type": (without("contentTypeCode"), METADATA, "contentTypeCode"),
    "content type of another system": (
        system("contentTypeCode", "1.2.3"),
        METADATA,
        "contentTypeCode",
    ),
    "content type outside its value set": (
        coded("contentTypeCode", "XX"),
        METADATA,
        "contentTypeCode",
    ),
    "lot without patient": (without("lot patientId"), METADATA, "patientId"),
    "patient as a bare number": (
        identified("lot patientId", "254039902200377"),
        METADATA,
        "patientId",
    ),
    "no source": (without("sourceId"), METADATA, "sourceId"),
    "source that is no OID": (identified("sourceId", "relais"), METADATA, "sourceId"),
    "lot without uniqueId": (without("lot uniqueId"), METADATA, "uniqueId"),
    "one uniqueId for lot and document": (
        same_unique,
        "XDSRegistryDuplicateUniqueIdInMessage",
        "uniqueId",
    ),
    "another mime type": (attribute("mimeType", "application/pdf"), METADATA, "mimeType"),
    "an on-demand entry": (attribute("objectType", ON_DEMAND), METADATA, "objectType"),
    "no creation time": (wrong_slot("creationTime"), METADATA, "creationTime"),
    "creation time as ISO": (
        wrong_slot("creationTime", "2026-01-23T17:08:00Z"),
        METADATA,
        "creationTime",
    ),
    "no language": (wrong_slot("languageCode"), METADATA, "languageCode"),
    "no legal authenticator": (wrong_slot("legalAuthenticator"), METADATA, "legalAuthenticator"),
    "legal authenticator without authority": (
        wrong_slot("legalAuthenticator", "899900001324^X^Y"),
        METADATA,
        "legalAuthenticator",
    ),
    "no start of service": (wrong_slot("serviceStartTime"), METADATA, "serviceStartTime"),
    "an end before the start": (
        wrong_slot("serviceStopTime", "20250101"),
        METADATA,
        "serviceStopTime",
    ),
    "no source patient": (wrong_slot("sourcePatientId"), METADATA, "sourcePatientId"),
    "source patient without authority": (
        wrong_slot("sourcePatientId", "0040000003"),
        METADATA,
        "sourcePatientId",
    ),
    "odd traits": (wrong_slot("sourcePatientInfo", "PAT-MOUETTE"), METADATA, "sourcePatientInfo"),
    "no title": (no_title, METADATA, "title"),
    "no author": (without("author"), METADATA, "author"),
    "author without person": (author_slot("authorPerson"), METADATA, "authorPerson"),
    "author without structure": (author_slot("authorInstitution"), METADATA, "authorInstitution"),
    "structure as a bare name": (
        author_slot("authorInstitution", "HAD"),
        METADATA,
        "authorInstitution",
    ),
    "no class": (without("classCode"), METADATA, "classCode"),
    "class of another system": (system("classCode", "1.2.3"), METADATA, "classCode"),
    "class outside its value set": (coded("classCode", "99"), METADATA, "classCode"),
    "no type": (without("typeCode"), METADATA, "typeCode"),
    "type outside its value set": (coded("typeCode", "34112-3"), METADATA, "typeCode"),
    "no format": (without("formatCode"), METADATA, "formatCode"),
    "format of another system": (system("formatCode", "1.2.3"), METADATA, "formatCode"),
    "no confidentiality": (
        lambda case: [case.drop("confidentialityCode") for _ in range(2)],
        METADATA,
        "confidentialityCode",
    ),
    "two levels": (twice("confidentialityCode"), METADATA, "confidentialityCode"),
    "a level nobody knows": (coded("confidentialityCode", "X"), METADATA, "confidentialityCode"),
    "a mask nobody knows": (add_codes("SECRET"), METADATA, "confidentialityCode"),
    "five labels": (
        add_codes("MASQUE_PS", "INVISIBLE_REPRESENTANTS_LEGAUX", "MASQUE_PS"),
        METADATA,
        "confidentialityCode",
    ),
    "author as a bare number": (
        author_slot("authorPerson", "899900001324"),
        METADATA,
        "authorPerson",
    ),
    "nothing but a signature": (only_signature, "XDSMissingDocumentMetadata", "ExtrinsicObject"),
    "practice setting outside its value set": (
        coded("practice", "PISCINE"),
        METADATA,
        "practiceSettingCode",
    ),
    "facility of another system": (
        system("facility", "1.2.3"),
        METADATA,
        "healthcareFacilityTypeCode",
    ),
    "no facility": (without("facility"), METADATA, "healthcareFacilityTypeCode"),
    "facility outside its value set": (
        coded("facility", "SA99"),
        METADATA,
        "healthcareFacilityTypeCode",
    ),
    "no practice setting": (without("practice"), METADATA, "practiceSettingCode"),
    "another patient in the entry": (
        identified("patientId", OTHER_CX),
        "XDSPatientIdDoesNotMatch",
        "patientId",
    ),
    "entry without uniqueId": (without("uniqueId"), METADATA, "uniqueId"),
    "another uniqueId than the document": (
        identified("uniqueId", "2.999.5"),
        "XDSInvalidDocumentContent",
        "uniqueId",
    ),
    "hash in capitals": (
        wrong_slot("hash", "7FEDD36899DD57831E8ECE0C7D6951F009A87E3E"),
        METADATA,
        "hash",
    ),
    "hash of other bytes": (wrong_slot("hash", "0" * 40), "XDSNonIdenticalHash", "hash"),
    "size of other bytes": (wrong_slot("size", "1"), METADATA, "size"),
    "a document about somebody else": (other_document, "XDSPatientIdDoesNotMatch", "patientId"),
    "a document that is no CDA": (no_cda, "XDSInvalidDocumentContent", "Document"),
    "an entry without document": (fewer_documents, "XDSMissingDocument", "Document"),
    "a document without entry": (more_documents, "XDSMissingDocumentMetadata", "Document"),
    "an id twice": (same_id, "XDSDuplicateUUIDInRegistry", "id"),
    "an entry outside the lot": (
        lambda case: case.drop_link("HasMember"),
        METADATA,
        "Association HasMember",
    ),
    "a signature of nothing": (lambda case: case.drop_link("signs"), METADATA, "Association signs"),
    "an association nobody knows": (replaced_kind, METADATA, "Association"),
    "a lot without signature": (unsigned, METADATA, "signature"),
    "a signature in view": (bare_signature, METADATA, "confidentialityCode"),
}
