"""What is masked is absent for a client whose perimeter holds the person, whatever it asks.

Each answer is compared with the answer before anything masked was there.
"""

from collections.abc import AsyncIterator

import httpx2
import pytest

from gateway.core.access import Audience
from gateway.core.contributions import Json
from gateway.core.ports import Store
from tests.contract.rest.conftest import Hand
from tests.integration.rest.conftest import Shelf, later
from tests.support.exporting import TOKEN, Desk, opened
from tests.support.sharing import (
    HOSPITAL,
    Platform,
    consent,
    dac,
    document,
    organisation,
    person,
    stay,
)

#: Whom each label hides from (CI-SIS volet Transmission d'un document).
MASKED_TO = {
    "V": {Audience.PROFESSIONAL},
    "MASQUE_PS": {Audience.PROFESSIONAL},
    "INVISIBLE_PATIENT": {Audience.PATIENT, Audience.REPRESENTATIVE},
    "INVISIBLE_REPRESENTANTS_LEGAUX": {Audience.REPRESENTATIVE},
}
LOOKS = [
    "DocumentReference",
    "DocumentReference?_total=accurate",
    "DocumentReference?_summary=count",
    "DocumentReference?patient=Patient/p1&status=current&_total=accurate",
    "DocumentReference?_id=letter,hidden",
    "DocumentReference?_sort=-_lastUpdated&_count=1",
    "DocumentReference?_sort=status&_count=1",
    "DocumentReference?relatesto.status=current",
    "DocumentReference?location=Binary/secret",
    "DocumentReference?_id=reply&_include=DocumentReference:relatesto",
    "DocumentReference?_id=letter&_revinclude=DocumentReference:relatesto",
    "Patient?_has:DocumentReference:patient:_id=hidden",
    "Patient?_has:Observation:patient:code=hidden-code",
    "Patient?_id=p1&_revinclude=*",
    "Patient?_id=p1&_revinclude=DocumentReference:patient&_revinclude=Observation:patient",
    "Observation?patient=Patient/p1&_total=accurate",
    "Observation?code=hidden-code",
    "Observation?_summary=count",
    "Provenance?target.status=current",
    "Provenance?_include=Provenance:target&_total=accurate",
    "DocumentReference/hidden",
    "DocumentReference/hidden/_history",
    "DocumentReference/hidden/_history/1",
    "Observation/hidden",
    "Provenance/hidden",
    "Binary/secret",
    "DocumentReference/_history",
    "Observation/_history",
    "_history",
    "Patient/p1/$everything",
    "Encounter/e1/$everything",
]
EXPORT = "$export?_type=Binary,DocumentReference,Observation,Provenance"


def observation(id_: str, code: str, *labels: str) -> Json:
    """Return a finding of a letter, with the masks it shares."""
    return {
        "resourceType": "Observation",
        "id": id_,
        "meta": {"security": [{"code": label} for label in labels]},
        "status": "final",
        "code": {"coding": [{"system": "urn:oid:2.999.5", "code": code}]},
        "subject": {"reference": "Patient/p1"},
        "encounter": {"reference": "Encounter/e1"},
    }


def provenance(id_: str, of: str, *labels: str) -> Json:
    """Return whence a letter is, with the masks it shares."""
    return {
        "resourceType": "Provenance",
        "id": id_,
        "meta": {"security": [{"code": label} for label in labels]},
        "target": [{"reference": f"DocumentReference/{of}"}, {"reference": "Patient/p1"}],
        "recorded": "2026-03-02T08:00:00Z",
        "agent": [{"who": {"display": "Sender"}}],
    }


async def put_masked(shelf: Shelf, label: str) -> None:
    """Put a masked letter, its content and what is told by nothing else."""
    related = [{"code": "appends", "target": {"reference": "DocumentReference/letter"}}]
    context = {"encounter": [{"reference": "Encounter/e1"}]}
    await shelf.put(
        {
            **document("hidden", "p1", label, binary="secret"),
            "relatesTo": related,
            "context": context,
        },
        {"resourceType": "Binary", "id": "secret", "contentType": "text/xml", "data": "eQ=="},
        observation("hidden", "hidden-code", label),
        provenance("hidden", "hidden", label),
    )


@pytest.fixture
async def desk(store: Store, shelf: Shelf, clock: Hand) -> AsyncIterator[Desk]:
    """Give the doors over a person who consented, with one letter and what follows from it."""
    related = [{"code": "replaces", "target": {"reference": "DocumentReference/hidden"}}]
    await shelf.put(
        organisation("hospital", HOSPITAL),
        person("p1"),
        stay("e1", "p1"),
        consent("c1", "p1"),
        document("letter", "p1", "N", binary="content"),
        {**document("reply", "p1", "N"), "relatesTo": related},
        {"resourceType": "Binary", "id": "content", "contentType": "text/xml", "data": "eA=="},
        observation("finding", "plain-code"),
        provenance("whence", "letter"),
    )
    async with opened(store, clock) as found:
        yield found


async def enter(desk: Desk, audience: Audience) -> None:
    platform = Platform(desk.http, desk.store, TOKEN)
    await platform.enter(dac(audience=audience), desk.clock.now())
    desk.headers = {"Authorization": f"Bearer {platform.token}"}


def said(answer: httpx2.Response) -> Json:
    """Return what an answer says of what there is."""
    body = answer.json() if answer.content else {}
    entries = [
        f"{one['fullUrl']} {one.get('request', {}).get('method', '')}"
        for one in body.get("entry", ())
    ]
    following = [one["relation"] for one in body.get("link", ())]
    issues = [one.get("details") for one in body.get("issue", ())]
    told = {"total": body.get("total"), "entries": entries, "links": following, "issues": issues}
    return {"status": answer.status_code, **told}


async def answers(desk: Desk) -> dict[str, Json]:
    """Return what every look is answered."""
    accept = {"Accept": "application/fhir+json"}
    return {look: said(await desk.ask(look, accept)) for look in LOOKS}


async def everything(desk: Desk) -> dict[str, Json]:
    """Return what every look is answered, and what an export holds."""
    return {**await answers(desk), "export": {"lines": await desk.exported(EXPORT)}}


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("label", MASKED_TO)
async def test_what_is_masked_changes_no_answer(
    desk: Desk, shelf: Shelf, audience: Audience, label: str
) -> None:
    await enter(desk, audience)
    before = await everything(desk)
    await put_masked(shelf, label)

    after = await everything(desk)

    changed = {look for look in after if after[look] != before[look]}
    if audience in MASKED_TO[label]:
        assert changed == set()
    else:
        assert {"DocumentReference", "Binary/secret", "Observation/hidden", "export"} <= changed
        entries = " ".join(after["Patient/p1/$everything"]["entries"])
        assert "DocumentReference/hidden " in entries
        assert "Observation/hidden " in entries


@pytest.mark.parametrize("gone", ["DocumentReference", "Observation"])
async def test_that_something_masked_was_deleted_is_not_told(
    desk: Desk, shelf: Shelf, gone: str
) -> None:
    await enter(desk, Audience.PROFESSIONAL)
    before = await answers(desk)
    await put_masked(shelf, "MASQUE_PS")
    await shelf.delete(gone, "hidden", at=later(60))

    after = await answers(desk)
    since = later(50).isoformat().replace("+00:00", "Z")
    manifest = await desk.manifest(f"$export?_type={gone}&_since={since}")

    assert {look for look in after if after[look] != before[look]} == set()
    assert manifest["deleted"] == []
