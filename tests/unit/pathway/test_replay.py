"""One look after the other: pauses, feeds, identity, causes, next look."""

from datetime import timedelta

import pytest

from gateway.core.facts import Op
from gateway.core.pathway_ports import FeedState
from gateway.pathway.replay import advance
from gateway.pathway.watermarks import Feeds
from tests.support.assertions import HAD, MCO, OTHER, PATIENT, SMR, paris, says
from tests.unit.pathway.conftest import Play, rule

STAY = {"estab": MCO, "visit": "V1", "patient_class": "I", "mode": "8"}
DOCUMENTS = f"{MCO}:DOC"


def discharge(te="2025-11-14 16:40", received="2025-11-14 16:52", key="d", **said):
    return says("ENC.DISCHARGE", key, te, received, **(STAY | said))


def letter(te, received, key="l", **said):
    return says("DOC.LDL_SES", key, te, received, **({"estab": MCO, "visit": "V1"} | said))


CONTACT = """
trigger: {event: ENC.DISCHARGE, where: "destination == 'home'"}
deadline: {n: 7, unit: d}
grace: PT24H
closes: [{event: DOC.CONSULT}]
pauses: [[ENC.ADMIT, ENC.DISCHARGE]]
"""


def test_a_readmission_pauses_a_week_at_home():
    log = [
        discharge("2025-12-22 14:00", "2025-12-22 14:05"),
        says("ENC.ADMIT", "a", "2025-12-26 03:00", "2025-12-26 03:10", estab=SMR, visit="W"),
        says("ENC.DISCHARGE", "d2", "2025-12-31 10:00", "2025-12-31 10:10", estab=SMR, visit="W",
             destination="smr"),
    ]  # fmt: skip

    play = Play(rule(CONTACT)).until(log, "2026-01-10 00:00")

    assert play.story == [
        ("2025-12-22 14:05:00", None, "pending", "trigger"),
        ("2025-12-26 03:10:00", "pending", "paused", "pause"),
        ("2025-12-31 10:10:00", "paused", "pending", "resume"),
        ("2026-01-04 23:59:59", "pending", "overdue", "timer"),
    ]
    (row,) = [row for row in play.rows if row.trigger == "d"]
    assert row.deadline == paris("2026-01-03 23:59:59")


def test_a_programme_over_the_bridges_of_may():
    rules = rule(
        """
trigger: {event: DOC.FRCP}
deadline: {n: 10, unit: bd}
closes: [{event: DOC.PPS}]
"""
    )
    log = [
        says("DOC.FRCP", "r", "2026-04-29 10:00", "2026-04-29 10:05"),
        says("DOC.PPS", "p", "2026-05-18 09:00", "2026-05-18 09:05"),
    ]

    assert Play(rules).until(log, "2026-06-01 00:00").statuses == {("TST-01", "r"): "met"}


def feeds(*heard, declared=(DOCUMENTS,), count=500):
    """Return a feed complete up to five minutes before each of its messages."""
    at = [paris(one) for one in heard]
    state = FeedState(
        DOCUMENTS, paris("2025-01-01"), at[-1], count, (),
        tuple((one, one - timedelta(minutes=5)) for one in at),
    )  # fmt: skip
    return Feeds.of([state], declared)


@pytest.mark.field("FL-310")
def test_a_silent_feed_accuses_nobody(only):
    silent = feeds("2025-11-14 14:05", "2025-11-15 10:20")
    log = [discharge(), letter("2025-11-14 17:20", "2025-11-15 10:25")]

    play = Play(only("TRX-01"), silent).until(log, "2025-11-16 00:00")

    assert play.story == [
        ("2025-11-14 16:52:00", None, "pending", "trigger"),
        ("2025-11-15 05:59:59", "pending", "unconfirmed", "timer"),
        ("2025-11-15 10:25:00", "unconfirmed", "met", "closer"),
    ]
    assert play.rows[0].opened_at is None


@pytest.mark.field("FL-103")
def test_a_feed_that_is_back_is_first_heard_out(only):
    back = feeds("2025-11-14 14:05", "2025-11-15 10:20", "2025-11-15 10:30")

    play = Play(only("TRX-01"), back).until([discharge()], "2025-11-16 00:00")

    assert play.story[1:] == [
        ("2025-11-15 05:59:59", "pending", "unconfirmed", "timer"),
        ("2025-11-15 10:35:00", "unconfirmed", "overdue", "feed"),
    ]


