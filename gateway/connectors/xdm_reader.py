"""Read an IHE XDM archive and say everything that is wrong with it; nothing is written to disk.

Serves twice: each archive of ours is read again before it leaves, and one that arrives is read
before anything in it is believed. Standards: IHE ITI TF-2 3.32; ISO 9660 level 1 names.
"""

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from hashlib import sha1

from lxml import etree

from gateway.connectors import xdm_faults as faults
from gateway.connectors.ebrim import CONFIDENTIALITY, LOT_PATIENT, PATIENT, RIM, TYPE, UNIQUE
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue

_EIGHT_THREE = re.compile(r"[A-Z0-9_]{1,8}(?:\.[A-Z0-9_]{1,3})?")
_DRIVE = re.compile(r"[A-Za-z]:")
_ROOT_FILES = ("INDEX.HTM", "README.TXT")
_METADATA = "METADATA.XML"
_ENCRYPTED = 0x1
_CHUNK = 1 << 16
_DELETED = "urn:asip:ci-sis:2010:StatusType:Deleted"


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may hold.

    Attributes:
        ratio: inflated bytes for one packed byte, over the whole archive.
    """

    entries: int = 200
    total: int = 100 * 2**20
    ratio: int = 100


@dataclass(frozen=True, slots=True)
class Found:
    """A document of the archive with what its metadata say.

    Attributes:
        unique_id, patient_id, type_code: of the metadata, empty when not given.
        confidentiality: codes of the metadata.
        is_deleted: the metadata take the document back.
    """

    uri: str
    data: bytes
    mime_type: str
    unique_id: str
    patient_id: str
    type_code: str
    confidentiality: tuple[str, ...] = ()
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Archive:
    """What an archive holds and what is wrong with it."""

    documents: tuple[Found, ...]
    issues: tuple[Issue, ...]

    @property
    def is_sound(self) -> bool:
        """Tell whether nothing refuses it."""
        return not any(issue.severity.refuses for issue in self.issues)


def read(data: bytes, limits: Limits = Limits(), *, strict: bool = False) -> Archive:
    """Read an archive.

    Args:
        data: the zip.
        limits: where reading stops.
        strict: names and accompanying pages are held to the letter, as in what we send; else
            any case and folder is read and what is missing beside the documents is a warning.

    Raises:
        RejectedError: it is no zip, is made to hurt, holds no metadata, or speaks of two
            patients (RLS-MSS-010 to 014).
    """
    files = _inflate(data, limits)
    issues = _names(files, strict=strict)
    documents: list[Found] = []
    patients: set[str] = set()
    folders = [name for name in files if name.rpartition("/")[2].upper() == _METADATA]
    if not folders:
        raise RejectedError([faults.no_metadata("archive")])
    for name in folders:
        tree = _parse(files[name], name)
        patients |= {value for value in _external(tree, LOT_PATIENT) if value}
        folder = name.rpartition("/")[0]
        for number, extrinsic in enumerate(tree.iter(f"{{{RIM}}}ExtrinsicObject"), start=1):
            place = f"{name} ExtrinsicObject[{number}]"
            found = _document(extrinsic, place, folder, files, issues)
            if found is not None:
                documents.append(found)
            patients |= {value for value in _external(extrinsic, PATIENT) if value}
    if len(patients) > 1:
        raise RejectedError([faults.two_patients()])
    return Archive(tuple(documents), tuple(issues))


def _inflate(data: bytes, limits: Limits) -> dict[str, bytes]:
    """Return the files by name; bytes are counted while they are inflated, headers lie."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if len(infos) > limits.entries:
                raise RejectedError([faults.too_much("entries")])
            files: dict[str, bytes] = {}
            left = min(limits.total, len(data) * limits.ratio)
            for info in infos:
                _refuse_name(info)
                content = _read(archive, info, left)
                left -= len(content)
                if content.startswith(b"PK\x03\x04"):
                    raise RejectedError([faults.hostile("an archive inside the archive")])
                if files.setdefault(info.filename, content) is not content:
                    raise RejectedError([faults.hostile("two files of one name")])
            return files
    # zipfile raises NotImplementedError for a way of compressing that it does not know.
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError) as error:
        raise RejectedError([faults.no_zip()]) from error


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int) -> bytes:
    out = bytearray()
    with archive.open(info) as stream:
        while chunk := stream.read(_CHUNK):
            out += chunk
            if len(out) > left:
                raise RejectedError([faults.too_much("inflated bytes")])
    return bytes(out)


