"""Who may ask the shared record: each assertion and each lot made wrong is refused."""

import copy
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from lxml import etree

from gateway.connectors.dmp_keys import load_signer
from gateway.connectors.dmp_signature import Signed, sign_lot
from gateway.connectors.dmp_vihf import assertion
from gateway.simulation.dmp_gate import Gate
from gateway.simulation.dmp_wire import RefusedError, read_request
from tests.support.dmp import EG, EJ, NOW, SOFTWARE, author_of, letter, pki_in, submission

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return pki_in(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def gate(pki):
    authority = x509.load_pem_x509_certificate(pki.authority.read_bytes())
    return Gate(authority, {EJ: (EG,)})


@pytest.fixture
def make(pki):
    signer = load_signer(pki.signer)
    asked = submission(author=author_of())

    def made(*, requester=None, software=SOFTWARE, now=NOW, patient=asked.ins.cx, by=signer):
        who = requester or asked.requester
        return etree.fromstring(etree.tostring(assertion(who, software, patient, by, now, "_a1")))

    made.requester = asked.requester
    return made


def refused(gate, *security, client=EJ):
    with pytest.raises(RefusedError) as caught:
        gate.asker(security, client, NOW)
    return str(caught.value)


def test_a_right_assertion_tells_who_asks(gate, make):
    asker = gate.asker([make()], EJ, NOW)

    assert asker.structure == EG
    assert asker.roles == ("10", "SM54")
    assert asker.patient == "254039902200377^^^&1.2.250.1.213.1.4.10&ISO^NH"


def test_a_changed_value_is_refused(gate, make):
    signed = make()
    signed.find(f".//{SAML}NameID").text = "899900009999"

    assert refused(gate, signed) == "the signature does not hold"


@pytest.mark.field("FL-284")
def test_a_forged_assertion_around_a_signed_one_is_refused(gate, make):
    signed = make()
    forged = copy.deepcopy(signed)
    forged.set("ID", "_evil")
    forged.find(f".//{SAML}NameID").text = "899900009999"
    held = etree.SubElement(forged.find(f"{DS}Signature"), f"{DS}Object")
    held.append(signed)

    assert "sign" in refused(gate, forged)


@pytest.mark.field("FL-284")
def test_two_assertions_are_one_too_many(gate, make):
    assert refused(gate, make(), make()) == "there is not exactly one assertion"


def test_no_assertion_is_refused(gate):
    assert refused(gate) == "there is not exactly one assertion"


def test_a_signature_of_the_tls_certificate_is_refused(gate, make, pki):
    assert refused(gate, make(by=load_signer(pki.client))) == (
        "the certificate is not one to sign with"
    )


@pytest.mark.parametrize("minutes", [-10, 10])
def test_an_assertion_of_another_time_is_refused(gate, make, minutes):
    assert refused(gate, make(now=NOW + timedelta(minutes=minutes))) == "it was not made now"


def test_an_assertion_that_does_not_hold_yet_is_refused(gate, make):
    late = replace(SOFTWARE, skew=timedelta(seconds=-30))

    assert refused(gate, make(software=late)) == "it does not hold at this time"


def test_a_structure_the_certificate_does_not_speak_for_is_refused(gate, make):
    foreign = replace(make.requester, structure="1750000000")

    assert "Identifiant_Structure" in refused(gate, make(requester=foreign))
    assert "Identifiant_Structure" in refused(gate, make(), client="1770000000")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"name_id": ""}, "NameID is missing"),
        ({"subject": ""}, "attribute urn:oasis:names:tc:xspa:1.0:subject:subject-id is missing"),
        ({"roles": ()}, "roles are missing"),
    ],
)
def test_an_assertion_without_a_part_is_refused(gate, make, changes, why):
    assert refused(gate, make(requester=replace(make.requester, **changes))) == why


def test_a_doctor_without_specialty_is_refused(gate, make):
    alone = replace(make.requester, roles=make.requester.roles[:1])

    assert refused(gate, make(requester=alone)) == "roles are missing"


def test_a_version_nobody_knows_is_refused(gate, make):
    assert refused(gate, make(software=replace(SOFTWARE, version="1.0"))) == (
        "VIHF_Version is not known"
    )


# --- the lot --------------------------------------------------------------------------------


def faults(gate, pki, *, lot="2.25.7", data=None, spoil=None):
    proof = sign_lot("2.25.7", [Signed("2.999.1", letter())], load_signer(pki.signer), NOW)
    if spoil:
        proof = spoil(proof)
    return gate.lot_faults(proof, lot, {"2.999.1": data or letter()})


def test_a_right_lot_holds(gate, pki):
    assert faults(gate, pki) == []


def test_a_lot_of_another_submission_is_refused(gate, pki):
    assert faults(gate, pki, lot="2.25.8") == ["the manifest is not about this lot"]


def test_another_document_is_refused(gate, pki):
    changed = letter().replace(b"</title>", b"!</title>", 1)

    assert faults(gate, pki, data=changed) == ["a document is not the one that was signed"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda proof: proof.replace(b"2.25.7", b"2.25.9"),
        lambda proof: proof.replace(b"2026-03-02T09:30:00Z", b"2026-03-02T09:31:00Z"),
        lambda proof: proof.replace(b"rsa-sha256", b"rsa-sha512"),
        lambda proof: b"<x/>",
        lambda proof: b"no XML",
    ],
)
def test_a_changed_signature_is_refused(gate, pki, spoil):
    assert faults(gate, pki, spoil=spoil) != []


# --- the envelope ---------------------------------------------------------------------------


@pytest.mark.field("FL-275")
@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        ("text/xml", b"<a/>", "the content type is neither SOAP 1.2 nor MTOM"),
        ("application/soap+xml", b"<a/>", "it is no SOAP 1.2 envelope with one body"),
        ("application/soap+xml", b"<!DOCTYPE a><a/>", "the envelope is no XML that may be read"),
        ("multipart/related", b"x", "the multipart cannot be read"),
    ],
)
def test_what_is_no_request_is_refused_with_its_cause(kind, body, why):
    with pytest.raises(RefusedError) as caught:
        read_request(kind, body)

    assert str(caught.value) == why
