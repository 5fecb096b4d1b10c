"""The shipped rules on what happens in hospitals."""

import pytest

from gateway.core.facts import Op
from tests.support.assertions import HAD, MCO, SMR, paris, says
from tests.unit.pathway.conftest import Play

STAY = {"estab": MCO, "visit": "V1", "patient_class": "I", "unit": "2100",
        "estab_unit": f"{MCO}#2100"}  # fmt: skip


def discharge(te="2025-11-14 16:40", received=None, key="d", **said):
    return says("ENC.DISCHARGE", key, te, received or te, **(STAY | said))


def letter(te, received=None, key="l", **said):
    known = {"estab": MCO, "visit": "V1", "setid": key}
    return says("DOC.LDL_SES", key, te, received or te, **(known | said))


def admission(te, received=None, key="a", estab=SMR, visit="W1", **said):
    unit = {"estab_unit": f"{estab}#10"}
    return says("ENC.ADMIT", key, te, received or te, estab=estab, visit=visit, **(unit | said))


@pytest.mark.parametrize(
    ("said", "is_expected"),
    [
        ({"mode": "8"}, True),
        ({}, True),
        ({"mode": "9"}, False),
        ({"mode": "0"}, False),
        ({"patient_class": "O"}, False),
        ({"patient_class": "E"}, False),
    ],
    ids=["home", "no mode", "dead", "for an act", "outpatient", "emergency"],
)
def test_which_discharges_want_a_letter(only, said, is_expected):
    play = Play(only("TRX-01")).until([discharge(**said)], "2025-11-15 00:00")

    assert bool(play.rows) is is_expected


@pytest.mark.field("FL-142")
def test_sessions_are_no_discharges(only):
    log = [discharge(key=f"s{n}", visit=f"S{n}", patient_class="R") for n in range(20)]

    assert Play(only("TRX-01")).until(log, "2025-11-20 00:00").lines == []


@pytest.mark.field("FL-143")
def test_a_leave_is_no_discharge_and_has_its_own_deadline(only):
    out = says("ENC.LEAVE_OUT", "x", "2025-11-14 16:00", "2025-11-14 16:05",
               return_due="2025-11-16T15:00:00Z", **STAY)  # fmt: skip
    back = says("ENC.LEAVE_BACK", "b", "2025-11-16 15:00", "2025-11-16 15:10", **STAY)
    rules = only("TRX-01", "ORI-08")

    returned = Play(rules).until([out, back], "2025-11-18 00:00")
    lost = Play(rules).until([out], "2025-11-18 00:00")

    assert returned.statuses == {("ORI-08", "x"): "met"}
    assert lost.story == [
        ("2025-11-14 16:05:00", None, "pending", "trigger"),
        ("2025-11-16 16:00:00", "pending", "overdue", "timer"),
    ]


def test_a_return_of_another_visit_ends_no_leave(only):
    out = says("ENC.LEAVE_OUT", "x", "2025-11-14 16:00", "2025-11-14 16:05", **STAY)
    back = says("ENC.LEAVE_BACK", "b", "2025-11-15 15:00", "2025-11-15 15:10",
                **(STAY | {"visit": "V2"}))  # fmt: skip

    play = Play(only("ORI-08")).until([out, back], "2025-11-16 00:00")

    assert play.statuses == {("ORI-08", "x"): "pending"}


@pytest.mark.field("FL-144")
def test_a_movement_typed_after_the_weekend_waits_for_what_comes_with_it(only):
    typed = discharge(received="2025-11-17 09:00")
    sent = letter("2025-11-14 17:00", "2025-11-17 09:10")

    play = Play(only("TRX-01")).until([typed, sent], "2025-11-18 00:00")

    assert play.story == [
        ("2025-11-17 09:00:00", None, "pending", "trigger"),
        ("2025-11-17 09:10:00", "pending", "met", "closer"),
    ]
    (row,) = play.rows
    assert (row.details["happened_at"], row.details["learned_at"]) == (
        "2025-11-14T16:00:00Z",
        "2025-11-17T08:10:00Z",
    )