def test_a_feed_that_speaks_after_the_deadline_confirms(only):
    alive = feeds("2025-11-14 23:00", "2025-11-15 00:10")

    play = Play(only("TRX-01"), alive).until([discharge()], "2025-11-16 00:00")

    assert play.story[-1] == ("2025-11-15 05:59:59", "pending", "overdue", "timer")


@pytest.mark.parametrize("count", [199, 200])
def test_an_undeclared_feed_counts_after_two_hundred_messages(only, count):
    silent = feeds("2025-11-14 14:05", declared=(), count=count)

    play = Play(only("TRX-01"), silent).until([discharge()], "2025-11-16 00:00")

    assert play.statuses == {("TRX-01", "d"): "overdue" if count < 200 else "unconfirmed"}


@pytest.mark.parametrize(
    ("proven", "ends"), [("2025-11-15 05:59:59", "unconfirmed"), ("2025-11-15 06:00", "overdue")]
)
def test_a_feed_that_counts_later_does_not_unsettle_what_was_found(only, proven, ends):
    state = FeedState(
        DOCUMENTS, paris("2025-01-01"), paris("2025-11-15 07:00"), 500, (),
        ((paris("2025-11-14 14:05"), paris("2025-11-14 14:00")),), paris(proven),
    )  # fmt: skip

    play = Play(only("TRX-01"), Feeds.of([state])).until([discharge()], "2025-11-16 00:00")

    assert play.statuses == {("TRX-01", "d"): ends}


def test_older_marks_are_asked_for_one_by_one(only):
    heard = ["2025-11-14 23:00", "2025-11-15 00:10", "2025-11-15 09:00"]
    marks = tuple((paris(one), paris(one) - timedelta(minutes=5)) for one in heard)
    asked = []

    def complete(feed, instant):
        asked.append((feed, instant))
        return next((at for at, watermark in marks if watermark >= instant), None)

    state = FeedState(DOCUMENTS, paris("2025-01-01"), paris(heard[-1]), 500, (), marks[-1:])
    play = Play(only("TRX-01"), Feeds.of([state], [DOCUMENTS], complete))
    play.until([discharge()], "2025-11-16 00:00")

    assert play.story[-1] == ("2025-11-15 05:59:59", "pending", "overdue", "timer")
    # Asked once, whatever the number of evaluations.
    assert asked == [(DOCUMENTS, paris("2025-11-14 23:59:59"))]


def test_a_declared_feed_that_never_spoke_hides_the_gap(only):
    promised = Feeds.of([], [DOCUMENTS])

    play = Play(only("TRX-01"), promised).until([discharge()], "2025-11-20 00:00")

    assert play.statuses == {("TRX-01", "d"): "unconfirmed"}


@pytest.mark.field("FL-310")
def test_what_harms_within_hours_does_not_wait_for_a_feed_for_ever(only):
    promised = Feeds.of([], [f"{MCO}:ADT"])
    left = discharge(mode="7", destination_code="2")

    play = Play(only("TRX-08"), promised).until([left], "2025-11-16 00:00")

    assert play.story[1:] == [
        ("2025-11-15 06:40:00", "pending", "unconfirmed", "timer"),
        ("2025-11-15 18:40:00", "unconfirmed", "overdue", "timer"),
    ]
    assert play.rows[0].details["flags"] == ["feed-down"]


def test_written_feeds_are_waited_for_and_none_when_none_is_written():
    text = """
trigger: {{event: ENC.DISCHARGE}}
deadline: {{n: 0, unit: day0}}
closes: [{{event: DOC.LDL_SES}}]
needs_feed: {feeds}
"""
    silent = Feeds.of([], [DOCUMENTS, f"{HAD}:DOC"])
    left = discharge(destination_finess=HAD)

    ends = {
        written: Play(rule(text.format(feeds=written)), silent)
        .until([left], "2025-11-16 00:00")
        .rows[0]
        .status.value
        for written in ("[]", '["trigger.destination:DOC"]', '["trigger.establishment:SIU"]')
    }

    assert ends == {
        "[]": "overdue",
        '["trigger.destination:DOC"]': "unconfirmed",
        '["trigger.establishment:SIU"]': "overdue",
    }


