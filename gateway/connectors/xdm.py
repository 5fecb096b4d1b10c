"""Write an IHE XDM archive: the documents of one sending with their metadata, in a zip.

Does not read archives (`connectors.xdm_reader`), which checks each one before it leaves.
Standards: IHE ITI TF-1 16 and TF-2 3.32 (XDM, zip over mail), ISO 9660 level 1 names.
"""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from gateway.cda.xds_metadata import DocumentEntry
from gateway.connectors import ebrim
from gateway.connectors.ebrim import SubmissionSet

FOLDER = "IHE_XDM/SUBSET01"
#: Times of a zip are those of its making; fixed, so that a second attempt has the same bytes.
_STAMP = (1980, 1, 1, 0, 0, 0)
_SUFFIXES = {"text/xml": "XML", "application/xslt+xml": "XML", "application/pdf": "PDF"}
_REGULAR = 0o100644 << 16


@dataclass(frozen=True, slots=True)
class Packed:
    """A document to be packed."""

    entry: DocumentEntry
    data: bytes


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, for the pages a person opens first.

    Attributes:
        name: of the service, as on a letter-head.
        address: secure mail address.
        software: name and version of what made the archive.
    """

    name: str
    address: str
    software: str


def pack(documents: Sequence[Packed], lot: SubmissionSet, sender: Sender) -> bytes:
    """Return the zip: README.TXT, INDEX.HTM, one submission set with its documents.

    Spec: IHE ITI TF-2 3.32.4.1.2; file names of eight and three upper-case characters.
    """
    members = [
        ebrim.Member(one.entry, f"DOC{number:05d}.{_SUFFIXES.get(one.entry.mime_type, 'BIN')}")
        for number, one in enumerate(documents, start=1)
    ]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "README.TXT", _readme(members, sender))
        _add(archive, "INDEX.HTM", _index(members, sender))
        _add(archive, f"{FOLDER}/METADATA.XML", ebrim.submission(lot, members))
        for member, one in zip(members, documents, strict=True):
            _add(archive, f"{FOLDER}/{member.uri}", one.data)
    return out.getvalue()


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _STAMP)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = _REGULAR
    # Unix or DOS would follow the machine that makes it.
    info.create_system = 3
    archive.writestr(info, data, compresslevel=6)


def _readme(members: Sequence[ebrim.Member], sender: Sender) -> bytes:
    lines = [
        "Emetteur / Sender",
        f"  {sender.name} <{sender.address}>",
        "Logiciel / Software",
        f"  {sender.software}",
        "Contenu / Content",
        "  INDEX.HTM                     page de lecture",
        f"  {FOLDER}/METADATA.XML  metadonnees XDS",
        *(f"  {FOLDER}/{member.uri}" for member in members),
        "",
        "Ouvrir INDEX.HTM dans un navigateur, ou importer l'archive dans le logiciel metier.",
    ]
    return "\r\n".join([*lines, ""]).encode("utf-8")


def _index(members: Sequence[ebrim.Member], sender: Sender) -> bytes:
    """Write the page in XHTML Basic; it names documents by title and never the person."""
    links = "".join(
        f'<li><a href="{FOLDER}/{member.uri}">{escape(member.entry.title)}</a></li>'
        for member in members
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\r\n'
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML Basic 1.0//EN" '
        '"http://www.w3.org/TR/xhtml-basic/xhtml-basic10.dtd">\r\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="fr">'
        f"<head><title>{escape(sender.name)}</title></head>"
        f"<body><h1>{escape(sender.name)}</h1><p>{escape(sender.address)}</p>"
        f'<ul>{links}</ul><p><a href="README.TXT">README.TXT</a></p></body></html>\r\n'
    ).encode()
