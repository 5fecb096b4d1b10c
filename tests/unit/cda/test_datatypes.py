"""CDA data types: codes, quantities, times, names, addresses, telecoms."""

from typing import Any

import pytest

from gateway.cda import codes, contacts
from gateway.cda.context import Context
from gateway.mapping.converters import Flawed
from tests.unit.cda.conftest import context_of
from tests.unit.cda.documents import node

LOINC = "2.16.840.1.113883.6.1"


def test_concept_keeps_main_code_translations_and_display(context: Context) -> None:
    inner = (
        f'<code code="C50" codeSystem="2.16.840.1.113883.6.3" displayName="Sein">'
        f'<translation code="9" codeSystem="{LOINC}"/></code>'
    )

    assert codes.concept(node(inner), context) == {
        "coding": [
            {"system": "http://hl7.org/fhir/sid/icd-10", "code": "C50", "display": "Sein"},
            {"system": "http://loinc.org", "code": "9"},
        ],
        "text": "Sein",
    }


@pytest.mark.field("FL-183")
def test_null_code_keeps_the_words_of_the_author(context: Context) -> None:
    inner = '<code nullFlavor="OTH"><originalText><reference value="#a1"/></originalText></code>'

    made = codes.concept(node(inner, '<content ID="a1">autre chose</content>'), context)

    assert made == {"text": "autre chose"}


def test_null_code_without_words_gives_nothing(context: Context) -> None:
    assert codes.concept(node('<code nullFlavor="UNK"/>'), context) is None


@pytest.mark.field("FL-195")
def test_code_without_system_is_kept_without_system_and_reported(context: Context) -> None:
    made = codes.concept(node('<code code="75056"/>'), context)

    assert isinstance(made, Flawed)
    assert made.value == {"coding": [{"code": "75056"}]}
    assert [(issue.code, issue.where.rpartition("/")[2]) for issue in made.issues] == [
        ("RLS-CDA-020", "code")
    ]


@pytest.mark.field("FL-199")
def test_display_is_kept_as_text_beside_the_code(context: Context) -> None:
    inner = f'<code code="1" codeSystem="{LOINC}" displayName="Autre libellé"/>'

    made = codes.concept(node(inner), context)

    assert made["coding"][0]["code"] == "1"
    assert made["text"] == "Autre libellé"


def test_qualifiers_become_further_codings(context: Context) -> None:
    inner = (
        f'<targetSiteCode code="1" codeSystem="{LOINC}"><qualifier><value code="D"'
        f' codeSystem="{LOINC}"/></qualifier></targetSiteCode>'
    )

    made = codes.concept_with_qualifiers(node(inner), context)

    assert [coding["code"] for coding in made["coding"]] == ["1", "D"]


@pytest.mark.parametrize(
    ("oid", "uri"),
    [
        (LOINC, "http://loinc.org"),
        ("1.2.250.1.213.1.1.4.322", "urn:oid:1.2.250.1.213.1.1.4.322"),
        ("0A0A0A0A-0000-4000-8000-000000000001", "urn:uuid:0a0a0a0a-0000-4000-8000-000000000001"),
        ("", ""),
    ],
)
def test_systems_come_from_the_table_or_keep_the_oid(oid: str, uri: str, context: Context) -> None:
    assert codes.system_uri(oid, context) == uri


@pytest.mark.field("FL-196")
@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('value="5" unit="mg"', {"value": 5, "unit": "mg", "system": codes.UCUM, "code": "mg"}),
        ('value="1" unit="{tbl}"', {"value": 1, "unit": "{tbl}"}),
        ('value="2" unit="30009000"', {"value": 2, "system": codes.EDQM, "code": "30009000"}),
        ('value="0,5" unit="g"', {"value": 0.5, "unit": "g", "system": codes.UCUM, "code": "g"}),
        ('value="3" unit="1"', {"value": 3}),
        ('value="beaucoup" unit="g"', None),
        ('nullFlavor="UNK"', None),
    ],
)
def test_ucum_is_claimed_by_table_only(attributes: str, expected: Any, context: Context) -> None:
    assert codes.quantity(node(f"<value {attributes}/>"), context) == expected


def test_equal_bounds_are_one_quantity_and_others_a_range(context: Context) -> None:
    equal = node('<doseQuantity><low value="1"/><high value="1"/></doseQuantity>')
    other = node('<doseQuantity><low value="1"/><high value="2"/></doseQuantity>')
    empty = node('<doseQuantity nullFlavor="UNK"/>')

    assert codes.quantity_range(equal, context) == ({"value": 1}, None)
    assert codes.quantity_range(other, context) == (
        None,
        {"low": {"value": 1}, "high": {"value": 2}},
    )
    assert codes.quantity_range(empty, context) == (None, None)


def test_ratio_needs_both_parts(context: Context) -> None:
    half = node('<maxDoseQuantity><numerator value="1"/></maxDoseQuantity>')

    assert codes.ratio(half, context) is None


def test_boolean_reads_text_and_value(context: Context) -> None:
    assert codes.boolean(node('<value value="true"/>'), context) is True
    assert codes.boolean(node('<value value="false"/>'), context) is False
    assert codes.boolean(node("<value/>"), context) is None


def test_text_collapses_blanks(context: Context) -> None:
    assert codes.text(node("<title>Plan\n  de soins </title>"), context) == "Plan de soins"


def test_narrative_is_resolved_or_left_out(context: Context) -> None:
    there = node('<text><reference value="a"/></text>', '<content ID="a">dit</content>')
    dangling = node('<text><reference value="#zz"/></text>')

    assert codes.narrative(there, context) == "dit"
    assert codes.narrative(dangling, context) is None


