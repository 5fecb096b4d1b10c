"""Green counters over wrong content: what came and nothing uses is counted by itself."""

import html
import re

import pytest

from tests.support.ops_site import A03, OpsSite
from tests.support.sentinel import numbered


def _rows(page: str) -> list[list[str]]:
    """Return the cells of the table of what nothing uses, behind the name of the feed."""
    table = page.partition('id="unused"')[2].partition("</table>")[0]
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", table)
    return [
        [html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<td>.*?</td>", row)]
        for row in rows
    ]


def _unmapped(number: int) -> bytes:
    """Return a message that is accepted and has no effect: an event Relais knows and leaves."""
    return numbered(A03.read_bytes().replace(b"^A03^ADT_A03", b"^A09^ADT_A09"), f"N{number}")


@pytest.mark.field("FL-311")
async def test_messages_that_are_in_no_resource_are_told_beside_a_green_counter(office: OpsSite):
    answers = [await office.send(_unmapped(n)) for n in range(10)]
    answers += [await office.send(numbered(A03.read_bytes(), f"M{n}")) for n in range(3)]

    page = (await office.client.get("/feeds")).text
    figures = (await office.client.get("/metrics")).text

    assert all("MSA|AA" in one for one in answers)
    assert _rows(page) == [["A09", "10", "10", "0", "0"]]
    assert re.search(r'relais_feed_unused\{feed="990000001:ADT",why="unmapped"\} 10\.0', figures)
    assert re.search(r'relais_feed_unused\{feed="990000001:ADT",why="no_fact"\} 0\.0', figures)


async def test_the_same_message_again_is_not_counted_again(office: OpsSite):
    for _ in range(3):
        await office.send(_unmapped(1))

    assert _rows((await office.client.get("/feeds")).text) == [["A09", "1", "1", "0", "0"]]


async def test_a_feed_of_which_everything_is_used_is_not_told(office: OpsSite):
    await office.send(A03.read_bytes())

    assert 'id="unused"' not in (await office.client.get("/feeds")).text
