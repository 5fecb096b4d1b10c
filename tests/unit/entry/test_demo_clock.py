"""The clock of the demo: as the play moves it, then as everybody's."""

from datetime import UTC, datetime, timedelta

from gateway.entry import demo
from gateway.entry.demo import PlayClock

START = datetime(2026, 2, 25, 8, 40, tzinfo=UTC)


def test_the_clock_of_the_play_stands_between_two_events_and_never_goes_back() -> None:
    clock = PlayClock(START)
    clock.move(START + timedelta(hours=2))
    clock.move(START)

    assert clock.now() == START + timedelta(hours=2)


def test_after_the_play_time_passes_at_its_own_pace(monkeypatch) -> None:
    clock, real = PlayClock(START), [1000.0]
    monkeypatch.setattr(demo.time, "monotonic", lambda: real[0])

    clock.go_on()
    real[0] += 90

    assert clock.now() == START + timedelta(seconds=90)
