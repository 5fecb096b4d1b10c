"""What can be wrong with a mail before and while it leaves; nothing quotes an address or a name."""

from gateway.core.issues import Issue, Severity


def unqualified_ins() -> Issue:
    """Say that the document shows an INS nobody vouches for."""
    return Issue(
        code="RLS-MSS-002",
        severity=Severity.ERROR,
        where="recordTarget/patientRole/id",
        what="the document shows an INS that is not qualified; it must not leave.",
        fix="Qualify the identity, or have the document written without the INS.",
    )


def control_character(header: str) -> Issue:
    """Say that a value would begin a header of its own."""
    return Issue(
        code="RLS-MSS-003",
        severity=Severity.ERROR,
        where=f"mail header {header}",
        what="its value holds a line end or another control character.",
        fix="Correct the name, address or title at its source; nothing was sent.",
    )


def bad_address(which: str) -> Issue:
    """Say that an address is none."""
    return Issue(
        code="RLS-MSS-004",
        severity=Severity.ERROR,
        where=f"delivery, {which}",
        what="it is not a mail address.",
        fix="Send the secure mail address in PRT-15.4.",
    )


def outside(which: str) -> Issue:
    """Say that the domain is not one of the trust space."""
    return Issue(
        code="RLS-MSS-005",
        severity=Severity.ERROR,
        where=f"delivery, {which}",
        what="the domain of the address is not one of the trust space.",
        fix="Use a secure mail address, or add its domain to the setting mssante.domains.",
    )


def not_ours(what: str) -> Issue:
    """Say that an outbox row was not made for this connector."""
    return Issue(
        code="RLS-MSS-040",
        severity=Severity.ERROR,
        where=f"delivery, {what}",
        what="it is not what the routing of documents makes.",
        fix="Queue mails through the routing of documents only.",
    )


def away(error: str) -> Issue:
    """Say that the operator cannot be reached."""
    return Issue(
        code="RLS-MSS-020",
        severity=Severity.WARNING,
        where="SMTP",
        what=f"the operator cannot be reached ({error}).",
        fix="None when it passes; else check network and operator. It is tried again.",
    )


def not_let_in(reason: str) -> Issue:
    """Say that operator and gateway do not accept each other: an alarm, not a storm of retries."""
    return Issue(
        code="RLS-MSS-021",
        severity=Severity.ERROR,
        where="SMTP",
        what=f"operator and gateway did not agree on TLS or the right to send ({reason}).",
        fix="Check the certificate of the mailbox and the authorities of the operator.",
    )


def no_starttls() -> Issue:
    """Say that the operator offers no TLS."""
    return Issue(
        code="RLS-MSS-022",
        severity=Severity.ERROR,
        where="SMTP EHLO",
        what="the operator does not offer STARTTLS; nothing is sent in clear.",
        fix="Check host and port of the operator.",
    )


def not_now(step: str, code: int, word: str) -> Issue:
    """Say that the operator refuses for now."""
    return Issue(
        code="RLS-MSS-023",
        severity=Severity.WARNING,
        where=f"SMTP {step}",
        what=f"the operator answered {code} {word}.",
        fix="None when it passes: it is tried again.",
    )


def refused(step: str, code: int, word: str) -> Issue:
    """Say that the operator refuses for good."""
    return Issue(
        code="RLS-MSS-024",
        severity=Severity.ERROR,
        where=f"SMTP {step}",
        what=f"the operator answered {code} {word}.",
        fix="Check the address of the recipient; choose another mailbox or another channel.",
    )


def too_large(where: str) -> Issue:
    """Say that the mail is larger than what is taken."""
    return Issue(
        code="RLS-MSS-025",
        severity=Severity.ERROR,
        where=where,
        what="the mail is larger than the operator or the recipient takes.",
        fix="Send the document by another channel, such as the national record.",
    )


def unknown_outcome() -> Issue:
    """Say that nobody knows whether the mail was taken."""
    return Issue(
        code="RLS-MSS-026",
        severity=Severity.WARNING,
        where="SMTP DATA",
        what="the attempt ended before the operator answered; the mail may have left.",
        fix="None: its notice is waited for, then it goes again under the same Message-ID.",
    )


def mailbox_away(error: str) -> Issue:
    """Say that our own mailbox cannot be read."""
    return Issue(
        code="RLS-MSS-027",
        severity=Severity.WARNING,
        where="IMAP",
        what=f"the mailbox of the gateway cannot be read ({error}).",
        fix="None when it passes; else check host, certificate and name of the mailbox.",
    )


