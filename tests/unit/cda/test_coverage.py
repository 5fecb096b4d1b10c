"""What a document gave, section by section, with the place of what was lost."""

import pytest

from gateway.core.coverage import SectionCoverage, State
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import cda, entry, section, sections

ACT = '<code code="A" codeSystem="1.2.3"/>'
HERE = "/ClinicalDocument/component/structuredBody"


def covered(convert: Convert, *parts: str) -> tuple[SectionCoverage, ...]:
    found: tuple[SectionCoverage, ...] = convert(cda(body=sections(*parts)), trace=True).coverage
    return found


@pytest.mark.parametrize(
    ("part", "state"),
    [
        (section("145", text="mots"), State.NARRATIVE),
        (section("145"), State.EMPTY),
        (section("158", entry("procedure", "INT", "62", ACT)), State.CODED),
        (section("158", entry("encounter", "EVN", "999", ACT)), State.NOT_UNDERSTOOD),
        (
            section(
                "158",
                entry("procedure", "INT", "62", ACT),
                entry("encounter", "EVN", "999", ACT),
            ),
            State.PARTLY,
        ),
        (section("145", entry("act", "EVN", "999", "", 'nullFlavor="NA"')), State.CODED),
    ],
    ids=["narrative", "empty", "coded", "lost", "partly", "said to be none"],
)
def test_section_is_told_by_what_became_of_its_entries(
    convert: Convert, part: str, state: State
) -> None:
    [found] = covered(convert, part)

    assert found.state == state


@pytest.mark.field("FL-191")
def test_statement_of_an_unknown_template_is_named_with_its_place(convert: Convert) -> None:
    lost = entry("encounter", "EVN", "999", ACT)
    body = cda(body=sections(section("145", text="a"), section("158", lost, lost)))

    mapped = convert(body, trace=True)

    first, second = mapped.coverage[1].unread
    assert first.templates == ("1.2.250.1.213.1.1.3.999",)
    assert (first.place, second.place) == (
        f"{HERE}/component[2]/section/entry[1]/encounter",
        f"{HERE}/component[2]/section/entry[2]/encounter",
    )
    [issue] = [issue for issue in mapped.issues if issue.code == "RLS-CDA-021"]
    assert issue.what == (
        f"No rule makes anything of 2 entries, kept in the document: {first.place}, {second.place}."
    )


def test_section_that_holds_others_is_no_empty_one(convert: Convert) -> None:
    inner = f"<component>{section('145', text='mots')}</component></section>"

    outer, inside = covered(convert, section("29").removesuffix("</section>") + inner)

    assert (outer.state, inside.state) == (State.GROUP, State.NARRATIVE)
