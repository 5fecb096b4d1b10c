"""Who may ask the shared record: the assertion and the signature of a lot, verified.

The assertion is verified by signxml with the certificate it carries, which must come from the
authority; only the element that was verified is read. The lot is verified by hand: no library
follows `urn:oid:` references. Standards: OASIS SAML 2.0 Core 5.4, W3C XML Signature 1.1, IHE ITI
TF-3 5.5, CI-SIS volet Transport synchrone (VIHF).
"""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NoReturn

from cryptography import x509
from cryptography.exceptions import InvalidSignature as WrongSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidInput, InvalidSignature
from signxml.verifier import SignatureConfiguration, XMLVerifier

from gateway.simulation.dmp_wire import RefusedError

_SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
_DS = "http://www.w3.org/2000/09/xmldsig#"
_C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"
_FRESH = timedelta(minutes=5)
_FAILED = "FailedAuthentication"
_TWO_ROLES = frozenset({"10", "21"})
_ALGORITHMS = SignatureConfiguration(
    signature_methods=frozenset({SignatureMethod.RSA_SHA256}),
    digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
    expect_references=1,
)
_TEXTS = (
    "vihf_version",
    "authentification_mode",
    "identifiant_structure",
    "secteur_activite",
    "urn:oasis:names:tc:xspa:1.0:subject:subject-id",
    "urn:oasis:names:tc:xacml:2.0:resource:resource-id",
    "ressource_urn",
    "lps_nom",
    "lps_version",
)
_ROLE = "urn:oasis:names:tc:xacml:2.0:subject:role"
_PURPOSE = "urn:oasis:names:tc:xspa:1.0:subject:purposeofuse"


