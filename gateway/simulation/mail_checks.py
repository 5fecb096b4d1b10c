"""What the double of the operator checks in each mail: a second reading, sharing no code with ours.

Standards: ANS référentiel socle MSSanté #2 (subject, X-MSS headers, one patient), IHE ITI TF-2
3.32 (archive), TF-3 4.2.3 (hash, size, URI, patientId).
"""

import io
import re
import zipfile
from email import message_from_bytes, policy
from email.message import EmailMessage
from hashlib import sha1
from typing import cast

from lxml import etree

_SUBJECT = re.compile(
    r"(?:\[Annule et remplace\] )?XDM/1\.0/DDM\+\S.* \S+ \S+ (?:\d{2}/\d{2}/)?\d{4}"
)
_DISPOSITION = re.compile(
    r"automatic-action/MDN-sent-automatically; processed(?:/Error: 90[0-6]\^[ -~]+)?"
)
_WITHDRAWS = "[Annule] "
_CDA = "{urn:hl7-org:v3}"
_RIM = "{urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0}"
_EIGHT_THREE = re.compile(r"IHE_XDM/[A-Z0-9_]{1,8}/[A-Z0-9_]{1,8}\.[A-Z0-9_]{1,3}")
_PATIENT = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"
_UNIQUE = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
_INS = re.compile(r"1\.2\.250\.1\.213\.1\.4\.(?:8|9|10|11)")


def findings(data: bytes) -> list[str]:
    """Return what is wrong with a mail, in words that quote nothing of it."""
    mail = message_from_bytes(data, policy=policy.default)
    if mail.get_content_type() == "multipart/report":
        return [*_lines(data), *_receipt(mail)]
    if str(mail["Subject"] or "").startswith(_WITHDRAWS):
        return [*_lines(data), *_withdrawal(mail)]
    found = [*_lines(data), *_headers(mail)]
    archives = [part for part in mail.iter_attachments() if part.get_content_type().endswith("zip")]
    kinds = [part.get_content_type() for part in mail.iter_attachments()]
    if len(archives) != 1 or (archives[0].get_filename() or "").upper() != "IHE_XDM.ZIP":
        return [*found, "not one attachment IHE_XDM.zip"]
    if "application/pdf" not in kinds:
        found.append("no PDF beside the archive")
    content = archives[0].get_content()
    return [*found, *_archive(content, mail)]


def _withdrawal(mail: EmailMessage) -> list[str]:
    """Judge a mail that takes a document back: it answers another and carries nothing."""
    found = [name for name in ("In-Reply-To", "References", "X-MSS-NIL") if not mail[name]]
    if mail["In-Reply-To"] == mail["Message-ID"]:
        found.append("it answers itself")
    if mail.is_multipart():
        found.append("it carries something")
    return found


def _receipt(mail: EmailMessage) -> list[str]:
    """Judge a notice of what became of a letter (RFC 8098, RFC 6522)."""
    kinds = [part.get_content_type() for part in mail.iter_parts()]
    found = [] if mail["X-MSS-NIL"] else ["X-MSS-NIL"]
    if mail.get_param("report-type") != "disposition-notification":
        found.append("report-type")
    if kinds[:3] != ["text/plain", "message/disposition-notification", "message/rfc822"]:
        return [*found, "the parts of a report"]
    fields = cast("EmailMessage", [*mail.iter_parts()][1].get_payload(0))
    wanted = ("Final-Recipient", "Original-Recipient", "Original-Message-ID", "Disposition")
    found += [name for name in wanted if not fields[name]]
    if not _DISPOSITION.fullmatch(str(fields["Disposition"])):
        found.append("Disposition")
    return found


def _lines(data: bytes) -> list[str]:
    lines = data.split(b"\r\n")
    found = []
    if any(len(line) > 998 for line in lines):
        found.append("a line over 998 characters")
    if any(b"\n" in line or b"\r" in line for line in lines):
        found.append("a line end that is not CRLF")
    if any(len(word) > 75 for word in re.findall(rb"=\?[^ ?]+\?[bqBQ]\?[^ ?]*\?=", data)):
        found.append("an encoded word over 75 characters")
    return found


