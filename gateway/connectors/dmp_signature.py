"""Signature of a submission set: XAdES over a manifest of its documents, detached from them.

Builds and signs; verifying is the other side's. Standards: IHE ITI TF-3 5.5 (Document Digital
Signature, detached), W3C XML Signature 1.1 (Manifest), ETSI TS 101 903 v1.1.1.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from lxml import etree

from gateway.cda.safety import Limits, parse
from gateway.connectors.dmp_keys import Signer
from gateway.connectors.dmp_xmldsig import (
    DS,
    RSA_SHA256,
    SHA256,
    digest,
    ds,
    key_info,
    reference,
)

_XADES = "http://uri.etsi.org/01903/v1.1.1#"
_C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"
_MANIFEST, _PROPERTIES = "IHEManifest", "S0-SignedProperties"
#: Purpose of signature: source (ASTM E1762).
PURPOSE = "1.2.840.10065.1.12.1.14"


@dataclass(frozen=True, slots=True)
class Signed:
    """A document of the lot."""

    unique_id: str
    data: bytes
    is_xml: bool = True


def sign_lot(lot: str, documents: Sequence[Signed], signer: Signer, now: datetime) -> bytes:
    """Return the signature document of a submission set.

    Args:
        lot: uniqueId of the submission set; its metadata are not signed, so its digest is void.
        documents: in the order of the lot.
        signer: certificate of the organisation.
        now: signing time.

    Spec: IHE ITI TF-3 5.5.2.
    """
    root = etree.Element(ds("Signature"), {"Id": "S0"}, nsmap={"ds": DS, "xad": _XADES})
    info = etree.SubElement(root, ds("SignedInfo"))
    value = etree.SubElement(root, ds("SignatureValue"), {"Id": "S0-SignatureValue"})
    key_info(root, signer)
    manifest = _manifest(root, lot, documents)
    _purpose(root)
    properties = _properties(root, signer, now)
    etree.SubElement(info, ds("CanonicalizationMethod"), {"Algorithm": _C14N})
    etree.SubElement(info, ds("SignatureMethod"), {"Algorithm": RSA_SHA256})
    kinds = (f"{DS}Manifest", f"{_XADES}SignedProperties")
    for target, name, kind in zip(
        (manifest, properties), (_MANIFEST, _PROPERTIES), kinds, strict=True
    ):
        reference(info, f"#{name}", digest(canonical(target)), kind=kind, transforms=(_C14N,))
    value.text = b64encode(signer.sign(canonical(info))).decode("ascii")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def canonical(element: etree._Element) -> bytes:
    """Return the canonical form, inclusive and with comments (Canonical XML 1.0)."""
    return etree.tostring(element, method="c14n", with_comments=True)


def _canonical_document(data: bytes) -> bytes:
    """Return the canonical form of a whole document: comments and instructions count."""
    # The first reading refuses what may not be parsed; it drops comments, so it is not signed.
    parse(data, Limits())
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    document = etree.ElementTree(etree.fromstring(data, parser))
    return etree.tostring(document, method="c14n", with_comments=True)


def _manifest(root: etree._Element, lot: str, documents: Sequence[Signed]) -> etree._Element:
    held = etree.SubElement(root, ds("Object"))
    manifest = etree.SubElement(held, ds("Manifest"), {"Id": _MANIFEST})
    reference(manifest, f"urn:oid:{lot}", "AA==")
    for document in documents:
        uri = f"urn:oid:{document.unique_id}"
        if document.is_xml:
            covered = digest(_canonical_document(document.data))
            reference(manifest, uri, covered, transforms=(_C14N,))
        else:
            reference(manifest, uri, digest(document.data))
    return manifest


def _purpose(root: etree._Element) -> None:
    held = etree.SubElement(root, ds("Object"))
    listed = etree.SubElement(held, ds("SignatureProperties"))
    attributes = {"Id": "purposeOfSignature", "Target": "#S0"}
    etree.SubElement(listed, ds("SignatureProperty"), attributes).text = PURPOSE


def _properties(root: etree._Element, signer: Signer, now: datetime) -> etree._Element:
    held = etree.SubElement(root, ds("Object"))
    qualifying = etree.SubElement(held, _xades("QualifyingProperties"), {"Target": "#S0"})
    signed = etree.SubElement(qualifying, _xades("SignedProperties"), {"Id": _PROPERTIES})
    own = etree.SubElement(signed, _xades("SignedSignatureProperties"))
    etree.SubElement(own, _xades("SigningTime")).text = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    listed = etree.SubElement(own, _xades("SigningCertificate"))
    one = etree.SubElement(listed, _xades("Cert"))
    stated = etree.SubElement(one, _xades("CertDigest"))
    etree.SubElement(stated, _xades("DigestMethod"), {"Algorithm": SHA256})
    fingerprint = signer.certificate.fingerprint(hashes.SHA256())
    etree.SubElement(stated, _xades("DigestValue")).text = b64encode(fingerprint).decode("ascii")
    serial = etree.SubElement(one, _xades("IssuerSerial"))
    issuer = signer.certificate.issuer.rfc4514_string()
    etree.SubElement(serial, ds("X509IssuerName")).text = issuer
    number = str(signer.certificate.serial_number)
    etree.SubElement(serial, ds("X509SerialNumber")).text = number
    policy = etree.SubElement(own, _xades("SignaturePolicyIdentifier"))
    etree.SubElement(policy, _xades("SignaturePolicyImplied"))
    return signed


def _xades(name: str) -> str:
    return f"{{{_XADES}}}{name}"
