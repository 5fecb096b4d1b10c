"""The test sender against our own door and against doors that misbehave."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from gateway.core.errors import FatalError, RetriableError
from gateway.core.messages import Outcome, Receipt
from gateway.entry.sender import Address, HttpAnswer, MllpLine, SendPlan, send
from tests.integration.doors.house import ack, adt, framed, listening, refused
from tests.integration.doors.test_http import serving

THREE = [adt("MSG1"), adt("MSG2"), adt("MSG3")]
A_TICK = 0.005  # seconds: event loops round their timers, uvloop to milliseconds


@asynccontextmanager
async def answering(answer):
    """Listen with a door that writes what `answer` makes of each frame."""

    async def serve(reader, writer):
        try:
            while True:
                frame = await reader.readuntil(b"\x1c\r")
                said = answer(frame[1:-2])
                if said is None:
                    break
                writer.write(said)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield Address.parse(f"mllp://127.0.0.1:{server.sockets[0].getsockname()[1]}")


def to(door):
    return Address.parse(f"mllp://127.0.0.1:{door.port}")


async def collect(bodies, address, **plan):
    return [sent async for sent in send(bodies, address, SendPlan(**plan))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mllp://relais:2575", "mllp://relais:2575"),
        ("mllp://relais", "mllp://relais:2575"),
        ("mllps://relais", "mllps://relais:2576"),
        ("http://relais", "http://relais:8080/hl7v2"),
        ("https://relais:1/x", "https://relais:1/x"),
        ("mllp://[::1]:9", "mllp://[::1]:9"),
    ],
)
def test_address_is_read_with_the_defaults_of_its_scheme(text, expected):
    assert str(Address.parse(text)) == expected


@pytest.mark.parametrize("text", ["relais:2575", "ftp://relais", "mllp://", "mllp://a:port", ""])
def test_text_that_is_no_address_is_refused(text):
    with pytest.raises(FatalError) as caught:
        Address.parse(text)

    assert caught.value.issues[0].code == "RLS-NET-010"


async def test_one_connection_keeps_the_order_and_tells_each_answer(house):
    house.receipt = lambda raw: Receipt(
        Outcome.ACCEPTED, ack=ack("AE" if raw.body == THREE[1] else "AA", raw.body)
    )

    async with listening(house) as door:
        results = await collect(THREE, to(door), repeat=2)

    assert [(each.index, each.code) for each in results] == [
        (0, "AA"),
        (1, "AE"),
        (2, "AA"),
        (3, "AA"),
        (4, "AE"),
        (5, "AA"),
    ]
    assert results[1].ack == ack("AE", THREE[1])
    assert [raw.body for raw in house.received] == THREE * 2
    assert all(0 < each.latency_s < 2 and each.issue is None for each in results)
    assert len({raw.peer.address for raw in house.received}) == 1


async def test_several_connections_send_at_the_same_time(house):
    bodies = [adt(f"MSG{n}") for n in range(40)]

    async with listening(house) as door:
        results = await collect(bodies, to(door), connections=4)

    assert sorted(each.index for each in results) == list(range(40))
    assert len({raw.peer.address for raw in house.received}) == 4


async def test_rate_spreads_messages_over_time(house):
    loop = asyncio.get_running_loop()

    async with listening(house) as door:
        start = loop.time()
        await collect(THREE, to(door), rate=20.0, connections=2)
        elapsed = loop.time() - start

    assert 0.1 - A_TICK <= elapsed < 2


@pytest.mark.field("FL-063")
async def test_late_answer_is_never_taken_for_that_of_the_next_message(house):
    house.gate.clear()

    async with listening(house) as door:
        asyncio.get_running_loop().call_later(0.25, house.gate.set)
        results = await collect(THREE[:2], to(door), timeout_s=0.2)

    assert [(each.code, each.issue and each.issue.code) for each in results] == [
        ("", "RLS-NET-013"),
        ("AA", None),
    ]
    assert results[1].ack == ack("AA", THREE[1])
    assert len({raw.peer.address for raw in house.received}) == 2


@pytest.mark.field("FL-076")
@pytest.mark.parametrize(
    "answer",
    [b"fail", b"MSA", ack("AA", adt("OTHER"))],
    ids=["prose", "MSA alone", "other message"],
)
async def test_answer_that_is_none_of_this_message_settles_nothing(answer):
    async with answering(lambda body: framed(answer)) as address:
        results = await collect(THREE[:1], address, timeout_s=1)

    assert [(each.code, each.issue.code) for each in results] == [("", "RLS-NET-014")]


async def test_other_side_that_closes_without_answer_is_told_and_called_again():
    answers = iter([None, ack("AA", THREE[1])])

    def answer(_body):
        said = next(answers)
        return said and framed(said)

    async with answering(answer) as address:
        results = await collect(THREE[:2], address, timeout_s=2)

    assert [(each.code, each.issue and each.issue.code) for each in results] == [
        ("", "RLS-NET-012"),
        ("AA", None),
    ]


async def test_refusal_without_control_id_is_an_answer():
    nameless = ack("AR", b"")

    async with answering(lambda body: framed(nameless)) as address:
        results = await collect(THREE[:1], address, timeout_s=1)

    assert [(each.code, each.issue) for each in results] == [("AR", None)]


async def test_answer_without_cr_is_taken():
    async with answering(lambda body: framed(ack("AA", body))[:-1]) as address:
        results = await collect(THREE[:1], address, timeout_s=1)

    assert [each.code for each in results] == ["AA"]


async def test_nobody_there_is_told_at_once(unused_tcp_port):
    with pytest.raises(RetriableError) as caught:
        await collect(THREE, Address.parse(f"mllp://127.0.0.1:{unused_tcp_port}"))

    assert caught.value.issues[0].code == "RLS-NET-011"


async def test_http_address_needs_a_client():
    with pytest.raises(FatalError) as caught:
        await collect(THREE, Address.parse("http://127.0.0.1:1"))

    assert caught.value.issues[0].code == "RLS-NET-015"


async def test_messages_go_by_http_with_a_client_that_is_given(house):
    house.receipt = lambda raw: Receipt(Outcome.REJECTED, (refused(),), ack("AE", raw.body))

    async with serving(house) as client:

        async def post(url, body, headers, timeout_s):
            answer = await client.post(url, content=body, headers=headers, timeout=timeout_s)
            return HttpAnswer(answer.status_code, answer.content)

        base = str(client.base_url)
        results = await collect(THREE[:2], Address.parse(base), post=post)

    assert [(each.code, each.issue) for each in results] == [("AE", None), ("AE", None)]


async def test_http_failure_is_told(house):
    async def post(url, body, headers, timeout_s):
        raise ConnectionRefusedError

    results = await collect(THREE[:1], Address.parse("http://127.0.0.1:1"), post=post)

    assert [each.issue.code for each in results] == ["RLS-NET-011"]


async def test_line_can_be_used_by_itself(house):
    async with listening(house) as door:
        line = await MllpLine.open(to(door))
        answer = await line.exchange(THREE[0], 2)
        line.close()

    assert answer == ack("AA", THREE[0])


async def test_results_may_be_left_before_the_end(house):
    async with listening(house) as door:
        results = send(THREE * 50, to(door), SendPlan(connections=3))
        first = await anext(results)
        await results.aclose()

    assert first.code == "AA"
