"""Archives: what we pack, and what the reader says of archives that are wrong or made to hurt."""

import io
import re
import zipfile
from hashlib import sha1

import pytest
from lxml import etree

from gateway.cda.reader import read as read_cda
from gateway.cda.xds_metadata import Author, Code, describe
from gateway.connectors import ebrim, xdm, xdm_reader
from gateway.connectors.xdm_check import contradictions
from gateway.connectors.xdm_reader import Limits, read
from gateway.core.errors import RejectedError
from tests.support.mail import CONCEPTMAPS, letter

FOLDER = "IHE_XDM/SUBSET01"
METADATA, DOCUMENT = f"{FOLDER}/METADATA.XML", f"{FOLDER}/DOC00001.XML"


def packed(*bodies: bytes) -> bytes:
    documents = [
        xdm.Packed(describe(read_cda(body), CONCEPTMAPS, ins_trusted=True), body)
        for body in bodies or (letter(),)
    ]
    entry = documents[0].entry
    lot = ebrim.SubmissionSet(
        "2.25.1", "2.999.1", "20260302093000", Author("1^A^B"), Code("03", "1.2", ""),
        entry.patient_id,
    )  # fmt: skip
    return xdm.pack(documents, lot, xdm.Sender("Service d'essai", "a@b.example", "Relais"))


def files_of(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        return {name: found.read(name) for name in found.namelist()}


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return out.getvalue()


def codes(archive: bytes, *, strict: bool = False) -> list[str]:
    return [issue.code for issue in read(archive, strict=strict).issues]


def refusal(archive: bytes, limits: Limits = Limits()) -> str:  # noqa: B008 - frozen, shared
    with pytest.raises(RejectedError) as caught:
        read(archive, limits)
    return caught.value.issues[0].code


def test_an_archive_is_the_same_bytes_each_time():
    assert packed() == packed()


@pytest.mark.field("FL-258")
def test_our_archive_passes_its_own_reader_to_the_letter():
    archive = read(packed(), strict=True)

    assert archive.issues == ()
    assert contradictions(archive) == []
    assert archive.documents[0].data == letter()
    assert list(files_of(packed())) == ["README.TXT", "INDEX.HTM", METADATA, DOCUMENT]


@pytest.mark.field("FL-258")
def test_long_names_and_missing_pages_are_errors_of_ours_and_warnings_of_others():
    files = files_of(packed())
    files["IHE_XDM/SUBSET01/Lettre de liaison.xml"] = files.pop(DOCUMENT)
    files[METADATA] = files[METADATA].replace(b"DOC00001.XML", b"Lettre de liaison.xml")
    del files["INDEX.HTM"]

    ours, theirs = read(zipped(files), strict=True), read(zipped(files))

    assert sorted({i.code for i in ours.issues}) == ["RLS-MSS-006", "RLS-MSS-007"]
    assert not ours.is_sound
    assert theirs.is_sound
    assert len(theirs.documents) == 1


@pytest.mark.field("FL-258")
def test_any_case_and_folder_is_read():
    files = {
        name.replace("IHE_XDM/SUBSET01", "ihe_xdm/ss000001").lower(): data
        for name, data in files_of(packed()).items()
    }

    archive = read(zipped(files))

    assert archive.is_sound
    assert archive.documents[0].data == letter()


@pytest.mark.field("FL-259")
def test_an_empty_document_is_found():
    files = files_of(packed()) | {DOCUMENT: b""}

    assert codes(zipped(files)) == ["RLS-MSS-016", "RLS-MSS-009", "RLS-MSS-009"]


def test_a_changed_document_is_found():
    files = files_of(packed())
    files[DOCUMENT] = files[DOCUMENT].replace(b"PAT-", b"TAP-")

    assert codes(zipped(files)) == ["RLS-MSS-009"]


@pytest.mark.field("FL-260")
@pytest.mark.parametrize("slot", ["hash", "size", "URI"])
def test_each_missing_slot_is_named(slot):
    files = files_of(packed())
    pattern = rf'<rim:Slot name="{slot}">.*?</rim:Slot>'.encode()
    files[METADATA] = re.sub(pattern, b"", files[METADATA])

    issues = read(zipped(files)).issues

    missing = [issue.where for issue in issues if issue.code == "RLS-MSS-008"]
    assert missing == [f"{METADATA} ExtrinsicObject[1] slot {slot}"]


def test_a_document_that_is_not_there_is_named():
    files = files_of(packed())
    del files[DOCUMENT]

    assert codes(zipped(files)) == ["RLS-MSS-015"]


@pytest.mark.field("FL-272")
def test_two_patients_are_refused():
    first, second = letter(0), letter(2)

    assert refusal(packed(first, second)) == "RLS-MSS-013"


@pytest.mark.field("FL-264")
@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b'nodeRepresentation="11490-0"', b'nodeRepresentation="34133-9"', "typeCode"),
        (rb'(value="2\.999\.1\.[0-9.]+)"', rb'\1.9"', "uniqueId"),
    ],
    ids=["type", "id"],
)
def test_metadata_that_contradict_the_document_are_found(old, new, what):
    files = files_of(packed())
    files[METADATA] = re.sub(old, new, files[METADATA])

    found = contradictions(read(zipped(files)))

    assert [issue.code for issue in found] == ["RLS-MSS-017"]
    assert what in found[0].what


