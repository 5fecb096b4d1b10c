"""Break-glass at the pages: a reason, a while, one patient, told at once, and it ends."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.sharing.audit import audit_event
from tests.integration.pages.test_perimeter import ANNA, BRUNO, gaps_of, works
from tests.integration.rest.conftest import Shelf
from tests.support.office import Office, open_office
from tests.support.psc import RPPS
from tests.support.sharing import CLINIC, HOSPITAL, consent, document, organisation, person, stay

REASON = "Patient inconscient aux urgences, allergies inconnues"
DPO = "dpo@mssante.fr"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Give a gateway whose coordinator works at the hospital, and a patient of the clinic."""
    mail = {"mail_host": "127.0.0.1", "mail_port": 1}
    async with open_office(tmp_path, psc={"auditors": [DPO]}, hooks=mail) as found:
        await Shelf(found.gateway.store).put(
            organisation("hospital", HOSPITAL),
            organisation("clinic", CLINIC),
            person(ANNA),
            person(BRUNO),
            person("other9"),
            stay("a", ANNA),
            stay("b", BRUNO, "clinic"),
            stay("o", "other9", "clinic"),
            document("v", BRUNO, "V"),
        )
        await gaps_of(found.gateway.store, BRUNO)
        await works(found, 'role = "coordinator"')
        yield found


async def break_glass(office: Office, patient: str, reason: str = REASON) -> tuple[int, str]:
    """Fill the form in; return how it ended: status, and where it led or what it said."""
    form = await office.browser.get(f"/glass/{patient}")
    assert form.status_code == 200, form.text
    token = re.search(r'name="token" value="([^"]+)"', form.text)
    assert token is not None
    fields = {"token": token[1], "patient": patient, "reason": reason}
    answer = await office.browser.post(
        "/glass", data=fields, headers={"sec-fetch-site": "same-origin"}
    )
    return answer.status_code, answer.headers.get("location", answer.text)


async def status(office: Office, path: str) -> int:
    """Return how a page answers."""
    return (await office.browser.get(path)).status_code


async def test_a_patient_is_seen_for_an_hour_with_gaps_and_then_not(office: Office) -> None:
    before = await office.browser.get(f"/patients/{BRUNO}")
    done = await break_glass(office, BRUNO)
    seen = await office.browser.get(f"/patients/{BRUNO}")
    gap = await status(office, f"/gaps/gap-{BRUNO}")
    for _ in range(5):
        # Somebody who works keeps the session alive.
        office.clock.instant += timedelta(minutes=11, seconds=59)
        assert await status(office, f"/patients/{BRUNO}") == 200
    office.clock.instant += timedelta(seconds=5)

    assert before.status_code == 404
    assert f'href="/glass/{BRUNO}"' in before.text
    assert done == (303, f"/patients/{BRUNO}")
    assert "ESSAIBRUNO02" in seen.text
    assert "bris de glace" in seen.text
    assert gap == 200
    assert await status(office, f"/patients/{BRUNO}") == 404
    assert await status(office, f"/gaps/gap-{BRUNO}") == 404


async def test_one_patient_is_opened_and_no_other(office: Office) -> None:
    await break_glass(office, BRUNO)

    assert await status(office, "/patients/other9") == 404


async def test_it_passes_an_opposition_and_no_mask(office: Office) -> None:
    await Shelf(office.gateway.store).put(consent("n", BRUNO, "deny", None))

    await break_glass(office, BRUNO)
    page = await office.browser.get(f"/patients/{BRUNO}")

    assert page.status_code == 200
    assert "/fhir/DocumentReference/v" not in page.text


async def test_the_journal_and_the_auditor_are_told_at_once(office: Office) -> None:
    await break_glass(office, BRUNO)
    [entry] = await office.traces("break-glass")
    made = audit_event(entry, "https://relais.test/fhir")
    mails = await office.gateway.store.read(
        lambda tx: tx.outbox.newest(list(DeliveryStatus), 2**62, 9)
    )

    assert (entry.agent, entry.patient, entry.outcome) == (RPPS, BRUNO, "0")
    assert made["outcomeDesc"] == REASON
    assert made["purposeOfEvent"][0]["coding"][0]["code"] == "BTG"
    assert made["subtype"][0]["code"] == "AuthZ-Consent"
    assert {one["who"]["identifier"]["value"] for one in made["agent"]} >= {RPPS}
    assert [(one.item.connector, one.item.details["to"]) for one in mails] == [("alert_mail", DPO)]
    assert REASON not in str(mails[0].item.details)


