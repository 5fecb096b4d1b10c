"""What a page shows of a long input: small at once, and everything can be asked for."""

from collections.abc import Iterator

import pytest

from gateway.entry.bench.folding import Window, window
from gateway.entry.bench.study import Block, Found, Made, Row, Study, Value


def study(*, blocks: int, rows: int, made: int, values: int, found: int = 0) -> Study:
    """Return a study in which value n of resource m comes from row n of block m, and back."""
    return Study(
        "hl7v2",
        "converted",
        found=tuple(
            Found("RLS-MAP-001", "error", "here", "what", "fix", f"f{m}-0")
            for m in range(min(found, blocks))
        )
        + tuple(Found("RLS-MAP-001", "error", "", "", "") for _ in range(found - blocks)),
        blocks=tuple(
            Block(
                f"b{m}",
                f"SEG{m}",
                ("", ""),
                "",
                tuple(
                    Row(f"f{m}-{n}", "P", "P", ("", ""), "x", values=(f"v{m}-{n}",))
                    for n in range(rows)
                ),
            )
            for m in range(blocks)
        ),
        made=tuple(
            Made(
                f"r{m}",
                "Observation",
                f"id{m}",
                tuple(
                    Value(f"v{m}-{n}", "path", (("", "x"),), (("P", f"f{m}-{n}"),))
                    for n in range(values)
                ),
            )
            for m in range(made)
        ),
    )


LONG = study(blocks=90, rows=20, made=70, values=20, found=200)


def ids(seen: Window) -> set[str]:
    """Return every id of the page."""
    blocks, made = seen.study.blocks, seen.study.made
    return {
        *(one.anchor for one in (*blocks, *made)),
        *(row.anchor for block in blocks for row in block.rows),
        *(value.id for one in made for value in one.values),
    }


def links(seen: Window) -> Iterator[str]:
    """Yield where links of the page lead to."""
    for block in seen.study.blocks:
        yield from block.values
        for row in block.rows:
            yield from row.values
    for one in seen.study.made:
        for value in one.values:
            yield from value.anchors
    yield from (one.anchor for one in seen.study.found[: seen.findings] if one.anchor)


def size(seen: Window) -> int:
    """Return the rows of the page, headings included."""
    return len(ids(seen))


def test_a_short_input_is_shown_whole() -> None:
    short = study(blocks=4, rows=8, made=4, values=8)

    seen = window(short)

    assert seen.study == short
    assert (seen.folded, seen.before, seen.behind) == ({}, {}, {})


@pytest.mark.parametrize("wanted", ["", "b0", "b89", "r69", "r3", "b999", "findings"])
def test_a_long_one_is_small_and_no_link_leads_nowhere(wanted: str) -> None:
    seen = window(LONG, wanted)

    assert size(seen) < 220
    assert set(links(seen)) <= ids(seen)
    assert seen.findings == (200 if wanted == "findings" else 30)


@pytest.mark.parametrize("wanted", ["b5", "b89", "r5", "r69"])
def test_what_is_asked_for_is_shown_whole_with_what_it_is_tied_to(wanted: str) -> None:
    seen = window(LONG, wanted)

    whole = next(one for one in (*LONG.blocks, *LONG.made) if one.anchor == wanted)
    own = (
        [r.anchor for r in whole.rows] if isinstance(whole, Block) else [v.id for v in whole.values]
    )
    assert set(own) <= ids(seen)
    assert wanted not in seen.folded


@pytest.mark.parametrize(("block", "resource"), [("b5", "r5"), ("b20", "r20")])
def test_both_ends_of_a_link_are_open_when_they_fit(block: str, resource: str) -> None:
    for wanted in (block, resource):
        seen = window(LONG, wanted)
        assert {block, resource}.isdisjoint(seen.folded)
        assert {f"f{block[1:]}-0", f"v{block[1:]}-0"} <= ids(seen)


def test_every_heading_can_be_reached_from_the_first_page() -> None:
    reached, asked = set[str](), [""]
    while asked:
        seen = window(LONG, asked.pop())
        leads = {*seen.folded, *seen.before.values(), *seen.behind.values()}
        asked += leads - reached
        reached |= ids(seen) | leads

    everything = {one.anchor for one in (*LONG.blocks, *LONG.made)}
    assert everything <= reached


def test_a_part_larger_than_the_page_waits_to_be_asked_for() -> None:
    large = study(blocks=1, rows=900, made=1, values=900)

    assert window(large).folded == {"b0": 900, "r0": 900}
    assert window(large, "r0").folded == {"b0": 900}


def test_what_cannot_be_asked_for_is_shown_at_once() -> None:
    seen = window(LONG, whole=True)

    assert seen.study is LONG
    assert (seen.folded, seen.findings) == ({}, 200)
