"""Cutting a stream into MLLP frames, byte by byte and in bulk."""

import time
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.hl7v2.framing import Broken, Event, Fault, Frame, FrameDecoder

A01 = b"MSH|^~\\&|DPI|CHU|RELAIS|R|20261120101500||ADT^A01^ADT_A01|1|T|2.5\rEVN||20261120101500\r"
A02 = A01.replace(b"A01", b"A02")


def framed(body: bytes) -> bytes:
    return b"\x0b" + body + b"\x1c\r"


def decode(chunks: Iterable[bytes], decoder: FrameDecoder | None = None) -> list[Event]:
    decoder = decoder or FrameDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.close()


def bytewise(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


@pytest.mark.field("FL-001")
def test_frame_cut_at_every_byte_is_one_message():
    assert decode(bytewise(framed(A01))) == [Frame(A01)]


@pytest.mark.field("FL-001")
def test_end_block_whose_cr_comes_alone_is_clean():
    decoder = FrameDecoder()

    before = decoder.feed(framed(A01)[:-1])
    waits = decoder.awaits_cr
    after = decoder.feed(b"\r")

    assert (before, waits, after, decoder.noise) == ([], True, [Frame(A01)], 0)


@pytest.mark.field("FL-002")
def test_several_frames_in_one_packet_all_come_out_in_order():
    assert decode([framed(A01) + framed(A02) + framed(A01)]) == [Frame(A01), Frame(A02), Frame(A01)]


@pytest.mark.field("FL-003")
@pytest.mark.parametrize("cut", [bytewise, lambda data: [data]], ids=["bytewise", "at once"])
def test_noise_between_frames_is_skipped_and_counted(cut):
    decoder = FrameDecoder()

    events = decode(cut(framed(A01) + b"\n\0\0\r\n" + framed(A02)), decoder)

    assert events == [Frame(A01), Frame(A02)]
    assert decoder.noise == 5


@pytest.mark.field("FL-004")
def test_end_block_without_cr_is_accepted_after_silence():
    decoder = FrameDecoder()

    decoder.feed(b"\x0b" + A01 + b"\x1c")

    assert decoder.settle() == [Frame(A01, ("frame-end",))]
    assert decoder.settle() == []


@pytest.mark.field("FL-004")
@pytest.mark.parametrize("after", [b"\0", b"\n", b"x"], ids=["NUL", "LF", "letter"])
def test_end_block_with_another_byte_than_cr_is_flagged(after):
    decoder = FrameDecoder()

    events = decoder.feed(b"\x0b" + A01 + b"\x1c" + after)

    assert events == [Frame(A01, ("frame-end",))]
    assert decoder.noise == 1


@pytest.mark.field("FL-004")
def test_next_frame_may_follow_an_end_block_without_cr():
    assert decode([b"\x0b" + A01 + b"\x1c" + framed(A02)]) == [
        Frame(A01, ("frame-end",)),
        Frame(A02),
    ]


@pytest.mark.field("FL-005")
def test_stream_that_ends_in_a_frame_gives_no_message():
    assert decode([b"\x0b" + A01[:50]]) == [Broken(Fault.TRUNCATED, A01[:50], 50)]


@pytest.mark.field("FL-006")
@pytest.mark.parametrize("cut", [bytewise, lambda data: [data]], ids=["bytewise", "at once"])
def test_sender_that_begins_again_drops_the_unfinished_frame(cut):
    events = decode(cut(b"\x0b" + A01[:60] + framed(A02)))

    assert events == [Broken(Fault.RESTARTED, A01[:60], 60), Frame(A02)]


@pytest.mark.field("FL-006")
@pytest.mark.parametrize(
    "inside",
    [b"\x0b", b"\x0bPID|", b"\x0bMSH", b"\x0bMSHA|", b"\x0bMSH\r", b"\x0b\x0bMS"],
    ids=["alone", "PID", "MSH at the end", "MSHA", "MSH and CR", "twice"],
)
@pytest.mark.parametrize("cut", [bytewise, lambda data: [data]], ids=["bytewise", "at once"])
def test_start_byte_inside_data_is_data(inside, cut):
    body = A01 + inside

    assert decode(cut(framed(body))) == [Frame(body)]


@pytest.mark.field("FL-006")
def test_second_start_byte_before_any_data_is_noise_and_no_restart():
    decoder = FrameDecoder()

    events = decode([b"\x0b\x0b\x0b" + framed(A01)], decoder)

    assert events == [Frame(A01)]
    assert decoder.noise == 3


@pytest.mark.field("FL-006")
def test_restart_while_an_oversize_frame_is_drained_is_seen():
    decoder = FrameDecoder(200, head=10)

    events = decode(bytewise(b"\x0b" + b"x" * 300 + framed(A01)), decoder)

    assert events == [Broken(Fault.RESTARTED, b"x" * 10, 300), Frame(A01)]


@pytest.mark.field("FL-011")
@pytest.mark.parametrize("size", [1, 7, 100, 5000], ids=lambda n: f"pieces of {n}")
def test_oversize_frame_keeps_its_head_and_the_stream_goes_on(size):
    stream = b"\x0b" + A01 + b"x" * 3000 + b"\x1c\r" + framed(A02)
    decoder = FrameDecoder(1000, head=40)

    events = decode((stream[i : i + size] for i in range(0, len(stream), size)), decoder)

    assert events == [Broken(Fault.OVERSIZE, A01[:40], len(A01) + 3000), Frame(A02)]
    assert decoder.noise == 0


@pytest.mark.field("FL-011")
def test_frame_of_exactly_the_limit_is_read():
    assert decode([framed(b"M" * 1000)], FrameDecoder(1000)) == [Frame(b"M" * 1000)]


@pytest.mark.field("FL-011")
def test_frame_beyond_four_limits_gives_the_stream_up():
    decoder = FrameDecoder(1000, head=10)

    events = decode([b"\x0b" + b"x" * 3999, b"yy", framed(A01)], decoder)

    assert events == [Broken(Fault.OVERFLOW, b"x" * 10, 4001)]


@pytest.mark.field("FL-012")
@pytest.mark.parametrize("cut", [bytewise, lambda data: [data]], ids=["bytewise", "at once"])
def test_tls_hello_is_recognised(cut):
    events = decode(cut(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"))

    assert [event.fault for event in events] == [Fault.TLS]


@pytest.mark.field("FL-013")
@pytest.mark.parametrize("cut", [bytewise, lambda data: [data]], ids=["bytewise", "at once"])
@pytest.mark.parametrize("request_line", [b"GET / HTTP/1.1\r\n\r\n", b"OPTIONS * HTTP/1.1\r\n\r\n"])
def test_http_request_is_recognised(cut, request_line):
    assert [event.fault for event in decode(cut(request_line))] == [Fault.HTTP]


@pytest.mark.field("FL-023")
@pytest.mark.parametrize("block", [b"\x06", b"\x15"], ids=["ACK", "NAK"])
def test_release_2_commit_block_is_no_message(block):
    assert decode([framed(block)]) == [Broken(Fault.COMMIT_BLOCK, block, 1)]


def test_empty_frame_is_noise():
    decoder = FrameDecoder()

    events = decode([framed(b"") + framed(b"\r\n") + framed(A01)], decoder)

    assert events == [Frame(A01)]
    assert decoder.noise == 8


def test_pending_bytes_tell_what_waits():
    decoder = FrameDecoder()

    decoder.feed(b"\x0bMSH|")

    assert (decoder.in_frame, decoder.pending_bytes) == (True, 4)


PIECES = st.lists(
    st.sampled_from([b"\x0b", b"\x1c", b"\r", b"\x1c\r", b"MSH", b"|", b"\x0bMSH|", b"x", b"\x06"]),
    max_size=40,
)


@example([b"\x0bMSH|", b"\x0b", b"\x0b", b"MSH", b"\x0bMSH|"], [2, 6, 6], 3)
@given(PIECES, st.lists(st.integers(1, 6), min_size=1, max_size=60), st.integers(3, 30))
def test_events_do_not_depend_on_the_pieces(pieces, sizes, limit):
    stream = b"".join(pieces)
    cuts, position = [], 0
    for size in sizes:
        cuts.append(stream[position : position + size])
        position += size
    cuts.append(stream[position:])
    whole, pieced, single = (FrameDecoder(limit, head=5) for _ in range(3))

    at_once = decode([stream], whole)

    assert decode(cuts, pieced) == at_once
    assert decode(bytewise(stream), single) == at_once
    assert whole.noise == pieced.noise == single.noise


@pytest.mark.field("FL-007")
@pytest.mark.parametrize(
    "unit",
    [b"\x0b", b"x\x0b", b"\x0bMSH", b"\x0bMSH|", b"\x0b\x0bx\x1c", b"\x1c"],
    ids=["VT", "x VT", "VT MSH", "restarts", "tiny frames", "FS"],
)
def test_hostile_stream_costs_linear_time(unit):
    def cpu_s(size: int) -> float:
        chunk = (unit * (65536 // len(unit) + 1))[:65536]
        decoder = FrameDecoder()
        decoder.feed(b"\x0bx")
        start = time.process_time()
        for _ in range(size // len(chunk)):
            decoder.feed(chunk)
        return time.process_time() - start

    # The two are measured by turns and the least of each is kept: on a shared machine the same
    # work may cost several times as much from one moment to the next.
    rounds = [(cpu_s(2**16), cpu_s(10 * 2**16)) for _ in range(4)]
    once, tenfold = min(r[0] for r in rounds), min(r[1] for r in rounds)

    # Ten times the bytes: ten times the work, with room for a busy machine; quadratic is 100.
    assert tenfold < 40 * once + 0.02


@pytest.mark.field("FL-011")
def test_memory_stays_below_twice_the_limit_while_a_frame_is_drained():
    limit = 4 * 2**20
    chunk = b"x" * 65536
    decoder = FrameDecoder(limit)
    decoder.feed(b"\x0b")

    tracemalloc.start()
    for _ in range(3 * limit // len(chunk)):
        decoder.feed(chunk)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2 * limit
    assert kept < 100_000
    assert decoder.pending_bytes == 3 * limit
