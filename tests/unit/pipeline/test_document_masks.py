"""A request that changes who may see a document, and one about a patient nobody knows."""

import pytest

from gateway.core.messages import Outcome
from gateway.store.memory import MemoryStore
from tests.support import hospital
from tests.support.gateway import holdings, take
from tests.unit.pipeline.test_document_requests import answer, changed, field, letters


@pytest.fixture
async def store():
    opened = MemoryStore()
    await opened.open()
    return opened


def masked(body: bytes, control_id: str) -> bytes:
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
        hidden, MSH_7="20260401090000", EVN_2="20260401090000", MSH_9="MDM^T10^MDM_T02",
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


async def test_a_change_of_masks_that_comes_first_stays(store):
    first, _ = letters()

    await take(store, masked(first, "M1"), first)

    [document] = (await holdings(store, "DocumentReference")).values()
    labels = [one["coding"][0]["code"] for one in document["securityLabel"]]
    assert (document["status"], labels) == ("current", ["N", "INVISIBLE_PATIENT"])


async def test_a_strict_site_refuses_a_letter_about_an_unknown_patient(store):
    first, _ = letters()
    strict = hospital.converter(leniency="strict")

    [receipt] = await hospital.take(store, first, made=strict)

    assert answer(receipt) == ("AE", "207", "902")
    assert await holdings(store, "DocumentReference", "Patient") == {}
