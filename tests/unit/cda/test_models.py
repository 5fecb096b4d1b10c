"""Each document model finds its plan: by template first, by code when there is none."""

import pytest

from gateway.cda.adapter import Plans
from gateway.cda.reader import read
from gateway.core.events import document_name
from tests.unit.cda.conftest import Convert, plans
from tests.unit.cda.documents import cda, entry, level_1, only, resources, section, sections

C = "1.2.250.1.213.1.1.1."
LOINC = "2.16.840.1.113883.6.1"
N1 = '<templateId root="1.3.6.1.4.1.19376.1.2.20"/>'

#: Model, template, code, name of its fact.
MODELS = [
    ("ldl-ses", "29", "11490-0", "LDL_SES"),
    ("ldl-ees", "21", "18761-7", "LDL_EES"),
    ("dlu", "22", "74207-2", "DLU"),
    ("fludt", "23", "74207-2", "FLUDT"),
    ("fludr", "24", "74207-2", "FLUDR"),
    ("dlu-home", "48", "74207-2", "DLU"),
    ("fludt-home", "49", "", "FLUDT"),
    ("fludr-home", "50", "", "FLUDR"),
    ("vsm", "13", "SYNTH", "VSM"),
    ("ips-fr", "51", "60591-5", "VSM"),
    ("sdm-mr", "30", "34133-9", "EPISODE"),
    ("tlm-da", "38", "75496-0", "TLM_DA"),
    ("ep-med-dm", "39", "57833-6", "RX"),
    ("cr-bio", "55", "11502-2", "BIO"),
    ("cr-img", "45", "18748-4", "IMG"),
]


def _plan(template: str, code: str) -> str:
    document = read(
        cda(template=template, code=f'<code code="{code or "X"}" codeSystem="{LOINC}"/>')
    )
    known: Plans = plans()
    return known.of(document)[0]


@pytest.mark.parametrize(("model", "root", "code", "name"), MODELS, ids=[m[0] for m in MODELS])
def test_template_chooses_the_plan_whatever_the_code(
    model: str, root: str, code: str, name: str
) -> None:
    assert _plan(f'<templateId root="{C}{root}"/>', "99999-9") == model
    assert document_name(code, f"{C}{root}") == name


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("dlu", "74207-2"),
        ("vsm", "SYNTH"),
        ("tlm-cr", "85208-7"),
        ("cr-bio", "11502-2"),
        ("cr-img", "18748-4"),
        ("ep-med-dm", "57833-6"),
        ("document", "99999-9"),
    ],
)
def test_code_chooses_the_plan_of_a_level_1_document(model: str, code: str) -> None:
    assert _plan(N1, code) == model


def test_long_term_treatments_of_a_summary_are_no_care_plan(convert: Convert) -> None:
    drug = entry(
        "substanceAdministration", "EVN", "42",
        "<consumable><manufacturedProduct><manufacturedMaterial><name>X</name>"
        "</manufacturedMaterial></manufacturedProduct></consumable>",
    )  # fmt: skip
    inner = section("143", drug, code="10160-0", text="X")
    outer = section("32", code="18776-5").replace(
        "</section>", f"<component>{inner}</component></section>"
    )

    mapped = convert(cda(template=f'<templateId root="{C}13"/>', body=sections(outer)))

    assert resources(mapped, "CarePlan") == []
    assert only(mapped, "MedicationStatement")["status"] == "active"


@pytest.mark.field("FL-191")
def test_next_year_s_model_converts_with_its_unknown_template_named(convert: Convert) -> None:
    known = entry("procedure", "INT", "62", '<code code="A" codeSystem="1.2.3"/>')
    unknown = entry("observation", "EVN", "999", '<code code="B" codeSystem="1.2.3"/>')

    mapped = convert(
        cda(
            template='<templateId root="1.2.250.1.213.1.1.1.29" extension="2029.01"/>',
            body=sections(section("158", known, code="18776-5"), section("998", unknown)),
        ),
        trace=True,
    )

    assert only(mapped, "ServiceRequest")["code"]["coding"][0]["code"] == "A"
    (lost,) = [unread for part in mapped.coverage for unread in part.unread]
    assert lost.templates == ("1.2.250.1.213.1.1.3.999",)
    assert "RLS-CDA-021" in [issue.code for issue in mapped.issues]


def test_request_for_telemedicine_is_in_the_header(convert: Convert) -> None:
    event = (
        "<documentationOf><serviceEvent>"
        '<code code="{}" codeSystem="1.2.250.1.213.1.1.4.9.1"/>'
        '<effectiveTime><low value="20260320"/></effectiveTime></serviceEvent></documentationOf>'
    )

    found = resources(
        convert(
            cda(
                template=f'<templateId root="{C}38"/>',
                header=event.format("TCG") + event.format("TE1") + event.format("TCG"),
            )
        ),
        "ServiceRequest",
    )

    assert [item["code"]["coding"][0]["code"] for item in found] == ["TCG", "TE1", "TCG"]
    assert len({item["id"] for item in found}) == 3


@pytest.mark.parametrize("referrer", [True, False])
def test_admission_is_asked_for_by_who_addresses_the_patient(
    referrer: bool, convert: Convert
) -> None:
    who = (
        '<participant typeCode="REFB"><associatedEntity classCode="PROV">'
        '<id root="1.2.250.1.71.4.2.1" extension="810999000028"/><associatedPerson>'
        "<name><family>TRAITANT</family></name></associatedPerson></associatedEntity></participant>"
    )

    mapped = convert(cda(template=f'<templateId root="{C}21"/>', header=who if referrer else ""))

    stay, requests = only(mapped, "Encounter"), resources(mapped, "ServiceRequest")
    assert (stay["status"], "end" in stay["period"]) == ("planned", False)
    assert [item["requester"]["reference"].partition("/")[0] for item in requests] == (
        ["Practitioner"] if referrer else []
    )
    assert ("basedOn" in stay) is referrer


def test_report_of_level_1_is_presented_as_its_body(convert: Convert) -> None:
    mapped = convert(
        cda(
            template=N1,
            code=f'<code code="18748-4" codeSystem="{LOINC}"/>',
            body=level_1("JVBERi0xLjQKJSVFT0YK"),
        )
    )

    (form,) = only(mapped, "DiagnosticReport")["presentedForm"]
    assert form["contentType"] == "application/pdf"
    assert form["url"] in {f"Binary/{item['id']}" for item in resources(mapped, "Binary")}
