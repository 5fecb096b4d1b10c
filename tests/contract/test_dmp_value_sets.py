"""Codes outside the value sets of the shared record: refused with a reason, before the first call.

The lists of CI-SIS come from the corpus; those of the DMP are not in it, so some are made here.
"""

import os
import re
from pathlib import Path

import pytest
import structlog

from gateway.connectors.dmp import DmpConnector
from gateway.connectors.dmp_value_sets import BOUND
from gateway.core.deliveries import DeliveryStatus
from gateway.core.errors import FatalError, RejectedError
from gateway.entry.dmp import build_dmp, record_lists
from gateway.entry.settings import DmpSettings, load
from gateway.mapping.loader import load_mappings
from tests.support.dmp import CONCEPTMAPS, EG, HOUSE, Hands, delivery, letter, pki_in, record

CISIS = Path(os.environ["RELAIS_TEST_CORPUS"]) / "valuesets"
SVS = (
    '<RetrieveValueSetResponse xmlns="urn:ihe:iti:svs:2008"><ValueSet id="2.999.{number}"'
    ' displayName="{name}" version="7" revisionDate="2026-01-05T00:00:00+01:00"><ConceptList>'
    "{concepts}</ConceptList></ValueSet></RetrieveValueSetResponse>"
)
IN_CISIS = {"typeCode", "practiceSettingCode", "healthcareFacilityTypeCode", "confidentialityCode",
            "authorSpecialty"}  # fmt: skip
CLASSES, FORMATS = "1.2.250.1.213.1.1.4.1", "1.2.250.1.213.1.1.4.2.282"
LOINC, CONTENTS = "2.16.840.1.113883.6.1", "1.2.250.1.213.2.2"


