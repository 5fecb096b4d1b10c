"""Published extracts are read by the names of their columns; bad lines are told, not guessed."""

import zipfile
from datetime import UTC, datetime

import pytest

from gateway.connectors.directory_extracts import MAILBOXES, PROFESSIONALS, date_of, opened
from gateway.core.errors import RejectedError
from tests.conftest import ROOT
from tests.support.mail import code_of

FOLDER = ROOT / "fixtures/delivery/directory_extracts"
BOXES = FOLDER / "Extraction_Correspondance_MSSante_202611200838.txt"
PEOPLE = FOLDER / "PS_LibreAcces_Personne_activite_202611200839.txt"
DAY = datetime(2026, 11, 20, 7, 38, tzinfo=UTC)


def read(path, as_of=None):
    with opened(path, as_of) as extract:
        return extract, list(extract.entries())


def test_mailboxes_are_read_with_whom_they_belong_to():
    extract, entries = read(BOXES)

    assert (extract.origin, extract.as_of) == (MAILBOXES, DAY)
    assert len(entries) == 5
    doctor, service = entries[:2]
    assert (doctor.rpps, doctor.kind, doctor.family, doctor.given) == (
        "99900000144", "PER", "BASALTE", "Élise",
    )  # fmt: skip
    assert doctor.address == "elise.basalte@medecin.mssante.example"
    assert (doctor.place, doctor.postcode, doctor.seen_at) == ("EPREUVE SUR CALQUE", "99005", DAY)
    assert (service.rpps, service.finess, service.kind) == ("", "990004004", "ORG")
    assert service.structure == "HAD de la Dorde (fictive), Coordination"
    assert (service.place, service.postcode) == ("EPREUVE SUR CALQUE", "99005")


def test_lines_that_cannot_be_read_are_told_by_their_number():
    extract, _ = read(BOXES)

    assert extract.left_out == 2
    assert [issue.where.rpartition(" line ")[2] for issue in extract.issues] == ["7", "8"]
    assert [issue.code for issue in extract.issues] == ["RLS-DIR-003"] * 2


def test_professionals_without_mailbox_are_read_too():
    extract, entries = read(PEOPLE)

    assert extract.origin == PROFESSIONALS
    assert [(one.rpps, one.finess, one.address) for one in entries] == [
        ("99900000144", "", ""), ("99900001324", "990004004", ""),
    ]  # fmt: skip


def test_columns_are_found_by_name_in_any_order(tmp_path):
    lines = [line.split("|") for line in BOXES.read_text(encoding="utf-8").splitlines()[:6]]
    turned = tmp_path / BOXES.name
    turned.write_text("\n".join("|".join(reversed(line)) for line in lines) + "\n", "utf-8")

    assert read(turned)[1] == read(BOXES)[1]


def test_the_archive_it_is_published_in_is_read(tmp_path):
    packed = tmp_path / "Extraction_Correspondance_MSSante_202611200838.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(BOXES.name, BOXES.read_bytes())

    assert read(packed)[1] == read(BOXES)[1]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("x.txt", BOXES.read_bytes(), "RLS-DIR-001"),
        ("x_20261399.txt", BOXES.read_bytes(), "RLS-DIR-001"),
        ("x_20261120.txt", b"a|b|c\n1|2|3\n", "RLS-DIR-002"),
        ("x_20261120.txt", b"", "RLS-DIR-002"),
        ("x_20261120.txt", BOXES.read_text("utf-8").encode("latin-1"), "RLS-DIR-004"),
    ],
    ids=["no date", "no such day", "other columns", "empty", "latin-1"],
)
def test_what_is_no_extract_is_refused(tmp_path, name, content, code):
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(RejectedError) as caught:
        read(path)

    assert code_of(caught) == code


def test_a_date_may_be_given_where_the_name_tells_none(tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes(BOXES.read_bytes())

    assert read(path, DAY)[0].as_of == DAY


def test_the_date_of_a_name_is_that_of_paris():
    assert date_of("PS_LibreAcces_202607010005.zip") == datetime(2026, 6, 30, 22, 5, tzinfo=UTC)
