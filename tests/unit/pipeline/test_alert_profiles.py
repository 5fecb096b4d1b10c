"""What the life of a gap writes meets our own profiles, in every version."""

from datetime import timedelta

import pytest

from gateway.conformance.packages import definitions_of
from gateway.core.contributions import Json
from gateway.fhir.identity import Ids
from gateway.fhir.profiles.judge import Judge
from gateway.pipeline.digests import Digester
from tests.support.opened_gaps import BED, LETTER, Ward, deferred, with_lead
from tests.unit.pipeline.test_mutes import muted, wish

JUDGE = Judge(definitions_of([]))
OWN = "https://relais.example/fhir/StructureDefinition/"


def wrong(resource: Json, profile: str) -> set[str]:
    found = JUDGE.findings(resource, profiles=[OWN + profile])
    return {f"{one.issue.code} {one.element}" for one in found if one.issue.severity.refuses}


async def lived() -> Ward:
    """Return a ward in which everything happened that may happen to a gap."""
    ward = await Ward.of()
    await ward.use(with_lead(ward.watcher, LETTER, timedelta(hours=10)))
    await ward.at("2026-03-09 14:00", "2026-03-10 00:00", "2026-03-10 05:59:59")
    await ward.write("2026-03-10 06:30", **deferred("2026-03-10 07:00"))
    await ward.at("2026-03-10 07:00")
    bed = {"gap": (await ward.row(BED)).gap_id}
    await muted(ward, "2026-03-10 07:10", wish(until="2026-03-10 08:00", parts=bed))
    await ward.at("2026-03-10 08:00", "2026-03-10 08:30")
    await Digester(ward.store, Ids(), ward.clock).step()
    await ward.at("2026-03-20 09:00")
    return ward


async def test_every_version_meets_its_profile() -> None:
    ward = await lived()

    issues = [*await ward.issues(BED), *await ward.issues(LETTER)]
    tasks = [*await ward.tasks(BED), *await ward.tasks(LETTER)]
    alerts = await ward.alerts()

    assert {one["status"] for one in issues} == {"preliminary", "final"}
    kinds = {one["category"][0]["coding"][0]["code"] for one in alerts}
    assert kinds == {"opening", "escalation", "digest"}
    assert [wrong(one, "handoff-gap") for one in issues] == [set()] * len(issues)
    assert [wrong(one, "handoff-gap-task") for one in tasks] == [set()] * len(tasks)
    assert [wrong(one, "gap-alert") for one in alerts] == [set()] * len(alerts)


@pytest.mark.parametrize("name", ["identifier", "category", "sent", "recipient", "about"])
async def test_an_alert_lacks_what_its_profile_asks_for(name: str) -> None:
    ward = await lived()
    alert = (await ward.alerts(LETTER, ["escalation"]))[0]
    without = {key: value for key, value in alert.items() if key != name}

    assert wrong(alert, "gap-alert") == set()
    assert wrong(without, "gap-alert") != set()


async def test_an_open_gap_has_its_work_and_a_warning_has_none() -> None:
    ward = await lived()
    warned, opened = (await ward.issues(LETTER))[:2]
    task = next(one for one in opened["extension"] if one["url"].endswith("/gap-task"))
    without = [one for one in opened["extension"] if one != task]

    assert wrong({**opened, "extension": without}, "handoff-gap") == {"RLS-FHR-210 DetectedIssue"}
    assert wrong({**warned, "extension": [*warned["extension"], task]}, "handoff-gap") == {
        "RLS-FHR-210 DetectedIssue"
    }
