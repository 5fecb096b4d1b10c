"""The sharing decision: perimeter, opposition, care team, consent, in this order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.access import Client
from gateway.sharing.decision import Decision, Grounds, Team, Term, Why, Word, decide, in_words

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
DAY = timedelta(days=1)
DAC = Client("dac", "DAC", "system/*.rs", territory=("H1", "H2"), organisation="DAC")
OWN = frozenset({"DAC"})
HERE = Grounds(places=frozenset({"H1"}))
TEAM = Team("CareTeam/t/_history/1", OWN)
YES = Word("Consent/y/_history/1", True, OWN)
NO = Word("Consent/n/_history/1", False, frozenset())


def told(*words: Word, teams: tuple[Team, ...] = ()) -> Grounds:
    return replace(HERE, words=words, teams=teams)


@pytest.mark.parametrize(
    ("grounds", "why"),
    [
        pytest.param(HERE, Why.NONE, id="a stay in the territory is no basis"),
        pytest.param(replace(told(YES), places=frozenset({"H9"})), Why.OUTSIDE, id="elsewhere"),
        pytest.param(Grounds(words=(YES,)), Why.OUTSIDE, id="never had a stay"),
        pytest.param(told(YES), Why.CONSENT, id="consent"),
        pytest.param(told(teams=(TEAM,)), Why.TEAM, id="care team"),
        pytest.param(told(YES, NO, teams=(TEAM,)), Why.OPPOSED, id="opposition wins"),
        pytest.param(
            told(YES, replace(NO, organisations=frozenset({"X"}))), Why.CONSENT, id="to another"
        ),
        pytest.param(told(YES, replace(NO, is_live=False)), Why.CONSENT, id="taken back"),
        pytest.param(told(YES, replace(NO, term=Term(end=NOW))), Why.CONSENT, id="over"),
        pytest.param(told(replace(YES, organisations=frozenset({"X"}))), Why.NONE, id="names X"),
        pytest.param(told(replace(YES, is_live=False)), Why.EXPIRED, id="withdrawn"),
        pytest.param(told(replace(YES, term=Term(NOW + DAY))), Why.EXPIRED, id="not yet"),
        pytest.param(
            told(replace(YES, term=Term(None, NOW))), Why.EXPIRED, id="its end is outside"
        ),
        pytest.param(
            told(replace(YES, categories=frozenset({"document"}))), Why.SCOPE, id="documents only"
        ),
        pytest.param(
            told(teams=(replace(TEAM, term=Term(end=NOW - DAY)),)), Why.NONE, id="former team"
        ),
    ],
)
def test_why_a_client_is_shown_a_handoff_or_not(grounds: Grounds, why: Why) -> None:
    found = decide(DAC, grounds, "handoff", NOW)

    assert (found.why, found.allowed) == (why, why in (Why.CONSENT, Why.TEAM))


def test_an_opposition_to_one_category_leaves_the_other() -> None:
    grounds = told(YES, replace(NO, categories=frozenset({"document"})))

    assert decide(DAC, grounds, "handoff", NOW).why is Why.CONSENT
    assert decide(DAC, grounds, "document", NOW).why is Why.OPPOSED


def test_who_is_off_and_who_has_no_perimeter() -> None:
    everybody = replace(DAC, territory=None)

    assert decide(replace(everybody, active=False), HERE, "handoff", NOW).why is Why.OFF
    assert decide(everybody, Grounds(words=(NO,)), "handoff", NOW).why is Why.EVERYBODY


def test_a_declared_team_names_its_reference_and_bows_to_an_opposition() -> None:
    declared = replace(DAC, team_reference="DPO-7")

    assert decide(declared, HERE, "document", NOW) == Decision(True, Why.DECLARED_TEAM, "DPO-7")
    assert decide(declared, told(NO), "document", NOW).why is Why.OPPOSED


def test_without_an_own_number_no_team_and_no_consent_names_it() -> None:
    nameless = replace(DAC, organisation="")
    empty = frozenset({""})
    grounds = told(replace(YES, organisations=empty), teams=(replace(TEAM, organisations=empty),))

    assert decide(nameless, grounds, "handoff", NOW).why is Why.NONE


def test_boundaries_are_the_instants_at_which_something_begins_or_ends() -> None:
    grounds = told(
        replace(YES, term=Term(NOW - DAY, NOW + 2 * DAY)),
        teams=(replace(TEAM, term=Term(NOW + DAY)),),
    )

    assert grounds.boundaries(NOW) == [NOW + DAY, NOW + 2 * DAY]


@pytest.mark.parametrize("why", list(Why))
def test_every_reason_has_a_sentence(why: Why) -> None:
    assert in_words(Decision(True, why, "Consent/y")).startswith("yes: ")
    assert in_words(Decision(False, why)).endswith(".")


def test_people_are_shown_the_patients_of_the_place_they_work_at_and_software_is_not() -> None:
    ward = replace(DAC, organisation="H1", people=True)

    assert decide(ward, HERE, "handoff", NOW).why is Why.CARE
    assert decide(replace(ward, people=False), HERE, "handoff", NOW).why is Why.NONE
    assert decide(ward, told(NO), "handoff", NOW).why is Why.OPPOSED
    assert decide(replace(ward, organisation="H2"), HERE, "handoff", NOW).why is Why.NONE


def test_people_who_work_for_several_count_for_each_and_an_opposition_to_one_stops_them() -> None:
    both = replace(DAC, organisation="X", further=("DAC",), people=True)

    assert decide(both, told(YES), "handoff", NOW).why is Why.CONSENT
    against = replace(NO, organisations=frozenset({"X"}))
    assert decide(both, told(YES, against), "handoff", NOW).why is Why.OPPOSED
