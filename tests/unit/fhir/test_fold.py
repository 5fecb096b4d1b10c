"""The fold of contributions, whatever their order."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orjson import dumps

from gateway.core.contributions import Contribution, Target, Version
from gateway.fhir.fold import merge

PATIENT = Target("Patient", "p1")
DOCUMENT = Target("DocumentReference", "d1")
T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def said(minute, partial, *removals, target=PATIENT, annotates=False, ordinal=0):
    """Build what a message of that minute says."""
    at = T0 + timedelta(minutes=minute)
    version = Version(at, at, 0, f"{minute:04d}")
    return Contribution(target, version, partial, ordinal, removals, annotates)


def test_the_latest_word_wins_per_element():
    early = said(1, {"gender": "male", "birthDate": "1960-05-12"})
    late = said(2, {"gender": "female"})

    assert merge(PATIENT, [late, early]) == {
        "resourceType": "Patient",
        "id": "p1",
        "gender": "female",
        "birthDate": "1960-05-12",
    }


def test_an_element_said_empty_is_removed_and_a_silent_message_changes_nothing():
    first = said(1, {"name": [{"use": "official", "family": "ESSAI"}, {"use": "usual"}]})
    empty = said(2, {}, "name:usual")
    silent = said(3, {"gender": "female"})

    merged = merge(PATIENT, [first, silent, empty])

    assert merged["name"] == [{"use": "official", "family": "ESSAI"}]


def test_a_removal_older_than_the_value_does_not_win():
    removal = said(1, {}, "birthDate")
    value = said(2, {"birthDate": "1960-05-12"})

    assert merge(PATIENT, [value, removal])["birthDate"] == "1960-05-12"


def test_words_said_again_change_nothing():
    two = [{"system": "urn:a", "value": "1"}, {"system": "urn:b", "value": "2"}]
    words = {"identifier": two, "gender": "male", "deceasedBoolean": False}
    parts = [said(minute, dict(words)) for minute in range(4)]

    assert list(merge(PATIENT, parts).items()) == list(merge(PATIENT, parts[:1]).items())


def test_words_said_again_with_a_removal_still_remove():
    words = {"gender": "male"}
    parts = [said(0, {"birthDate": "1960-05-12"}), said(1, words), said(2, words, "birthDate")]

    assert "birthDate" not in merge(PATIENT, parts)


def test_words_said_again_after_others_win_again():
    parts = [
        said(0, {"gender": "male"}),
        said(1, {"gender": "female"}),
        said(2, {"gender": "male"}),
    ]

    assert merge(PATIENT, parts)["gender"] == "male"


def test_an_identifier_that_is_not_repeated_stays():
    ipp = {"system": "urn:a", "value": "1"}
    ins = {"system": "urn:ins", "value": "2"}

    merged = merge(PATIENT, [said(1, {"identifier": [ipp, ins]}), said(2, {"identifier": [ipp]})])

    assert merged["identifier"] == [ipp, ins]


def test_all_identifiers_of_a_system_can_be_removed():
    both = [{"system": "urn:ins", "value": "2"}, {"system": "urn:a", "value": "1"}]

    merged = merge(PATIENT, [said(1, {"identifier": both}), said(2, {}, "identifier:urn:ins|*")])

    assert merged["identifier"] == [{"system": "urn:a", "value": "1"}]


def test_members_of_one_key_are_replaced_together():
    home = [
        {"system": "phone", "use": "home", "value": "0100000001"},
        {"system": "phone", "use": "home", "value": "0100000002"},
        {"system": "phone", "use": "work", "value": "0100000003"},
    ]
    moved = [{"system": "phone", "use": "home", "value": "0100000009"}]

    merged = merge(PATIENT, [said(1, {"telecom": home}), said(2, {"telecom": moved})])

    assert [entry["value"] for entry in merged["telecom"]] == ["0100000009", "0100000003"]


def test_a_choice_element_has_one_type_only():
    merged = merge(
        PATIENT,
        [said(1, {"deceasedBoolean": True}), said(2, {"deceasedDateTime": "2026-03-02"})],
    )

    assert "deceasedBoolean" not in merged
    assert merged["deceasedDateTime"] == "2026-03-02"


def test_a_superseded_document_does_not_become_current_again():
    superseded = said(1, {"status": "superseded"}, target=DOCUMENT, annotates=True)
    current = said(2, {"status": "current"}, target=DOCUMENT)

    assert merge(DOCUMENT, [current, superseded])["status"] == "superseded"


def test_an_annotation_alone_makes_no_resource():
    assert merge(DOCUMENT, [said(1, {"status": "superseded"}, annotates=True)]) is None


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_every_order_of_arrival_gives_the_same_resource(order):
    parts = [
        said(1, {"name": [{"use": "official", "family": "A"}], "gender": "male"}),
        said(2, {"name": [{"use": "usual", "family": "B"}]}, "gender"),
        said(3, {"gender": "female"}, "name:usual"),
        said(3, {"name": [{"use": "usual", "family": "C"}]}, ordinal=1),
    ]

    assert merge(PATIENT, [parts[index] for index in order]) == merge(PATIENT, parts)


_PARTIALS = st.fixed_dictionaries(
    {},
    optional={
        "gender": st.sampled_from(["male", "female"]),
        "birthDate": st.sampled_from(["1960", "1961"]),
        "telecom": st.lists(
            st.fixed_dictionaries(
                {"use": st.sampled_from(["home", "work"]), "value": st.sampled_from("123")}
            ),
            min_size=1,
            max_size=3,
        ),
    },
)


@given(
    st.lists(st.tuples(st.integers(0, 5), _PARTIALS, st.booleans()), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_order_and_repetition_do_not_matter(words, chance):
    parts = [
        said(minute, partial, *(("gender",) if removes else ()), ordinal=position)
        for position, (minute, partial, removes) in enumerate(words)
    ]
    shuffled = parts * 2
    chance.shuffle(shuffled)

    once = merge(PATIENT, parts)

    assert merge(PATIENT, shuffled) == once


def test_the_same_words_again_leave_the_same_bytes_with_something_said_beside_a_value():
    beside = {"extension": [{"url": "http://example.org/precision", "valueCode": "day"}]}
    words = {"birthDate": "1960-05-12", "_birthDate": beside, "gender": "female"}
    other = {"gender": "female"}
    once = merge(PATIENT, [said(1, words)])

    assert dumps(merge(PATIENT, [said(1, words), said(2, words)])) == dumps(once)
    # Not at once after the other, either.
    assert dumps(merge(PATIENT, [said(1, words), said(2, other), said(3, words)])) == dumps(once)


def test_a_value_that_is_said_again_alone_loses_what_was_said_beside_it():
    words = {"birthDate": "1960-05-12", "_birthDate": {"id": "b"}}

    merged = merge(PATIENT, [said(1, words), said(2, {"birthDate": "1960-05-12"})])

    assert "_birthDate" not in merged
