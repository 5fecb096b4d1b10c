"""What can be wrong with an archive; places name a file or slot, never what it holds."""

from gateway.core.issues import Issue, Severity


def _named(*, strict: bool) -> Severity:
    return Severity.ERROR if strict else Severity.WARNING


def long_name(number: int, *, strict: bool) -> Issue:
    """Say that a file or folder is not called by eight and three characters."""
    return Issue(
        code="RLS-MSS-006",
        severity=_named(strict=strict),
        where=f"archive, file {number}",
        what="its name is not of eight and three upper-case letters, digits or underscores.",
        fix="Name files of the archive as ISO 9660 level 1 asks.",
    )


def missing_page(name: str, *, strict: bool) -> Issue:
    """Say that a page for people is missing."""
    return Issue(
        code="RLS-MSS-007",
        severity=_named(strict=strict),
        where=f"archive, {name}",
        what="this page is missing.",
        fix="Add INDEX.HTM and README.TXT at the root of the archive.",
    )


def no_slot(place: str, slot: str) -> Issue:
    """Say that a slot is missing."""
    return Issue(
        code="RLS-MSS-008",
        severity=Severity.ERROR,
        where=f"{place} slot {slot}",
        what="the slot is missing; an archive must give it.",
        fix="Write URI, hash and size of each document.",
    )


def altered(place: str, slot: str) -> Issue:
    """Say that a document is not the one its metadata describe."""
    return Issue(
        code="RLS-MSS-009",
        severity=Severity.ERROR,
        where=f"{place} slot {slot}",
        what="the document in the archive has another value.",
        fix="Have the archive sent again; the document was changed or cut.",
    )


def no_zip() -> Issue:
    """Say that the bytes are no zip that can be read."""
    return Issue(
        code="RLS-MSS-010",
        severity=Severity.ERROR,
        where="archive",
        what="it is not a zip, or a damaged one.",
        fix="Have the archive sent again.",
    )


def too_much(what: str) -> Issue:
    """Say that a limit was passed."""
    return Issue(
        code="RLS-MSS-011",
        severity=Severity.ERROR,
        where="archive",
        what=f"it holds more {what} than is read.",
        fix="Send fewer or smaller documents.",
    )


def hostile(what: str) -> Issue:
    """Say that the archive is made to hurt, or looks like it."""
    return Issue(
        code="RLS-MSS-012",
        severity=Severity.ERROR,
        where="archive",
        what=f"it holds {what}.",
        fix="Send plain files under IHE_XDM, neither encrypted nor packed again.",
    )


def two_patients() -> Issue:
    """Say that the metadata speak of two people."""
    return Issue(
        code="RLS-MSS-013",
        severity=Severity.ERROR,
        where="METADATA.XML patientId",
        what="the archive is about more than one patient.",
        fix="Send one archive and one mail per patient.",
    )


def no_metadata(place: str) -> Issue:
    """Say that there are no metadata that can be read."""
    return Issue(
        code="RLS-MSS-014",
        severity=Severity.ERROR,
        where=place,
        what="there is no METADATA.XML, or it is not plain XML.",
        fix="Send an IHE XDM archive.",
    )


def no_file(place: str) -> Issue:
    """Say that the metadata name no file that is there."""
    return Issue(
        code="RLS-MSS-015",
        severity=Severity.ERROR,
        where=f"{place} slot URI",
        what="no file of the archive is called so.",
        fix="Have the archive sent again with every document in it.",
    )


def empty(place: str) -> Issue:
    """Say that a document is empty."""
    return Issue(
        code="RLS-MSS-016",
        severity=Severity.ERROR,
        where=place,
        what="the document is empty.",
        fix="Have the archive sent again with the document.",
    )


def contradicted(place: str, what: str) -> Issue:
    """Say that metadata and document disagree."""
    return Issue(
        code="RLS-MSS-017",
        severity=Severity.ERROR,
        where=place,
        what=f"the metadata give another {what} than the document itself.",
        fix="Have the archive made again from the document.",
    )
