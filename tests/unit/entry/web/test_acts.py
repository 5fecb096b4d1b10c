"""What a coordinator does about a gap at the pages, on a real store."""

import re
from datetime import timedelta
from pathlib import Path

import httpx2
import orjson
import pytest

from gateway.core.facts import Status
from gateway.entry.web.data import GapFilter
from gateway.fhir.client_provenance import agent, of_person
from gateway.fhir.gap_acts import name_of, outcome_of
from gateway.fhir.gap_work import business_of
from gateway.pipeline.gap_acts import task_of, writers
from tests.support.coordinating import CLAIRE, NOW, PILOT, SONIA, Territory, territory

NOTE = "Vu au téléphone, l’admission est notée au registre."


@pytest.fixture
async def place(tmp_path: Path) -> Territory:
    return await territory(tmp_path)


async def first(place: Territory) -> str:
    return (await place.data.worklist(GapFilter(), NOW)).rows[0].id


async def task(place: Territory, gap_id: str) -> dict:
    found = await place.store.read(lambda tx: task_of(tx, gap_id, place.data.ids)[1])
    return orjson.loads(found.body)


async def fields(client: httpx2.AsyncClient, path: str) -> dict[str, str]:
    """Return what the forms of a page repeat."""
    page = (await client.get(path)).text
    found = dict(
        re.findall(r'<input type="hidden" name="(token|who|version)" value="([^"]*)"', page)
    )
    return {**found, "version": max(re.findall(r'name="version" value="(\d+)"', page), key=int)}


async def do(client, gap_id: str, act: str, **values: str) -> httpx2.Response:
    told = await fields(client, f"/gaps/{gap_id}")
    return await client.post(f"/gaps/{gap_id}/{act}", data={**told, **values})


async def test_who_takes_a_gap_owns_it_and_everybody_sees_it(place: Territory) -> None:
    gap_id = await first(place)
    async with place.browser() as claire, place.browser(SONIA) as sonia:
        answer = await do(claire, gap_id, "take")
        shown = (await claire.get(answer.headers["location"])).text
        others = (await sonia.get("/gaps")).text

    assert answer.status_code == 303
    assert "Vous suivez cette rupture." in shown
    assert "MOREL Claire" in others
    found = await task(place, gap_id)
    assert (found["status"], business_of(found)) == ("in-progress", "en-cours")
    assert found["owner"]["identifier"] == {"system": "urn:oid:1.2.250.1.71.4.2.1", "value": CLAIRE}


async def test_an_act_is_kept_told_and_signed_like_a_write_over_rest(place: Territory) -> None:
    gap_id = await first(place)
    async with place.browser() as claire:
        await do(claire, gap_id, "take")

    row, stored = await place.store.read(lambda tx: task_of(tx, gap_id, place.data.ids))
    inbox = await place.store.read(lambda tx: tx.inbox.page(None, 0, 99))
    by = await place.store.read(lambda tx: writers(tx, stored.id))
    facts = await place.store.read(lambda tx: tx.facts.of_person(row.person_id))
    trail = await place.store.read(lambda tx: tx.audit.after(0, 99))

    assert inbox[-1].header.message_type == "FHIR Task"
    assert list(by.values()) == [agent(of_person(CLAIRE))]
    assert [f.assertion.event for f in facts if f.assertion.event.startswith("TASK")] == [
        "TASK.ACK"
    ]
    written = [orjson.loads(one.body) for one in trail if b'"Task/' in one.body]
    assert [CLAIRE in str(one) for one in written] == [True]


async def test_the_second_of_two_people_is_told_who_was_first_and_keeps_their_words(
    place: Territory,
) -> None:
    gap_id = await first(place)
    async with place.browser() as claire, place.browser(SONIA) as sonia:
        seen = await fields(claire, f"/gaps/{gap_id}")
        await do(sonia, gap_id, "take")
        answer = await claire.post(f"/gaps/{gap_id}/note", data={**seen, "text": NOTE})

    assert answer.status_code == 409
    assert "PETIT Sonia a modifié cette rupture" in answer.text
    assert NOTE in answer.text
    assert "note" not in await task(place, gap_id)


