"""The model of a document: code, sections, entries, level, versions, templates nobody knows."""

import pytest

from gateway.conformance.cda import kinds
from gateway.conformance.finding import Kind
from tests.support.docs.markdown import cells
from tests.support.letters import ROOT, SOUND, changed, found, judged, profiles

E, W, N = "error", "warning", "information"
CD = "/ClinicalDocument"
BODY = f"{CD}/component/structuredBody"
STAY_SECTION = f"{BODY}/component[3]/section"
MODEL = '<templateId root="1.2.250.1.213.1.1.1.29" extension="2022.01"/>'
LEVEL_1 = '<templateId root="1.3.6.1.4.1.19376.1.2.20"/>'
TA = "1.2.250.1.213.1.1.4.322"
PDF = '<nonXMLBody><text mediaType="{0}" representation="B64">{1}</text></nonXMLBody>'
PDF_BODY = "JVBERi0xLjcKJSBmYWJyaXF1w6k="


def level_1(media="application/pdf", content=PDF_BODY, template=LEVEL_1):
    """Return a letter whose body is a PDF."""
    start, end = SOUND.index(b"<structuredBody>"), SOUND.index(b"</structuredBody>")
    body = SOUND[:start] + PDF.format(media, content).encode() + SOUND[end + 17 :]
    return changed((MODEL, template), body=body)


FAULTS = [
    ([(MODEL, '<templateId root="1.2.250.1.999.9.9"/>')], "RLS-CDA-320", f"{CD}/templateId", N),
    ([('extension="2022.01"', 'extension="2031.01"')], "RLS-CDA-321", f"{CD}/templateId[3]", N),
    ([('code code="11490-0"', 'code code="18761-7"')], "RLS-CDA-322", f"{CD}/code", E),
    ([('root="1.3.6.1.4.1.19376.1.5.3.1.3.22"', 'root="1.3.6.1.4.1.19376.1.5.3.1.3.99"')],
     "RLS-CDA-323", BODY, E),
    ([(f'code="ORG-074" codeSystem="{TA}"', f'code="ORG-999" codeSystem="{TA}"')], "RLS-CDA-325",
     STAY_SECTION, W),
    ([(f'code="MED-142" codeSystem="{TA}"', f'code="ORG-074" codeSystem="{TA}"')], "RLS-CDA-326",
     f"{STAY_SECTION}/entry[3]/observation", E),
    ([('root="1.2.250.1.213.1.1.2.127"', 'root="1.2.250.1.213.1.1.2.9127"')], "RLS-CDA-327",
     f"{BODY}/component[2]/section/templateId[2]", N),
    ([(MODEL, LEVEL_1)], "RLS-CDA-328", f"{CD}/templateId[3]", E),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "code", "place", "severity"), FAULTS, ids=[f[1] for f in FAULTS]
)
def test_a_fault_of_the_model_is_found_at_its_place(changes, code, place, severity):
    assert found(changed(*changes)).get((code, place)) == severity


def test_a_section_that_is_there_twice_is_told_at_the_second():
    start = SOUND.index(b"<component>", SOUND.index(b"<structuredBody>"))
    end = SOUND.index(b"</component>", start) + len(b"</component>")
    twice = SOUND[:end] + SOUND[start:end] + SOUND[end:]

    assert found(twice)["RLS-CDA-324", f"{BODY}/component[2]/section"] == E


@pytest.mark.parametrize(
    ("code", "value"),
    [("ORG-070", "8715000"), ("ORG-074", "160849004")],
)
def test_a_mode_of_admission_or_discharge_outside_of_its_list_is_found_without_any_folder(
    code, value
):
    entry = {"ORG-070": 1, "ORG-074": 2}[code]

    told = found(changed((f'code="{value}"', 'code="ZZZ"')))

    assert told["RLS-CDA-370", f"{STAY_SECTION}/entry[{entry}]/observation/value"] == E


def test_the_five_faults_of_the_published_self_test_are_found():
    """Those of which the published schematrons find four."""
    admission = changed(('code="8715000"', 'code="ZZZ"'))
    discharge = changed(('code="160849004"', 'code="ZZZ"'))
    birth = changed(('<birthTime value="19480317"/>', ""))
    template = changed(
        ('root="1.3.6.1.4.1.19376.1.5.3.1.3.22"', 'root="1.3.6.1.4.1.19376.1.5.3.1.3.99"')
    )
    document = changed(('code code="11490-0"', 'code code="34112-3"'))

    codes = [
        {code for (code, _), severity in found(body).items() if severity == E}
        for body in (admission, discharge, birth, template, document)
    ]

    assert codes == [
        {"RLS-CDA-370"},
        {"RLS-CDA-370"},
        {"RLS-CDA-010", "RLS-CDA-340"},
        {"RLS-CDA-323"},
        {"RLS-CDA-322"},
    ]


def test_a_sound_document_of_level_1_has_no_finding():
    assert found(level_1()) == {}


@pytest.mark.parametrize(
    ("body", "code", "place", "severity"),
    [
        (level_1(template=MODEL), "RLS-CDA-328", f"{CD}/templateId[3]", E),
        (level_1(template=MODEL + LEVEL_1), "RLS-CDA-301", f"{CD}/templateId", E),
        (level_1("text/plain"), "RLS-CDA-329", f"{CD}/component/nonXMLBody/text/@mediaType", W),
        (level_1(content=""), "RLS-CDA-306", f"{CD}/component/nonXMLBody/text", W),
        (level_1(content="JVBERi0xLjc*"), "RLS-CDA-017", f"{CD}/component/nonXMLBody/text", E),
    ],
    ids=["model of level 3", "four templates", "text announced", "empty", "no base64"],
)
def test_a_fault_of_level_1_is_found(body, code, place, severity):
    assert found(body).get((code, place)) == severity


def test_a_section_is_asked_for_from_the_version_on_that_has_it():
    model = profiles().models["1.2.250.1.213.1.1.1.39"]
    [copy] = [one for one in model.sections if one.since]

    def missing(version):
        template = f'<templateId root="1.2.250.1.213.1.1.1.39" extension="{version}"/>'
        told = judged(changed((MODEL, template))).findings
        return [one for one in told if copy.template in one.issue.what]

    assert missing("2022.01") == []
    assert len(missing("2024.01")) == 1


def test_every_clause_begins_with_a_source_we_name():
    page = (ROOT / "docs/reference/sources.md").read_text(encoding="utf-8")
    tags = tuple(row[0] for line in page.splitlines() if (row := cells(line))[1:])
    header = profiles().header
    said = {header.null_clause, *(one.clause for one in profiles().bindings)}
    said |= {part.clause for part in (*header.rules, *header.choices, *header.orders)}
    for model in profiles().models.values():
        said |= {model.clause, *(rule.clause for rule in model.rules)}
        said |= {entry.clause for part in model.sections for entry in part.entries}

    assert {clause for clause in said if not clause.startswith(tags)} == set()


def test_a_template_is_of_one_model_and_every_model_has_a_name():
    names = [model.name for model in profiles().models.values()]

    assert len(names) == len(set(names))


def test_every_kind_of_finding_about_a_document_is_shown_by_a_test():
    made = {one.code for one in vars(kinds).values() if isinstance(one, Kind)}
    shown = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("unit/conformance", "integration/toolkit")
        for path in (ROOT / "tests" / folder).glob("test_*.py")
    )

    assert {code for code in made if code not in shown} == set()