async def test_pages_seen_that_way_say_so_in_the_journal(office: Office) -> None:
    await break_glass(office, BRUNO)
    await office.browser.get(f"/patients/{BRUNO}")
    await office.browser.get(f"/patients/{ANNA}")
    entries = await office.traces("page")

    assert [(one.patient, one.details.get("purpose")) for one in entries] == [
        (BRUNO, "BTG"),
        (ANNA, None),
    ]


@pytest.mark.parametrize("reason", ["urgence", "urgence urgence urgence", " " * 40, "x" * 40])
async def test_a_reason_that_says_too_little_opens_nothing_and_is_noted(
    office: Office, reason: str
) -> None:
    code, text = await break_glass(office, BRUNO, reason)
    entries = await office.traces("break-glass")

    assert code == 422
    assert "RLS-SEC-051" in text
    assert await status(office, f"/patients/{BRUNO}") == 404
    assert [(one.outcome, one.patient) for one in entries] == [("4", "")]


async def test_nobody_is_known_under_a_wrong_id(office: Office) -> None:
    code, text = await break_glass(office, "nobody")

    assert code == 422
    assert "RLS-SEC-053" in text


async def test_the_ins_leads_to_the_patient(office: Office) -> None:
    assert await break_glass(office, "255068815400202") == (303, f"/patients/{BRUNO}")


@pytest.mark.parametrize("role", ["pilot", "ops", "auditor", "integrator", "admin"])
async def test_it_is_for_those_who_coordinate_care(office: Office, role: str) -> None:
    await works(office, f'role = "{role}"')

    assert await status(office, f"/glass/{BRUNO}") == 404
    refused = (await office.browser.get(f"/patients/{BRUNO}")).text
    assert f'href="/glass/{BRUNO}"' not in refused


async def test_who_proved_themselves_long_ago_proves_it_again(office: Office) -> None:
    office.clock.instant += timedelta(minutes=6)
    asked = await office.browser.get(f"/glass/{BRUNO}")
    sent = await office.browser.get(asked.headers["location"])

    assert asked.headers["location"] == f"/login?again=1&to=/glass/{BRUNO}"
    assert "prompt=login" in sent.headers["location"]
    # The provider does not say when they proved it: nobody is let in.
    back = await office.browser.get(sent.headers["location"])
    assert (await office.browser.get(back.headers["location"])).status_code == 403

    office.psc.claims = {"auth_time": int(office.clock.now().timestamp())}
    sent = await office.browser.get(asked.headers["location"])
    back = await office.browser.get(sent.headers["location"])
    home = await office.browser.get(back.headers["location"])
    assert home.headers["location"] == f"/glass/{BRUNO}"
    assert await break_glass(office, BRUNO) == (303, f"/patients/{BRUNO}")


async def test_the_auditor_reads_it_first_and_that_is_noted(office: Office) -> None:
    await break_glass(office, BRUNO)
    coordinator = await status(office, "/journal")
    await works(office, 'role = "auditor"')
    page = await office.browser.get("/journal")

    assert coordinator == 404
    assert REASON in page.text
    assert RPPS in page.text
    assert "ouvert maintenant" in page.text
    assert "ESSAIBRUNO02" not in page.text
    assert [one.agent for one in await office.traces("audit-read") if one.outcome == "0"] == [RPPS]


async def test_a_form_of_another_site_opens_nothing(office: Office) -> None:
    fields = {"token": "x", "patient": BRUNO, "reason": REASON}
    answer = await office.browser.post("/glass", data=fields)

    assert answer.status_code == 403
    assert await office.traces("break-glass") == []


async def test_each_patient_that_is_opened_is_an_entry_of_its_own(office: Office) -> None:
    await break_glass(office, BRUNO)
    await break_glass(office, "other9")

    assert [one.patient for one in await office.traces("break-glass")] == [BRUNO, "other9"]
