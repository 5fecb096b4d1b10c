"""What a search of a registered client may cost."""

import pytest

from gateway.sharing.costs import too_costly


@pytest.mark.parametrize(
    ("pairs", "why"),
    [
        ([("name", "x")] * 30, ""),
        ([("name", "x")] * 31, "parameters"),
        ([("_id", ",".join("x" * 50))], ""),
        ([("_id", ",".join("x" * 51))], "values"),
        ([("name", "\\,".join("x" * 60))], ""),
        ([("encounter.patient.name", "x")], ""),
        ([("encounter.patient.link.name", "x")], "references"),
        ([("_has:Encounter:patient:_has:Task:encounter:status", "x")], ""),
        ([("_include", "a:b")] * 2 + [("_revinclude:iterate", "a:b")], ""),
        ([("_include", "a:b")] * 3 + [("_revinclude", "a:b")], "includes"),
    ],
)
def test_what_is_too_much(pairs: list[tuple[str, str]], why: str) -> None:
    found = too_costly(pairs)

    assert bool(found) == bool(why)
    assert why in found
