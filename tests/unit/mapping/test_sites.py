"""Sites: who sends, and which identifier system an assigning authority is."""

import pytest

from gateway.mapping.sites import DEFAULT_SITE, Site, Sites

CHU = Site.model_validate(
    {
        "name": "chu",
        "finess": "990000001",
        "sources": [{"application": "GAM", "facility": "CHU"}, {"facility": "CHU-X"}],
        "authorities": {"CHU-X": "990000001", "LABO": "1.2.3.4", "1.2.3": "990000001"},
        "cda_roots": {"1.2.250.1.999.1.1": "990000001"},
        "ufs": {"3310": {"name": "Chirurgie", "sector": "mco"}},
    }
)
OTHER = Site.model_validate(
    {"name": "other", "sources": [{"application": "LAB", "facility": "CHU-X"}]}
)
SITES = Sites([CHU, OTHER])
IPP = "https://relais.example/ns/ipp/990000001"


@pytest.mark.parametrize(
    ("application", "facility", "name"),
    [
        pytest.param("GAM", "CHU", "chu", id="exact pair"),
        pytest.param("ANY", "CHU-X", "chu", id="facility alone"),
        pytest.param("LAB", "CHU-X", "other", id="pair before facility"),
        pytest.param("LAB", "CHU", "default", id="other application of a pair"),
        pytest.param("", "", "default", id="nobody"),
    ],
)
def test_sender_finds_its_site(application, facility, name):
    assert SITES.for_sender(application, facility).name == name


def test_file_called_default_replaces_the_built_in_one():
    mine = Site(name="default", finess="990000009")

    assert Sites([mine]).for_sender("a", "b") is mine
    assert Sites([CHU]).for_sender("a", "b") is DEFAULT_SITE


def test_establishment_finds_its_site():
    assert SITES.for_finess("990000001") is CHU
    assert SITES.for_finess("") is SITES.default


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        pytest.param(("CHU-X", "", ""), IPP, id="bare name of the table"),
        pytest.param(("CHU-X", "990000001", "M"), IPP, id="name and FINESS EJ"),
        pytest.param(("", "990000001", "N"), IPP, id="FINESS EG alone"),
        pytest.param(("", "CHU-X", "L"), IPP, id="universal id that is a name"),
        pytest.param(("X", "1.2.3", "ISO"), IPP, id="OID the table declares"),
        pytest.param(("X", "1.2.5", "ISO"), "urn:oid:1.2.5", id="OID"),
        pytest.param(("X", "urn:oid:1.2.5", "ISO"), "urn:oid:1.2.5", id="OID as URI"),
        pytest.param(("LABO", "", ""), "urn:oid:1.2.3.4", id="name declared as an OID"),
        pytest.param(("990000007", "", ""), IPP[:-1] + "7", id="FINESS in the place of the name"),
        pytest.param(("CHU", "", ""), IPP, id="name of the facility is the sender's own"),
        pytest.param(
            ("LABO-Z", "", ""),
            "https://relais.example/ns/ipp/LABO-Z",
            id="undeclared name is a domain of its own",
        ),
        pytest.param(("", "", ""), IPP, id="nothing at all is the sender's own"),
        pytest.param(("", "1.2.250.1.999.1.1", "ISO"), IPP, id="root of a document"),
    ],
)
def test_authority_of_an_ipp(authority, expected):
    assert CHU.domain("ipp", *authority, facility="CHU") == expected


@pytest.mark.field("FL-113")
def test_qualified_and_bare_form_of_one_authority_are_one_domain():
    site = Site.model_validate({"name": "s", "authorities": {"CHU-X": "1.2.3"}})

    assert site.domain("ipp", "CHU-X", "1.2.3", "ISO") == site.domain("ipp", "CHU-X")


def test_document_root_is_a_domain_of_the_ipp_only():
    assert CHU.domain("visit", "", "1.2.250.1.999.1.1", "ISO") == "urn:oid:1.2.250.1.999.1.1"


def test_last_resort_without_a_site_is_the_facility():
    found = [
        DEFAULT_SITE.domain("nda", facility="990000005"),
        DEFAULT_SITE.domain("nda", "GAM", facility="990000005"),
        DEFAULT_SITE.domain("nda", "Gam Sud", facility="CLINIQUE"),
        DEFAULT_SITE.domain("nda", facility="CLINIQUE"),
    ]

    base = "https://relais.example/ns/nda/"
    assert found == [f"{base}990000005", f"{base}GAM", f"{base}Gam%20Sud", f"{base}CLINIQUE"]


@pytest.mark.field("FL-150")
def test_unit_the_table_does_not_have_has_no_sector():
    assert CHU.unit("3310").sector == "mco"
    assert CHU.unit("9999").sector == ""
