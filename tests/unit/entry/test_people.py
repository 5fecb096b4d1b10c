"""The table of people: roles, what they may be shown, and what is refused."""

from pathlib import Path

import pytest

from gateway.core.errors import FatalError
from gateway.entry.auth.people import People, Person, Role
from gateway.entry.auth.roles import may

RPPS = "899700218896"


def table(tmp_path: Path, text: str) -> Person | None:
    file = tmp_path / "people.toml"
    file.write_text(f"[people.{RPPS}]\n{text}\n", encoding="utf-8")
    return People(file).find(RPPS)


def test_a_row_says_role_organisations_and_territory(tmp_path: Path) -> None:
    found = table(tmp_path, 'role = "coordinator"\nfiness = ["D"]\nterritory = ["H2", "H1"]')

    assert found == Person(RPPS, Role.COORDINATOR, frozenset({"D"}), ("H1", "H2"))
    circle = found.circle(["D"])
    assert (circle.territory, circle.organisation, circle.people) == (("D", "H1", "H2"), "D", True)


def test_a_table_of_before_still_names_operators(tmp_path: Path) -> None:
    found = table(tmp_path, 'role = "operator"')

    assert found is not None
    assert found.role is Role.OPS


@pytest.mark.parametrize(
    "text",
    [
        'role = "king"',
        'role = "ops"\nrights = []',
        'role = "ops"\nfiness = "690000010"',
        'role = "ops"\nterritory = [1]',
        'role = "ops"\neverybody = "yes"',
        "",
    ],
)
def test_a_row_that_is_not_understood_stops_the_start(tmp_path: Path, text: str) -> None:
    with pytest.raises(FatalError) as caught:
        table(tmp_path, text)

    assert caught.value.issues[0].code == "RLS-CFG-123"


def test_colleagues_share_a_circle_and_others_do_not() -> None:
    mine, yours = Person("1", Role.PILOT, territory=("H1",)), Person("2", Role.OPS, territory=())

    assert mine.circle(["H1"]).id == yours.circle(["H1"]).id
    assert mine.circle(["H1"]).id != mine.circle(["H2"]).id
    assert mine.circle(["H1"]).id != Person("1", Role.COORDINATOR).circle(["H1"]).id


def test_who_looks_after_software_is_shown_nobody() -> None:
    for role in (Role.INTEGRATOR, Role.ADMIN):
        circle = Person("1", role, territory=("H1",), team_reference="x", everybody=True)
        made = circle.circle(["H1"])
        assert (made.territory, made.organisation, made.team_reference) == ((), "", "")


@pytest.mark.parametrize(
    ("path", "roles"),
    [
        ("/", set(Role)),
        ("/gaps/g1", {Role.COORDINATOR, Role.PILOT, Role.OPS, Role.AUDITOR}),
        ("/patients/p1", {Role.COORDINATOR, Role.PILOT, Role.OPS, Role.AUDITOR}),
        ("/messages", {Role.OPS, Role.INTEGRATOR}),
        ("/messages/7", {Role.OPS, Role.INTEGRATOR}),
        ("/workbench", {Role.OPS, Role.INTEGRATOR, Role.ADMIN}),
        ("/deliveries", {Role.OPS, Role.INTEGRATOR, Role.ADMIN}),
        ("/journal", {Role.AUDITOR}),
    ],
)
def test_who_may_open_what(path: str, roles: set[Role]) -> None:
    assert {role for role in Role if may(role, "GET", path)} == roles


@pytest.mark.parametrize(
    ("path", "roles"),
    [
        ("/messages/7/retry", {Role.OPS, Role.INTEGRATOR}),
        ("/gaps/g1/take", {Role.COORDINATOR}),
        ("/glass", {Role.COORDINATOR}),
        ("/something/new", {Role.OPS}),
    ],
)
def test_who_may_do_what(path: str, roles: set[Role]) -> None:
    assert {role for role in Role if may(role, "POST", path)} == roles
