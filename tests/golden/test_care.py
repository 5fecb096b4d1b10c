"""Every folder of fixtures/care: a person's story, and the pathway that it is in the end."""

import json
from pathlib import Path
from random import Random

import pytest

from gateway.fhir import shape
from tests.support.care import lived, story

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "care"
CASES = sorted(path for path in FOLDER.iterdir() if path.is_dir())
#: Of a Task: how it is linked to its pathway.
LINKS = ("id", "status", "focus", "groupIdentifier", "basedOn")


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
async def test_the_pathway_of_a_story(case, request):
    life = await lived(*story(case))

    episode, plan = await life.pathway()
    tasks = [{name: one[name] for name in LINKS if name in one} for one in await life.tasks()]
    tasks.sort(key=lambda one: one["id"])
    found = {"episode": episode, "plan": plan, "tasks": tasks}
    text = json.dumps(found, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    expected = case / "expected.json"
    if request.config.getoption("--update-golden"):
        expected.write_text(text, encoding="utf-8")
    assert found == json.loads(expected.read_text(encoding="utf-8"))
    assert shape.full(episode) == shape.full(plan) == []


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
async def test_the_pathway_does_not_depend_on_the_order_of_arrival(case):
    inputs, until = story(case)
    bodies = [body for _, body in inputs]
    # After the last event, so that nothing is received before it happened.
    last = inputs[-1][0]
    expected = await (await lived([(last, one) for one in bodies], until)).pathway()

    Random(7).shuffle(bodies)
    found = await (await lived([(last, one) for one in [*bodies, *bodies[:3]]], until)).pathway()

    assert found == expected
