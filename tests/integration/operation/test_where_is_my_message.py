"""Where is my message: by its control id or by a number of the patient, with its whole way."""

import re

import pytest

from gateway.entry.auth.people import Role
from gateway.entry.auth.roles import may
from tests.conftest import ROOT
from tests.support.ops_site import A03, OpsSite, refused
from tests.support.sentinel import numbered

LETTER = ROOT / "fixtures/hl7v2/mdm_t02_new_letter/input.er7"


def _field(body: bytes, segment: str, number: int) -> str:
    line = next(one for one in body.split(b"\r") if one.startswith(segment.encode()))
    return line.split(b"|")[number].decode()


IPP = re.search(r"([^^~|]+)\^\^\^[^~|]*\^PI", _field(A03.read_bytes(), "PID", 3))[1]
INS = re.search(r"([^^~|]+)\^\^\^[^~|]*\^INS", _field(A03.read_bytes(), "PID", 3))[1]


async def _find(office: OpsSite, **fields: str) -> str:
    action = "/messages/find" if "control" in fields else "/messages/of-patient"
    answer = await office.form("/messages", action, **fields)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.field("FL-312")
async def test_a_message_is_found_by_its_control_id_whatever_became_of_it(office: OpsSite):
    await office.send(numbered(A03.read_bytes(), "LOST-1"))
    await office.send(refused("LOST-2"))

    good, bad, none = [await _find(office, control=name) for name in ("LOST-1", "LOST-2", "LOST")]

    assert re.findall(r'href="/messages/(\d+)"', good) == ["1"]
    assert "<code>AA</code>" in good
    assert re.findall(r'href="/messages/(\d+)"', bad) == ["2"]
    assert "En quarantaine" in bad
    assert "Aucun message reçu n’a cet identifiant de contrôle." in none


@pytest.mark.field("FL-312")
@pytest.mark.parametrize("number", [IPP, INS, f" {INS[:3]} {INS[3:]} "])
async def test_the_messages_of_a_patient_are_found_by_a_number_they_carry(
    office: OpsSite, number: str
):
    await office.send(numbered(A03.read_bytes(), "M-1"))
    await office.send(numbered(A03.read_bytes(), "M-2").replace(IPP.encode(), b"OTHER-IPP-9"))

    page = await _find(office, number=number)

    expected = ["1"] if number == IPP else ["2", "1"]
    assert re.findall(r'href="/messages/(\d+)"', page) == expected


@pytest.mark.field("FL-312")
async def test_the_page_of_a_message_tells_its_whole_way(office: OpsSite):
    await office.send(LETTER.read_bytes())

    page = (await office.client.get("/messages/1")).text

    way = page.partition('id="way"')[2].partition("</section>")[0]
    said = [re.sub(r"<[^>]+>", "", one) for one in re.findall(r"<b>(.*?)</b>", way)]
    assert said[:3] == ["Envoyé, selon l’émetteur", "Reçu et gardé", "Répondu AA"]
    assert said[3] == "Converti"
    assert "pour les parcours" in said[4]


async def test_what_was_looked_for_is_in_the_journal_without_its_number(office: OpsSite):
    await office.send(numbered(A03.read_bytes(), "M-1"))

    await _find(office, number=IPP)
    await _find(office, number="NOBODY-77")
    await _find(office, control="M-1")

    entries = await office.entries("search-type")
    told = [(entry.details["what"], bool(entry.patient)) for entry in entries]
    assert told == [
        ("messages by control id", False),
        ("messages of a patient", False),
        ("messages of a patient", True),
    ]
    assert not [e for e in entries if IPP in repr(e) or "NOBODY" in repr(e) or "M-1" in repr(e)]


async def test_nothing_of_it_is_in_an_address(office: OpsSite):
    page = (await office.client.get("/messages")).text

    forms = re.findall(r'<form[^>]*action="(/messages/(?:find|of-patient))"', page)
    assert forms == ["/messages/find", "/messages/of-patient"]
    assert page.count('method="post" action="/messages/') == 2


@pytest.mark.parametrize(
    ("role", "control", "patient"),
    [
        (Role.OPS, True, True),
        (Role.INTEGRATOR, True, False),
        (Role.COORDINATOR, False, False),
        (Role.PILOT, False, False),
        (Role.AUDITOR, False, False),
    ],
)
def test_integrators_find_messages_and_operators_those_of_a_patient(role, control, patient):
    assert may(role, "POST", "/messages/find") is control
    assert may(role, "POST", "/messages/of-patient") is patient


async def test_a_form_of_another_site_finds_nothing(office: OpsSite):
    answer = await office.client.post("/messages/find", data={"control": "M-1"})

    assert answer.status_code == 403
