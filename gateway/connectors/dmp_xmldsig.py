"""Pieces of XML signatures, and the enveloped signature of one element by its id.

Signing only; what we sign is verified by others. No library signs here: those that do write what
they sign, names and numbers included, to their debug log. Standards: W3C XML Signature 1.1,
Exclusive XML Canonicalization 1.0, RFC 4051 (rsa-sha256).
"""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256

from lxml import etree

from gateway.connectors.dmp_keys import Signer

DS = "http://www.w3.org/2000/09/xmldsig#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ENVELOPED = f"{DS}enveloped-signature"


def envelope_signature(element: etree._Element, identifier: str, signer: Signer, at: int) -> None:
    """Sign an element and put the signature inside it, as its child number `at`.

    Args:
        element: without signature yet; it must not change afterwards.
        identifier: value of its id attribute.
        signer: certificate and key.
        at: place among its children.

    Spec: W3C XML Signature 1.1 6.6.4; OASIS SAML 2.0 Core 5.4.
    """
    covered = digest(_exclusive(element))
    root = etree.Element(ds("Signature"), nsmap={"ds": DS})
    info = etree.SubElement(root, ds("SignedInfo"))
    value = etree.SubElement(root, ds("SignatureValue"))
    key_info(root, signer)
    etree.SubElement(info, ds("CanonicalizationMethod"), {"Algorithm": EXCLUSIVE})
    etree.SubElement(info, ds("SignatureMethod"), {"Algorithm": RSA_SHA256})
    reference(info, f"#{identifier}", covered, transforms=(_ENVELOPED, EXCLUSIVE))
    element.insert(at, root)
    value.text = b64encode(signer.sign(_exclusive(info))).decode("ascii")


def reference(
    parent: etree._Element,
    uri: str,
    covered: str,
    *,
    kind: str = "",
    transforms: Sequence[str] = (),
) -> None:
    """Add a Reference with its SHA-256 digest in base64."""
    attributes = {"URI": uri, "Type": kind} if kind else {"URI": uri}
    made = etree.SubElement(parent, ds("Reference"), attributes)
    if transforms:
        listed = etree.SubElement(made, ds("Transforms"))
        for transform in transforms:
            etree.SubElement(listed, ds("Transform"), {"Algorithm": transform})
    etree.SubElement(made, ds("DigestMethod"), {"Algorithm": SHA256})
    etree.SubElement(made, ds("DigestValue")).text = covered


def key_info(parent: etree._Element, signer: Signer) -> None:
    """Add KeyInfo with the certificate."""
    holder = etree.SubElement(etree.SubElement(parent, ds("KeyInfo")), ds("X509Data"))
    etree.SubElement(holder, ds("X509Certificate")).text = signer.der_base64


def digest(data: bytes) -> str:
    """Return SHA-256 in base64."""
    return b64encode(sha256(data).digest()).decode("ascii")


def ds(name: str) -> str:
    """Return a name of the signature namespace."""
    return f"{{{DS}}}{name}"


def _exclusive(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