async def test_each_act_leaves_its_line_in_the_history(place: Territory) -> None:
    gap_id = await first(place)
    until = (NOW + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")
    async with place.browser() as claire:
        for step, (act, values) in enumerate(
            [
                ("take", {}),
                ("wait", {"state": "attente-etablissement"}),
                ("note", {"text": "Le SMR <b>rappelle</b> l’après-midi."}),
                ("defer", {"until": until, "reason": "Rappel à 14 h"}),
                ("assign", {"to": SONIA, "note": "Je pars à midi."}),
                ("return", {}),
            ]
        ):
            place.clock.instant = NOW + timedelta(minutes=step)
            assert (await do(claire, gap_id, act, **values)).status_code == 303, act
        page = (await claire.get(f"/gaps/{gap_id}")).text
        shown = await place.data.gap(gap_id, place.clock.instant)

    acts = ("returned", "noted", "assigned", "deferred", "noted", "state", "taken")
    assert [(one.what, one.who) for one in shown.work.history] == [
        *((what, "MOREL Claire") for what in acts),
        # Nobody had acted for hours: the gateway had told the next one.
        ("state", ""),
    ]
    assert "&lt;b&gt;rappelle&lt;/b&gt;" in page
    assert "attribuée à petit sonia" in page.lower()


async def test_a_closed_gap_is_settled_for_people_and_missed_for_the_ledger(
    place: Territory,
) -> None:
    gap_id = await first(place)
    async with place.browser() as claire:
        answer = await do(claire, gap_id, "close", outcome="done-elsewhere", note=NOTE)
        listed = await place.data.worklist(GapFilter("closed"), NOW)
        page = (await claire.get(f"/gaps/{gap_id}")).text

    found = await task(place, gap_id)
    assert answer.status_code == 303
    assert (outcome_of(found), name_of(found)) == ("done-elsewhere", "MOREL Claire")
    assert [gap.id for gap in listed.rows] == [gap_id]
    row = await place.store.read(lambda tx: tx.watch.gap(gap_id))
    assert row.status is Status.OVERDUE
    assert "Close par une personne" in page


async def issue_of(place: Territory, gap_id: str) -> dict:
    key = ("DetectedIssue", place.data.ids.gap(gap_id))
    found = await place.store.read(lambda tx: tx.resources.current([key]))
    return {**orjson.loads(found[key].body), "version": found[key].version}


@pytest.mark.parametrize("act", ["undo", "reopen"])
async def test_a_gap_of_another_person_is_entered_in_error_until_that_is_taken_back(
    place: Territory, act: str
) -> None:
    gap_id = await first(place)
    async with place.browser() as claire:
        await do(claire, gap_id, "close", outcome="wrong-identity", note=NOTE)
        issue = await issue_of(place, gap_id)
        row = await place.store.read(lambda tx: tx.watch.gap(gap_id))
        await do(claire, gap_id, act, note="C’était bien cette personne.")
    again = await issue_of(place, gap_id)

    assert issue["status"] == "entered-in-error"
    assert "modifierExtension" not in issue
    # For the ledger nothing has changed: no fact did.
    assert row is not None
    assert row.status is Status.OVERDUE
    assert again["status"] == "final"
    [concept] = [one["valueCodeableConcept"] for one in again["modifierExtension"]]
    assert concept["coding"][0]["code"] == "open-gap"
    told = await place.store.read(
        lambda tx: tx.resources.search("Provenance", [], 200, None).resources
    )
    targets = {one["reference"] for row in told for one in orjson.loads(row.body)["target"]}
    path = f"DetectedIssue/{issue['id']}/_history"
    assert {f"{path}/{issue['version']}", f"{path}/{again['version']}"} <= targets


async def test_a_gap_in_error_stays_so_when_the_engine_writes_again(place: Territory) -> None:
    gap_id = await first(place)
    async with place.browser() as claire:
        await do(claire, gap_id, "close", outcome="wrong-identity", note=NOTE)
    row = await place.store.read(lambda tx: tx.watch.gap(gap_id))
    await place.store.write(lambda tx: tx.watch.touch({row.person_id: NOW}))
    await place.look(NOW + timedelta(days=1))

    assert (await issue_of(place, gap_id))["status"] == "entered-in-error"


async def test_an_act_can_be_taken_back_long_after_by_who_did_it(place: Territory) -> None:
    gap_id = await first(place)
    async with place.browser() as claire, place.browser(SONIA) as sonia:
        await do(claire, gap_id, "take")
        place.clock.instant = NOW + timedelta(hours=3)
        # Opened anew, without a word of what was done: the page still offers it, to her alone.
        own, others = (await claire.get(f"/gaps/{gap_id}")).text, await sonia.get(f"/gaps/{gap_id}")
        answer = await do(claire, gap_id, "undo")

    assert f'action="/gaps/{gap_id}/undo"' in own
    assert f'action="/gaps/{gap_id}/undo"' not in others.text
    assert answer.status_code == 303
    assert (await task(place, gap_id))["status"] == "requested"


@pytest.mark.parametrize("act", ["undo", "reopen"])
async def test_what_was_closed_by_mistake_is_open_again_in_the_same_task(
    place: Territory, act: str
) -> None:
    gap_id = await first(place)
    before = await task(place, gap_id)
    async with place.browser() as claire:
        closed = await do(claire, gap_id, "close", outcome="false-alarm", note=NOTE)
        shown = await claire.get(closed.headers["location"])
        answer = await do(claire, gap_id, act, note="Fermée par erreur.")

    assert f'action="/gaps/{gap_id}/undo"' in shown.text
    assert answer.status_code == 303
    after = await task(place, gap_id)
    assert after["id"] == before["id"]
    assert outcome_of(after) == ""
    assert after["status"] == ("requested" if act == "undo" else "in-progress")
    row = await place.store.read(lambda tx: tx.watch.gap(gap_id))
    facts = await place.store.read(lambda tx: tx.facts.of_person(row.person_id))
    done = [f.assertion.op.value for f in facts if f.assertion.event == "TASK.DONE"]
    assert done == ["assert", "retract"]
    issue = await place.store.read(
        lambda tx: tx.resources.current([("DetectedIssue", place.data.ids.gap(gap_id))])
    )
    assert "mitigation" not in orjson.loads(next(iter(issue.values())).body)


async def test_nobody_undoes_what_a_colleague_did(place: Territory) -> None:
    gap_id = await first(place)
    async with place.browser() as claire, place.browser(SONIA) as sonia:
        await do(claire, gap_id, "take")
        answer = await do(sonia, gap_id, "undo")

    assert answer.status_code == 409
    assert name_of(await task(place, gap_id)) == "MOREL Claire"


async def test_undo_puts_everything_back_but_not_after_another_act(place: Territory) -> None:
    gap_id = await first(place)
    before = await task(place, gap_id)
    async with place.browser() as claire:
        await do(claire, gap_id, "take")
        seen = await fields(claire, f"/gaps/{gap_id}")
        await do(claire, gap_id, "note", text=NOTE)
        late = await claire.post(f"/gaps/{gap_id}/undo", data=seen)
        await do(claire, gap_id, "undo")
        await do(claire, gap_id, "undo")

    assert late.status_code == 409
    after = await task(place, gap_id)
    # The second undo took back the first: each is an act of its own.
    assert after["note"][0]["text"] == NOTE
    assert before["status"] == "requested"


@pytest.mark.parametrize(
    ("act", "values", "told"),
    [
        ("close", {"outcome": "done-elsewhere"}, "À remplir."),
        ("close", {"outcome": "gone", "note": NOTE}, "Choisir dans la liste."),
        ("assign", {"to": ""}, "À remplir."),
        ("assign", {"to": PILOT}, "Cette personne n’agit pas"),
        ("defer", {"until": "2026-03-09T09:00", "reason": NOTE}, "Cet instant est passé."),
        ("defer", {"until": "demain", "reason": NOTE}, "Donner une date et une heure"),
        ("defer", {"until": "2026-03-30T09:00", "reason": NOTE}, "12 heures au plus"),
        ("mute", {"scope": "gap", "why": "duplicate-of", "end": "2026-03-20", "note": "court"},
         "10 caractères"),
        ("mute", {"scope": "gap", "why": "duplicate-of", "end": "2026-12-20", "note": NOTE},
         "90 jours au plus."),
        ("note", {"text": "x" * 2001}, "2 000 caractères au plus."),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_told_beside_its_field_and_nothing_typed_is_lost(
    place: Territory, act: str, values: dict[str, str], told: str
) -> None:
    gap_id = await first(place)
    before = await task(place, gap_id)
    async with place.browser() as claire:
        answer = await do(claire, gap_id, act, **values)

    assert answer.status_code == 422
    assert told in answer.text.replace("\u00a0", " ")
    assert 'aria-invalid="true"' in answer.text
    assert all(value in answer.text for value in values.values() if value in (NOTE, "court"))
    assert await task(place, gap_id) == before


async def test_a_mute_hides_until_it_ends_and_can_be_lifted(place: Territory) -> None:
    gap_id = await first(place)
    values = {"scope": "gap", "why": "known-feed-defect", "end": "2026-03-20", "note": NOTE}
    async with place.browser() as claire:
        assert (await do(claire, gap_id, "mute", **values)).status_code == 303
        await place.look(NOW + timedelta(minutes=1))
        page = (await claire.get(f"/gaps/{gap_id}")).text
        hidden = [one.id for one in (await place.data.worklist(GapFilter(), NOW)).rows]
        muted = (await place.data.worklist(GapFilter("muted"), place.clock.instant)).rows
        mute = re.search(r'name="mute" value="([^"]+)"', page)
        lifted = await do(claire, gap_id, "unmute", mute=mute[1] if mute else "")
        await place.look(NOW + timedelta(minutes=2))

    assert "Masquée jusqu’au" in page
    assert gap_id not in hidden
    assert [one.id for one in muted] == [gap_id]
    assert lifted.status_code == 303
    assert gap_id in [
        one.id for one in (await place.data.worklist(GapFilter(), place.clock.instant)).rows
    ]


async def test_a_session_that_closes_in_mid_note_loses_nothing(place: Territory) -> None:
    gap_id = await first(place)
    async with place.browser() as claire:
        told = await fields(claire, f"/gaps/{gap_id}")
        claire.cookies.delete("as")
        refused = await claire.post(f"/gaps/{gap_id}/note", data={**told, "text": NOTE})
        nothing = await task(place, gap_id)
        # Somebody else signs in at the same browser, then she does.
        claire.cookies.set("as", SONIA)
        others = (await claire.get(f"/gaps/{gap_id}")).text
        claire.cookies.set("as", CLAIRE)
        hers = (await claire.get(f"/gaps/{gap_id}")).text
        sent = await do(claire, gap_id, "note", text=NOTE)
        after = (await claire.get(f"/gaps/{gap_id}")).text

    assert refused.status_code == 401
    assert "Session fermée" in refused.text
    assert f"/login?to=/gaps/{gap_id}" in refused.text
    assert "note" not in nothing
    assert NOTE not in others
    assert "Votre saisie est conservée." in hers
    assert NOTE in hers
    assert sent.status_code == 303
    assert "Votre saisie est conservée." not in after


async def test_who_may_only_read_sees_no_form_and_changes_nothing(place: Territory) -> None:
    gap_id = await first(place)
    before = await task(place, gap_id)
    async with place.browser(PILOT) as pilot, place.browser() as claire:
        page = (await pilot.get(f"/gaps/{gap_id}")).text
        told = await fields(claire, f"/gaps/{gap_id}")
        pilot.cookies.set("relais-form", told["token"])
        answer = await pilot.post(f"/gaps/{gap_id}/take", data=told)

    assert 'method="post"' not in page.partition("<main")[2]
    assert "Votre rôle permet de lire, pas de clore." in page
    assert answer.status_code == 403
    assert await task(place, gap_id) == before


@pytest.mark.parametrize("change", [{"token": "x"}, {"token": ""}])
async def test_a_form_of_another_site_changes_nothing(place: Territory, change) -> None:
    gap_id = await first(place)
    before = await task(place, gap_id)
    async with place.browser() as claire:
        told = await fields(claire, f"/gaps/{gap_id}")
        answer = await claire.post(f"/gaps/{gap_id}/take", data={**told, **change})

    assert answer.status_code == 403
    assert await task(place, gap_id) == before


@pytest.mark.parametrize("path", ["/gaps/none/take", "/gaps/none/burn"])
async def test_what_is_not_there_is_not_acted_on(place: Territory, path: str) -> None:
    gap_id = await first(place)
    async with place.browser() as claire:
        told = await fields(claire, f"/gaps/{gap_id}")
        answer = await claire.post(path, data=told)

    assert answer.status_code == 404
