"""Pages set in a process of their own: the same bytes, once, and nothing waits for ever."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.cda.reader import read
from gateway.cda.xds_metadata import describe
from gateway.connectors import letter_press
from gateway.connectors.letter_drawing import drawn
from gateway.connectors.letter_pdf import rendering
from gateway.connectors.letter_press import Press, SlowPageError
from gateway.core.errors import RejectedError, RetriableError
from tests.support.mail import CONCEPTMAPS, letter

IDENTIFIER = b"0123456789abcdef"


@pytest.fixture(scope="module")
def press():
    made = Press(processes=1)
    yield made
    made.close()


def page(word: str) -> str:
    return f"<!DOCTYPE html><html><head><title>{word}</title></head><body>{word}</body></html>"


def process_of(press: Press):
    return press._hands[0]._process


def test_a_page_is_the_same_wherever_it_is_set(press):
    assert press.drawn(page("é"), IDENTIFIER) == drawn(page("é"), IDENTIFIER)


def test_a_machine_that_can_draw_passes_the_check(press):
    press.check()


def test_who_asks_for_the_same_page_waits_for_the_same_one(press, monkeypatch):
    asked = []
    ask = letter_press._Hand.ask

    def counted(hand, *page_and_identifier):
        asked.append(page_and_identifier)
        return ask(hand, *page_and_identifier)

    monkeypatch.setattr(letter_press._Hand, "ask", counted)

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: press.drawn(page("once"), IDENTIFIER), range(8)))

    assert len(set(made)) == 1
    assert len(asked) == 1


def test_only_so_much_is_kept(monkeypatch):
    press = Press(processes=1)
    monkeypatch.setattr(letter_press._Hand, "ask", lambda _hand, page, _id: page.encode() * 1000)
    monkeypatch.setattr(letter_press, "_KEPT_BYTES", 3000)

    for word in ("a", "b", "c", "d", "e"):
        press.drawn(word, IDENTIFIER)

    assert [one.result()[:1] for one in press._kept.values()] == [b"c", b"d", b"e"]


def test_a_process_that_is_killed_is_told_and_another_one_comes(press):
    before = press.drawn(page("before"), IDENTIFIER)
    killed = process_of(press)
    killer = threading.Timer(0.3, os.kill, (killed.pid, signal.SIGKILL))
    rows = "<tr><td>a</td><td>b</td></tr>" * 20_000
    killer.start()

    with pytest.raises(RetriableError) as caught:
        press.drawn(f"<table>{rows}</table>", IDENTIFIER)

    assert caught.value.issues[0].code == "RLS-MSS-048"
    assert press.drawn(page("before"), IDENTIFIER) == before
    assert press.drawn(page("after"), IDENTIFIER).startswith(b"%PDF-1.4")
    assert process_of(press).pid != killed.pid


def test_a_page_that_takes_too_long_ends_its_process_and_is_told():
    press = Press(processes=1, seconds=0.2)

    with pytest.raises(SlowPageError):
        press.drawn(page("slow to start"), IDENTIFIER)

    assert process_of(press) is None


def test_what_a_page_breaks_is_told_without_its_words(monkeypatch):
    def broken(page, _identifier):
        raise ValueError(page)

    monkeypatch.setattr(letter_press.letter_drawing, "drawn", broken)

    assert letter_press._answered("Pauline", IDENTIFIER) == (b"b", b"ValueError")


def test_a_closed_press_leaves_no_process(press):
    press.drawn(page("closing"), IDENTIFIER)
    running = process_of(press)

    press.close()

    assert running.poll() is not None
    assert press.drawn(page("opened again"), IDENTIFIER).startswith(b"%PDF-1.4")


def test_the_process_ends_with_the_gateway_that_asked():
    press = Press(processes=1)
    press.drawn(page("orphan"), IDENTIFIER)
    running = process_of(press)

    # What the end of the gateway does to the pipe.
    running.stdin.close()

    deadline = time.monotonic() + 20
    while running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert running.poll() == 0
    press.close()


def test_a_letter_whose_tables_take_too_long_is_set_as_lines():
    document = read(letter())
    entry = describe(document, CONCEPTMAPS, ins_trusted=True)
    pages = []

    def slow_with_tables(page, _identifier):
        pages.append(page)
        if "<table" in page:
            raise SlowPageError
        return b"%PDF"

    assert rendering(document, entry, slow_with_tables) == b"%PDF"
    assert len(pages) == 2


def test_a_letter_that_cannot_be_set_in_time_at_all_is_refused():
    document = read(letter())

    def slow(_page, _identifier):
        raise SlowPageError

    with pytest.raises(RejectedError) as caught:
        rendering(document, describe(document, CONCEPTMAPS, ins_trusted=True), slow)

    assert caught.value.issues[0].code == "RLS-MSS-047"
