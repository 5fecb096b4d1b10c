"""What scopes say and what a request needs."""

import pytest

from gateway.sharing.interactions import needs
from gateway.sharing.scopes import Scope, allows, granted, parse, unknown


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("system/Task.rs", ["system/Task.rs"]),
        ("system/Task.cruds system/*.r", ["system/Task.cruds", "system/*.r"]),
        ("system/Encounter.read", ["system/Encounter.rs"]),
        ("system/Encounter.write", ["system/Encounter.cud"]),
        ("system/*.*", ["system/*.cruds"]),
        ("system/Task.sr", []),
        ("system/Task.", []),
        ("system/task.r", []),
        ("user/Task.r patient/*.rs junk", []),
        ("system/DetectedIssue.rs?code=LOST", []),
        ("", []),
    ],
)
def test_scopes_are_read_to_the_letter(text: str, read: list[str]) -> None:
    assert [str(one) for one in parse(text)] == read


def test_what_is_not_understood_is_named_at_registration() -> None:
    assert unknown("system/Task.r system/Task.sr system/metrics x") == ["system/Task.sr", "x"]


@pytest.mark.parametrize(
    ("asked", "registered", "given"),
    [
        ("system/Task.r", "system/Task.crus", "system/Task.r"),
        ("system/*.rs", "system/Task.crus system/Patient.r", "system/Patient.r system/Task.rs"),
        ("system/Task.cruds", "system/*.rs", "system/Task.rs"),
        ("system/*.rs", "system/*.r", "system/*.r"),
        ("", "system/Task.r", "system/Task.r"),
        ("system/Patient.r", "system/Task.r", ""),
        ("system/Task.r junk", "system/Task.r", "system/Task.r"),
        ("system/metrics", "system/Task.r system/metrics", "system/metrics"),
        ("system/metrics", "system/Task.r", ""),
        ("junk", "system/Task.r", ""),
    ],
)
def test_a_client_gets_what_it_asks_for_and_may_have(asked, registered, given) -> None:
    assert granted(asked, registered) == given


def test_any_type_is_not_every_type() -> None:
    task = [Scope("Task", frozenset("r"))]

    assert allows(task, "Task", "r")
    assert not allows(task, "Task", "s")
    assert not allows(task, "*", "r")
    assert allows([Scope("*", frozenset("r"))], "Task", "r")


@pytest.mark.parametrize(
    ("method", "path", "query", "needed"),
    [
        ("GET", "Patient/1", [], "r:Patient"),
        ("HEAD", "Patient/1", [], "r:Patient"),
        ("GET", "Patient/1/_history/2", [], "r:Patient"),
        ("GET", "Patient/1/_history", [], "r:Patient"),
        ("GET", "Patient", [], "s:Patient"),
        ("GET", "Patient/_history", [], "s:Patient"),
        ("POST", "Patient/_search", [], "s:Patient"),
        ("POST", "Subscription", [], "c:Subscription"),
        ("PUT", "Task/1", [], "u:Task"),
        ("PUT", "Task", [("identifier", "x")], "u:Task s:Task"),
        ("DELETE", "Subscription/1", [], "d:Subscription"),
        ("GET", "", [], "s:*"),
        ("POST", "", [], ""),
        ("GET", "_history", [], "s:*"),
        ("POST", "Patient/$validate", [], ""),
        ("GET", "Patient/1/$everything", [], "r:* s:*"),
        ("GET", "$export", [], ""),
        ("GET", "Subscription/1/$events", [], "r:Subscription"),
        ("GET", "Subscription/$status", [], "r:Subscription"),
        ("POST", "$relais-mute", [], "u:Task"),
        ("POST", "$unknown", [], "u:*"),
        ("GET", "Task", [("_include", "Task:focus")], "s:Task r:*"),
        ("GET", "Task", [("_include", "Task:focus:DetectedIssue")], "s:Task r:DetectedIssue"),
        ("GET", "Patient", [("_revinclude", "Task:patient")], "s:Patient s:Task"),
        ("GET", "Patient", [("_has:Task:patient:status", "x")], "s:Patient s:Task"),
        ("GET", "Task", [("patient.identifier", "x")], "s:Task s:*"),
        ("GET", "Task", [("subject:Patient.identifier", "x")], "s:Task s:Patient"),
    ],
)
def test_what_a_request_needs(method, path, query, needed) -> None:
    assert " ".join(f"{one.letter}:{one.type}" for one in needs(method, path, query)) == needed