def unreadable_notice(uid: int) -> Issue:
    """Say that a notice could not be understood."""
    return Issue(
        code="RLS-MSS-030",
        severity=Severity.WARNING,
        where=f"IMAP uid {uid}",
        what="it looks like a notice of delivery and names nothing that was sent.",
        fix="Look at it in the folder Relais-Kept of the mailbox.",
    )


def other_mail(uid: int) -> Issue:
    """Say that a mail is no notice."""
    return Issue(
        code="RLS-MSS-031",
        severity=Severity.INFORMATION,
        where=f"IMAP uid {uid}",
        what="it is no notice of delivery; it was kept and not answered.",
        fix="Look at it in the folder Relais-Kept of the mailbox.",
    )


def large_mail(uid: int) -> Issue:
    """Say that a mail was too large to be looked at."""
    return Issue(
        code="RLS-MSS-032",
        severity=Severity.WARNING,
        where=f"IMAP uid {uid}",
        what="it is larger than any notice; it was kept unread.",
        fix="Look at it in the folder Relais-Kept of the mailbox.",
    )


def unsound_letter(uid: int, code: str) -> Issue:
    """Say that a letter carries an archive that cannot be believed."""
    return Issue(
        code="RLS-MSS-033",
        severity=Severity.WARNING,
        where=f"IMAP uid {uid}",
        what=f"its archive of documents was refused ({code}); nothing of it went on.",
        fix="Look at it in the folder Relais-Kept of the mailbox and ask its sender again.",
    )


def certificate_not_valid() -> Issue:
    """Say that a mail cannot be encrypted for its recipient."""
    return Issue(
        code="RLS-MSS-018",
        severity=Severity.ERROR,
        where="setting mssante.encrypt",
        what="the certificate of the recipient is not valid now; the mail does not leave in clear.",
        fix="Name the recipient's present certificate, or leave the recipient out of the setting.",
    )


def bad_smime_file() -> Issue:
    """Say that a certificate or key of S/MIME cannot be used."""
    return Issue(
        code="RLS-MSS-043",
        severity=Severity.FATAL,
        where="settings mssante.smime_certificate, smime_key, encrypt",
        what="a file is missing, is no PEM, or holds a key that cannot be used.",
        fix="Name PEM files: our certificate and key (RSA or EC), RSA certificates of recipients.",
    )


def unreadable_attachment(uid: int) -> Issue:
    """Say that a mail carries its files in a form that cannot be read."""
    return Issue(
        code="RLS-MSS-034",
        severity=Severity.WARNING,
        where=f"IMAP uid {uid}",
        what="its attachments are packed in a form that cannot be read (winmail.dat).",
        fix="Ask the sender to send without the rich text of Outlook; it is in Relais-Kept.",
    )


def cannot_draw() -> Issue:
    """Say that this machine cannot make the PDF of a document."""
    return Issue(
        code="RLS-MSS-044",
        severity=Severity.FATAL,
        where="PDF beside the archive",
        what="this machine has no Pango library, or no font, to set text with.",
        fix="Install them (Debian: libpango-1.0-0 libpangoft2-1.0-0 fonts-dejavu-core).",
    )


def not_archival(level: str, breaks: str) -> Issue:
    """Say that the PDF a document holds is not the PDF/A-1 the trust space asks for."""
    claimed = f"claims PDF/A-{level}" if level else "claims no PDF/A"
    return Issue(
        code="RLS-MSS-045",
        severity=Severity.WARNING,
        where="nonXMLBody/text",
        what=f"the PDF of the document {claimed}{f' and has: {breaks}' if breaks else ''}; "
        "it was sent as its author signed it.",
        fix="Have the software that writes the document make PDF/A-1.",
    )


def other_mailbox() -> Issue:
    """Say that the mailbox the sender names is not one the directory knows of the recipient."""
    return Issue(
        code="RLS-MSS-046",
        severity=Severity.WARNING,
        where="PRT-15.4",
        what="the directory gives other mailboxes for this recipient; it went to the named one.",
        fix="Have the sender bring its address book up to date, if no notice of arrival comes.",
    )


def slow_page() -> Issue:
    """Say that no PDF of a document could be made in the time there is for one."""
    return Issue(
        code="RLS-MSS-047",
        severity=Severity.ERROR,
        where="PDF beside the archive",
        what="the text of the document could not be set as pages in time, not even as lines.",
        fix="Have the author send a shorter document, or carry a PDF in it.",
    )


def press_ended(why: str) -> Issue:
    """Say that the process that makes PDFs ended, or failed, while it made this one."""
    return Issue(
        code="RLS-MSS-048",
        severity=Severity.ERROR,
        where="PDF beside the archive",
        what=f"the PDF could not be made ({why}); it is tried again.",
        fix="Look whether the machine is short of memory; if it goes on, report the document.",
    )