def test_watermark_at_a_past_instant():
    known = feeds("2025-11-14 14:00", "2025-11-14 15:00")

    assert known.watermark(DOCUMENTS, paris("2025-11-14 13:59")) is None
    assert known.watermark(DOCUMENTS, paris("2025-11-14 14:59")) == paris("2025-11-14 13:55")
    assert known.watermark(DOCUMENTS, paris("2025-11-14 15:00")) == paris("2025-11-14 14:55")
    assert known.watermark("nobody:DOC", paris("2025-11-14 15:00")) is None


def test_a_correction_that_moves_the_deadline_closes_and_reopens(only):
    moved = discharge("2025-11-15 11:00", "2025-11-15 08:00", revision="2")

    play = Play(only("TRX-01")).until([discharge(), moved], "2025-11-17 00:00")

    assert play.story[1:] == [
        ("2025-11-15 05:59:59", "pending", "overdue", "timer"),
        ("2025-11-15 08:00:00", "overdue", "pending", "deadline-moved"),
        ("2025-11-16 05:59:59", "pending", "overdue", "timer"),
    ]
    assert [line.episode for line in play.lines] == [1, 1, 1, 2]


def test_a_closer_at_the_very_instant_of_the_timer_comes_first(only):
    just = letter("2025-11-15 05:00", "2025-11-15 05:59:59")

    play = Play(only("TRX-01")).until([discharge(), just], "2025-11-17 00:00")

    assert [line[2] for line in play.story] == ["pending", "met_late"]


def test_messages_of_one_instant_are_taken_one_by_one(only):
    log = [
        discharge(received="2025-11-14 17:30", order=1),
        letter("2025-11-14 17:00", "2025-11-14 17:30", order=2),
    ]

    assert [line[2] for line in Play(only("TRX-01")).until(log, "2025-11-15").story] == [
        "pending",
        "met",
    ]


def test_a_look_says_when_the_next_one_is_due(only):
    play = Play(only("TRX-01")).until([discharge()], "2025-11-14 17:00")
    assert play.due == paris("2025-11-15 05:59:59")

    play.until([discharge()], "2025-11-15 06:00")
    assert play.due is None


def test_a_look_at_a_silent_feed_is_due_again_soon(only):
    play = Play(only("TRX-01"), Feeds.of([], [DOCUMENTS])).until([discharge()], "2025-11-16 12:00")

    assert play.due == paris("2025-11-16 12:15")


def test_what_was_committed_behind_a_look_is_written_at_the_next_one(only):
    play = Play(only("TRX-01")).until([], "2025-11-14 18:00")

    play.until([discharge()], "2025-11-14 18:05")

    assert play.story == [("2025-11-14 18:05:00", None, "pending", "trigger")]


def test_only_what_differs_is_handed_back(only):
    rules, log = only("TRX-01"), [discharge()]
    first = advance(
        log, rules, Feeds(), "relais", (), None, paris("2025-11-14 17:00"), person_id="p"
    )

    second = advance(
        log, rules, Feeds(), "relais", first.rows, paris("2025-11-14 17:00"),
        paris("2025-11-14 18:00"), person_id="p",
    )  # fmt: skip

    assert (len(first.changed), second.changed, second.lines) == (1, (), ())
    assert second.rows == first.rows


def test_a_forbidden_event_opens_and_its_absence_is_good():
    rules = rule(
        """
kind: forbid
trigger: {event: ENC.DISCHARGE}
deadline: {n: 30, unit: d}
closes: [{event: ENC.ADMIT, where: "admit_kind == 'emergency'"}]
"""
    )
    back = says("ENC.ADMIT", "a", "2025-11-20 10:00", "2025-11-20 10:05", estab=MCO,
                admit_kind="emergency")  # fmt: skip

    again = Play(rules).until([discharge(), back], "2026-01-01 00:00")
    well = Play(rules).until([discharge()], "2026-01-01 00:00")

    assert again.story[-1] == ("2025-11-20 10:05:00", "pending", "overdue", "closer")
    assert well.story[-1] == ("2025-12-14 23:59:59", "pending", "met", "timer")