def _refuse_name(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    if info.flag_bits & _ENCRYPTED:
        raise RejectedError([faults.hostile("an encrypted file")])
    parts = name.split("/")
    if "\\" in name or "\x00" in name or _DRIVE.match(name) or "" in parts or ".." in parts:
        raise RejectedError([faults.hostile("a name that leads out of the archive")])


def _names(files: dict[str, bytes], *, strict: bool) -> list[Issue]:
    issues = []
    upper = {name.upper() for name in files}
    for wanted in _ROOT_FILES:
        present = wanted in files if strict else wanted in upper
        if not present:
            issues.append(faults.missing_page(wanted, strict=strict))
    for number, name in enumerate(files, start=1):
        parts = name.split("/")
        if len(parts) > 1 and not all(_EIGHT_THREE.fullmatch(part) for part in parts):
            issues.append(faults.long_name(number, strict=strict))
    return issues


def _parse(data: bytes, place: str) -> etree._Element:
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise RejectedError([faults.no_metadata(place)]) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise RejectedError([faults.no_metadata(place)])
    return root


def _document(
    extrinsic: etree._Element,
    place: str,
    folder: str,
    files: dict[str, bytes],
    issues: list[Issue],
) -> Found | None:
    """Return a document; None with a finding when its file is not there."""
    slots = {
        slot.get("name"): (slot.findtext(f".//{{{RIM}}}Value") or "").strip()
        for slot in extrinsic.iterchildren(f"{{{RIM}}}Slot")
    }
    issues += [
        faults.no_slot(place, name) for name in ("URI", "hash", "size") if not slots.get(name)
    ]
    wanted = f"{folder}/{slots.get('URI', '')}".upper()
    data = next((content for name, content in files.items() if name.upper() == wanted), None)
    if not slots.get("URI") or data is None:
        issues.append(faults.no_file(place))
        return None
    if not data.strip():
        issues.append(faults.empty(place))
    digest = sha1(data, usedforsecurity=False).hexdigest()
    if slots.get("hash") and slots["hash"].lower() != digest:
        issues.append(faults.altered(place, "hash"))
    if slots.get("size") and slots["size"] != str(len(data)):
        issues.append(faults.altered(place, "size"))
    return Found(
        uri=slots["URI"],
        data=data,
        mime_type=extrinsic.get("mimeType") or "",
        unique_id=next(iter(_external(extrinsic, UNIQUE)), ""),
        patient_id=next(iter(_external(extrinsic, PATIENT)), ""),
        type_code=next(iter(_coded(extrinsic, TYPE)), ""),
        confidentiality=tuple(_coded(extrinsic, CONFIDENTIALITY)),
        is_deleted=_is_deleted(extrinsic),
    )


def _is_deleted(extrinsic: etree._Element) -> bool:
    """Tell whether the entry is deleted, by its own status or by an association that says so.

    Spec: CI-SIS volet Partage de documents, StatusType Deleted; ITI-57 UpdateAvailabilityStatus.
    """
    if extrinsic.get("status") == _DELETED:
        return True
    own = extrinsic.get("id")
    return any(
        value.text == _DELETED
        for association in extrinsic.getroottree().iter(f"{{{RIM}}}Association")
        if own and association.get("targetObject") == own
        for slot in association.iter(f"{{{RIM}}}Slot")
        if slot.get("name") == "NewStatus"
        for value in slot.iter(f"{{{RIM}}}Value")
    )


def _coded(element: etree._Element, scheme: str) -> list[str]:
    return [
        one.get("nodeRepresentation") or ""
        for one in element.iter(f"{{{RIM}}}Classification")
        if one.get("classificationScheme") == scheme
    ]


def _external(element: etree._Element, scheme: str) -> list[str]:
    return [
        one.get("value") or ""
        for one in element.iter(f"{{{RIM}}}ExternalIdentifier")
        if one.get("identificationScheme") == scheme
    ]
