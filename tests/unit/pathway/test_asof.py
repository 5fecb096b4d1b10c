"""Where everything stood: as the screen showed it, and as it should have been."""

from datetime import timedelta

import pytest

from gateway.core.facts import Op
from gateway.core.pathway_ports import PROVEN_AFTER, FeedState, Move
from gateway.pathway.asof import History, Moment, feeds_known, open_rows, standing
from gateway.pathway.cohort import Cohort
from gateway.pathway.watermarks import Feeds
from tests.support.assertions import MCO, OTHER, PATIENT, paris, says
from tests.unit.pathway.conftest import PATIENTS, STORIES, Play, PlayOfTwo, moves_of, read_log

ALONE = Cohort({PATIENT.id: PATIENT.id}, {PATIENT.id: None})
LEFT = says(
    "ENC.DISCHARGE", "ENC|1", "2025-11-14 16:40", "2025-11-14 16:52",
    estab=MCO, visit="V1", patient_class="I", mode="8", stay_start="2025-11-10T08:00:00Z",
)  # fmt: skip
LETTER = {"event": "DOC.LDL_SES", "key": "DOC|L", "estab": MCO, "visit": "V1"}


def shown(log, rules, valid, known=None, *, cohort=ALONE, feeds=None):
    """Return the status of each expectation, by rule."""
    moment = Moment(paris(valid), paris(known or valid))
    walked = standing(History(cohort, log), rules, feeds or Feeds(), "relais", moment)
    return {row.rule: str(row.status) for one in walked for row in one.advance.rows}


def letter(te, received, **more):
    return says(LETTER["event"], LETTER["key"], te, received, estab=MCO, visit="V1", **more)


@pytest.mark.parametrize(
    "folder",
    sorted(path for path in STORIES.iterdir() if (path / "log.ndjson").exists()),
    ids=lambda path: path.name,
)
def test_what_was_known_then_is_what_a_look_of_then_left(folder, shipped):
    log, moves = read_log(folder), moves_of(folder)
    both = {one.id: one.id for one in PATIENTS.values()}
    now = both | {move.patient_id: move.after for move in moves}
    linked = Cohort(now, dict.fromkeys(both), moves)
    cohort = linked if moves else ALONE
    hours = [log[0].at + timedelta(hours=number) for number in range(0, 24 * 7, 5)]
    for at in (*hours, *(one.at for one in log)):
        play = PlayOfTwo(shipped, moves) if moves else Play(shipped)
        looked = play.until(log, at)

        walked = standing(History(cohort, log), shipped, Feeds(), "relais", Moment(at, at))

        rows = [row for one in walked for row in one.advance.rows]
        assert sorted(rows, key=lambda row: row.gap_id) == list(looked.rows)


def test_a_letter_that_came_late_was_there_in_hindsight(only):
    log = [LEFT, letter("2025-11-14 17:10", "2025-11-15 11:30")]
    at = "2025-11-15 09:00"

    assert shown(log, only("TRX-01"), at) == {"TRX-01": "overdue"}
    assert shown(log, only("TRX-01"), at, "2025-11-16 00:00") == {"TRX-01": "met"}


def test_what_happened_later_is_not_told_in_hindsight(only):
    log = [LEFT, letter("2025-11-15 10:00", "2025-11-15 10:05")]

    found = shown(log, only("TRX-01"), "2025-11-15 09:00", "2025-11-16 00:00")

    assert found == {"TRX-01": "overdue"}


def test_what_is_learned_after_it_is_known_is_not_told(only):
    log = [LEFT, letter("2025-11-14 17:10", "2025-11-15 11:30")]

    found = shown(log, only("TRX-01"), "2025-11-15 09:00", "2025-11-15 11:00")

    assert found == {"TRX-01": "overdue"}


def test_a_discharge_that_was_taken_back_never_was(only):
    taken = says(
        "ENC.DISCHARGE", "ENC|1", "2025-11-15 08:10", "2025-11-15 08:15", op=Op.RETRACT,
        revision="2",
    )  # fmt: skip
    log, at = [LEFT, taken], "2025-11-15 07:00"

    assert shown(log, only("TRX-01"), at) == {"TRX-01": "overdue"}
    assert "overdue" not in shown(log, only("TRX-01"), at, "2025-11-16 00:00").values()


def test_a_discharge_that_was_told_late_was_already_due(only):
    late = says(
        "ENC.DISCHARGE", "ENC|1", "2025-11-14 16:40", "2025-11-17 08:00",
        estab=MCO, visit="V1", patient_class="I", mode="8",
    )  # fmt: skip
    at = "2025-11-15 09:00"

    assert shown([late], only("TRX-01"), at) == {}
    assert shown([late], only("TRX-01"), at, "2025-11-18 00:00") == {"TRX-01": "overdue"}


def test_two_records_are_one_person_in_hindsight_as_soon_as_it_is_known(only):
    theirs = says(
        "DOC.LDL_SES", "DOC|L", "2025-11-14 17:10", "2025-11-14 17:15", patient=OTHER,
        estab=MCO, visit="V1",
    )  # fmt: skip
    merged = Move(paris("2025-11-16 10:00"), OTHER.id, OTHER.id, PATIENT.id)
    together = Cohort(
        {PATIENT.id: PATIENT.id, OTHER.id: PATIENT.id},
        {PATIENT.id: None, OTHER.id: None},
        (merged,),
    )
    log, at, rules = [LEFT, theirs], "2025-11-15 09:00", only("TRX-01")

    assert shown(log, rules, at, cohort=together) == {"TRX-01": "overdue"}
    assert shown(log, rules, "2025-11-16 11:00", cohort=together) == {"TRX-01": "met"}
    assert shown(log, rules, at, "2025-11-16 11:00", cohort=together) == {"TRX-01": "met"}


def test_a_feed_that_was_silent_then_is_complete_in_hindsight(only):
    silent_from, back = paris("2025-11-14 14:05"), paris("2025-11-15 10:20")
    state = FeedState(
        f"{MCO}:DOC", paris("2025-09-01 08:00"), back, 10 * PROVEN_AFTER,
        marks=((silent_from, silent_from), (back, back)), proven_at=paris("2025-09-02 08:00"),
    )  # fmt: skip
    at, rules = paris("2025-11-15 09:00"), only("TRX-01")

    def told(known):
        moment = Moment(at, known)
        feeds = feeds_known([state], (), moment)
        return [
            str(row.status)
            for one in standing(History(ALONE, [LEFT]), rules, feeds, "relais", moment)
            for row in one.advance.rows
        ]

    assert told(at) == ["unconfirmed"]
    assert told(paris("2025-11-15 10:00")) == ["unconfirmed"]
    assert told(paris("2025-11-16 00:00")) == ["overdue"]


def test_only_open_gaps_are_given(shipped):
    at = paris("2025-11-15 09:00")

    walked = standing(History(ALONE, [LEFT]), shipped, Feeds(), "relais", Moment(at, at))

    assert [row.rule for row in open_rows(walked)] == ["TRX-01"]
