"""What a CareTeam and a Consent say about sharing, and what is not understood."""

from datetime import UTC, datetime

import pytest

from gateway.core.contributions import Json
from gateway.sharing.decision import Team, Term
from gateway.sharing.grounds import finess_in, finess_of_identifier, is_stay, read_teams, read_word
from tests.support.sharing import DAC_FINESS, consent, organisation, team

OWN = frozenset({DAC_FINESS})


def named(reference: Json) -> frozenset[str]:
    found = finess_of_identifier(reference.get("identifier", {}))
    return frozenset({found} - {""})


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_a_consent_is_read_with_whom_and_what_it_is_about() -> None:
    word = read_word(
        consent("c", "p", categories=("handoff",), period={"end": "2026-03-09"}), "C", named
    )

    assert word is not None
    assert (word.permits, word.organisations, word.categories) == (True, OWN, {"handoff"})
    assert word.term == Term(None, at(2026, 3, 9, 23))


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param(consent("c", "p", status="draft"), id="a draft"),
        pytest.param(consent("c", "p", status="entered-in-error"), id="an error"),
        pytest.param(consent("c", "p", scope={"coding": [{"code": "adr"}]}), id="a directive"),
        pytest.param(consent("c", "p", provision={}), id="neither permits nor denies"),
        pytest.param(
            consent("c", "p", provision={"type": "permit", "provision": [{"type": "deny"}]}),
            id="an exception",
        ),
        pytest.param(consent("c", "p", period={"end": "soon"}), id="a date that is none"),
        pytest.param(
            consent("c", "p", "deny", provision={"type": "deny", "actor": [{"reference": {}}]}),
            id="opposed to somebody unknown",
        ),
    ],
)
def test_what_is_not_understood_says_nothing(resource: Json) -> None:
    assert read_word(resource, "C", named) is None


def test_a_withdrawn_consent_is_kept_as_such() -> None:
    word = read_word(consent("c", "p", status="inactive"), "C", named)

    assert word is not None
    assert not word.is_live


def test_classes_of_another_system_permit_nothing_and_deny_everything() -> None:
    other = [{"system": "http://hl7.org/fhir/resource-types", "code": "Task"}]
    permit = consent("c", "p")
    permit["provision"]["class"] = other
    deny = consent("c", "p", "deny", to=None)
    deny["provision"]["class"] = other

    found = [read_word(one, "C", named) for one in (permit, deny)]

    assert [one and one.categories for one in found] == [set(), {"document", "handoff"}]


def test_members_of_a_team_count_in_their_own_span() -> None:
    member = {"identifier": {"system": "urn:oid:1.2.250.1.71.4.2.2", "value": f"1{DAC_FINESS}"}}
    spans = [{"member": {}, "onBehalfOf": member, "period": {"start": "2026-03-02"}}]
    found = read_teams(team("t", "p", period={"end": "2026-03-31"}, participant=spans), "T", named)

    assert found == [Team("T", OWN, Term(at(2026, 3, 1, 23), at(2026, 3, 31, 22)))]


@pytest.mark.parametrize(
    "more", [{"status": "inactive"}, {"period": {"start": "x"}}, {"participant": []}]
)
def test_a_team_that_is_none(more: Json) -> None:
    assert read_teams(team("t", "p", **more), "T", named) == []


def test_numbers_of_an_organisation_and_stays_that_are_none() -> None:
    assert finess_in(organisation("o", "690000010")) == {"690000010"}
    assert finess_in({"identifier": [{"system": "x", "value": "1"}]}) == set()
    assert [is_stay({"status": s}) for s in ("planned", "cancelled", "entered-in-error")] == [
        True,
        False,
        False,
    ]