def _admitted(patient):
    return says("ENC.ADMIT", "a", "2025-11-14 20:00", "2025-11-14 20:05", estab=SMR, visit="W",
                estab_unit=f"{SMR}#1", patient=patient, order=9)  # fmt: skip


def test_a_merge_closes_and_an_unmerge_opens_again(only):
    rules = only("TRX-08")
    left, arrived = discharge(mode="7", destination_code="2"), _admitted(OTHER)
    both, merged = {PATIENT.id, OTHER.id}, paris("2025-11-16 09:00")
    play = Play(rules, patients={PATIENT.id}).until([left], "2025-11-15 12:00")

    play.identity = {"patients": both, "joined": {OTHER.id: merged}}
    play.until([left, arrived], "2025-11-16 12:00")
    play.identity = {"patients": {PATIENT.id}}
    play.until([left], "2025-11-17 12:00")

    assert play.story[1:] == [
        ("2025-11-15 06:40:00", "pending", "overdue", "timer"),
        ("2025-11-16 09:00:00", "overdue", "met", "identity"),
        ("2025-11-17 12:00:00", "met", "overdue", "identity"),
    ]
    assert [line.episode for line in play.lines] == [1, 1, 1, 2]


@pytest.mark.field("FL-131")
def test_gaps_keep_their_id_when_persons_are_merged(only):
    rules, merged = only("TRX-01"), paris("2025-11-16 09:00")
    mine, theirs = discharge(key="d1"), discharge(key="d2", patient=OTHER, order=1)
    before = paris("2025-11-16 08:59")
    rows = []
    for patient, log in ((PATIENT, [mine]), (OTHER, [theirs])):
        rows += advance(
            log, rules, Feeds(), "relais", (), None, before,
            person_id=patient.id, patients={patient.id},
        ).rows  # fmt: skip

    found = advance(
        [mine, theirs], rules, Feeds(), "relais", rows, before, paris("2025-11-16 10:00"),
        person_id=PATIENT.id, patients={PATIENT.id, OTHER.id}, joined={OTHER.id: merged},
    )  # fmt: skip

    # One visit, typed twice: the same expectation is not told twice as new.
    assert {row.trigger: (row.status.value, row.episode) for row in found.rows} == {
        "d1": ("void", 1),
        "d2": ("overdue", 1),
    }
    assert [(line.to_status.value, line.cause) for line in found.lines] == [("void", "identity")]
    assert {row.gap_id for row in found.rows} == {row.gap_id for row in rows}
    assert {row.person_id for row in found.rows if row.status == "overdue"} == {PATIENT.id}


def test_rows_of_a_patient_that_left_are_handed_on_and_not_ended(only):
    rules, now = only("TRX-01"), paris("2025-11-16 09:00")
    theirs = discharge(patient=OTHER)
    rows = advance(
        [theirs], rules, Feeds(), "relais", (), None, now,
        person_id=PATIENT.id, patients={PATIENT.id, OTHER.id},
    ).rows  # fmt: skip

    found = advance(
        [], rules, Feeds(), "relais", rows, now, now + timedelta(hours=1),
        person_id=PATIENT.id, patients={PATIENT.id},
    )  # fmt: skip

    assert (found.rows, found.lines, found.moved) == ((), (), rows)


def test_a_cancellation_taken_back_expects_again(only):
    home = discharge(mode="8", destination_code="6")
    back = says("ENC.ADMIT", "a", "2025-11-15 10:00", "2025-11-15 10:05", estab=MCO, sector="mco")
    undone = says("ENC.ADMIT", "a", "2025-11-15 10:00", "2025-11-15 11:05", estab=MCO,
                  revision="9", op=Op.RETRACT)  # fmt: skip

    play = Play(only("ORI-06")).until([home, back, undone], "2025-11-15 12:00")

    assert play.story[1:] == [
        ("2025-11-15 10:05:00", "pending", "cancelled", "canceller"),
        ("2025-11-15 11:05:00", "cancelled", "pending", "canceller"),
    ]
