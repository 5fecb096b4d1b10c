"""Whom the gate of the pages lets act: coordinators on gaps, operators on messages."""

from types import SimpleNamespace

import pytest
from starlette.requests import Request
from starlette.responses import RedirectResponse

from gateway.entry.auth.people import Person, Role
from gateway.entry.auth.roles import may
from gateway.entry.web.login import gate_of
from gateway.entry.web.people import Staff, colleague


def request(method: str, path: str) -> Request:
    return Request(
        {"type": "http", "method": method, "path": path, "headers": [], "query_string": b"",
         "scheme": "https", "server": ("relais", 443), "state": {}}
    )  # fmt: skip


@pytest.mark.parametrize("path", ["/gaps/g1/take", "/gaps/bulk", "/gaps/views"])
@pytest.mark.parametrize("role", list(Role))
def test_only_coordinators_send_forms_about_gaps(role: Role, path: str) -> None:
    assert may(role, "POST", path) is (role is Role.COORDINATOR)


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
