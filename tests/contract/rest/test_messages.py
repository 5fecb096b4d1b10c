"""`$process-message` on every store (FHIR R4 messaging 2.37)."""

from typing import Any

import httpx2
import pytest

from gateway.core.contributions import Json
from gateway.fhir.messages import EVENTS
from tests.contract.rest.test_writes import refusal
from tests.integration.rest.conftest import Shelf, patient
from tests.support.writing import care_team

IPP = {"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "255068815400233"}


def message(*resources: tuple[str, Json], focus: list[str], **header: Any) -> Json:
    """Return a message with resources at their fullUrl."""
    head = {
        "resourceType": "MessageHeader",
        "id": "h1",
        "eventCoding": {"system": EVENTS, "code": "resources-told"},
        "source": {"endpoint": "https://dac.test/fhir"},
        "focus": [{"reference": one} for one in focus],
        **header,
    }
    entries = [{"fullUrl": url, "resource": resource} for url, resource in resources]
    return {
        "resourceType": "Bundle",
        "type": "message",
        "entry": [{"fullUrl": "urn:uuid:h1", "resource": head}, *entries],
    }


def replied(answer: httpx2.Response) -> tuple[int, str, str]:
    """Return status, code of the reply and code of its first issue."""
    header, outcome = (entry["resource"] for entry in answer.json()["entry"])
    assert answer.json()["type"] == "message"
    assert header["resourceType"] == "MessageHeader"
    assert header["response"]["identifier"] == "h1"
    (issue, *_) = outcome["issue"]
    coded = issue["details"].get("coding", [{"code": ""}])
    return answer.status_code, header["response"]["code"], coded[0]["code"]


async def test_what_a_message_tells_is_kept_once(writer: httpx2.AsyncClient, shelf: Shelf) -> None:
    await shelf.put(patient())
    team = care_team(subject={"reference": "urn:uuid:p"})
    sent = message(("urn:uuid:p", patient("x")), ("urn:uuid:t", team), focus=["urn:uuid:t"])

    answers = [await writer.post("/fhir/$process-message", json=sent) for _ in range(2)]
    changed = message(
        ("urn:uuid:p", patient("x")), ("urn:uuid:t", team | {"name": "B"}), focus=["urn:uuid:t"]
    )
    third = await writer.post("/fhir/$process-message", json=changed)

    assert [replied(answer) for answer in (*answers, third)] == [(200, "ok", "")] * 3
    (found,) = (await writer.get("/fhir/CareTeam")).json()["entry"]
    assert found["resource"]["subject"] == {"reference": "Patient/p1"}
    assert found["resource"]["meta"]["versionId"] == "2"
    assert found["resource"]["name"] == "B"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (
            message(focus=["urn:uuid:t"], eventCoding={"system": "urn:x", "code": "y"}),
            422,
            "RLS-FHR-267",
        ),
        (message(focus=[]), 422, "RLS-FHR-268"),
        (message(focus=["urn:uuid:t"]), 422, "RLS-FHR-268"),
        (
            message(("urn:uuid:t", {"resourceType": "CareTeam"}), focus=["urn:uuid:t"]),
            422,
            "RLS-FHR-268",
        ),
        (
            message(("urn:uuid:t", care_team(status="x")), focus=["urn:uuid:t"]),
            422,
            "RLS-FHR-006",
        ),
        (message(("urn:uuid:p", patient()), focus=["urn:uuid:p"]), 405, "RLS-FHR-243"),
    ],
    ids=["other event", "no focus", "focus nowhere", "no identifier", "wrong", "not written"],
)
async def test_what_is_not_understood_is_answered_by_a_message(
    writer: httpx2.AsyncClient, sent: Json, status: int, code: str
) -> None:
    answer = await writer.post("/fhir/$process-message", json=sent)

    assert replied(answer) == (status, "fatal-error", code)


@pytest.mark.parametrize(
    "sent",
    [care_team(), {"resourceType": "Bundle", "type": "message"}, message(focus=[], id=None)],
    ids=["no bundle", "no header", "no id"],
)
async def test_what_is_no_message_is_refused(writer: httpx2.AsyncClient, sent: Json) -> None:
    answer = await writer.post("/fhir/$process-message", json=sent)

    assert refusal(answer) == (400, "RLS-FHR-266")


async def test_an_answer_is_given_at_once_only(writer: httpx2.AsyncClient) -> None:
    answer = await writer.post("/fhir/$process-message?async=true", json=message(focus=[]))

    assert refusal(answer) == (400, "RLS-FHR-266")