@pytest.mark.field("FL-104")
def test_two_discharges_of_one_visit_are_one_gap(only):
    log = [discharge("2025-11-14 10:00", key="first"), discharge("2025-11-14 16:00", key="second")]

    play = Play(only("TRX-01")).until(log, "2025-11-16 00:00")

    assert play.statuses == {("TRX-01", "first"): "void", ("TRX-01", "second"): "overdue"}


@pytest.mark.field("FL-169")
def test_a_letter_without_content_is_no_letter(only):
    log = [discharge(), letter("2025-11-14 17:00", empty=True)]

    play = Play(only("TRX-01")).until(log, "2025-11-16 00:00")

    assert play.statuses == {("TRX-01", "d"): "overdue"}


def _stays(first_visit="V1", second_visit="V2"):
    return [
        discharge("2025-11-11 15:00", key="d1", visit=first_visit,
                  stay_start="2025-11-10T08:00:00Z"),
        discharge("2025-11-14 15:00", key="d2", visit=second_visit,
                  stay_start="2025-11-13T08:00:00Z"),
    ]  # fmt: skip


@pytest.mark.field("FL-154")
def test_a_letter_that_fits_two_stays_closes_neither_and_is_shown_on_both(only):
    unsure = letter("2025-11-14 16:00", visit=None,
                    stay_start="2025-11-10T08:00:00Z", stay_end="2025-11-14T14:00:00Z")  # fmt: skip

    play = Play(only("TRX-01")).until([*_stays(), unsure], "2025-11-16 00:00")

    assert [row.status for row in play.rows] == ["overdue", "overdue"]
    assert [row.details["candidates"] for row in play.rows] == [["l"], ["l"]]
    assert all("l" in row.evidence for row in play.rows)


@pytest.mark.field("FL-154")
def test_a_letter_without_number_closes_the_stay_its_dates_agree_with(only):
    clear = letter("2025-11-14 16:00", visit=None,
                   stay_start="2025-11-13T09:00:00Z", stay_end="2025-11-14T14:00:00Z")  # fmt: skip

    play = Play(only("TRX-01")).until([*_stays(), clear], "2025-11-16 00:00")

    assert play.statuses == {("TRX-01", "d1"): "overdue", ("TRX-01", "d2"): "met"}


def test_a_letter_of_another_establishment_closes_nothing(only):
    other = letter("2025-11-14 17:00", estab=SMR)

    play = Play(only("TRX-01")).until([discharge(), other], "2025-11-16 00:00")

    assert play.statuses == {("TRX-01", "d"): "overdue"}


@pytest.mark.field("FL-187")
def test_an_older_version_of_a_letter_changes_nothing(only):
    second = letter("2025-11-14 18:00", revision="2", version=2)
    first = letter("2025-11-14 17:00", "2025-11-14 19:00", revision="1", version=1)

    play = Play(only("TRX-01")).until([discharge(), second, first], "2025-11-16 00:00")

    assert [line[1:] for line in play.story] == [
        (None, "pending", "trigger"),
        ("pending", "met", "closer"),
    ]


def test_a_withdrawn_letter_opens_the_gap_again_as_another_episode(only):
    late = letter("2025-11-15 09:00", "2025-11-15 09:05")
    gone = letter("2025-11-15 09:00", "2025-11-15 12:00", revision="9", op=Op.RETRACT)
    again = letter("2025-11-15 14:00", "2025-11-15 14:05", key="l2")

    play = Play(only("TRX-01")).until([discharge(), late, gone, again], "2025-11-16 00:00")

    assert play.story == [
        ("2025-11-14 16:40:00", None, "pending", "trigger"),
        ("2025-11-15 05:59:59", "pending", "overdue", "timer"),
        ("2025-11-15 09:05:00", "overdue", "met_late", "closer"),
        ("2025-11-15 12:00:00", "met_late", "overdue", "closer-retracted"),
        ("2025-11-15 14:05:00", "overdue", "met_late", "closer"),
    ]
    assert [line.episode for line in play.lines] == [1, 1, 1, 2, 2]
    (row,) = play.rows
    assert (row.episode, row.opened_at, row.closed_at) == (
        2, paris("2025-11-15 12:00"), paris("2025-11-15 14:05")
    )  # fmt: skip


