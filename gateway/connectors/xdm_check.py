"""Compare the metadata of an archive with the documents beside them.

Does not read archives (`connectors.xdm_reader`). Standards: CI-SIS, correspondence of the CDA
header and XDS: uniqueId, typeCode and patientId are those of the document.
"""

from gateway.cda.reader import Document
from gateway.cda.reader import read as read_cda
from gateway.cda.xds_metadata import unique_id
from gateway.cda.xds_types import cx
from gateway.connectors import xdm_faults as faults
from gateway.connectors.xdm_reader import Archive
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue

_CDA_TYPES = ("text/xml", "application/xslt+xml")


def contradictions(archive: Archive) -> list[Issue]:
    """Return what the metadata say otherwise than their documents.

    Spec: CI-SIS volet Échange de documents de santé, checks of the receiver; REF2 ECO.2.1.2.
    """
    issues: list[Issue] = []
    for number, found in enumerate(archive.documents, start=1):
        place = f"METADATA.XML ExtrinsicObject[{number}]"
        if found.mime_type not in _CDA_TYPES:
            continue
        try:
            document = read_cda(found.data)
        except RejectedError as error:
            issues += error.issues
            continue
        code = document.root.child("code")
        if found.unique_id != unique_id(document.root.child("id")):
            issues.append(faults.contradicted(place, "uniqueId"))
        if code is None or found.type_code != code.get("code"):
            issues.append(faults.contradicted(place, "typeCode"))
        if _who(found.patient_id) not in _patients(document):
            issues.append(faults.contradicted(place, "patientId"))
    return issues


def _patients(document: Document) -> set[tuple[str, str]]:
    return {
        _who(cx(node.get("extension"), root, ""))
        for node in document.select("cda:recordTarget/cda:patientRole/cda:id")
        if (root := node.get("root"))
    }


def _who(patient_id: str) -> tuple[str, str]:
    """Return number and authority of a CX; the type of the number names nobody."""
    number, *rest = patient_id.split("^")
    authority = rest[2].split("&") if len(rest) > 2 else []
    return number, authority[1] if len(authority) > 1 else ""
