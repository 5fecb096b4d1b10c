"""JSON Patch: every operation, and what cannot be done (RFC 6902, examples of its appendix A)."""

from typing import Any

import pytest

from gateway.core.decimals import ExactDecimal
from gateway.core.errors import RejectedError
from gateway.fhir.patch_json import json_patch


def op(name: str, path: str, **more: Any) -> dict[str, Any]:
    """Return an operation."""
    return {"op": name, "path": path, **more}


@pytest.mark.parametrize(
    ("before", "operation", "after"),
    [
        ({"a": 1}, op("add", "/b", value=2), {"a": 1, "b": 2}),
        ({"a": 1}, op("add", "/a", value=2), {"a": 2}),
        ({"a": [1, 3]}, op("add", "/a/1", value=2), {"a": [1, 2, 3]}),
        ({"a": [1]}, op("add", "/a/-", value=[2]), {"a": [1, [2]]}),
        ({"a": 1, "b": 2}, op("remove", "/b"), {"a": 1}),
        ({"a": [1, 2, 3]}, op("remove", "/a/1"), {"a": [1, 3]}),
        ({"a": 1}, op("replace", "/a", value={"b": 2}), {"a": {"b": 2}}),
        (
            {"a": {"b": 1}, "c": {}},
            {**op("move", "/c/d"), "from": "/a/b"},
            {"a": {}, "c": {"d": 1}},
        ),
        ({"a": [1, 2, 3]}, {**op("move", "/a/2"), "from": "/a/0"}, {"a": [2, 3, 1]}),
        ({"a": [1]}, {**op("copy", "/b"), "from": "/a"}, {"a": [1], "b": [1]}),
        ({"a": 1.0}, op("test", "/a", value=1), {"a": 1.0}),
        (
            {"a": ExactDecimal("1.10")},
            op("test", "/a", value=ExactDecimal("1.1")),
            {"a": ExactDecimal("1.10")},
        ),
        ({"/": 9, "~1": 10}, op("test", "/~01", value=10), {"/": 9, "~1": 10}),
        ({"a": 1}, op("add", "", value={"b": 1}), {"b": 1}),
        ({"": 1}, op("replace", "/", value=2), {"": 2}),
    ],
)
def test_an_operation_is_done(before: Any, operation: Any, after: Any) -> None:
    untouched = repr(before)

    assert json_patch([operation])(before) == after
    assert repr(before) == untouched


@pytest.mark.parametrize(
    "operation",
    [
        op("add", "/x/y", value=1),
        op("add", "/a/3", value=1),
        op("add", "/a/01", value=1),
        op("add", "/a/x", value=1),
        op("add", "/t/x", value=1),
        op("remove", "/x"),
        op("remove", "/a/-"),
        op("replace", "/x", value=1),
        op("remove", ""),
        {**op("move", "/a/0/b"), "from": "/a"},
        {**op("copy", "/b"), "from": "/x"},
        op("test", "/a", value=[1]),
        op("test", "/t", value=1),
        op("test", "/yes", value=1),
        op("test", "/x", value=None),
    ],
)
def test_what_cannot_be_done_names_its_operation(operation: Any) -> None:
    patch = json_patch([op("test", "/t", value="x"), operation])

    with pytest.raises(RejectedError) as refused:
        patch({"a": [1, 2], "t": "x", "yes": True})

    (issue,) = refused.value.issues
    assert issue.code == "RLS-FHR-261"
    assert issue.where in ("operation[1]", "operation")


@pytest.mark.parametrize(
    "told",
    [
        {},
        [],
        "x",
        [1],
        [{}],
        [op("spring", "/a")],
        [op("add", "/a")],
        [op("add", "a", value=1)],
        [op("add", "/a~2", value=1)],
        [op("remove", 7)],
        [{"op": "move", "path": "/a"}],
        [{"op": ["add"], "path": "/a", "value": 1}],
        [op("remove", "/a")] * 501,
    ],
)
def test_what_is_no_patch(told: Any) -> None:
    with pytest.raises(RejectedError) as refused:
        json_patch(told)

    assert [issue.code for issue in refused.value.issues] == ["RLS-FHR-260"]


def test_copies_of_copies_end() -> None:
    patch = json_patch([{"op": "copy", "from": "/a", "path": "/a/-"}] * 100)

    with pytest.raises(RejectedError) as refused:
        patch({"a": [1, 2, 3]})

    assert refused.value.issues[0].code == "RLS-FHR-261"
