"""The suite of acknowledgements: our own door passes, and each kind of wrong answer is seen."""

import pytest

from gateway.conformance import ack_suite
from gateway.conformance.ack_suite import CHECKS, Check, Run, fault, matrix, run_suite
from gateway.core.errors import RetriableError
from gateway.core.issues import Issue, Severity
from gateway.hl7v2.reader import read
from gateway.pipeline.receive import ReceiveLimits, Receiver
from gateway.store.memory import MemoryStore
from tests.support.gateway import converter, message
from tests.support.pipeline import RULES, HandClock
from tests.unit.conformance.judging import judged

RUN = Run("KTEST", "20260302080000")
ACCEPTED = CHECKS[0]
REFUSED = next(check for check in CHECKS if check.id == "no-patient-number")


async def test_our_own_door_passes_every_check():
    store = MemoryStore()
    await store.open()
    receiver = Receiver(store, converter(), HandClock(), RULES, ReceiveLimits())
    await receiver.start()
    try:

        async def exchange(body):
            return (await receiver.receive(message(body))).ack

        results = [result async for result in run_suite(RUN, exchange)]
    finally:
        await receiver.stop()

    assert [(result.check.id, result.why) for result in results if not result.passed] == []
    assert len(results) == len(CHECKS)


def test_the_sound_messages_of_the_suite_are_sound():
    for check in CHECKS:
        if check.codes <= {"AA", "CA"} and check.kind.startswith("ADT^A01"):
            report = judged(RUN.message(check))
            assert [str(one.issue) for one in report.findings] == []


def test_control_ids_meet_only_where_they_should():
    ids = {check.id: RUN.control_id(check) for check in CHECKS}

    assert ids["again"] == ids["reused-id"] == ids["accepted"]
    assert len(set(ids.values())) == len(CHECKS) - 2
    assert RUN.message(CHECKS[1]) == RUN.message(CHECKS[0])


def answer(code="AA", *errors, msa2="KTEST00", to="RELAIS-KIT|RELAIS", charset="UNICODE UTF-8"):
    lines = [
        rf"MSH|^~\&|TARGET|TARGET|{to}|20260302080000||ACK^A01^ACK|1|T|2.5|||||FRA|{charset}",
        f"MSA|{code}|{msa2}",
        *errors,
    ]
    return "\r".join([*lines, ""]).encode()


ERR = "ERR||PID^1^3|101^Required field missing^HL70357|E"
WRONG = [
    (ACCEPTED, answer("AE", ERR), "answered AE, expected AA"),
    (ACCEPTED, answer(msa2="OTHER"), "MSA-2 is not KTEST00"),
    (ACCEPTED, answer(to="A|B"), "MSH-5.1 is not RELAIS-KIT"),
    (ACCEPTED, answer(charset="8859/15"), "MSH-18 is not UNICODE UTF-8"),
    (ACCEPTED, answer("AA", ERR), "a positive answer holds an error"),
    (ACCEPTED, b"OK", "the answer cannot be read"),
    (ACCEPTED, b"MSH|^~\\&|A\r", "answered without MSA"),
    (REFUSED, answer(msa2="KTEST07"), "answered AA, expected AE"),
    (REFUSED, answer("AE", msa2="KTEST07"), "ERR-3 is none, expected 101"),
    (REFUSED, answer("AE", ERR.replace("101", "207"), msa2="KTEST07"), "ERR-3 is 207"),
    (REFUSED, answer("AE", ERR.replace("PID^1^3", "PV1^1^2"), msa2="KTEST07"), "name PID-3"),
]


@pytest.mark.parametrize(("check", "ack", "told"), WRONG, ids=[w[2] for w in WRONG])
def test_a_wrong_answer_is_told(check, ack, told):
    assert told in fault(check, ack, RUN)


def test_the_right_answers_are_right():
    assert fault(ACCEPTED, answer(), RUN) == ""
    assert fault(REFUSED, answer("AE", ERR, msa2="KTEST07"), RUN) == ""


async def test_no_answer_fails_a_check_and_the_others_go_on():
    async def exchange(body):
        if read(body).control_id == "KTEST00":
            raise RetriableError([Issue("RLS-NET-012", Severity.ERROR, "x", "time is over.", "")])
        return answer("AR")

    results = [result async for result in run_suite(RUN, exchange)]

    assert results[0].why == "no answer: time is over."
    assert len(results) == len(CHECKS)


def test_the_matrix_has_a_line_a_check():
    lines = matrix([ack_suite.Result(ACCEPTED, ""), ack_suite.Result(REFUSED, "late")])

    assert lines[0].startswith("pass  accepted")
    assert lines[1].startswith("FAIL  no-patient-number")
    assert lines[1].endswith("PID-3 is empty: late")


def test_every_check_has_a_clause_and_a_name_of_its_own():
    assert len({check.id for check in CHECKS}) == len(CHECKS)
    assert all(isinstance(check, Check) and check.clause and check.title for check in CHECKS)