@dataclass(frozen=True, slots=True)
class Asker:
    """What a verified assertion says.

    Attributes:
        patient: CX it is for.
        structure: Struct_IdNat.
        roles: codes.
    """

    patient: str
    structure: str
    roles: tuple[str, ...]
    name_id: str


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gate knows.

    Attributes:
        authority: certificate signers come from.
        sites: sites (EG) an organisation (EJ, by OU of its certificate) may speak for.
    """

    authority: x509.Certificate
    sites: Mapping[str, Sequence[str]]

    def asker(self, security: Sequence[etree._Element], client: str, now: datetime) -> Asker:
        """Verify the assertion of a call.

        Args:
            security: children of the security header.
            client: OU of the TLS certificate.
            now: our clock.

        Raises:
            RefusedError: it does not hold.
        """
        if len(security) != 1 or security[0].tag != f"{{{_SAML}}}Assertion":
            _refuse("there is not exactly one assertion")
        given = security[0].findtext(f".//{{{_DS}}}X509Certificate") or ""
        signer = self._signer(given)
        try:
            found = XMLVerifier().verify(
                security[0], x509_cert=signer, id_attribute="ID", expect_config=_ALGORITHMS
            )
        except (InvalidSignature, InvalidInput, etree.LxmlError):
            _refuse("the signature does not hold")
        signed = found[0].signed_xml if isinstance(found, list) else found.signed_xml
        if signed is None or signed.tag != f"{{{_SAML}}}Assertion":
            _refuse("something else is signed")
        if signed.get("ID") != security[0].get("ID"):
            _refuse("the signed assertion is not the one shown")
        _position(security[0])
        return self._read(signed, signer, client, now)

    def _signer(self, given: str) -> x509.Certificate:
        try:
            found = x509.load_der_x509_certificate(b64decode("".join(given.split())))
            found.verify_directly_issued_by(self.authority)
        except (ValueError, TypeError, WrongSignature):
            _refuse("the signer is not of the authority")
        names = [
            str(one.value) for one in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        ]
        if names != ["SIGN"]:
            _refuse("the certificate is not one to sign with")
        return found

    def _read(
        self, signed: etree._Element, signer: x509.Certificate, client: str, now: datetime
    ) -> Asker:
        if signed.findtext(f"{{{_SAML}}}Issuer") != signer.subject.rfc4514_string():
            _refuse("Issuer is not the signer")
        if abs(_instant(signed.get("IssueInstant", "")) - now) > _FRESH:
            _refuse("it was not made now")
        _conditions(signed, now)
        values = {
            one.get("Name", "").lower(): one.findall(f"{{{_SAML}}}AttributeValue")
            for one in signed.iter(f"{{{_SAML}}}Attribute")
        }
        texts = {name: (found[0].text or "") for name, found in values.items() if found}
        missing = [name for name in _TEXTS if not texts.get(name)]
        if missing:
            _refuse(f"attribute {missing[0]} is missing")
        if texts["vihf_version"] not in ("3.0", "4.0"):
            _refuse("VIHF_Version is not known")
        if texts["authentification_mode"] != "INDIRECTE":
            _refuse("Authentification_Mode is not INDIRECTE")
        if texts["ressource_urn"] != "urn:dmp":
            _refuse("Ressource_URN is not the record")
        structure = texts["identifiant_structure"]
        if structure != client and structure not in self.sites.get(client, ()):
            _refuse("Identifiant_Structure is not of the certificate")
        purposes = [one.get("code") for value in values.get(_PURPOSE, ()) for one in value]
        if purposes != ["normal"]:
            _refuse("purpose of use is missing")
        roles = tuple(one.get("code", "") for value in values.get(_ROLE, ()) for one in value)
        if not roles or (roles[0] in _TWO_ROLES and len(roles) != 2):
            _refuse("roles are missing")
        name_id = signed.findtext(f"{{{_SAML}}}Subject/{{{_SAML}}}NameID") or ""
        if not name_id:
            _refuse("NameID is missing")
        patient = texts["urn:oasis:names:tc:xacml:2.0:resource:resource-id"]
        return Asker(patient, structure, roles, name_id)

    def lot_faults(self, proof: bytes, lot: str, documents: Mapping[str, bytes]) -> list[str]:
        """Verify the signature of a lot; return what does not hold, empty when all does.

        Args:
            proof: the signature document.
            lot: uniqueId of the submission set.
            documents: bytes by uniqueId, the signature left out.
        """
        try:
            parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
            root = etree.fromstring(proof, parser)
            signer = self._signer(root.findtext(f".//{{{_DS}}}X509Certificate") or "")
        except (etree.XMLSyntaxError, RefusedError):
            return ["it cannot be read, or its signer is not of the authority"]
        return list(_lot_faults(root, signer, lot, documents))


def _lot_faults(
    root: etree._Element, signer: x509.Certificate, lot: str, documents: Mapping[str, bytes]
) -> list[str]:
    info = root.find(f"{{{_DS}}}SignedInfo")
    value = root.findtext(f"{{{_DS}}}SignatureValue") or ""
    key = signer.public_key()
    if info is None or not isinstance(key, rsa.RSAPublicKey):
        return ["there is nothing signed"]
    wrong = []
    try:
        key.verify(b64decode(value), _canonical(info), padding.PKCS1v15(), hashes.SHA256())
    except (WrongSignature, ValueError):
        wrong.append("the signature does not hold")
    signed = {one.get("URI", ""): one for one in info.findall(f"{{{_DS}}}Reference")}
    if set(signed) != {"#IHEManifest", "#S0-SignedProperties"}:
        wrong.append("manifest and properties are not what is signed")
    for name, reference in signed.items():
        target = [one for one in root.iter() if one.get("Id") == name.removeprefix("#")]
        if len(target) != 1 or _digest(reference) != sha256(_canonical(target[0])).digest():
            wrong.append("a signed part was changed")
    manifest = root.find(f".//{{{_DS}}}Manifest")
    listed = manifest.findall(f"{{{_DS}}}Reference") if manifest is not None else []
    named = [one.get("URI", "").removeprefix("urn:oid:") for one in listed]
    if named != [lot, *documents]:
        return [*wrong, "the manifest is not about this lot"]
    for reference, data in zip(listed[1:], documents.values(), strict=True):
        if _digest(reference) != sha256(_transformed(reference, data)).digest():
            wrong.append("a document is not the one that was signed")
    return wrong


def _transformed(reference: etree._Element, data: bytes) -> bytes:
    used = [one.get("Algorithm") for one in reference.iter(f"{{{_DS}}}Transform")]
    if _C14N not in used:
        return data
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    document = etree.ElementTree(etree.fromstring(data, parser))
    return etree.tostring(document, method="c14n", with_comments=True)


def _digest(reference: etree._Element) -> bytes:
    return b64decode(reference.findtext(f"{{{_DS}}}DigestValue") or "")


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", with_comments=True)


def _position(assertion: etree._Element) -> None:
    names = [etree.QName(one).localname for one in assertion]
    if names[:2] != ["Issuer", "Signature"]:
        _refuse("the signature does not follow Issuer")


def _conditions(signed: etree._Element, now: datetime) -> None:
    found = signed.find(f"{{{_SAML}}}Conditions")
    if found is None:
        return
    begin, end = found.get("NotBefore"), found.get("NotOnOrAfter")
    if (begin and now < _instant(begin)) or (end and now >= _instant(end)):
        _refuse("it does not hold at this time")


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        _refuse("an instant is none")


def _refuse(why: str) -> NoReturn:
    raise RefusedError(_FAILED, why)
