"""A mute hides and silences, closes nothing, and ends by itself."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.errors import RejectedError
from gateway.core.work import Mute, Reason
from gateway.fhir.mutes import Asked
from gateway.pathway.rulefiles import rule_ids
from gateway.pipeline.mutes import lift, mute
from tests.support.assertions import paris
from tests.support.opened_gaps import BED, LETTER, Ward, business, deferred

NOTE = "Appel reçu de la famille, suivi ailleurs."
RULES = rule_ids()


def wish(scope: str = "gap", until: str = "2026-03-15 09:00", **changes: object) -> Asked:
    values: dict[str, object] = {
        "scope": scope,
        "reason": "handled-outside",
        "until": paris(until).isoformat(),
        "note": NOTE,
        "author": "anne",
        "parts": {},
    }
    return Asked(**{**values, **changes})  # type: ignore[arg-type]


async def muted(ward: Ward, at: str, said: Asked) -> Mute:
    """Mute as somebody does, then look."""
    ward.clock.instant = paris(at)
    now = ward.clock.instant
    made = await ward.store.write(lambda tx: mute(tx, said, RULES, now))
    await ward.watcher.drain()
    return made


async def lifted(ward: Ward, at: str, mute_id: str) -> Mute:
    ward.clock.instant = paris(at)
    now = ward.clock.instant
    ended = await ward.store.write(lambda tx: lift(tx, mute_id, "bruno", now))
    await ward.watcher.drain()
    return ended


async def opened() -> Ward:
    ward = await Ward.of()
    await ward.at("2026-03-10 00:00", "2026-03-10 05:59:59")
    return ward


async def scopes(ward: Ward) -> list[Asked]:
    """Return a wish of each scope that is about the letter."""
    row = await ward.row(LETTER)
    patient = {"patient": row.patient.id, "rule": LETTER}
    place = {"rule": LETTER, "organization": str(row.details["estab"])}
    return [
        wish("gap", parts={"gap": row.gap_id}),
        wish("patient-rule", parts=patient),
        wish("rule-establishment", parts=place),
    ]


@pytest.mark.parametrize("number", [0, 1, 2], ids=["gap", "patient and rule", "establishment"])
async def test_a_mute_silences_hides_and_ends_by_itself(number: int) -> None:
    ward = await opened()
    before, issues = await ward.ledger(), await ward.issues()

    await muted(ward, "2026-03-10 09:00", (await scopes(ward))[number])
    hidden = await ward.task()
    await ward.at("2026-03-11 23:59:59", "2026-03-13 23:59:59", "2026-03-15 08:59:59")

    assert (hidden["status"], business(hidden)) == ("requested", "en-sourdine")
    assert await ward.alerts(LETTER) == []
    assert await ward.issues() == issues
    await ward.at("2026-03-15 09:00")
    assert business(await ward.task()) == "a-traiter"
    # Sunday: the next business day is Monday 16 March.
    await ward.at("2026-03-16 23:59:58")
    assert await ward.alerts(LETTER) == []
    await ward.at("2026-03-16 23:59:59")
    assert [one["recipient"][0]["display"] for one in await ward.alerts(LETTER)] == ["IDEC"]
    assert await ward.ledger() == before
    assert len(await ward.tasks()) == 4


async def test_a_mute_of_something_else_silences_nobody():
    ward = await opened()
    row = await ward.row(LETTER)
    place = {"rule": LETTER, "organization": str(row.details["estab"])}
    pair = {**place, "other-organization": "990000099"}
    other = {"patient": row.patient.id, "rule": "TRX-02"}

    await muted(ward, "2026-03-10 09:00", wish("rule-establishment", parts=pair))
    await muted(ward, "2026-03-10 09:00", wish("patient-rule", parts=other))
    await muted(
        ward, "2026-03-10 09:00", wish("recipient-domain", parts={"domain": "x.mssante.fr"})
    )
    await ward.at("2026-03-11 23:59:59")

    assert len(await ward.alerts(LETTER)) == 1


async def test_a_gap_that_opens_muted_is_there_and_told_nobody():
    ward = await Ward.of()
    await ward.at("2026-03-09 12:00")
    rows = await ward.store.read(lambda tx: tx.watch.expectations("x"))
    assert rows == []
    place = {"rule": BED, "organization": "990000001"}

    await muted(
        ward, "2026-03-09 12:00", wish("rule-establishment", "2026-03-11 09:00", parts=place)
    )
    await ward.at("2026-03-10 00:00", "2026-03-10 06:00")

    assert business(await ward.task(BED)) == "en-sourdine"
    assert await ward.alerts(BED) == []
    await ward.at("2026-03-11 09:00", "2026-03-11 11:00")
    told = await ward.alerts(BED)
    assert [one["category"][0]["coding"][0]["code"] for one in told] == ["opening", "escalation"]


async def test_a_mute_is_lifted_and_stays_on_file():
    ward = await opened()
    made = await muted(ward, "2026-03-10 09:00", (await scopes(ward))[0])

    ended = await lifted(ward, "2026-03-10 10:00", made.id)

    assert ended.end == paris("2026-03-10 10:00")
    assert business(await ward.task()) == "a-traiter"
    [kept] = await ward.store.read(lambda tx: tx.work.mutes())
    assert (kept, kept.reason, kept.lifted_by) == (ended, Reason.HANDLED_OUTSIDE, "bruno")
    with pytest.raises(RejectedError) as over:
        await lifted(ward, "2026-03-10 11:00", made.id)
    with pytest.raises(RejectedError) as unknown:
        await lifted(ward, "2026-03-10 11:00", "none")
    assert [e.value.issues[0].code for e in (over, unknown)] == ["RLS-GAP-028", "RLS-GAP-027"]


async def test_two_mutes_silence_until_the_later_one_ends():
    ward = await opened()
    gap, patient, _ = await scopes(ward)
    await muted(ward, "2026-03-10 09:00", gap)
    await muted(
        ward, "2026-03-10 10:00", wish(patient.scope, "2026-03-18 09:00", parts=patient.parts)
    )

    await ward.at("2026-03-15 09:00")
    assert business(await ward.task()) == "en-sourdine"
    await ward.at("2026-03-18 09:00")

    assert business(await ward.task()) == "a-traiter"


async def test_work_goes_on_behind_a_mute():
    """What somebody does stays theirs; the Task shows the mute until it ends."""
    ward = await opened()
    await muted(ward, "2026-03-10 09:00", (await scopes(ward))[0])

    taken = await ward.write("2026-03-10 10:00", status="in-progress")
    slept = await ward.write("2026-03-10 11:00", **deferred("2026-03-12 09:00"))
    await ward.at("2026-03-12 09:00")
    woken = await ward.task()
    await ward.at("2026-03-15 09:00")

    shown = [(one["status"], business(one)) for one in (taken, slept, woken, await ward.task())]
    assert shown == [
        ("in-progress", "en-sourdine"),
        ("on-hold", "en-sourdine"),
        ("in-progress", "en-sourdine"),
        ("in-progress", "en-cours"),
    ]


async def test_a_muted_gap_that_is_settled_is_settled():
    ward = await opened()
    await muted(ward, "2026-03-10 09:00", (await scopes(ward))[0])
    said = [{"type": {"text": "Action"}, "valueString": "Lettre retrouvée"}]

    done = await ward.write("2026-03-10 10:00", status="completed", output=said)
    await ward.at("2026-03-15 09:00")

    assert business(done) == "resolu-manuel"
    assert (await ward.task()) == done


WRONG = {
    "RLS-GAP-022 scope": {"scope": "ward"},
    "RLS-GAP-022 reason": {"reason": "tired"},
    "RLS-GAP-021 missing": {"parts": {}},
    "RLS-GAP-021 foreign": {"parts": {"gap": "g", "rule": "TRX-01"}},
    "RLS-GAP-023 gap": {"parts": {"gap": "unknown"}},
    "RLS-GAP-023 patient": {"scope": "patient-rule", "parts": {"patient": "x", "rule": LETTER}},
    "RLS-GAP-023 rule": {"scope": "rule-establishment",
                         "parts": {"rule": "TRX-99", "organization": "990000001"}},
    "RLS-GAP-024 words": {"until": "soon"},
    "RLS-GAP-024 no offset": {"until": "2026-03-15T09:00:00"},
    "RLS-GAP-024 over": {"until": "2026-03-10T08:59:59+01:00"},
    "RLS-GAP-024 too far": {"until": "2026-06-08T10:00:01+02:00"},
    "RLS-GAP-025 short": {"note": "  Vu hier  "},
    "RLS-GAP-026 past": {"since": "2026-03-10T08:59:59+01:00"},
    "RLS-GAP-026 words": {"since": "yesterday"},
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_mute_is_refused_and_mutes_nothing(name: str) -> None:
    ward = await opened()
    parts = {"gap": (await ward.row()).gap_id}
    said = replace(wish(parts=parts), **WRONG[name])  # type: ignore[arg-type]

    with pytest.raises(RejectedError) as refused:
        await muted(ward, "2026-03-10 09:00", said)

    assert [issue.code for issue in refused.value.issues] == [name.partition(" ")[0]]
    assert await ward.store.read(lambda tx: tx.work.mutes()) == []


async def test_ninety_days_and_not_a_second_more():
    """The clocks change on 29 March: 90 days on the UTC line are an hour later on the wall."""
    ward = await opened()
    parts = {"gap": (await ward.row()).gap_id}

    made = await muted(ward, "2026-03-10 09:00", wish(until="2026-06-08 10:00", parts=parts))

    assert made.until - made.since == timedelta(days=90)
