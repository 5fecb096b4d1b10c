"""What the gateway signs, verified by tools nobody here wrote."""

import subprocess
from base64 import b64decode
from datetime import timedelta
from hashlib import sha256

import pytest
import xmlsec
from cryptography.hazmat.primitives import serialization
from lxml import etree
from signxml.exceptions import InvalidDigest, InvalidSignature
from signxml.verifier import XMLVerifier

from gateway.connectors.dmp_keys import agree, load_signer
from gateway.connectors.dmp_signature import Signed, sign_lot
from gateway.connectors.dmp_vihf import Software, assertion
from gateway.core.errors import FatalError, RejectedError
from tests.support.dmp import NOW, SOFTWARE, author_of, letter, pki_in, submission

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return pki_in(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def signer(pki):
    return load_signer(pki.signer)


def made(signer, software=SOFTWARE, **details):
    asked = submission(**details)
    return assertion(
        asked.requester, software, asked.ins.cx, signer, NOW, "_a1", is_secret=asked.is_secret
    )


def values(signed):
    """Return the attributes: texts, or codes of the element inside."""
    return {
        one.get("Name"): [
            value[0].get("code") if len(value) else value.text
            for value in one.findall(f"{SAML}AttributeValue")
        ]
        for one in signed.iter(f"{SAML}Attribute")
    }


def test_an_assertion_for_a_professional_says_all_the_table_asks(signer):
    signed = made(signer, author=author_of())

    assert values(signed) == {
        "VIHF_Version": ["4.0"],
        "Authentification_Mode": ["INDIRECTE"],
        "Identifiant_Structure": ["1990004004"],
        "Secteur_Activite": ["SA04^1.2.250.1.71.4.2.4"],
        "urn:oasis:names:tc:xspa:1.0:subject:subject-id": ["MICASCHISTE Yvonne"],
        "urn:oasis:names:tc:xacml:2.0:resource:resource-id": [
            "254039902200377^^^&1.2.250.1.213.1.4.10&ISO^NH"
        ],
        "Ressource_URN": ["urn:dmp"],
        "LPS_Nom": ["Relais"],
        "LPS_Version": ["0.1"],
        "LPS_ID_HOMOLOGATION_DMP": ["ESSAI-0001"],
        "urn:oasis:names:tc:xacml:2.0:subject:role": ["10", "SM54"],
        "urn:oasis:names:tc:xspa:1.0:subject:purposeofuse": ["normal"],
    }
    assert signed.findtext(f"{SAML}Subject/{SAML}NameID") == "899900001324"
    assert [etree.QName(one).localname for one in signed][:2] == ["Issuer", "Signature"]


def test_without_a_known_professional_the_software_asks_for_its_structure(signer):
    signed = made(signer)

    assert signed.findtext(f"{SAML}Subject/{SAML}NameID") == "3990004004/relais"
    assert values(signed)["urn:oasis:names:tc:xacml:2.0:subject:role"] == ["AUTOMATE"]


def test_a_secret_connection_is_said_and_only_then(signer):
    name = "urn:oasis:names:tc:xspa:1.0:resource:patient:hl7:confidentiality-code"

    assert name not in values(made(signer))
    assert values(made(signer, secret=True))[name] == ["INVISIBLE_REPRESENTANTS_LEGAUX"]


def test_the_version_that_sources_disagree_about_is_a_setting(signer):
    older = Software("Relais", "0.1", version="3.0", authentication="Password")

    signed = made(signer, older)

    assert values(signed)["VIHF_Version"] == ["3.0"]
    assert signed.findtext(f".//{SAML}AuthnContextClassRef").endswith(":Password")


@pytest.mark.field("FL-282")
def test_an_assertion_holds_a_little_before_it_was_made(signer):
    found = made(signer).find(f"{SAML}Conditions")

    assert found.get("NotBefore") == "2026-03-02T09:29:00.000Z"
    assert found.get("NotOnOrAfter") == "2026-03-02T09:35:00.000Z"
    eager = Software("Relais", "0.1", skew=timedelta(0))
    assert (
        made(signer, eager)
        .find(f"{SAML}Conditions")
        .get("NotBefore")
        .startswith("2026-03-02T09:30")
    )


def test_signxml_verifies_the_assertion(signer):
    signed = etree.fromstring(etree.tostring(made(signer)))

    found = XMLVerifier().verify(signed, x509_cert=signer.certificate, id_attribute="ID")

    assert found.signed_xml.get("ID") == "_a1"


@pytest.mark.field("FL-283")
def test_xmlsec_verifies_the_assertion_inside_an_envelope(signer):
    holder = etree.Element("{urn:x}Envelope", nsmap={"ds": "urn:other", "saml": "urn:more"})
    etree.SubElement(holder, "{urn:x}Header").append(made(signer))

    verify_by_xmlsec(etree.fromstring(etree.tostring(holder)), signer)


@pytest.mark.field("FL-283")
def test_an_indented_assertion_holds_no_more(signer):
    signed = etree.fromstring(etree.tostring(made(signer)))
    etree.indent(signed)

    with pytest.raises((InvalidDigest, InvalidSignature)):
        XMLVerifier().verify(signed, x509_cert=signer.certificate, id_attribute="ID")
    with pytest.raises(xmlsec.Error):
        verify_by_xmlsec(signed, signer)


def verify_by_xmlsec(root, signer):
    found = next(root.iter(f"{SAML}Assertion"))
    xmlsec.tree.add_ids(found, ["ID"])
    context = xmlsec.SignatureContext()
    pem = signer.certificate.public_bytes(serialization.Encoding.PEM)
    context.key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatCertPem)
    context.verify(found.find(f"{DS}Signature"))