@pytest.mark.field("FL-151")
def test_a_death_ends_what_is_expected_at_home_and_leaves_an_open_gap_moot(only):
    rules = only("TRX-01", "VIL-08")
    died = says("PAT.DEATH", "x", "2025-11-16", "2025-11-17 08:00")

    play = Play(rules).until([discharge(mode="8"), died], "2025-12-01 00:00")

    assert play.statuses == {("TRX-01", "d"): "moot", ("VIL-08", "d"): "cancelled"}
    assert [row.opened_at for row in play.rows if row.rule == "VIL-08"] == [None]


def test_a_death_before_the_discharge_expects_nothing(only):
    died = says("PAT.DEATH", "x", "2025-11-14 09:00", "2025-11-14 09:10")

    play = Play(only("TRX-01")).until([died, discharge()], "2025-12-01 00:00")

    assert play.statuses == {("TRX-01", "d"): "cancelled"}


@pytest.mark.parametrize(
    ("arrival", "status"),
    [
        (admission("2025-11-14 18:00"), "met"),
        (admission("2025-11-14 11:00"), "met"),
        (admission("2025-11-14 10:00"), "overdue"),
        (admission("2025-11-15 08:00"), "met_late"),
        (admission("2025-11-14 11:00", estab=MCO, visit="V1"), "overdue"),
        (admission("2025-11-14 18:00", estab=MCO, visit="V7"), "met"),
        (admission("2025-11-14 18:00", estab=MCO, visit="V7", estab_unit=f"{MCO}#2100"),
         "cancelled"),
        (says("ENC.OUTPT", "a", "2025-11-14 18:00", "2025-11-14 18:00", estab=SMR), "overdue"),
    ],
    ids=[
        "the same evening", "stamped before the departure", "a stay that ended before",
        "too late", "the stay that ends here", "another unit", "back where it began",
        "a consultation",
    ],
)  # fmt: skip
def test_what_is_an_arrival(only, arrival, status):
    left = discharge(mode="7", destination_code="2", stay_start="2025-11-10T08:00:00Z")

    play = Play(only("TRX-08")).until([left, arrival], "2025-11-20 00:00")

    assert play.statuses == {("TRX-08", "d"): status}


def test_an_arrival_elsewhere_closes_and_is_marked(only):
    left = discharge(mode="7", destination_code="2")

    play = Play(only("TRX-08")).until(
        [left, admission("2025-11-14 18:00", sector="psy")], "2025-11-15 00:00"
    )

    assert play.rows[0].details["flags"] == ["rerouted"]


def test_one_arrival_answers_one_departure(only):
    log = [
        discharge("2025-11-14 08:00", key="d1", visit="V1", mode="7", destination_code="2"),
        discharge("2025-11-14 09:00", key="d2", visit="V2", mode="7", destination_code="2"),
        admission("2025-11-14 12:00"),
    ]

    play = Play(only("TRX-08")).until(log, "2025-11-16 00:00")

    assert play.statuses == {("TRX-08", "d1"): "met", ("TRX-08", "d2"): "overdue"}


def test_a_departure_known_by_its_day_is_late_from_the_end_of_that_day(only):
    left = discharge("2025-11-14", received="2025-11-14 18:00", mode="7", destination_code="2")

    (row,) = Play(only("TRX-08")).until([left], "2025-11-14 19:00").rows

    assert row.deadline == paris("2025-11-15 12:00")


@pytest.mark.parametrize(
    ("fact", "status"),
    [
        (admission("2025-11-15 10:00", estab=HAD, sector="had"), "met"),
        (admission("2025-11-14 12:00", estab=HAD, sector="had"), "met"),
        (says("HOME.VISIT", "v", "2025-11-15 10:00", "2025-11-15 10:05", role="nurse"), "met"),
        (admission("2025-11-15 10:00", estab=HAD), "met"),
        (admission("2025-11-15 10:00", sector="mco"), "cancelled"),
        (admission("2025-11-15 10:00", sector="smr"), "overdue"),
    ],
    ids=["admitted", "admitted on paper", "visited", "announced place", "readmitted", "elsewhere"],
)
def test_who_was_promised_care_at_home(only, fact, status):
    left = discharge(mode="8", destination_code="6", destination_finess=HAD)

    play = Play(only("ORI-06")).until([left, fact], "2025-11-20 00:00")

    assert play.statuses == {("ORI-06", "d"): status}


