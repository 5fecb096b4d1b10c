"""Whom the gate of the pages lets act: coordinators on gaps, operators on messages."""

from types import SimpleNamespace

import pytest
from starlette.requests import Request
from starlette.responses import RedirectResponse

from gateway.entry.auth.people import Person, Role
from gateway.entry.web.login import gate_of
from gateway.entry.web.people import Staff, colleague


def request(method: str, path: str) -> Request:
    return Request(
        {"type": "http", "method": method, "path": path, "headers": [], "query_string": b"",
         "scheme": "https", "server": ("relais", 443), "state": {}}
    )  # fmt: skip


def told(role: Role | None, method: str, path: str) -> int:
    """Return the status of the answer of the gate; 200 when it lets through."""
    person = None if role is None else (SimpleNamespace(finess=()), Person("899700218896", role))
    psc = SimpleNamespace(person=lambda _: person)
    answer = gate_of(psc)(request(method, path))
    return 200 if answer is None else answer.status_code


@pytest.mark.parametrize("path", ["/", "/gaps", "/gaps/g1", "/patients/p1"])
@pytest.mark.parametrize("role", list(Role))
def test_everybody_of_the_table_reads_the_pages_of_gaps(role: Role, path: str) -> None:
    assert told(role, "GET", path) == 200


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.PILOT, Role.AUDITOR])
def test_only_operators_act_on_messages(role: Role) -> None:
    assert told(role, "POST", "/messages/4/retry") == 404
    assert told(Role.OPERATOR, "POST", "/messages/4/retry") == 200


@pytest.mark.parametrize("path", ["/gaps/g1/take", "/gaps/bulk"])
def test_a_closed_session_is_sent_to_the_login(path: str) -> None:
    psc = SimpleNamespace(person=lambda _: None)

    answer = gate_of(psc)(request("POST", path))

    assert isinstance(answer, RedirectResponse)


@pytest.mark.parametrize("role", list(Role))
def test_only_coordinators_may_act_on_gaps(role: Role) -> None:
    person = Person("899700218896", role)

    assert colleague(person).may_act is (role is Role.COORDINATOR)
    assert colleague(person).name == "899700218896"


def test_without_accounts_everybody_is_the_one_person_of_this_machine() -> None:
    staff = Staff()

    assert staff.at(request("GET", "/")).may_act
    assert [one.id for one in staff.acting()] == ["local"]