HURTING = {
    "a bomb": {"a.txt": b"0" * 40_000_000},
    "a name that climbs": {"../../x": b"x"},
    "a drive": {"C:/x": b"x"},
    "a backslash": {"IHE_XDM\\x": b"x"},
    "an absolute name": {"/etc/x": b"x"},
    "an archive inside": {"a.zip": zipped({"a": b"b"})},
}


@pytest.mark.field("FL-273")
@pytest.mark.parametrize("files", HURTING.values(), ids=HURTING.keys())
def test_archives_made_to_hurt_are_refused(files):
    assert refusal(zipped(files)) in ("RLS-MSS-011", "RLS-MSS-012")


@pytest.mark.field("FL-273")
def test_an_encrypted_file_is_refused():
    data = bytearray(zipped({"a": b"b"}))
    data[6] |= 1
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1

    assert refusal(bytes(data)) == "RLS-MSS-012"


@pytest.mark.field("FL-273")
def test_a_header_that_lies_about_the_size_does_not_get_its_bytes_read():
    data = bytearray(zipped({"a": b"0" * 100_000}))
    central = data.index(b"PK\x01\x02")
    data[central + 24 : central + 28] = (10).to_bytes(4, "little")

    assert refusal(bytes(data)) == "RLS-MSS-010"


@pytest.mark.field("FL-273")
def test_too_many_files_are_refused():
    assert refusal(zipped({f"f{n}": b"" for n in range(201)})) == "RLS-MSS-011"


@pytest.mark.parametrize("data", [b"", b"PK", b"%PDF", packed()[:-30]], ids=repr)
def test_what_is_no_zip_is_refused(data):
    assert refusal(data) == "RLS-MSS-010"


@pytest.mark.parametrize(
    "metadata",
    [b"", b"<a", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'],
    ids=["empty", "cut", "entity"],
)
def test_metadata_that_are_not_plain_xml_are_refused(metadata):
    assert refusal(zipped(files_of(packed()) | {METADATA: metadata})) == "RLS-MSS-014"


def test_hash_and_size_are_those_of_the_bytes():
    text = files_of(packed())[METADATA].decode()

    assert sha1(letter(), usedforsecurity=False).hexdigest() in text
    assert f"<rim:Value>{len(letter())}</rim:Value>" in text


def test_metadata_that_delete_a_document_take_it_back():
    entry = '<ExtrinsicObject id="urn:uuid:1" status="urn:oasis:names:tc:ebxml-regrep:StatusType:'

    assert deleted(f'{entry}Approved"/>') is False
    assert deleted(f'{entry}Approved"/>', target="urn:uuid:2") is False
    assert deleted(f'{entry}Approved"/>', target="urn:uuid:1") is True
    assert deleted('<ExtrinsicObject status="urn:asip:ci-sis:2010:StatusType:Deleted"/>') is True


def deleted(entry: str, target: str = "") -> bool:
    """Tell whether an entry is deleted, beside an association that deletes a target."""
    slot = (
        '<Slot name="NewStatus"><ValueList>'
        "<Value>urn:asip:ci-sis:2010:StatusType:Deleted</Value></ValueList></Slot>"
    )
    lot = (
        f'<L xmlns="{ebrim.RIM}">{entry}'
        f'<Association targetObject="{target}">{slot}</Association></L>'
    )
    return xdm_reader._is_deleted(etree.fromstring(lot)[0])
