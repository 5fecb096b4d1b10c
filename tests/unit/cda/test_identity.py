"""Whose document it is."""

from typing import Any

import pytest

from gateway.cda import adapter
from gateway.core.contributions import Mapped, Target
from gateway.core.envelope import Envelope
from gateway.core.errors import RejectedError
from gateway.fhir.identity import Ids
from gateway.mapping.sites import Site
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import INS, IPP, PERSON, cda, document

INS_PAIR = ("1.2.250.1.213.1.4.10", "248039999912341")
IPP_PAIR = ("1.2.250.1.999.1.1", "IPP0000123")
PATIENT = Target("Patient", "patient-of-the-message")


def _envelope(*identifiers: tuple[str, str], **more: Any) -> Envelope:
    return Envelope(patient=PATIENT, identifiers=identifiers, **more)


def _patient(mapped: Mapped) -> dict[str, Any]:
    return next(part.resource for part in mapped.contributions if part.target.type == "Patient")


def _systems(mapped: Mapped) -> list[str]:
    return [item["system"] for item in _patient(mapped).get("identifier", [])]


def _refusal(convert: Convert, *args: Any, **more: Any) -> tuple[str, int, int | None]:
    with pytest.raises(RejectedError) as refused:
        convert(*args, **more)
    (issue,) = refused.value.issues
    return issue.code, issue.hl7_code, issue.hl7_user_code


def test_identifiers_are_those_with_root_and_extension() -> None:
    ids = f'{INS}<id nullFlavor="UNK"/><id root="1.2.3"/>{IPP}'

    assert adapter.identifiers(document(ids=ids)) == (INS_PAIR, IPP_PAIR)


def test_local_number_names_the_patient_of_a_lone_document(convert: Convert) -> None:
    mapped = convert(cda(ids=INS + IPP))

    assert _patient(mapped)["id"] == Ids().patient("urn:oid:1.2.250.1.999.1.1", "IPP0000123")
    assert _systems(mapped) == ["urn:oid:1.2.250.1.999.1.1"]


def test_root_of_the_site_table_gives_the_domain_of_its_finess(convert: Convert) -> None:
    site = Site(name="essai", cda_roots={"1.2.250.1.999.1.1": "990000010"})

    mapped = convert(cda(), site=site)

    domain = "https://relais.example/ns/ipp/990000010"
    assert _systems(mapped) == [domain]
    assert _patient(mapped)["id"] == Ids().patient(domain, "IPP0000123")


def test_untrusted_ins_alone_makes_no_patient(convert: Convert) -> None:
    assert _refusal(convert, cda(ids=INS)) == ("RLS-CDA-013", 204, 902)


def test_ins_alone_names_the_patient_where_the_site_trusts_its_documents(convert: Convert) -> None:
    mapped = convert(cda(ids=INS), site=Site(name="essai", ins_from_cda="trusted"))

    assert _systems(mapped) == ["urn:oid:1.2.250.1.213.1.4.10"]
    assert "extension" not in _patient(mapped)["identifier"][0]


def test_test_ins_is_no_key_where_tests_are_not_accepted(convert: Convert) -> None:
    site = Site(name="essai", ins_from_cda="trusted")

    assert _refusal(convert, cda(ids=INS), site=site, test_ins=False)[0] == "RLS-CDA-013"


@pytest.mark.field("FL-134")
@pytest.mark.parametrize(
    "ids", ['<id nullFlavor="UNK"/>', '<id root="1.2.3"/>', '<id root="1.2.3" extension=""/>']
)
def test_no_patient_is_made_from_an_empty_identifier(ids: str, convert: Convert) -> None:
    assert _refusal(convert, cda(ids=ids)) == ("RLS-CDA-012", 101, 902)


def test_other_national_numbers_are_neither_key_nor_shown(convert: Convert) -> None:
    old = '<id root="1.2.250.1.213.1.4.2" extension="0123456789"/>'

    assert _systems(convert(cda(ids=old + IPP))) == ["urn:oid:1.2.250.1.999.1.1"]
    assert _refusal(convert, cda(ids=old))[0] == "RLS-CDA-013"


WRONG = '<id root="1.2.250.1.213.1.4.10" extension="248039999912342"/>'


def test_an_ins_with_a_wrong_key_is_left_out_and_told(convert: Convert) -> None:
    mapped = convert(cda(ids=WRONG + IPP), site=Site(name="essai", ins_from_cda="trusted"))

    assert _systems(mapped) == ["urn:oid:1.2.250.1.999.1.1"]
    assert [issue.where for issue in mapped.issues if issue.code == "RLS-CDA-047"] == [
        "/ClinicalDocument/recordTarget/patientRole"
    ]


