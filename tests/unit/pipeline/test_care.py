"""Pathways as they are written: with the look that changed them, and only when they changed."""

from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from gateway.pipeline.replay import Replayer
from tests.support.assertions import paris
from tests.support.care import PATHWAY, Life, lived, steps, story
from tests.support.gateway import converter
from tests.support.merging import merge, pair, patient_id, pid
from tests.support.pipeline import RULES
from tests.unit.hl7v2.compose import er7, msh
from tests.unit.hl7v2.orders import at, obr, orc

FOLDER = Path(__file__).resolve().parents[3] / "fixtures" / "care"
STORY = FOLDER / "from_discharge_to_home_with_a_programme"
LATER = paris("2026-05-01 09:00")


@pytest.fixture
async def life():
    made = Life()
    await made.store.open()
    yield made
    await made.store.close()


def board_asked(number: str, when: str, order: str, control: str = "NW") -> bytes:
    """Return an order that puts a record on the list of a tumour board."""
    header = at(msh("ORM^O01^ORM_O01"), f"{when}00").replace("G0001", f"B{order}{control}")
    request = orc(control, f"{order}^CHU-DEMO^990000001", "", f9=f"{when}00")
    return er7(header, pid(number), request, obr("RCP^Présentation en RCP^L"))


def received(*bodies: bytes, first: str = "2026-04-01 09:00"):
    start = paris(first)
    return [(start + timedelta(hours=number), body) for number, body in enumerate(bodies)]


async def shown(life: Life) -> list[tuple[str, str, str]]:
    """Return state, patient and start of each pathway."""
    episodes, plans = await life.pathways()
    assert [one["identifier"] for one in episodes] == [one["identifier"] for one in plans]
    return sorted(
        (one["status"], one["patient"]["reference"][8:], one["period"]["start"]) for one in episodes
    )


async def test_a_board_that_is_asked_for_plans_a_pathway(life):
    await life.take(*received(board_asked("1001", "202604010800", "R1")))

    assert await shown(life) == [("planned", patient_id("1001"), "2026-04-01T06:00:00Z")]


async def test_a_board_that_is_called_off_cancels_it(life):
    orders = (
        board_asked("1001", "202604010800", "R1"),
        board_asked("1001", "202604011000", "R1", "CA"),
    )
    await life.take(*received(*orders))

    episode, plan = await life.pathway()
    assert (episode["status"], plan["status"]) == ("cancelled", "revoked")
    assert steps(plan)[0][1] == "cancelled"


async def test_nothing_new_is_no_new_version(life):
    inputs, until = story(STORY)
    await life.take(*inputs)
    await life.look(until)
    episode, plan = await life.pathway()
    keys = [("EpisodeOfCare", episode["id"]), ("CarePlan", plan["id"])]
    before = await life.store.read(lambda tx: tx.resources.current(keys))

    await life.take(*[(until, body) for _, body in inputs])
    await life.look(until + timedelta(minutes=1))

    assert await life.store.read(lambda tx: tx.resources.current(keys)) == before


async def test_a_replay_writes_nothing(life):
    inputs, until = story(STORY)
    await life.take(*inputs)
    await life.look(until)
    before = await life.pathway(), await life.tasks()

    replay = Replayer(life.store, converter(), life.clock, RULES)
    assert [one async for one in replay.run()]
    await life.look(until + timedelta(minutes=1))

    assert (await life.pathway(), await life.tasks()) == before


async def test_two_records_that_are_merged_have_one_pathway_and_two_again_when_taken_apart(life):
    first = board_asked("1001", "202604010800", "R1")
    second = board_asked("1002", "202604010900", "R2")
    await life.take(*received(first, second))
    apart = await shown(life)
    assert len(apart) == 2

    await life.take(*received(merge("1002", "1001", "202604021000"), first="2026-04-02 10:00"))
    together = await shown(life)
    await life.take(
        *received(pair("A37", "1001", "1002", "202604031000"), first="2026-04-03 10:00")
    )

    # The merged record opened it; the one that stays is shown.
    assert together == [("planned", patient_id("1002"), "2026-04-01T06:00:00Z")]
    assert await shown(life) == apart


async def test_merges_give_the_same_whichever_came_first(life):
    words = [
        board_asked("1001", "202604010800", "R1"),
        board_asked("1002", "202604010900", "R2"),
        board_asked("1002", "202604011000", "R2", "CA"),
        merge("1002", "1001", "202604021000"),
    ]
    ends = []
    for seed in range(4):
        Random(seed).shuffle(words)
        other = await lived(received(*words), LATER)
        ends.append(await other.pathways())

    assert len(ends[0][0]) == 1
    assert ends == [ends[0]] * 4


async def test_a_document_that_is_deleted_takes_its_pathway_along(life):
    inputs, _ = story(STORY)
    board = inputs[1]
    second = (
        board[1]
        .replace(b"FRCP-0001-V1", b"FRCP-0001-V2")
        .replace(b'<versionNumber value="1"/>', b'<versionNumber value="2"/>')
    )
    await life.take(board)
    assert len(await shown(life)) == 1

    # The same record under another setId, which says that it replaces the first.
    parent = (
        b'<relatedDocument typeCode="RPLC"><parentDocument>'
        b'<id root="1.2.250.1.999.7.1" extension="FRCP-0001-V1"/>'
        b'<setId root="1.2.250.1.999.7.1" extension="FRCP-0001"/>'
        b"</parentDocument></relatedDocument>"
    )
    other = second.replace(
        b'<setId root="1.2.250.1.999.7.1" extension="FRCP-0001"/>',
        b'<setId root="1.2.250.1.999.7.1" extension="FRCP-0002"/>',
    ).replace(b"<componentOf>", parent + b"<componentOf>", 1)
    before, _ = await life.pathway()
    await life.take((board[0] + timedelta(days=1), other))
    after, _ = await life.pathway()

    assert before["id"] != after["id"]
    stored = await life.store.read(
        lambda tx: tx.resources.current([("EpisodeOfCare", before["id"])])
    )
    assert stored["EpisodeOfCare", before["id"]].deleted


async def test_a_gap_opened_before_its_pathway_was_known_joins_it(life):
    inputs, until = story(STORY)
    stay, rest = inputs[3:6], inputs[:3]
    await life.take(*stay)
    await life.look(paris("2026-04-09 09:00"))
    assert {one.get("groupIdentifier") for one in await life.tasks()} == {None}

    await life.take(*[(until, body) for _, body in rest])

    episode, plan = await life.pathway()
    groups = {one["groupIdentifier"]["value"] for one in await life.tasks()}
    assert groups == {episode["id"]}
    assert all(
        {"reference": f"CarePlan/{plan['id']}"} in one["basedOn"] for one in await life.tasks()
    )
    assert episode["identifier"] == [{"system": PATHWAY, "value": episode["id"]}]
