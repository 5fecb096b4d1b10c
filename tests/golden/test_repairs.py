"""Every repair has a case of its own: the input that needs it, with the clause it breaks.

The repairs are found in the code (the flags of `tests.unit.hl7v2.test_repairs`), so that a new
one without a case is noticed. What a strict site answers to each is tested there.
"""

from functools import cache
from pathlib import Path

import pytest

from gateway.entry.cli_convert import read_input
from gateway.hl7v2.message import Message
from gateway.mapping.yamltext import read_text_yaml
from gateway.pipeline.convert import Conversion
from tests.conftest import ROOT
from tests.support.gateway import converter
from tests.unit.hl7v2.test_repairs import REMARKS, made

FOLDER = ROOT / "fixtures" / "hl7v2"
#: Repairs that leave no flag: how segments end, and a value taken out of the mapped resource.
LINE_ENDS, LEFT_OUT = "line-ends", "value-left-out"
WITHOUT_FLAG = {LINE_ENDS, LEFT_OUT}


@cache
def cases() -> dict[Path, tuple[str, str]]:
    """Return repair and clause of each case that stands for one."""
    found = {}
    for path in sorted(FOLDER.glob("*/case.yaml")):
        said = read_text_yaml(path.read_text("utf-8"), path.name).data
        if "repair" in said:
            found[path.parent] = said["repair"], said.get("spec", "")
    return found


def converted(case: Path) -> Conversion:
    return converter().convert(read_input(next(case.glob("*.er7"))))


def test_every_repair_has_one_case_and_its_clause():
    repairs = [repair for repair, _ in cases().values()]

    assert sorted(repairs) == sorted((made() - set(REMARKS)) | WITHOUT_FLAG)
    assert [case.name for case, (_, clause) in cases().items() if not clause] == []


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_case_of_a_repair_needs_it_and_no_other(case):
    repair, _ = cases()[case]

    conversion = converted(case)

    if repair in WITHOUT_FLAG:
        assert conversion.flags == []
    else:
        assert conversion.flags == [repair]


def test_a_value_that_breaks_its_type_is_told_at_its_field():
    case = next(case for case, (repair, _) in cases().items() if repair == LEFT_OUT)

    assert [(one.code, one.where) for one in converted(case).issues] == [("RLS-MAP-092", "SCH-8")]


def test_segments_that_end_with_line_feeds_are_read():
    case = next(case for case, (repair, _) in cases().items() if repair == LINE_ENDS)

    opened = converter().open(read_input(next(case.glob("*.er7"))))

    assert isinstance(opened.parsed, Message)
    assert opened.parsed.line_ends == "\n"


@pytest.mark.parametrize("case", sorted(FOLDER.iterdir()), ids=lambda case: case.name)
def test_a_case_says_what_it_proves_where_it_comes_from_and_its_clause(case):
    said = read_text_yaml((case / "case.yaml").read_text("utf-8"), f"{case.name}/case.yaml").data

    assert {"proves", "origin", "spec", "tags"} <= said.keys()
