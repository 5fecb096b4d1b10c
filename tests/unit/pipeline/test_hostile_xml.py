"""XML that attacks its reader is refused at every door that takes XML, and empty is absent."""

import ast
from base64 import b64decode, b64encode

import pytest

from gateway.core.messages import Outcome
from gateway.simulation.faults import PERFECT
from gateway.simulation.play import events
from gateway.simulation.region import Region
from gateway.store.memory import MemoryStore
from tests.conftest import ROOT
from tests.support.gateway import holdings, take

DTD = {
    "parameter entity": b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/">%p;]>',
    "file entity": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
    "entity of entities": b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>',
    "external subset": b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
}


@pytest.fixture
async def store():
    opened = MemoryStore()
    await opened.open()
    return opened


def letter_in_a_message() -> bytes:
    """Return an MDM of the synthetic region that carries a discharge letter."""
    played = events(Region("sentinel-10", 1), PERFECT)
    sent = (event.body for event in played if event.label.message == "MDM^T02")
    return next(body for body in sent if b"\rTXA|1|11490-0|" in body)


def document_of(envelope: bytes) -> bytes:
    """Return the document inside a message."""
    obx = next(line for line in envelope.split(b"\r") if line.startswith(b"OBX|1|ED"))
    return b64decode(obx.split(b"|")[5].split(b"^")[4])


def with_document(envelope: bytes, changed: bytes) -> bytes:
    """Return the message with another document inside."""
    return envelope.replace(b64encode(document_of(envelope)), b64encode(changed))


@pytest.mark.field("FL-330")
@pytest.mark.parametrize("prolog", DTD.values(), ids=DTD)
@pytest.mark.parametrize("door", ["alone", "in a message"])
async def test_a_document_type_is_refused_at_every_door(store, prolog, door):
    envelope = letter_in_a_message()
    document = document_of(envelope)
    root = document.index(b"<ClinicalDocument")
    hostile = document[:root] + prolog + document[root:]
    body = hostile if door == "alone" else with_document(envelope, hostile)

    [receipt] = await take(store, body)

    assert receipt.outcome is Outcome.REJECTED
    assert [issue.code for issue in receipt.issues] == ["RLS-CDA-003"]
    assert await holdings(store) == {}


@pytest.mark.field("FL-330")
def test_bytes_from_outside_meet_one_xml_parser_only():
    parsers = {"XMLParser", "fromstring", "XMLPullParser", "iterparse", "parseString", "XMLReader"}
    found = {
        path.relative_to(ROOT / "gateway").as_posix()
        for path in (ROOT / "gateway").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in parsers
    }

    # The synthetic region reads back what it has just written itself; archives of mails are no
    # documents and have a parser of their own, without entities and network; so has the double.
    # A narrative is put into the XML of its resource as it was kept, never with a declaration.
    # What clients write over FHIR is no document either: its reader takes no declaration.
    # A judge reads value sets and the test kit from folders of the operator; its worker gets a
    # document as it was written again after the one parser had accepted it. What is signed for the
    # shared record was accepted before, and its double reads what it judges without entities too.
    assert found == {
        "cda/safety.py",
        "conformance/cda/value_sets.py",
        "conformance/toolkit/worker.py",
        "connectors/dmp_signature.py",
        "connectors/xdm_reader.py",
        "fhir/xml.py",
        "fhir/xml_reader.py",
        "simulation/dmp_gate.py",
        "simulation/dmp_wire.py",
        "simulation/letter_body.py",
        "simulation/mail_checks.py",
    }


@pytest.mark.field("FL-339")
@pytest.mark.parametrize(
    ("old", "new", "absent"),
    [
        pytest.param(rb"<given>", b"<given></given><given>", None, id="empty given name"),
        pytest.param(rb'<birthTime value="', b'<birthTime value="" x="', "birthDate", id="date"),
        pytest.param(
            b'administrativeGenderCode code="F"',
            b'administrativeGenderCode code=""',
            "gender",
            id="sex",
        ),
    ],
)
async def test_an_empty_element_is_as_if_it_were_not_there(store, old, new, absent):
    document = document_of(letter_in_a_message())
    document = document.replace(
        b'administrativeGenderCode code="M"', b'administrativeGenderCode code="F"'
    )

    await take(store, document.replace(old, new))

    [patient] = (await holdings(store, "Patient")).values()
    assert absent not in patient
    assert [g for name in patient["name"] for g in name.get("given", ()) if not g.strip()] == []


@pytest.mark.field("FL-339")
async def test_a_sex_outside_of_the_table_is_reported_and_not_passed_on(store):
    document = document_of(letter_in_a_message())
    for sex in (b"M", b"F"):
        document = document.replace(
            b'administrativeGenderCode code="' + sex, b'administrativeGenderCode code="NB'
        )

    [receipt] = await take(store, document)

    [patient] = (await holdings(store, "Patient")).values()
    assert patient.get("gender", "unknown") == "unknown"
    assert [(i.code, "administrativeGenderCode" in i.where) for i in receipt.issues] == [
        ("RLS-MAP-002", True)
    ]
