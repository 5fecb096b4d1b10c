"""The Composition: narrative as safe XHTML, sections in their order, entries where they belong."""

from typing import Any

import pytest

from gateway.cda import xhtml
from gateway.fhir import shape
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import cda, document, level_1, only, resources, section, sections

HEAD = '<div xmlns="http://www.w3.org/1999/xhtml">'


def div(inner: str) -> str:
    (text,) = document(body=sections(section("158", text=inner))).select(
        "cda:component/cda:structuredBody/cda:component/cda:section/cda:text"
    )
    return xhtml.div(text)


@pytest.mark.field("FL-181")
@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("simple", "simple"),
        ('<content ID="x"/>vide', '<span id="x"></span>vide'),
        ('<content ID="1x" styleCode="Bold">gras</content>', "<span>gras</span>"),
        (
            '<table styleCode="Botrule" border="0"><tbody><tr><td colspan="2" align="left">a</td>'
            "</tr></tbody></table>",
            '<table><tbody><tr><td colspan="2">a</td></tr></tbody></table>',
        ),
        (
            '<list listType="ordered"><caption>Titre</caption><item>un</item><item>deux</item>'
            "</list>",
            "<p>Titre</p><ol><li>un</li><li>deux</li></ol>",
        ),
        ("<content><paragraph>p</paragraph></content>", "<div><p>p</p></div>"),
        ("1 &lt; 2 &amp; 3", "1 &lt; 2 &amp; 3"),
        ("a<br/>b<sub>2</sub>", "a<br/>b<sub>2</sub>"),
        (
            '<content revised="delete">ancien</content>',
            '<span style="text-decoration: line-through">ancien</span>',
        ),
    ],
)
def test_narrative_becomes_the_xhtml_of_fhir(said: str, shown: str) -> None:
    assert div(said) == f"{HEAD}{shown}</div>"


@pytest.mark.field("FL-189")
@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ('<linkHtml href="#suivi">voir</linkHtml>', '<a href="#suivi">voir</a>'),
        (
            '<linkHtml href="https://example.org/a?b=1&amp;c=2">voir</linkHtml>',
            "voir (https://example.org/a?b=1&amp;c=2)",
        ),
        ('<linkHtml href="javascript:alert(1)">x</linkHtml>', "x (javascript:alert(1))"),
        (
            '<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>reste',
            "alert(1)reste",
        ),
        ('<content onclick="a()" style="x">y</content>', "<span>y</span>"),
        ('<renderMultiMedia referencedObject="IMG1"/>z', "<span>[IMG1]</span>z"),
        ("<!-- a --><?php b?>c", "c"),
        ("<paragraph>un\n        deux</paragraph>", "<p>un deux</p>"),
    ],
)
def test_nothing_active_survives(said: str, shown: str) -> None:
    assert div(said) == f"{HEAD}{shown}</div>"


@pytest.mark.parametrize("said", ["", "  \n ", '<content ID="a"/>', "<br/>"])
def test_narrative_without_words_is_none(said: str) -> None:
    assert div(said) == ""


def _section(title: str, text: str, below: str = "", entries: str = "") -> str:
    return (
        f'<section><templateId root="1.2.250.1.213.1.1.2.145"/>'
        f'<code code="18610-6" codeSystem="2.16.840.1.113883.6.1" displayName="Traitements"/>'
        f"<title>{title}</title><text>{text}</text>{entries}{below}</section>"
    )


def _composition(convert: Convert, *parts: str) -> dict[str, Any]:
    mapped = convert(cda(body=sections(*parts)))
    made: dict[str, Any] = only(mapped, "Composition")
    assert shape.check(made) == []
    return made


@pytest.mark.field("FL-180")
def test_section_without_entry_keeps_its_text(convert: Convert) -> None:
    table = "<table><tbody><tr><td>pénicilline</td></tr></tbody></table>"

    made = _composition(convert, _section("Allergies", table))

    assert made["section"] == [
        {
            "title": "Allergies",
            "code": {
                "coding": [
                    {"system": "http://loinc.org", "code": "18610-6", "display": "Traitements"}
                ],
                "text": "Traitements",
            },
            "text": {"status": "additional", "div": f"{HEAD}{table}</div>"},
        }
    ]


def test_entry_is_cited_in_its_own_section_and_cites_its_words(convert: Convert) -> None:
    problem = (
        '<entry><act classCode="ACT" moodCode="EVN"><templateId root="1.2.250.1.213.1.1.3.39"/>'
        '<statusCode code="active"/><entryRelationship typeCode="SUBJ">'
        '<observation classCode="OBS" moodCode="EVN"><text><reference value="#p1"/></text>'
        '<value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CD" code="I10" '
        'codeSystem="2.16.840.1.113883.6.3"/></observation></entryRelationship></act></entry>'
    )
    inner = _section("Dedans", '<content ID="p1">HTA</content>', entries=problem)
    outside = _section("Dehors", "texte", below=f"<component>{inner}</component>")

    mapped = convert(cda(body=sections(outside)))

    made, condition = only(mapped, "Composition"), only(mapped, "Condition")
    outer = made["section"][0]
    assert "entry" not in outer
    assert outer["section"][0]["entry"] == [{"reference": f"Condition/{condition['id']}"}]
    assert condition["extension"] == [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/narrativeLink",
            "valueUrl": f"Composition/{made['id']}#p1",
        }
    ]


def test_level_1_document_has_no_composition(convert: Convert) -> None:
    mapped = convert(cda(body=level_1("Ym9uam91cg==", "text/plain")))

    assert resources(mapped, "Composition") == []
