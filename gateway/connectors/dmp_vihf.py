"""VIHF: the signed SAML assertion that says who asks the shared record, for whom, and why.

Builds and signs; one assertion per call, never used for another patient. Standards: OASIS SAML
2.0 Core 2.3, 2.7, 5.4 (signature), CI-SIS volet Transport synchrone (VIHF), authentication
`INDIRECTE`: the hospital knows the person, the certificate of the organisation vouches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from lxml import etree

from gateway.cda.xds_metadata import Code
from gateway.connectors.dmp_keys import Signer
from gateway.connectors.dmp_xmldsig import envelope_signature

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
_HL7 = "urn:hl7-org:v3"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_X509 = "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName"
_CLASSES = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
_PURPOSE = {
    "code": "normal",
    "codeSystem": "1.2.250.1.213.1.1.4.248",
    "codeSystemName": "mode acces VIHF 2.0",
    "displayName": "Accès normal",
}
#: The stubs of lxml know no default namespace.
_OWN = cast("dict[str, str]", {None: SAML, "xsi": _XSI})
_CODED = cast("dict[str, str]", {None: _HL7})
_SECRET = "INVISIBLE_REPRESENTANTS_LEGAUX"  # noqa: S105 - a code of visibility, no secret
#: How long an assertion holds.
_LIFE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks.

    Attributes:
        name_id: PS_IdNat of the person, or `3<FINESS>/<id>` of a system.
        subject: surname and given name, or name of the software.
        roles: profession, then specialty; `AUTOMATE` for a system.
        structure: Struct_IdNat of the site.
        sector: code of the activity sector (TRE_R02).
    """

    name_id: str
    subject: str
    roles: tuple[Code, ...]
    structure: str
    sector: str


@dataclass(frozen=True, slots=True)
class Software:
    """What the assertion says of the software and of the log-in.

    Attributes:
        version: VIHF_Version; the table of the volet says 4.0, published samples say 3.0.
        authentication: last word of AuthnContextClassRef: how the hospital knows the person.
        skew: an assertion counts so long before it was made.
    """

    name: str
    release: str
    homologation: str = ""
    version: str = "4.0"
    authentication: str = "unspecified"
    skew: timedelta = timedelta(seconds=60)


def assertion(
    requester: Requester,
    software: Software,
    patient: str,
    signer: Signer,
    now: datetime,
    identifier: str,
    *,
    is_secret: bool = False,
) -> etree._Element:
    """Build and sign an assertion.

    Args:
        requester: who asks.
        software: what asks.
        patient: CX of the patient, the patientId of the submission.
        signer: certificate of the organisation.
        now: instant of the call.
        identifier: new for each call; an NCName.
        is_secret: the legal representatives of a minor must not see it.

    Returns:
        The Assertion element, signed; it may be put anywhere (exclusive canonical form) and must
        not be indented.
    """
    root = etree.Element(
        _saml("Assertion"),
        {"ID": identifier, "IssueInstant": _instant(now), "Version": "2.0"},
        nsmap=_OWN,
    )
    etree.SubElement(root, _saml("Issuer"), {"Format": _X509}).text = signer.subject
    subject = etree.SubElement(root, _saml("Subject"))
    etree.SubElement(subject, _saml("NameID")).text = requester.name_id
    times = {"NotBefore": _instant(now - software.skew), "NotOnOrAfter": _instant(now + _LIFE)}
    etree.SubElement(root, _saml("Conditions"), times)
    _authentication(root, software, now)
    _attributes(root, requester, software, patient, is_secret=is_secret)
    # Right after Issuer (Core 2.3.3).
    envelope_signature(root, identifier, signer, 1)
    return root


def _authentication(root: etree._Element, software: Software, now: datetime) -> None:
    made = etree.SubElement(root, _saml("AuthnStatement"), {"AuthnInstant": _instant(now)})
    context = etree.SubElement(made, _saml("AuthnContext"))
    kind = etree.SubElement(context, _saml("AuthnContextClassRef"))
    kind.text = f"{_CLASSES}{software.authentication}"


def _attributes(
    root: etree._Element,
    requester: Requester,
    software: Software,
    patient: str,
    *,
    is_secret: bool,
) -> None:
    statement = etree.SubElement(root, _saml("AttributeStatement"))
    texts = [
        ("VIHF_Version", software.version),
        ("Authentification_Mode", "INDIRECTE"),
        ("Identifiant_Structure", requester.structure),
        ("Secteur_Activite", f"{requester.sector}^1.2.250.1.71.4.2.4"),
        ("urn:oasis:names:tc:xspa:1.0:subject:subject-id", requester.subject),
        ("urn:oasis:names:tc:xacml:2.0:resource:resource-id", patient),
        ("Ressource_URN", "urn:dmp"),
        ("LPS_Nom", software.name),
        ("LPS_Version", software.release),
        ("LPS_ID_HOMOLOGATION_DMP", software.homologation),
    ]
    if is_secret:
        name = "urn:oasis:names:tc:xspa:1.0:resource:patient:hl7:confidentiality-code"
        texts.append((name, _SECRET))
    for name, text in texts:
        if text:
            _attribute(statement, name).text = text
    roles = [
        {
            "code": role.code,
            "codeSystem": role.system,
            "codeSystemName": role.system,
            "displayName": role.display,
        }
        for role in requester.roles
    ]
    _coded(statement, "urn:oasis:names:tc:xacml:2.0:subject:role", "Role", roles)
    _coded(
        statement, "urn:oasis:names:tc:xspa:1.0:subject:purposeofuse", "PurposeOfUse", [_PURPOSE]
    )


def _coded(
    statement: etree._Element, name: str, element: str, codes: Sequence[dict[str, str]]
) -> None:
    """Write codes as HL7 v3 CE, one AttributeValue each."""
    holder = etree.SubElement(statement, _saml("Attribute"), {"Name": name})
    for code in codes:
        value = etree.SubElement(holder, _saml("AttributeValue"))
        made = etree.SubElement(value, f"{{{_HL7}}}{element}", nsmap=_CODED)
        made.set(f"{{{_XSI}}}type", "CE")
        for key, text in code.items():
            if text:
                made.set(key, text)


def _attribute(statement: etree._Element, name: str) -> etree._Element:
    holder = etree.SubElement(statement, _saml("Attribute"), {"Name": name})
    return etree.SubElement(holder, _saml("AttributeValue"))


def _instant(when: datetime) -> str:
    shown = when.astimezone(UTC)
    return f"{shown:%Y-%m-%dT%H:%M:%S}.{shown.microsecond // 1000:03d}Z"


def _saml(name: str) -> str:
    return f"{{{SAML}}}{name}"