# --- times ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("2026", "2026", id="year"),
        pytest.param("202603", "2026-03", id="month"),
        pytest.param("20190115", "2019-01-15", id="a date stays a date"),
        pytest.param("201901151130+0100", "2019-01-15T11:30:00+01:00", id="minutes with zone"),
        pytest.param("20260712101500.123+0200", "2026-07-12T10:15:00.123+02:00", id="fraction"),
    ],
)
def test_times_keep_their_precision(value: str, expected: str, context: Context) -> None:
    assert contacts.date_time(node(f'<effectiveTime value="{value}"/>'), context) == expected
    assert list(context.noticed) == []


@pytest.mark.field("FL-203")
def test_time_without_zone_is_that_of_paris_and_flagged(context: Context) -> None:
    summer = contacts.date_time(node('<effectiveTime value="20100528100000"/>'), context)
    winter = contacts.date_time(node('<effectiveTime value="20260112100000"/>'), context)

    assert (summer, winter) == ("2010-05-28T10:00:00+02:00", "2026-01-12T10:00:00+01:00")
    assert list(context.noticed) == ["tz-assumed"]


@pytest.mark.field("FL-208")
@pytest.mark.parametrize("value", ["20240230", "202613", "20240101250000", "hier"])
def test_impossible_times_are_left_out_with_their_place(value: str, context: Context) -> None:
    made = contacts.date_time(node(f'<effectiveTime value="{value}"/>'), context)

    assert isinstance(made, Flawed)
    assert made.value is None
    assert made.issues[0].code == "RLS-CDA-019"
    assert value not in str(made.issues[0])


@pytest.mark.field("FL-210")
def test_a_date_is_no_instant(context: Context) -> None:
    assert contacts.instant(node('<effectiveTime value="20241007"/>'), context) is None


@pytest.mark.field("FL-205")
def test_a_birth_date_does_not_slip(context: Context) -> None:
    assert contacts.date(node('<birthTime value="19880512"/>'), context) == "1988-05-12"
    assert contacts.date(node('<birthTime value="19700101000000+0200"/>'), context) == "1970-01-01"


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        (
            '<low value="20260101"/><high value="202602"/>',
            {"start": "2026-01-01", "end": "2026-02"},
        ),
        ('<low value="20260101"/><high nullFlavor="UNK"/>', {"start": "2026-01-01"}),
        ('<low nullFlavor="NA"/>', None),
    ],
)
def test_periods(inner: str, expected: Any, context: Context) -> None:
    found = contacts.period(node(f"<effectiveTime>{inner}</effectiveTime>"), context)

    assert found == expected


def test_a_point_starts_a_period(context: Context) -> None:
    assert contacts.period(node('<effectiveTime value="20260101"/>'), context) == {
        "start": "2026-01-01"
    }


def test_a_period_never_ends_before_it_starts(context: Context) -> None:
    inner = '<effectiveTime><low value="20260201"/><high value="20260101"/></effectiveTime>'

    made = contacts.period(node(inner), context)

    assert isinstance(made, Flawed)
    assert made.value == {"start": "2026-02-01"}


# --- addresses, telecoms, names ---------------------------------------------------------------


def test_address_of_parts_and_of_lines(context: Context) -> None:
    parts = (
        '<addr use="H"><postalCode>69008</postalCode><houseNumber>4</houseNumber>'
        "<streetName>rue des Essais</streetName><unitID>Bât. C</unitID><city>LYON</city></addr>"
    )
    lines = "".join(
        f"<streetAddressLine>{line}</streetAddressLine>" for line in ("1 place", "LYON")
    )

    assert contacts.address(node(parts), context) == {
        "use": "home",
        "line": ["Bât. C", "4 rue des Essais"],
        "postalCode": "69008",
        "city": "LYON",
    }
    assert contacts.address(node(f"<addr>{lines}</addr>"), context) == {"line": ["1 place", "LYON"]}
    assert contacts.address(node('<addr nullFlavor="NAV"/>'), context) is None


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            'use="MC" value="tel:0600000001"',
            {"system": "phone", "value": "0600000001", "use": "mobile"},
        ),
        ('use="WP" value="fax:04"', {"system": "fax", "value": "04", "use": "work"}),
        ('value="mailto:a@b.invalid"', {"system": "email", "value": "a@b.invalid"}),
        ('value="http://a.invalid"', {"system": "url", "value": "http://a.invalid"}),
        ('value="0600000001"', None),
        ('nullFlavor="NASK"', None),
    ],
)
def test_telecoms(attributes: str, expected: Any, context: Context) -> None:
    assert contacts.telecom(node(f"<telecom {attributes}/>"), context) == expected


def test_mailbox_made_of_the_ins_travels_only_with_the_ins() -> None:
    mailbox = node('<telecom value="mailto:248039999912341@patient.mssante.fr"/>')

    shown = contacts.telecom(mailbox, context_of(ins_allowed=True))

    assert contacts.telecom(mailbox, context_of(ins_allowed=False)) is None
    assert shown is not None
    assert shown["extension"][0]["valueCoding"]["code"] == "MSSANTE"


def test_person_name_strips_and_keeps_titles(context: Context) -> None:
    inner = "<given>Léon </given><family>ESSAI</family><prefix>M</prefix><suffix>DR</suffix>"

    assert contacts.person_name(node(f"<name>{inner}</name>"), context) == {
        "family": "ESSAI",
        "given": ["Léon"],
        "prefix": ["M"],
        "suffix": ["DR"],
    }
    assert contacts.person_name(node("<name>Service</name>"), context) == {"text": "Service"}
    assert contacts.person_name(node('<name nullFlavor="UNK"/>'), context) is None
