"""Bulk export over every store: what is asked, what is told, what is fetched."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest

from gateway.core.errors import RetriableError
from gateway.core.exports import ExportStatus
from gateway.core.ports import Store
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.export import ExportSettings, export_router
from gateway.pipeline import exporting
from gateway.pipeline.exporting import Exporter
from gateway.store.factory import open_store
from tests.contract.rest.conftest import Hand
from tests.integration.rest.conftest import BASE, Shelf, encounter, issues, later, patient
from tests.support.exporting import ASYNC, FHIR, Desk, opened


@pytest.fixture
async def desk(store: Store, shelf: Shelf, clock: Hand) -> AsyncIterator[Desk]:
    organization = {"resourceType": "Organization", "id": "o1", "name": "Hôpital d'Essai"}
    await shelf.put(patient("p1"), patient("p2"), organization)
    await shelf.put(encounter("e1", length={"value": 1.50, "unit": "d"}), encounter("e2"))
    async with opened(store, clock) as found:
        yield found


async def test_an_export_is_begun_waited_for_and_fetched(desk: Desk) -> None:
    begun = await desk.ask("$export?_type=Patient,Encounter")

    assert begun.status_code == 202
    address = begun.headers["content-location"]
    assert address.startswith(f"{FHIR}/_export/")
    waiting = await desk.status(begun)
    assert (waiting.status_code, waiting.headers["x-progress"]) == (202, "waiting")
    assert int(waiting.headers["retry-after"]) > 0
    assert await desk.work() == 1
    done = await desk.status(begun)
    assert (done.status_code, done.headers["content-type"]) == (200, "application/json")
    assert done.headers["expires"] == "Mon, 09 Mar 2026 14:00:00 GMT"
    manifest = done.json()
    assert manifest["transactionTime"] == "2026-03-09T11:59:59.000Z"
    assert manifest["request"] == f"{FHIR}/$export?_type=Patient,Encounter"
    assert (manifest["requiresAccessToken"], manifest["error"], manifest["deleted"]) == (
        False,
        [],
        [],
    )
    assert [(file["type"], file["count"]) for file in manifest["output"]] == [
        ("Encounter", 2),
        ("Patient", 2),
    ]
    assert [one["id"] for one in await desk.lines(manifest)] == ["e1", "e2", "p1", "p2"]


async def test_lines_are_the_stored_bytes(desk: Desk, shelf: Shelf) -> None:
    manifest = await desk.manifest("$export?_type=Encounter")

    answer = await desk.http.get(manifest["output"][0]["url"])
    stored = await desk.store.read(lambda tx: tx.resources.current([("Encounter", "e1")]))
    assert answer.content.splitlines()[0] == stored["Encounter", "e1"].body


async def test_files_show_one_moment_whatever_is_written_later(desk: Desk, shelf: Shelf) -> None:
    manifest = await desk.manifest("$export?_type=Patient")
    await shelf.put(patient("p1", active=False), patient("p3"), at=later(99))
    await shelf.delete("Patient", "p2", at=later(99))

    lines = await desk.lines(manifest)

    assert [(one["id"], one["meta"]["versionId"]) for one in lines] == [("p1", "1"), ("p2", "1")]


async def test_persons_and_what_is_theirs(desk: Desk, shelf: Shelf) -> None:
    await shelf.put(encounter("lost", subject={"display": "inconnu"}))

    assert await desk.exported("Patient/$export") == [
        "Encounter/e1",
        "Encounter/e2",
        "Patient/p1",
        "Patient/p2",
    ]
    sent = {
        "resourceType": "Parameters",
        "parameter": [{"name": "patient", "valueReference": {"reference": "Patient/p2"}}],
    }
    begun = await desk.http.post(
        "/fhir/Patient/$export",
        json=sent,
        headers={**ASYNC, "Content-Type": "application/fhir+json"},
    )
    await desk.work()
    lines = await desk.lines((await desk.status(begun)).json())
    assert [one["id"] for one in lines] == ["p2"]


async def test_only_what_changed_and_what_was_deleted_since(desk: Desk, shelf: Shelf) -> None:
    await shelf.put(patient("p1", active=True), at=later(50))
    await shelf.delete("Patient", "p2", at=later(60))

    manifest = await desk.manifest(
        f"$export?_type=Patient&_since={later(50).isoformat().replace('+00:00', 'Z')}"
    )

    assert [one["id"] for one in await desk.lines(manifest)] == ["p1"]
    (bundle,) = await desk.lines(manifest, "deleted")
    assert bundle["type"] == "transaction"
    assert [entry["request"] for entry in bundle["entry"]] == [
        {"method": "DELETE", "url": "Patient/p2"}
    ]


async def test_what_changed_before_the_transaction_time_is_never_missed_by_since(
    desk: Desk, shelf: Shelf
) -> None:
    first = await desk.manifest("$export?_type=Patient")
    # A commit of this very moment may be dated before the snapshot and end behind it.
    await shelf.put(patient("p9"), at=desk.clock.now() - timedelta(seconds=1))

    assert await desk.exported(f"$export?_type=Patient&_since={first['transactionTime']}") == [
        "Patient/p9"
    ]


async def test_until_leaves_out_what_came_later(desk: Desk, shelf: Shelf) -> None:
    await shelf.put(patient("p3"), at=later(60))

    assert await desk.exported(
        f"$export?_type=Patient&_until={later(30).isoformat().replace('+00:00', 'Z')}"
    ) == ["Patient/p1", "Patient/p2"]


async def test_filters_of_one_type_are_alternatives(desk: Desk, shelf: Shelf) -> None:
    await shelf.put(encounter("e3", status="planned"), encounter("e4", status="arrived"))
    filters = (
        "_typeFilter=Encounter%3Fstatus%3Dplanned,Encounter%3Fstatus%3Darrived%26_id%3De4%5C,e3"
    )

    assert await desk.exported(
        "$export?_type=Encounter&_typeFilter=Encounter%3Fstatus%3Dplanned%2Carrived"
    ) == ["Encounter/e3", "Encounter/e4"]
    assert await desk.exported(
        "$export?_typeFilter=Encounter%3Fstatus%3Dplanned&_typeFilter=Encounter%3F_id%3De1&_type=Encounter"
    ) == ["Encounter/e1", "Encounter/e3"]
    wrong = await desk.ask(f"$export?{filters}&_type=Patient")
    assert wrong.status_code == 400


async def test_reduced_resources_say_so(desk: Desk) -> None:
    manifest = await desk.manifest("$export?_type=Encounter&_elements=status")

    for one in await desk.lines(manifest):
        assert "subject" not in one
        assert one["meta"]["tag"][0]["code"] == "SUBSETTED"


async def test_an_export_is_taken_back(desk: Desk) -> None:
    begun = await desk.ask("$export?_type=Patient")
    await desk.work()
    (file,) = (await desk.status(begun)).json()["output"]

    gone = await desk.http.delete(begun.headers["content-location"])

    assert gone.status_code == 202
    for address in (begun.headers["content-location"], file["url"]):
        answer = await desk.http.get(address)
        assert (answer.status_code, issues(answer)[0][0]) == (404, "RLS-FHR-302")
    assert (await desk.http.delete(begun.headers["content-location"])).status_code == 404


async def test_an_export_that_is_taken_back_while_it_is_made_stays_away(desk: Desk) -> None:
    begun = await desk.ask("$export?_type=Patient")
    now = desk.clock.now()
    job = await desk.store.write(lambda tx: tx.exports.claim(now, now))
    await desk.http.delete(begun.headers["content-location"])

    assert await desk.store.write(lambda tx: tx.exports.finish(job, [])) is False
    assert (await desk.status(begun)).status_code == 404


async def test_files_go_when_they_expire(desk: Desk) -> None:
    begun = await desk.ask("$export?_type=Patient")
    await desk.work()
    (file,) = (await desk.status(begun)).json()["output"]
    desk.clock.later(2)

    assert (await desk.http.get(file["url"])).status_code == 404
    desk.clock.later(1)
    await desk.work()
    assert await desk.store.read(lambda tx: tx.exports.kept("local")) == 0


async def test_a_client_keeps_so_many_exports_at_once(desk: Desk) -> None:
    first = await desk.ask("$export")
    await desk.ask("$export")

    refused = await desk.ask("$export")

    assert (refused.status_code, issues(refused)[0][:2]) == (429, ("RLS-FHR-304", "throttled"))
    assert int(refused.headers["retry-after"]) > 0
    await desk.http.delete(first.headers["content-location"])
    assert (await desk.ask("$export")).status_code == 202


@pytest.mark.parametrize(
    ("path", "place", "status"),
    [
        ("$export?_type=Patient,Banana", "http._type", 400),
        ("$export?_type=Subscription", "http._type", 400),
        ("Patient/$export?_type=Organization", "http._type", 400),
        ("$export?_since=yesterday", "http._since", 400),
        ("$export?_outputFormat=text/csv", "http._outputFormat", 400),
        ("$export?_elements=banana", "http._elements", 400),
        ("$export?_typeFilter=Patient", "http._typeFilter", 400),
        ("$export?_typeFilter=Patient%3Fbanana%3D1", "http._typeFilter", 400),
        ("$export?_typeFilter=Patient%3F_include%3DPatient:link", "http._typeFilter", 400),
        ("$export?patient=Patient/p1", "http.patient", 400),
        ("$export?banana=1", "http.banana", 400),
        ("Group/g1/$export", "http.path", 404),
    ],
)
async def test_what_cannot_be_exported_is_refused(
    desk: Desk, path: str, place: str, status: int
) -> None:
    answer = await desk.ask(path)

    assert (answer.status_code, issues(answer)[0][2]) == (status, place)


async def test_a_client_says_that_it_will_wait_or_that_it_minds_little(desk: Desk) -> None:
    silent = await desk.ask("$export", {"Accept": "application/fhir+json"})
    assert (silent.status_code, issues(silent)[0][0]) == (400, "RLS-FHR-300")

    lenient = await desk.ask("$export?_type=Patient&banana=1", {"Prefer": "handling=lenient"})

    assert lenient.status_code == 202
    assert [code for code, _, _ in issues(lenient)] == ["RLS-FHR-060"]
    strange = await desk.ask("$export", {**ASYNC, "Accept": "text/html"})
    assert strange.status_code == 406


async def test_a_filter_that_is_not_understood_is_refused_even_so(desk: Desk) -> None:
    wanted = "$export?_type=Patient&_typeFilter=Patient%3Fbanana%3D1"
    answer = await desk.ask(wanted, {"Prefer": "respond-async, handling=lenient"})

    assert (answer.status_code, issues(answer)[0][0]) == (400, "RLS-FHR-062")


async def test_a_job_whose_process_died_is_made_by_another(desk: Desk) -> None:
    begun = await desk.ask("$export?_type=Patient")
    now = desk.clock.now()
    await desk.store.write(lambda tx: tx.exports.claim(now, now + timedelta(minutes=10)))
    assert await desk.work() == 0
    assert (await desk.status(begun)).headers["x-progress"] == "in progress"

    desk.clock.later(1)

    assert await desk.work() == 1
    assert (await desk.status(begun)).status_code == 200


async def test_a_job_is_kept_as_long_as_it_is_being_made(desk: Desk) -> None:
    await desk.ask("$export?_type=Patient")
    now, minute = desk.clock.now(), timedelta(minutes=1)
    job = await desk.store.write(lambda tx: tx.exports.claim(now, now + minute))

    kept = await desk.store.write(lambda tx: tx.exports.renew(job, now + timedelta(hours=2)))

    desk.clock.later(1)
    assert (kept, await desk.work()) == (True, 0)
    done = replace(job, status=ExportStatus.DONE)
    assert await desk.store.write(lambda tx: tx.exports.finish(done, [])) is True
    assert await desk.store.write(lambda tx: tx.exports.renew(job, now)) is False


async def test_who_was_away_while_another_made_a_job_changes_nothing_of_it(desk: Desk) -> None:
    begun = await desk.ask("$export?_type=Patient")
    now = desk.clock.now()
    job = await desk.store.write(lambda tx: tx.exports.claim(now, now + timedelta(minutes=1)))
    desk.clock.later(1)
    assert await desk.work() == 1
    manifest = (await desk.status(begun)).json()

    late = await desk.store.write(lambda tx: tx.exports.finish(job, []))
    kept = await desk.store.write(lambda tx: tx.exports.renew(job, desk.clock.now()))

    assert (late, kept) == (False, False)
    assert (await desk.status(begun)).json() == manifest
    assert [one["id"] for one in await desk.lines(manifest)] == ["p1", "p2"]


async def test_a_job_that_cannot_be_made_ends_with_a_word(desk: Desk, monkeypatch) -> None:
    def slow(*_: object) -> None:
        raise RetriableError([], 1.0)

    monkeypatch.setattr(exporting, "_files", slow)
    begun = await desk.ask("$export")
    for _ in range(3):
        with pytest.raises(RetriableError):
            await desk.work()
        desk.clock.later(0.5)

    answer = await desk.status(begun)

    assert (answer.status_code, issues(answer)[0][0]) == (500, "RLS-FHR-303")


async def test_long_types_come_in_several_files(desk: Desk, monkeypatch) -> None:
    monkeypatch.setattr(exporting, "_PER_FILE", 3)
    monkeypatch.setattr(exporting, "_AT_ONCE", 2)
    monkeypatch.setattr(exporting, "_BATCH", 2)
    shelf = Shelf(desk.store)
    await shelf.put(*(patient(f"q{number}") for number in range(5)))

    manifest = await desk.manifest("$export?_type=Patient")

    assert [file["count"] for file in manifest["output"]] == [3, 3, 1]
    assert [one["id"] for one in await desk.lines(manifest)] == [
        "p1",
        "p2",
        "q0",
        "q1",
        "q2",
        "q3",
        "q4",
    ]


async def test_a_job_outlives_its_store(durable_url: str, clock: Hand) -> None:
    first = open_store(durable_url)
    await first.open()
    await Shelf(first).put(patient())
    router = export_router(first, clock, ExportSettings(FHIR))
    app = create_app(first, AppSettings(BASE, "1", "2026", clock=clock), routers=[router])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as http:
        begun = await http.get("/fhir/$export", headers=ASYNC)
    await first.close()

    second = open_store(durable_url)
    await second.open()
    assert await Exporter(second, clock, timedelta(0), FHIR).step() == 1
    found = await second.read(
        lambda tx: tx.exports.files(begun.headers["content-location"].rpartition("/")[2])
    )
    await second.close()

    assert [(file.type, file.count) for file in found] == [("Patient", 1)]


async def test_the_capability_statement_tells_of_it(desk: Desk) -> None:
    said = (await desk.http.get("/fhir/metadata")).json()

    assert "http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data" in said["instantiates"]
    rest = said["rest"][0]
    assert "export" in {one["name"] for one in rest["operation"]}
    (type_,) = [one for one in rest["resource"] if one["type"] == "Patient"]
    assert {
        "name": "export",
        "definition": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export",
    } in type_["operation"]
