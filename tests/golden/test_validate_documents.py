"""The published French documents, judged: every finding was read and is a true one.

Two of them break a rule: an author of an entry has a profession outside of its list, as the
schematrons of their publisher say too. The warnings are what readers of CDA meet in the field:

* references without `#`, and references to an ID that is not there, a bare `#` most often;
* one RPPS under several names, one FINESS under several, numbers that cannot exist;
* `nullFlavor="NA"` in headers, which the guide does not list;
* elements that are there and empty, in places whose data type is not asked for;
* the discharge letter dates its admission and its discharge a year before its own stay;
* the telemedicine request is version 2 and replaces nothing;
* the prescription announces a PNG as JPEG.
"""

from collections import Counter

import pytest

from gateway.conformance.cda.value_sets import load_value_sets
from tests.support.letters import judged

NO_NUMBER, NULL, EMPTY, NO_ZONE = "RLS-CDA-303", "RLS-CDA-305", "RLS-CDA-306", "RLS-CDA-309"
PEOPLE, STRUCTURES, NO_HASH, DANGLING = "RLS-CDA-022", "RLS-CDA-343", "RLS-CDA-360", "RLS-CDA-361"
DATES, MEDIA, NOT_REPLACED, NO_LIST = "RLS-CDA-331", "RLS-CDA-329", "RLS-CDA-350", "RLS-CDA-370"

#: Model, and how often each finding is there.
EXPECTED: dict[str, tuple[str, dict[str, int]]] = {
    "BIO-CR-BIO_2024.01_TSH_1.xml": ("CDA CR-BIO", {NO_NUMBER: 1, NULL: 1, DANGLING: 1}),
    "CANCER-D2LM-FIDD_2022.01.xml": (
        "CDA CANCER-D2LM-FIDD 2022.01",
        {NO_NUMBER: 3, NULL: 3, NO_HASH: 4, DANGLING: 1},
    ),
    "CANCER-FRCP_2022.01_Appareil.xml": (
        "CDA CANCER-FRCP 2022.01",
        {PEOPLE: 9, NO_NUMBER: 17, NULL: 4, STRUCTURES: 4, DANGLING: 17, NO_LIST: 1},
    ),
    "CANCER-PPS_2022.01_feuille-de-style-externe.xml": (
        "CDA CANCER-PPS 2022.01",
        {PEOPLE: 1, NO_NUMBER: 4, NULL: 1, EMPTY: 6, STRUCTURES: 1, DANGLING: 17},
    ),
    "DLU-EHPAD-FLUDR_2022.01.xml": ("CDA DLU-EHPAD-FLUDR 2022.01", {PEOPLE: 1, EMPTY: 1}),
    "DOC_NON_STRUCTURE_CDA-R2-N1.xml": ("CDA level 1", {NO_ZONE: 1}),
    "IMG_CR_IMG_2024.01_CDA-R2-Niveau-1.xml": ("CDA level 1", {NULL: 1, STRUCTURES: 1}),
    "LDL-EES_2022.01.xml": (
        "CDA LDL-EES 2022.01",
        {NO_NUMBER: 1, NULL: 1, NO_HASH: 1, DANGLING: 1},
    ),
    "LDL-SES_2022.01.xml": (
        "CDA LDL-SES 2022.01",
        {PEOPLE: 3, NO_NUMBER: 1, NULL: 1, DATES: 2, STRUCTURES: 1, NO_HASH: 10, DANGLING: 3},
    ),
    "SDM-MR_2022.01.xml": ("CDA SDM-MR 2022.01", {NO_ZONE: 1, NO_HASH: 1, DANGLING: 6}),
    "TLM-DA_2022.01_TCG.xml": (
        "CDA TLM-DA 2022.01",
        {PEOPLE: 1, NO_NUMBER: 1, EMPTY: 1, NOT_REPLACED: 1, NO_HASH: 11, DANGLING: 4, NO_LIST: 1},
    ),
    "VSM_1.4_2022.01.xml": ("CDA VSM 201310", {EMPTY: 5, DANGLING: 1}),
    "eP-MED-DM_2024.01_PosoStruct.xml": (
        "CDA eP-MED-DM 2024.01",
        {PEOPLE: 2, MEDIA: 1, NO_HASH: 3, DANGLING: 8},
    ),
}


@pytest.fixture(scope="module")
def lists(corpus_folder):
    return load_value_sets(corpus_folder / "valuesets")


def test_every_sample_is_judged(corpus_folder):
    assert {path.name for path in (corpus_folder / "cda").glob("*.xml")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_published_document_has_its_true_findings(corpus_folder, lists, name):
    report = judged((corpus_folder / "cda" / name).read_bytes(), lists)

    model, codes = EXPECTED[name]
    assert report.message_type == model
    assert Counter(one.issue.code for one in report.findings) == codes
