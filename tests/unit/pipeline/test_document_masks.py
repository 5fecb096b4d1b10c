"""A request that changes who may see a document, and one about a patient nobody knows."""

import pytest

from gateway.core.messages import Outcome
from gateway.pipeline.replay import Replayer
from gateway.store.memory import MemoryStore
from tests.support import hospital
from tests.support.gateway import converter, holdings, take
from tests.support.pipeline import RULES, HandClock
from tests.unit.pipeline.test_document_requests import answer, changed, field, letters


@pytest.fixture
async def store():
    opened = MemoryStore()
    await opened.open()
    return opened


def hidden_from_start(body: bytes) -> bytes:
    """Return the request that brings a document which is hidden from professionals."""
    line = next(one for one in body.split(b"\r") if b"MASQUE_PS" in one)
    return body.replace(line, line.replace(b"||N^^", b"||Y^^"))


def masked(body: bytes, control_id: str, sent: str = "20260401090000") -> bytes:
    """Return the request that hides a document from its patient, its content unchanged."""
    own = field(body, "TXA", 12)
    hidden = body
    for name in ("INVISIBLE_PATIENT", "MODIF_CONF_CODE"):
        line = next(one for one in body.split(b"\r") if name.encode() in one)
        hidden = hidden.replace(line, line.replace(b"||N^^", b"||Y^^"))
    # Who may not see it gets no mail of it.
    shown = next(one for one in body.split(b"\r") if b"DESTMSSANTEPAT" in one)
    hidden = hidden.replace(shown, shown.replace(b"||Y^^", b"||N^^"))
    return changed(
        hidden, MSH_7=sent, EVN_2=sent, MSH_9="MDM^T10^MDM_T02",
        MSH_10=control_id, ORC_1="RO", OBX_11="C", TXA_13=own,
    )  # fmt: skip


@pytest.mark.parametrize("together", [1, 2])
async def test_a_change_of_masks_keeps_the_content_and_the_document_current(store, together):
    first, _ = letters()

    receipts = await take(store, first, masked(first, "M1"), together=together)

    assert {one.outcome for one in receipts} == {Outcome.ACCEPTED}
    [document] = (await holdings(store, "DocumentReference")).values()
    labels = [one["coding"][0]["code"] for one in document["securityLabel"]]
    assert (document["status"], labels) == ("current", ["N", "INVISIBLE_PATIENT"])
    assert len(await holdings(store, "Binary")) == len(document["content"])


@pytest.mark.parametrize("control_id", ["M1", "M2", "M3", "M4", "M5"])
async def test_a_change_of_masks_that_comes_first_stays(store, control_id):
    first, _ = letters()

    await take(store, masked(first, control_id), first)

    [document] = (await holdings(store, "DocumentReference")).values()
    labels = [one["coding"][0]["code"] for one in document["securityLabel"]]
    assert (document["status"], labels) == ("current", ["N", "INVISIBLE_PATIENT"])


#: Who and where; the content goes with its document.
OPEN = {"Binary", "Location", "Organization", "Patient", "Practitioner", "PractitionerRole"}


async def labels(store) -> dict[str, list[str]]:
    """Return the labels of everything that what a letter says could be read from."""
    found = await holdings(store)
    return {
        name: [one["code"] for one in resource["meta"].get("security", ())]
        for name, resource in found.items()
        if resource["resourceType"] not in OPEN | {"DocumentReference"}
    }


async def hidden_rows(store, letter: str) -> set[str]:
    """Return the resources that are hidden from somebody, as every read for a client asks."""
    keys = [tuple(name.split("/")) for name in await holdings(store)]
    rows = await store.read(lambda tx: tx.resources.current(keys))
    return {f"{row.type}/{row.id}" for row in rows.values() if letter in row.masks}


async def test_what_a_masked_letter_tells_is_masked_as_it_is(store):
    first, _ = letters()

    await take(store, hidden_from_start(first))

    found = await labels(store)
    stays = [name for name in found if name.startswith(("Account/", "Encounter/"))]
    assert {name.partition("/")[0] for name in found} > {"Composition", "Condition", "Provenance"}
    # Stay and account are told by the message itself, whatever it carries.
    assert sorted(name for name, told in found.items() if told != ["MASQUE_PS"]) == sorted(stays)
    documents = set(await holdings(store, "DocumentReference"))
    assert await hidden_rows(store, "p") == (set(found) - set(stays)) | documents


async def test_what_a_plain_letter_tells_is_open(store):
    first, _ = letters()

    await take(store, first)

    assert set(map(tuple, (await labels(store)).values())) == {()}
    assert await hidden_rows(store, "p") == set()


@pytest.mark.parametrize("together", [1, 2])
async def test_masks_that_come_later_reach_everything_and_go_again(store, together):
    first, _ = letters()
    await take(store, first, masked(first, "M1"), together=together)
    hidden = await labels(store)

    again = changed(
        first, MSH_7="20260402090000", EVN_2="20260402090000", MSH_9="MDM^T10^MDM_T02",
        MSH_10="M2", ORC_1="RO", OBX_11="C", TXA_13=field(first, "TXA", 12),
    )  # fmt: skip
    line = next(one for one in again.split(b"\r") if b"MODIF_CONF_CODE" in one)
    again = again.replace(line, line.replace(b"||N^^", b"||Y^^"))
    await take(store, again)

    told = [name for name in hidden if not name.startswith(("Account/", "Encounter/"))]
    assert {tuple(hidden[name]) for name in told} == {("INVISIBLE_PATIENT",)}
    assert set(map(tuple, (await labels(store)).values())) == {()}
    assert await hidden_rows(store, "t") == set()


async def test_masks_are_the_same_in_any_order(store):
    first, _ = letters()
    other = MemoryStore()
    await other.open()

    await take(store, first, masked(first, "M1"))
    await take(other, masked(first, "M1"), first)

    assert await holdings(store) == await holdings(other)


async def test_a_replay_changes_nothing_of_masked_letters(store):
    first, _ = letters()
    await take(store, first, masked(first, "M1"))

    replayer = Replayer(store, converter(), HandClock(), RULES)
    outcomes = [part async for part in replayer.run()]

    assert [part.changes for part in outcomes if part.changes] == []


async def test_what_another_letter_tells_as_well_stays_open(store):
    first, second = letters()

    await take(store, hidden_from_start(first), second)

    found = await labels(store)
    versions = {name: told for name, told in found.items() if name.startswith("Composition/")}
    assert sorted(versions.values()) == [[], ["MASQUE_PS"]]
    repeated = [name for name in found if name.startswith(("Condition/", "ServiceRequest/"))]
    # The latest version of a document speaks: what it says, it says openly.
    assert [] in [found[name] for name in repeated]


async def test_a_strict_site_refuses_a_letter_about_an_unknown_patient(store):
    first, _ = letters()
    strict = hospital.converter(leniency="strict")

    [receipt] = await hospital.take(store, first, made=strict)

    assert answer(receipt) == ("AE", "207", "902")
    assert await holdings(store, "DocumentReference", "Patient") == {}
