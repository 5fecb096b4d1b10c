"""What is told of an order under the number of its filler alone counts for the order."""

from itertools import permutations

import pytest

from gateway.core.facts import Op
from gateway.pathway.facts import reduce
from gateway.pathway.numbers import joined
from tests.support.assertions import paris, says
from tests.unit.pathway.conftest import Play

ORDER, FILLER, OTHER = "ServiceRequest/placer", "ServiceRequest/filler", "ServiceRequest/other"


def told(event, key, minute, **attributes):
    at = f"2026-11-20 08:{30 + minute}"
    return says(event, key, at, at, order=minute, **attributes)


ASKED = told("REQ.smr.SENT", f"{ORDER}|sent", 1, request="P9", kind="smr")
ANSWER = told("REQ.smr.ACCEPTED", f"{FILLER}|answer", 2, request="F3", kind="smr")
BOTH = told("REQ.NUMBERED", f"{ORDER}|filler", 3, request="P9", filler=FILLER)


def standing(log):
    return {
        key: (fact.event, fact.text("request"))
        for key, fact in reduce(log).items()
        if fact.event != "REQ.NUMBERED"
    }


@pytest.mark.parametrize("order", list(permutations((ASKED, ANSWER, BOTH))))
def test_an_answer_under_the_number_of_the_filler_answers_the_order(order):
    assert standing(order) == {
        f"{ORDER}|sent": ("REQ.smr.SENT", "P9"),
        f"{ORDER}|answer": ("REQ.smr.ACCEPTED", "P9"),
    }


def test_without_a_message_that_gives_both_nothing_is_joined():
    log = [ASKED, ANSWER]

    assert joined(log) == log
    assert standing(log)[f"{FILLER}|answer"] == ("REQ.smr.ACCEPTED", "F3")


def test_two_orders_that_share_a_number_of_the_filler_are_not_settled_by_a_guess():
    doubt = told("REQ.NUMBERED", f"{OTHER}|filler", 4, request="P10", filler=FILLER)
    log = [ASKED, ANSWER, BOTH, doubt]

    assert joined(log) == log


def test_a_withdrawal_under_the_number_of_the_filler_takes_the_question_back():
    gone = told("REQ.consult.SENT", f"{FILLER}|sent", 4, op=Op.RETRACT, revision="9")

    assert standing([ASKED, BOTH, gone]) == {}


def test_it_is_known_from_the_later_of_the_two_words_on():
    more = [one for one in joined([ASKED, ANSWER, BOTH]) if one not in (ASKED, ANSWER, BOTH)]

    assert {one.at for one in more} == {paris("2026-11-20 08:33")}


def test_joining_twice_adds_nothing():
    once = joined([ASKED, ANSWER, BOTH])

    assert joined(once) == once


def test_a_gap_that_waited_for_the_answer_closes_when_the_numbers_are_known(only):
    late = says("REQ.NUMBERED", f"{ORDER}|filler", "2026-11-30 09:00", "2026-11-30 09:00",
                request="P9", filler=FILLER)  # fmt: skip
    play = Play(only("ORI-01"))

    play.until(joined([ASKED, ANSWER, late]), "2026-11-29 09:00")
    before = play.statuses
    play.until(joined([ASKED, ANSWER, late]), "2026-11-30 10:00")

    assert before == {("ORI-01", f"{ORDER}|sent"): "overdue"}
    assert play.statuses == {("ORI-01", f"{ORDER}|sent"): "met"}
