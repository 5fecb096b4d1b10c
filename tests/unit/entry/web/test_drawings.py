"""The swimlane, the handoff glyph and the day strip: what is drawn, and where."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from gateway.core.facts import Status
from gateway.entry.web.bridge import bridge
from gateway.entry.web.lanes import NARROW, WIDE, Layout
from gateway.entry.web.story import story
from gateway.entry.web.strip import day_strip, flow_bars
from gateway.entry.web.swimlane import swimlane
from gateway.entry.web.timeline import Scale, Window, ticks
from gateway.entry.web.values import Hole, Mark, Path, Silence, Stay
from gateway.entry.web.words import words
from tests.support.pages_instants import NOW, at
from tests.support.pages_people import HOSTILE, LUCIE
from tests.support.pages_sample import CLOSED, GAPS, path_of

W = words("fr")
WINDOW = Window.of_zoom("30d", path_of(LUCIE), NOW)


def drawn(path: Path, frame=WIDE, window: Window = WINDOW) -> str:
    return str(swimlane(path, window, NOW, W, frame, "titre"))


def numbers(pattern: str, text: str) -> list[tuple[float, ...]]:
    return [tuple(map(float, found)) for found in re.findall(pattern, text)]


def test_the_hole_runs_from_the_departure_past_the_deadline_to_now() -> None:
    scale = Scale(WINDOW, WIDE.gutter, WIDE.width - 16)
    hole = GAPS[0]

    svg = drawn(path_of(LUCIE))
    [(x, width)] = numbers(r'class="hole critical" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', svg)
    [(due, end)] = numbers(r'class="late critical" d="M([\d.]+) [\d.]+H([\d.]+)"', svg)

    assert x == pytest.approx(scale.x(hole.anchor), abs=0.1)
    assert x + width == pytest.approx(scale.x(NOW), abs=0.2)
    assert due == pytest.approx(scale.x(hole.deadline), abs=0.1)
    assert end == pytest.approx(scale.x(NOW), abs=0.1)
    assert "Transfert sans arrivée, 30 h de retard" in svg


def test_a_broken_link_leads_from_the_stay_that_ended_to_the_hole() -> None:
    alone = Path(LUCIE, holes=path_of(LUCIE).holes)

    assert 'class="link critical"' in drawn(path_of(LUCIE))
    assert 'class="link critical"' not in drawn(alone)


def test_a_closed_hole_is_grey_and_says_nothing() -> None:
    svg = drawn(Path(LUCIE, holes=(Hole(CLOSED[0], at(8, 22), "smr"),)))

    assert 'class="hole shut"' in svg
    assert "retard" not in svg


def test_a_deadline_ahead_has_no_delay() -> None:
    gap = replace(GAPS[0], anchor=at(14, 8), deadline=at(14, 20), status=Status.PENDING)

    svg = drawn(Path(LUCIE, holes=(Hole(gap, at(14, 20), "smr"),)))

    assert 'class="late' not in svg
    assert "Transfert sans arrivée, attendu" in svg


def test_a_lane_is_drawn_only_when_something_is_in_it() -> None:
    names = re.findall(r'class="lname"[^>]*>([^<]+)', drawn(path_of(LUCIE)))

    assert names == ["Urgences", "Hôpital MCO", "SMR", "Domicile, ville", "Documents", "Envois"]


def test_a_stay_that_goes_on_ends_in_an_arrow_at_now() -> None:
    scale = Scale(WINDOW, WIDE.gutter, WIDE.width - 16)
    svg = drawn(Path(LUCIE, (Stay("mco", "x", at(10)),)))

    tip = scale.x(NOW)
    assert f"L{tip:.1f} " in svg


def test_a_stay_before_the_window_begins_with_a_notch() -> None:
    inside = drawn(Path(LUCIE, (Stay("mco", "x", at(10), at(12)),)))
    before = drawn(Path(LUCIE, (Stay("mco", "x", at(1) - timedelta(days=60), at(12)),)))

    assert "Z" in inside
    assert before.count("L144.0") == 2


def test_what_happens_at_once_takes_rows_of_its_own() -> None:
    stays = tuple(Stay("mco", f"Séjour {n}", at(5), at(9)) for n in range(3))
    layout = Layout(WINDOW, NOW, W, WIDE)
    lanes = layout.lanes(Path(LUCIE, stays))
    layout.stack(lanes)

    assert len({box.y for box in lanes[0].wide}) == 3


def test_words_never_lie_on_each_other() -> None:
    marks = tuple(Mark("doc", f"Compte rendu {n}", at(5, n)) for n in range(3))
    layout = Layout(WINDOW, NOW, W, WIDE)
    [lane] = layout.lanes(Path(LUCIE, marks=marks))
    layout.stack([lane])
    boxes = sorted(lane.marks, key=lambda box: (box.y, box.low))

    overlaps = [(a, b) for a, b in pairwise(boxes) if a.y == b.y and a.high > b.low]
    assert overlaps == []


def test_a_crowd_is_drawn_without_words_and_counted() -> None:
    stays = tuple(
        Stay("mco", "Séance", at(1) + timedelta(hours=6 * n), at(1) + timedelta(hours=6 * n + 3))
        for n in range(50)
    )

    svg = drawn(Path(LUCIE, stays))

    assert "Hôpital MCO (50)" in svg
    assert "Séance" not in svg


def test_three_hundred_stays_keep_their_budget() -> None:
    lanes = ("mco", "smr", "had")
    stays = tuple(
        Stay(lanes[n % 3], "Séance", at(1) - timedelta(days=n), at(1) - timedelta(days=n - 1))
        for n in range(300)
    )
    marks = tuple(Mark("doc", "Lettre", at(1) - timedelta(days=2 * n)) for n in range(150))
    path = Path(LUCIE, stays, marks)

    svg = drawn(path, window=Window.of_zoom("all", path, NOW))

    assert len(svg) < 120_000
    assert svg.count("<") < 2_500


@pytest.mark.parametrize("frame", [WIDE, NARROW], ids=["desk", "phone"])
def test_whatever_is_written_is_escaped(frame) -> None:
    path = Path(
        LUCIE,
        (Stay("mco", HOSTILE, at(1), at(13)),),
        (Mark("doc", HOSTILE, at(5)),),
        (Hole(replace(GAPS[0], name={"fr": HOSTILE, "en": HOSTILE}), at(13, 3), "smr"),),
        (Silence("doc", at(1), at(4)),),
    )

    assert "<img" not in drawn(path, frame)
    assert "<img" not in str(story(path, NOW, W))


def test_the_two_drawings_of_a_page_share_no_id() -> None:
    both = drawn(path_of(LUCIE)) + drawn(path_of(LUCIE), NARROW)
    ids = re.findall(r'\bid="([^"]+)"', both)

    assert len(ids) == len(set(ids))


def test_everything_drawn_is_told() -> None:
    path = path_of(LUCIE)
    told = str(story(path, NOW, W))

    assert told.count("<li") == len(path.stays) + len(path.marks) + len(path.holes)
    assert "rien vu à ce jour, 30 h de retard" in told


def test_a_day_of_twenty_three_hours_is_narrower() -> None:
    window = Window(at(28), at(31) - timedelta(hours=1))
    scale = Scale(window, 0, 71)
    days = [scale.x(instant) for instant, _ in ticks(window, W, narrow=False)]

    # 28 March, 29 March 2026 (23 h, clocks go forward), 30 March.
    assert [round(b - a) for a, b in pairwise(days)] == [24, 23]


@pytest.mark.parametrize(
    ("zoom", "first"),
    [("7d", "dim. 8"), ("30d", "lun. 23 févr."), ("6m", "oct. 2025"), ("all", "lun. 2 mars")],
)
def test_each_zoom_has_ticks_that_can_be_read(zoom: str, first: str) -> None:
    window = Window.of_zoom(zoom, path_of(LUCIE), NOW)
    labels = [label for _, label in ticks(window, W, narrow=False)]

    assert labels[0] == first
    assert 2 <= len(labels) <= 13


@pytest.mark.parametrize(
    ("gap", "diamond", "late", "tone"),
    [
        (GAPS[0], 81.3, True, "critical"),
        (GAPS[5], 123.0, False, "critical"),
        (CLOSED[0], 99.3, True, "shut"),
        (replace(GAPS[0], anchor=at(1), deadline=at(1, 1)), 69.0, True, "critical"),
    ],
    ids=["overdue", "ahead", "closed", "long ago"],
)
def test_the_glyph_shows_how_much_of_the_time_was_allowed(
    gap, diamond: float, late: bool, tone: str
) -> None:
    shown = bridge(gap, NOW)

    assert (shown.late, shown.tone) == (late, tone)
    assert shown.diamond == pytest.approx(diamond, abs=0.1)


def test_a_gap_without_deadline_has_no_diamond() -> None:
    assert bridge(replace(GAPS[0], deadline=None), NOW).diamond is None


def test_deadlines_of_one_hour_are_stacked() -> None:
    strip = str(day_strip([(at(14, 23), "major"), (at(14, 23), "minor")], NOW, W))

    assert 'aria-label="Échéances par heure\u00a0: 23 h, 2"' in strip
    assert len(set(re.findall(r'class="d \w+" d="M[\d.]+ ([\d.]+)', strip))) == 2


def test_an_hour_without_messages_is_no_bar() -> None:
    bars = str(flow_bars([0, 4, 0, 2], W))

    assert bars.count("<rect") == 2
    assert 'class="last"' in bars
    assert str(flow_bars([0, 0], W)) == ""


def test_a_leave_empties_the_bar_of_its_stay() -> None:
    stay = Stay("mco", "Oncologie", at(1), at(10), leaves=((at(4), at(6)),))
    scale = Scale(WINDOW, WIDE.gutter, WIDE.width - 16)

    [(x, width)] = numbers(
        r'class="away" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', drawn(Path(LUCIE, (stay,)))
    )

    assert (x, x + width) == pytest.approx((scale.x(at(4)), scale.x(at(6))), abs=0.2)
    assert "<bdi>Permission</bdi>" in story(Path(LUCIE, (stay,)), NOW, W)


def test_a_send_says_whom_it_went_to() -> None:
    path = Path(LUCIE, marks=(Mark("snd", "MSSanté", at(9), "ko", to="professional"),))

    assert "MSSanté, professionnel" in drawn(path)
    assert "MSSanté, professionnel" in story(path, NOW, W)


def test_a_hole_too_short_for_its_name_still_says_how_late_it_is() -> None:
    hole = path_of(LUCIE).holes[0]
    long = {"fr": "Rendez-vous de contrôle promis par la lettre de liaison, non programmé"}
    short = replace(hole, gap=replace(hole.gap, name=long, anchor=at(5)), due=at(10))

    svg = drawn(Path(LUCIE, holes=(short,)))

    assert "non programmé" not in svg
    assert "4 j de retard" in svg