def made(folder, name, *codes, end=""):
    """Write a list of the project; return its folder."""
    concepts = "".join(
        f'<Concept code="{code}" codeSystem="{system}" dateFin="{end}" displayName="x"/>'
        for code, system in codes
    )
    number = name.partition("_J")[2][:2]
    text = SVS.format(number=number, name=name, concepts=concepts)
    (folder / f"{name}.xml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def lists(tmp_path):
    folder = tmp_path / "jdv"
    folder.mkdir()
    return folder


@pytest.fixture
async def shared(tmp_path):
    async with record(tmp_path) as opened:
        yield opened


def connector(shared, folder):
    return DmpConnector(shared.dialect, HOUSE, CONCEPTMAPS, record_lists(folder))


async def refused(shared, folder, body=None):
    """Return what is said of a letter that must not leave; nothing was asked of the record."""
    with pytest.raises(RejectedError) as caught:
        await connector(shared, folder).send(delivery(body or letter()))
    assert shared.repository.requests == []
    return [(i.where, i.what) for i in caught.value.issues if i.code == "RLS-DMP-060"]


async def test_a_letter_whose_codes_all_stand_in_the_published_lists_is_fed(shared):
    handover = await connector(shared, CISIS).send(delivery(letter()))

    assert handover.status is DeliveryStatus.CONFIRMED
    assert handover.note == ("Success; RLS-DMP-061 classCode, formatCode, contentTypeCode")


def test_the_lists_of_ci_sis_are_found_by_their_numbers():
    found = record_lists(CISIS)

    assert set(found.by_attribute) == IN_CISIS
    assert found.missing == ("classCode", "formatCode", "contentTypeCode")
    assert found.by_attribute["typeCode"].name == "JDV_J07_XdsTypeCode_CISIS"


@pytest.mark.parametrize(
    ("known", "other", "attribute"),
    [
        ("11490-0", "99999-9", "typeCode"),
        ("N", "X", "confidentialityCode"),
        ("HAD", "PISCINE", "practiceSettingCode"),
        ("SA04", "SA99", "healthcareFacilityTypeCode"),
        ("G15_10/SM54", "G15_10/SM99", "authorSpecialty"),
    ],
)
async def test_a_code_of_no_list_is_refused_with_the_list_and_its_version(
    shared, known, other, attribute
):
    body = letter().replace(f'code="{known}"'.encode(), f'code="{other}"'.encode())

    [(where, what), *others] = await refused(shared, CISIS, body)

    assert others == []
    assert where == f"XDS metadata, {attribute}"
    assert what.startswith(f"{other} (")
    assert re.search(r"is not in JDV_J0\d_Xds\w+_CISIS .*of 20\d\d-\d\d-\d\d\.$", what)


async def test_every_wrong_code_is_named_at_once(shared):
    body = letter().replace(b'code="HAD"', b'code="PISCINE"').replace(b'code="SA04"', b'code="SA9"')

    found = await refused(shared, CISIS, body)

    assert [where.partition(", ")[2] for where, _ in found] == [
        "practiceSettingCode",
        "healthcareFacilityTypeCode",
    ]


async def test_class_format_and_content_type_are_judged_by_lists_of_the_record(shared, lists):
    made(lists, "JDV_J57-ClassCode-DMP", ("99", CLASSES))
    made(lists, "JDV_J60-FormatCode-DMP", ("urn:other", FORMATS))
    made(lists, "JDV_J59-ContentTypeCode-DMP", ("04", CONTENTS))

    assert await refused(shared, lists) == [
        ("XDS metadata, classCode",
         f"11 ({CLASSES}) is not in JDV_J57-ClassCode-DMP version 7 of 2026-01-05."),
        ("XDS metadata, formatCode",
         f"urn:asip:ci-sis:ldl-ses:2017 ({FORMATS}) is not in"
         " JDV_J60-FormatCode-DMP version 7 of 2026-01-05."),
        ("XDS metadata, contentTypeCode",
         f"03 ({CONTENTS}) is not in JDV_J59-ContentTypeCode-DMP version 7 of 2026-01-05."),
    ]  # fmt: skip


async def test_the_list_of_the_record_wins_over_that_of_ci_sis(shared, lists):
    made(lists, "JDV_J07_XdsTypeCode_CISIS", ("11490-0", LOINC))
    made(lists, "JDV_J66-TypeCode-DMP", ("18776-5", LOINC))

    [(_, what)] = await refused(shared, lists)

    assert "JDV_J66-TypeCode-DMP" in what


async def test_a_code_of_another_system_is_another_code(shared, lists):
    made(lists, "JDV_J66-TypeCode-DMP", ("11490-0", "1.2.250.1.213.1.1.4.12"))

    assert len(await refused(shared, lists)) == 1


async def test_a_code_withdrawn_before_the_document_was_made_is_refused(shared, lists):
    made(lists, "JDV_J66-TypeCode-DMP", ("11490-0", LOINC), end="20251231000000")

    [(_, what)] = await refused(shared, lists)

    assert what.endswith(
        "was withdrawn from JDV_J66-TypeCode-DMP version 7 of 2026-01-05 on 2025-12-31."
    )


async def test_a_code_withdrawn_later_is_still_good(shared, lists):
    made(lists, "JDV_J66-TypeCode-DMP", ("11490-0", LOINC), end="20991231000000")

    handover = await connector(shared, lists).send(delivery(letter()))

    assert handover.status is DeliveryStatus.CONFIRMED


async def test_what_is_taken_back_is_not_judged_again(shared, lists):
    await shared.connector.send(delivery(letter()))
    made(lists, "JDV_J66-TypeCode-DMP", ("18776-5", LOINC))

    handover = await connector(shared, lists).send(delivery(letter(), kind="dmp-delete"))

    assert handover.status is DeliveryStatus.CONFIRMED
    assert shared.repository.unique_ids == []


@pytest.mark.parametrize(("folder", "missing"), [(None, len(BOUND)), (CISIS, 3)])
def test_lists_that_are_missing_are_said_at_the_start(tmp_path, folder, missing):
    pki = pki_in(tmp_path)
    settings = load(
        dmp=DmpSettings(
            base_url="https://dmp.example", authority=pki.authority, certificate=pki.client,
            sign_certificate=pki.signer, structures=(EG,), value_sets=folder,
        )
    )  # fmt: skip

    with structlog.testing.capture_logs() as logs:
        build_dmp(settings, load_mappings(), Hands())

    [line] = [one for one in logs if one["event"] == "record_codes_not_judged"]
    assert (line["code"], line["log_level"]) == ("RLS-DMP-061", "warning")
    assert len(line["kind"].split(", ")) == missing


def test_a_folder_without_lists_stops_the_start(lists):
    with pytest.raises(FatalError, match="RLS-CFG-115"):
        record_lists(lists)