def _headers(mail: EmailMessage) -> list[str]:
    found = []
    if not _SUBJECT.fullmatch(str(mail["Subject"] or "")):
        found.append("subject")
    if not re.fullmatch(r"<[^<>@\s]+@[^<>@\s]+>", str(mail["Message-ID"] or "").strip()):
        found.append("Message-ID")
    if mail["X-MSS-INS"] not in ("O", "N"):
        found.append("X-MSS-INS")
    if not mail["X-MSS-NIL"]:
        found.append("X-MSS-NIL")
    to = [address.domain.lower() for address in mail["To"].addresses] if mail["To"] else []
    if not to or len({domain == "patient.mssante.fr" for domain in to}) != 1:
        found.append("To")
    if mail["X-MSS-MES"] is not None and "patient.mssante.fr" not in to:
        found.append("X-MSS-MES")
    return found


def _archive(content: bytes, mail: EmailMessage) -> list[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    except zipfile.BadZipFile:
        return ["archive"]
    found = [f"no {name}" for name in ("README.TXT", "INDEX.HTM") if name not in files]
    inner = [name for name in files if "/" in name]
    if any(not _EIGHT_THREE.fullmatch(name) for name in inner):
        found.append("a name that is not 8.3")
    metadata = [name for name in inner if name.endswith("/METADATA.XML")]
    if len(metadata) != 1:
        return [*found, "not one METADATA.XML"]
    folder = metadata[0].rpartition("/")[0]
    root = etree.fromstring(
        files[metadata[0]], etree.XMLParser(resolve_entities=False, no_network=True)
    )
    codes: list[str] = []
    ins = False
    for entry in root.iter(f"{_RIM}ExtrinsicObject"):
        codes_here, has_ins, wrong = _entry(entry, folder, files)
        codes, ins, found = [*codes, *codes_here], ins or has_ins, [*found, *wrong]
    if not codes:
        found.append("no document")
    if str(mail["X-MSS-CODECDA"]) != ",".join(codes):
        found.append("X-MSS-CODECDA")
    if mail["X-MSS-INS"] == "O" and not ins:
        found.append("X-MSS-INS without INS")
    patients = {value for value in _externals(root) if value}
    return found if len(patients) == 1 else [*found, "not one patientId"]


def _entry(
    entry: etree._Element, folder: str, files: dict[str, bytes]
) -> tuple[list[str], bool, list[str]]:
    """Return codes of the document, whether it shows an INS, and what is wrong."""
    slots = {
        slot.get("name"): slot.findtext(f"{_RIM}ValueList/{_RIM}Value")
        for slot in entry.iterchildren(f"{_RIM}Slot")
    }
    data = files.get(f"{folder}/{slots.get('URI')}")
    if data is None:
        return [], False, ["URI"]
    found = []
    if slots.get("hash") != sha1(data, usedforsecurity=False).hexdigest():
        found.append("hash")
    if slots.get("size") != str(len(data)):
        found.append("size")
    document = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    code = document.find(f"{_CDA}code")
    id_ = document.find(f"{_CDA}id")
    values = {one.get("identificationScheme"): one.get("value") for one in
              entry.iter(f"{_RIM}ExternalIdentifier")}  # fmt: skip
    if id_ is None or not (values.get(_UNIQUE) or "").startswith(id_.get("root") or "-"):
        found.append("uniqueId")
    number, _, authority = (values.get(_PATIENT) or "").partition("^^^&")
    patients = {
        (one.get("extension"), one.get("root"))
        for one in document.iterfind(f"{_CDA}recordTarget/{_CDA}patientRole/{_CDA}id")
    }
    root = authority.partition("&")[0]
    if (number, root) not in patients:
        found.append("patientId")
    shown = [code.get("code") or ""] if code is not None else []
    return shown, bool(_INS.fullmatch(root)), found


def _externals(root: etree._Element) -> list[str]:
    return [
        one.get("value") or ""
        for one in root.iter(f"{_RIM}ExternalIdentifier")
        if (one.findtext(f"{_RIM}Name") is not None)
        and any(
            (name.get("value") or "").endswith(".patientId")
            for name in one.iter(f"{_RIM}LocalizedString")
        )
    ]