GP = "10100000001"


def _sent(te, received=None, recipient=GP, key="s", **said):
    return says("SND.MSS_OK", key, te, received or te, doc="l", recipient=recipient, **said)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (_sent("2025-11-14 18:00"), "met"),
        (_sent("2025-11-14 18:00", recipient="10100000002"), "overdue"),
        (_sent("2025-11-16 18:00"), "met_late"),
        (_sent("2025-11-14 18:00", assumed=True), "met"),
    ],
    ids=["in time", "to another doctor", "late", "no notice to be expected"],
)
def test_who_was_sent_the_letter(only, sent, status):
    said = letter("2025-11-14 17:00", gp=GP, stay_end="2025-11-14T15:40:00Z")

    play = Play(only("TRX-03")).until([said, sent], "2025-11-20 00:00")

    assert play.statuses == {("TRX-03", "l"): status}


@pytest.mark.field("FL-261")
def test_a_bounce_takes_back_what_was_assumed(only):
    said = letter("2025-11-14 17:00", gp=GP, stay_end="2025-11-14T15:40:00Z")
    assumed = _sent("2025-11-14 18:00", assumed=True)
    bounce = _sent("2025-11-14 18:00", "2025-11-15 15:00", revision="9", op=Op.RETRACT)

    play = Play(only("TRX-03")).until([said, assumed, bounce], "2025-11-20 00:00")

    assert play.story[-2:] == [
        ("2025-11-14 18:00:00", "pending", "met", "closer"),
        ("2025-11-15 15:00:00", "met", "overdue", "closer-retracted"),
    ]


def test_a_letter_to_nobody_known_is_not_expected_to_be_sent(only):
    play = Play(only("TRX-03")).until([letter("2025-11-14 17:00")], "2025-11-20 00:00")

    assert play.lines == []


def _promise(key, **said):
    known = {"kind": "encounter", "priority": "CS", "stay_end": "2025-11-14T15:40:00Z"}
    return says("LDL.PROMISE", key, "2025-11-14 17:00", "2025-11-14 17:05", **(known | said))


def test_each_promised_visit_wants_an_appointment_of_its_own(only):
    booked = says("APPT.BOOKED", "b", "2025-11-17 10:00", "2025-11-17 10:00", kind="consult")

    play = Play(only("VIL-04")).until([_promise("p1"), _promise("p2"), booked], "2025-11-25 00:00")

    assert sorted(play.statuses.values()) == ["met", "overdue"]


def test_an_appointment_booked_during_the_stay_counts(only):
    booked = says("APPT.BOOKED", "b", "2025-11-12 10:00", "2025-11-12 10:00", kind="consult")

    play = Play(only("VIL-04")).until([_promise("p1"), booked], "2025-11-25 00:00")

    assert play.statuses == {("VIL-04", "p1"): "met"}


def test_an_examination_is_no_visit(only):
    booked = says("APPT.BOOKED", "b", "2025-11-17 10:00", "2025-11-17 10:00", kind="exam")

    play = Play(only("VIL-04")).until([_promise("p1"), booked], "2025-11-25 00:00")

    assert play.statuses == {("VIL-04", "p1"): "overdue"}


def test_a_person_without_family_doctor_is_followed_until_one_is_declared(only):
    declared = says("PAT.GP_KNOWN", "g", "2025-11-18 10:00", "2025-11-18 10:05", gp=GP)
    again = says("PAT.GP_KNOWN", "g", "2025-12-18 10:00", "2025-12-18 10:05", gp=GP)

    play = Play(only("VIL-08")).until([discharge(mode="8"), declared, again], "2026-01-01 00:00")

    assert play.story == [
        ("2025-11-14 16:40:00", None, "pending", "trigger"),
        ("2025-11-18 10:05:00", "pending", "met", "closer"),
    ]


def test_a_held_document_waits_for_the_identity_beyond_a_death(only):
    held = says("SND.HELD_NO_INS", "h", "2025-11-14 17:00", "2025-11-14 17:00", doc="l")
    died = says("PAT.DEATH", "x", "2025-11-15", "2025-11-15 12:00")

    play = Play(only("ID-01")).until([held, died], "2025-11-20 00:00")

    assert play.statuses == {("ID-01", "h"): "overdue"}
