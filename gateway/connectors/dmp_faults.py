"""What can be wrong with a submission to the shared record; nothing quotes a person or a number."""

from gateway.core.issues import Issue, Severity


def lacks(names: str) -> Issue:
    """Say that the header of the document does not give what the registry requires."""
    return Issue(
        code="RLS-DMP-001",
        severity=Severity.ERROR,
        where="ClinicalDocument header",
        what=f"it does not give {names}, which the shared record requires.",
        fix="Send the elements as the CI-SIS header demands.",
    )


def unqualified_ins() -> Issue:
    """Say that no qualified INS names the patient."""
    return Issue(
        code="RLS-DMP-002",
        severity=Severity.ERROR,
        where="recordTarget/patientRole/id",
        what="no qualified INS with its traits names the patient; the document must not leave.",
        fix="Qualify the identity; the shared record takes nothing else.",
    )


def other_environment(where: str) -> Issue:
    """Say that test and production are mixed."""
    return Issue(
        code="RLS-DMP-003",
        severity=Severity.ERROR,
        where=where,
        what="test and production are mixed; nothing was sent.",
        fix="Endpoint, certificate, root of the INS and environment must be of one kind.",
    )


def other_patient() -> Issue:
    """Say that message and document name two patients."""
    return Issue(
        code="RLS-DMP-004",
        severity=Severity.ERROR,
        where="recordTarget/patientRole/id",
        what="the INS of the document is not the one the patient is known by; nothing was sent.",
        fix="Find out whose document it is, then send it again.",
    )


def foreign_structure() -> Issue:
    """Say that the sender is a structure the certificate may not speak for."""
    return Issue(
        code="RLS-DMP-005",
        severity=Severity.ERROR,
        where="authorInstitution of the submission",
        what="the structure is not among those our certificate speaks for.",
        fix="Send the FINESS of the site in PRT-8 (SB), or add it to the setting dmp.structures.",
    )


def not_ours(what: str) -> Issue:
    """Say that an outbox row was not made for this connector."""
    return Issue(
        code="RLS-DMP-006",
        severity=Severity.ERROR,
        where=f"delivery, {what}",
        what="it is not what the routing of documents makes.",
        fix="Queue submissions through the routing of documents only.",
    )


def away(error: str) -> Issue:
    """Say that the shared record cannot be reached."""
    return Issue(
        code="RLS-DMP-020",
        severity=Severity.WARNING,
        where="HTTPS",
        what=f"the shared record did not answer ({error}).",
        fix="None when it passes; else check network and endpoint. It is tried again.",
    )


def not_let_in(reason: str) -> Issue:
    """Say that the two sides do not accept each other: an alarm, not a storm of retries."""
    return Issue(
        code="RLS-DMP-021",
        severity=Severity.ERROR,
        where="HTTPS",
        what=f"the shared record and the gateway did not agree on TLS ({reason}).",
        fix="Check the client certificate and the authorities of the endpoint.",
    )


def unknown_outcome(why: str) -> Issue:
    """Say that nobody knows whether the document was registered."""
    return Issue(
        code="RLS-DMP-022",
        severity=Severity.WARNING,
        where="ITI-41",
        what=f"the attempt ended without the word of the registry ({why}).",
        fix="None: the registry is asked for the document before it is sent again.",
    )


def busy(what: str) -> Issue:
    """Say that the other side cannot take it now."""
    return Issue(
        code="RLS-DMP-023",
        severity=Severity.WARNING,
        where="answer of the shared record",
        what=f"it answered {what}.",
        fix="None when it passes: it is tried again.",
    )


def refused(where: str, code: str) -> Issue:
    """Say that the registry refuses for good."""
    return Issue(
        code="RLS-DMP-024",
        severity=Severity.ERROR,
        where=where,
        what=f"the registry answered {code}.",
        fix="Correct what the code names at its source, then send the document again.",
    )


def identity_refused(code: str) -> Issue:
    """Say that the assertion about who asks was refused."""
    return Issue(
        code="RLS-DMP-025",
        severity=Severity.ERROR,
        where="SOAP fault",
        what=f"the assertion of the sender was refused ({code}).",
        fix="Check the signing certificate, the structure and the role of the sender.",
    )


def clock(offset_s: float) -> Issue:
    """Say that our clock and theirs disagree too much for an assertion to hold."""
    return Issue(
        code="RLS-DMP-026",
        severity=Severity.ERROR,
        where="Date of the answer",
        what=f"the two clocks are {offset_s:.0f} s apart; no assertion is valid then.",
        fix="Correct the clock of this machine; it is tried again.",
    )


def not_understood(why: str) -> Issue:
    """Say that an answer cannot be believed."""
    return Issue(
        code="RLS-DMP-027",
        severity=Severity.WARNING,
        where="answer of the shared record",
        what=f"it cannot be understood ({why}); nothing is concluded from it.",
        fix="None when it passes; else show the answer to the operator of the endpoint.",
    )


def not_offered(what: str) -> Issue:
    """Say that the dialect has no word for it."""
    return Issue(
        code="RLS-DMP-028",
        severity=Severity.ERROR,
        where="setting dmp.dialect",
        what=f"this dialect offers no {what}.",
        fix="Have it done by a person with access to the repository, or use the dialect xds.",
    )


def too_large() -> Issue:
    """Say that the document is larger than the record takes."""
    return Issue(
        code="RLS-DMP-063",
        severity=Severity.ERROR,
        where="ITI-41",
        what="the document is larger than the shared record takes (HTTP 413).",
        fix="Send a smaller document, or leave it to the secure mail.",
    )


def not_in_list(attribute: str, what: str) -> Issue:
    """Say that a code of the metadata is none the record takes."""
    return Issue(
        code="RLS-DMP-060",
        severity=Severity.ERROR,
        where=f"XDS metadata, {attribute}",
        what=what,
        fix="Send a code of the list; if the code is newer, renew the files of dmp.value_sets.",
    )


def no_list(attributes: str) -> Issue:
    """Say that codes are sent which nothing has judged."""
    return Issue(
        code="RLS-DMP-061",
        severity=Severity.WARNING,
        where="setting dmp.value_sets",
        what=f"there is no value set for {attributes}; these codes are sent unjudged.",
        fix="Put the published JDV files into the folder that dmp.value_sets names.",
    )


def bad_file(which: str) -> Issue:
    """Say that a file of keys or certificates cannot be used."""
    return Issue(
        code="RLS-DMP-040",
        severity=Severity.FATAL,
        where=f"dmp settings, {which}",
        what="the file is missing, is no PEM, or holds no RSA key of its certificate.",
        fix="Name a readable PEM file: authorities, client certificate, signing certificate.",
    )