# --- the lot --------------------------------------------------------------------------------


def lot_of(signer):
    return sign_lot("2.25.7", [Signed("2.999.1", letter())], signer, NOW)


def test_openssl_verifies_the_signature_of_a_lot(signer, tmp_path):
    root = etree.fromstring(lot_of(signer))
    info = etree.tostring(root.find(f"{DS}SignedInfo"), method="c14n", with_comments=True)
    (tmp_path / "info").write_bytes(info)
    (tmp_path / "value").write_bytes(b64decode(root.findtext(f"{DS}SignatureValue")))
    public = signer.certificate.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (tmp_path / "key").write_bytes(public)

    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "value", "info"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout.strip()) == (0, "Verified OK")


def test_the_manifest_names_lot_and_documents_with_their_digests(signer):
    references = etree.fromstring(lot_of(signer)).findall(f".//{DS}Manifest/{DS}Reference")
    canonical = etree.tostring(etree.fromstring(letter()).getroottree(), method="c14n")

    assert [one.get("URI") for one in references] == ["urn:oid:2.25.7", "urn:oid:2.999.1"]
    assert references[0].findtext(f"{DS}DigestValue") == "AA=="
    told = b64decode(references[1].findtext(f"{DS}DigestValue"))
    assert told == sha256(canonical).digest()


def test_comments_and_instructions_of_a_document_are_signed(signer):
    body = b'<?xml version="1.0"?><?xml-stylesheet href="a"?><a><!-- b --></a>'
    root = etree.fromstring(sign_lot("2.25.7", [Signed("2.999.1", body)], signer, NOW))

    told = root.findall(f".//{DS}Manifest//{DS}DigestValue")[1].text
    expected = b'<?xml-stylesheet href="a"?>\n<a><!-- b --></a>'
    assert b64decode(told) == sha256(expected).digest()


# --- files ----------------------------------------------------------------------------------


@pytest.mark.field("FL-289")
def test_a_certificate_of_the_test_authority_signs_nothing_in_production(signer):
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    issuers = signer.certificate.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert isinstance(signer.certificate, x509.Certificate)
    assert str(issuers[0].value).startswith("TEST ")
    agree(signer, production=False)
    with pytest.raises(RejectedError) as caught:
        agree(signer, production=True)

    assert caught.value.issues[0].code == "RLS-DMP-003"


def test_a_key_of_another_certificate_is_refused(pki):
    with pytest.raises(FatalError) as caught:
        load_signer(pki.signer, pki.client)

    assert caught.value.issues[0].code == "RLS-DMP-040"
