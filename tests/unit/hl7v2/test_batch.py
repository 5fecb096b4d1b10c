"""Batch files are cut into their messages, and answered by a batch of acknowledgements."""

from datetime import UTC, datetime

import pytest

from gateway.hl7v2.batch import answer, is_batch, open_batch
from tests.unit.hl7v2.compose import admission, er7

NOW = datetime(2026, 11, 20, 9, 15, tzinfo=UTC)
FHS = r"FHS|^~\&|GAM|CHU-DEMO|RELAIS|DAC|20261120083000||FICHIER1||F77"
BHS = r"BHS|^~\&|GAM|CHU-DEMO|RELAIS|DAC|20261120083000||||B{number}"


def file(*pieces: bytes | str) -> bytes:
    return b"".join(er7(piece) if isinstance(piece, str) else piece for piece in pieces)


def bhs(number: int = 1) -> str:
    return BHS.format(number=number)


def told(body: bytes) -> list[tuple[str, str]]:
    return [(issue.code, issue.where) for issue in open_batch(body).issues]


def lines(body: bytes, *acks: bytes) -> list[str]:
    return answer(open_batch(body), acks, NOW).decode().split("\r")


@pytest.mark.field("FL-058")
def test_each_message_of_a_file_is_given_out_byte_for_byte():
    first, second = admission(), admission(EVN="EVN||20261120083001")

    found = open_batch(file(FHS, bhs(), first, second, "BTS|2", "FTS|1"))

    assert found.messages == (first, second)
    assert found.issues == ()


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_line_ends_of_a_file_may_be_those_of_an_editor(end):
    body = file(FHS, bhs(), admission(), admission(), "BTS|2", "FTS|1")

    found = open_batch(body.replace(b"\r", end.encode()))

    assert found.messages == (admission().replace(b"\r", end.encode()),) * 2
    assert found.issues == ()


def test_a_line_feed_in_a_text_begins_no_message_where_segments_end_in_cr():
    message = admission(ZBE="NTE|1||voir\nMSH|la suite\nBTS|9")

    assert open_batch(file(bhs(), message, "BTS|1")).messages == (message,)


def test_a_file_may_hold_several_batches():
    body = file(FHS, bhs(1), admission(), "BTS|1", bhs(2), admission(), admission(), "BTS|2")

    found = open_batch(body + er7("FTS|2"))

    assert [len(batch.messages) for batch in found.batches] == [1, 2]
    assert found.issues == ()


@pytest.mark.parametrize(
    ("body", "issues"),
    [
        pytest.param(file(FHS, bhs(), admission(), "BTS|1", "FTS|1"), [], id="all is right"),
        pytest.param(
            file(FHS, bhs(), admission(), "BTS|3", "FTS|1"),
            [("RLS-HL7-017", "BTS-1")],
            id="fewer messages than BTS-1 says",
        ),
        pytest.param(
            file(FHS, bhs(), admission(), "BTS|1", "FTS|2"),
            [("RLS-HL7-017", "FTS-1")],
            id="fewer batches than FTS-1 says",
        ),
        pytest.param(
            file(bhs(), admission(), "BTS|un"), [("RLS-HL7-017", "BTS-1")], id="no number"
        ),
        pytest.param(file(bhs(), admission(), "BTS"), [], id="no count is claimed"),
        pytest.param(
            file(FHS, bhs(), admission()),
            [("RLS-HL7-018", "BTS"), ("RLS-HL7-018", "FTS")],
            id="the end is missing",
        ),
    ],
)
@pytest.mark.field("FL-058")
def test_a_count_that_is_wrong_is_a_warning(body, issues):
    assert told(body) == issues


def test_bytes_that_belong_to_no_message_are_kept_as_one():
    found = open_batch(file(bhs(), "PID|||80", admission(), "BTS|2"))

    assert found.messages == (er7("PID|||80"), admission())


@pytest.mark.field("FL-058")
def test_the_answer_refers_to_the_file_and_the_batch_it_answers():
    body = file(FHS, bhs(), admission(), "BTS|1", "FTS|1")

    assert lines(body, b"MSH|ack\rMSA|AA|1\r") == [
        r"FHS|^~\&|RELAIS|DAC|GAM|CHU-DEMO|20261120101500|||||F77",
        r"BHS|^~\&|RELAIS|DAC|GAM|CHU-DEMO|20261120101500|||||B1",
        "MSH|ack",
        "MSA|AA|1",
        "BTS|1",
        "FTS|1",
        "",
    ]


@pytest.mark.field("FL-058")
def test_the_answer_tells_a_wrong_count_as_comment_of_the_trailer():
    body = file(bhs(), admission(), "BTS|2")

    assert lines(body, b"MSH|ack\rMSA|AA|1\r")[-2] == (
        "BTS|1|RLS-HL7-017 the count of the batch is not what it holds, 1."
    )


def test_a_message_that_wants_no_answer_gets_none():
    body = file(bhs(), admission(), admission(), "BTS|2")

    assert lines(body, b"", b"MSH|ack\rMSA|AA|2\r")[1:] == ["MSH|ack", "MSA|AA|2", "BTS|1", ""]


def test_an_envelope_that_cannot_be_cut_is_answered_with_the_usual_separators():
    assert lines(b"FHS|\rBHS|AAAA\r" + admission(), b"MSH|a\r")[0] == (
        r"FHS|^~\&|||||20261120101500"
    )


@pytest.mark.parametrize("begin", [b"", b"\r\n", b"\xef\xbb\xbf", b"\x0b"])
def test_a_batch_is_known_by_its_first_segment(begin):
    assert is_batch(begin + er7(FHS))
    assert is_batch(begin + er7(bhs()))
    assert not is_batch(begin + admission())


def test_an_empty_batch_is_answered_by_an_empty_batch():
    assert lines(file(bhs(), "BTS|0"))[1:] == ["BTS|0", ""]