def test_an_ins_with_a_wrong_key_names_nobody(convert: Convert) -> None:
    site = Site(name="essai", ins_from_cda="trusted")

    with pytest.raises(RejectedError) as refused:
        convert(cda(ids=WRONG), site=site)

    assert [issue.code for issue in refused.value.issues] == ["RLS-CDA-013", "RLS-CDA-047"]


def test_a_test_ins_beside_the_local_number_is_not_shown_where_tests_are_not_accepted(
    convert: Convert,
) -> None:
    site = Site(name="essai", ins_from_cda="trusted")

    mapped = convert(cda(ids=INS + IPP), site=site, test_ins=False)

    assert _systems(mapped) == ["urn:oid:1.2.250.1.999.1.1"]


# --- with a message around --------------------------------------------------------------------


def test_patient_is_that_of_the_message(convert: Convert) -> None:
    mapped = convert(cda(ids=INS + IPP), _envelope(INS_PAIR))

    assert _patient(mapped)["id"] == PATIENT.id


@pytest.mark.parametrize(
    ("vouched", "pair", "shown"),
    [
        pytest.param(True, INS_PAIR, True, id="vouched and equal"),
        pytest.param(False, INS_PAIR, False, id="not vouched"),
        pytest.param(True, IPP_PAIR, False, id="vouched for another number"),
    ],
)
def test_ins_is_written_only_when_the_message_vouches_for_the_same(
    vouched: bool, pair: tuple[str, str], shown: bool, convert: Convert
) -> None:
    mapped = convert(cda(ids=INS + IPP), _envelope(pair, ins_vouched=vouched))

    assert ("urn:oid:1.2.250.1.213.1.4.10" in _systems(mapped)) is shown


@pytest.mark.field("FL-125")
def test_document_with_another_ins_is_refused(convert: Convert) -> None:
    other = _envelope(("1.2.250.1.213.1.4.10", "155119999904254"), IPP_PAIR)

    assert _refusal(convert, cda(ids=INS + IPP), other) == ("RLS-CDA-015", 207, 904)


@pytest.mark.field("FL-125")
def test_document_with_nothing_in_common_is_refused(convert: Convert) -> None:
    other = _envelope(("1.2.250.1.999.9.9", "77"))

    assert _refusal(convert, cda(), other) == ("RLS-CDA-014", 207, 902)


@pytest.mark.field("FL-125")
@pytest.mark.parametrize(
    ("trait", "name"),
    [
        (("family", "AUTRE"), "birth name"),
        (("given", "ANNETTE"), "given name"),
        (("birth_date", "19480318"), "birth date"),
        (("gender", "M"), "sex"),
        (("birth_place", "69123"), "birth place"),
    ],
)
def test_different_trait_is_refused_and_named_without_its_value(
    trait: tuple[str, str], name: str, convert: Convert
) -> None:
    with pytest.raises(RejectedError) as refused:
        convert(cda(), _envelope(IPP_PAIR, traits=(trait,)))

    (issue,) = refused.value.issues
    assert (issue.code, issue.hl7_code, issue.hl7_user_code) == ("RLS-CDA-016", 207, 904)
    assert name in issue.what
    assert trait[1] not in str(issue)


@pytest.mark.field("FL-126")
@pytest.mark.parametrize(
    "pair",
    [
        ("urn:oid:1.2.250.1.213.1.4.10", "248039999912341"),
        (" 1.2.250.1.213.1.4.10 ", " 248039999912341 "),
    ],
)
def test_identifiers_agree_in_any_writing(pair: tuple[str, str], convert: Convert) -> None:
    assert _patient(convert(cda(ids=INS), _envelope(pair)))["id"] == PATIENT.id


def test_local_number_agrees_through_the_site_table(convert: Convert) -> None:
    site = Site(
        name="essai",
        cda_roots={"1.2.250.1.999.1.1": "990000010"},
        authorities={"CHU-ESSAI": "990000010"},
    )

    mapped = convert(cda(), _envelope(("CHU-ESSAI", "IPP0000123")), site)

    assert _patient(mapped)["id"] == PATIENT.id


@pytest.mark.field("FL-128")
@pytest.mark.parametrize(
    "traits",
    [
        (("family", "essai marron"), ("given", "Anne"), ("birth_date", "19480317")),
        (("family", "Éssaï-Marron"), ("given", "ANNE MARGUERITE"), ("birth_date", "194803")),
        (("gender", "U"), ("birth_place", "99999")),
        (),
    ],
)
def test_traits_agree_in_a_normal_form(
    traits: tuple[tuple[str, str], ...], convert: Convert
) -> None:
    assert convert(cda(), _envelope(IPP_PAIR, traits=traits)).contributions


def test_ligatures_and_apostrophes_do_not_make_another_person(convert: Convert) -> None:
    person = PERSON.replace("ESSAI-MARRON", "D’ŒUVRE")

    assert convert(cda(person=person), _envelope(IPP_PAIR, traits=(("family", "D'OEUVRE"),)))
