"""Letters that came by secure mail go on to the application of their hospital, each once.

Joins the mail, the documents in its archive and the site table; fetching is
`connectors.mssante_mailbox`, sending `connectors.mllp`. CI-SIS volet on CDA documents of a mail
handed to an application.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from gateway.cda.identity import identifiers, traits
from gateway.cda.reader import Document, Node
from gateway.cda.reader import read as read_cda
from gateway.core.clock import Clock
from gateway.core.errors import RejectedError
from gateway.core.letters import Letter, LetterDocument
from gateway.core.ports import Store, Transaction
from gateway.hl7v2 import lps
from gateway.hl7v2.faults import wrong_ins_key
from gateway.mapping.sites import Site, Sites
from gateway.pipeline.letter_receipts import await_word, receipt_key
from gateway.pipeline.to_hospital import control_id, queue_message

_log = structlog.get_logger()
_ROLE = "recordTarget/patientRole/id"
_LOINC = "2.16.840.1.113883.6.1"
_REPRESENTATIVES = "INVISIBLE_REPRESENTANTS_LEGAUX"


@dataclass(frozen=True, slots=True)
class LetterTaker:
    """Queues letters.

    Attributes:
        sender: MSH-3 and MSH-4 of what is sent.
        processing: MSH-11 of what is sent.
    """

    store: Store
    sites: Sites
    clock: Clock
    sender: tuple[str, str]
    processing: str = "P"

    def takes(self, address: str) -> bool:
        """Tell whether a site wants the letters that come to an address."""
        return self.sites.for_mailbox(address) is not None

    async def take(self, letter: Letter) -> int:
        """Queue the documents of a letter; return how many, those queued before left out.

        Raises:
            RetriableError: the store is away; the mail stays where it is.
        """
        site = self.sites.for_mailbox(letter.recipient)
        if site is None:
            return 0
        now = self.clock.now()
        told = []
        for document in letter.documents:
            try:
                read = _told(letter, document)
            except RejectedError as error:
                _log.warning("letter_not_read", code=error.issues[0].code)
                continue
            if len(read.numbers) < len(read.identifiers):
                # The hospital gets the letter and its traits, and no number to file it by.
                _log.warning("letter_ins_unused", code=wrong_ins_key(_ROLE).code)
            told.append(read)
        return await self.store.write(lambda tx: self._take(tx, site, letter, told, now))

    def _take(
        self,
        tx: Transaction,
        site: Site,
        letter: Letter,
        told: Sequence[lps.Received],
        now: datetime,
    ) -> int:
        if letter.receipt_to and told:
            await_word(tx, letter, [control_id(_name(letter, one)) for one in told], now)
        return sum(self._queue(tx, site, letter, one, now) for one in told)

    def _queue(
        self, tx: Transaction, site: Site, letter: Letter, told: lps.Received, now: datetime
    ) -> bool:
        theirs = (site.mails_to, site.finess or site.name)

        def build(number: str) -> bytes:
            heading = lps.Heading(self.sender, theirs, self.processing, now, number)
            return lps.build(told, heading)

        receipt = {"receipt": receipt_key(letter)} if letter.receipt_to else {}
        queued = queue_message(
            tx, f"{site.name}/{site.mails_to}", _name(letter, told), build, now, kind="letter",
            mail=letter.message_id, **receipt,
        )  # fmt: skip
        return queued is not None


def _name(letter: Letter, told: lps.Received) -> str:
    """Return what the message of a document is about."""
    return "|".join(("lps", letter.message_id, *told.document))


def _told(letter: Letter, document: LetterDocument) -> lps.Received:
    """Read what the message tells of a document.

    Raises:
        RejectedError: it is no CDA document.
    """
    read = read_cda(document.body)
    root = read.root
    code = root.child("code")
    system = code.get("codeSystem") if code is not None else ""
    created = root.child("effectiveTime")
    flags = {
        "INVISIBLE_REP_LEGAUX" if mask == _REPRESENTATIVES else mask for mask in document.masks
    }
    return lps.Received(
        body=document.body,
        identifiers=identifiers(read),
        traits=traits(read),
        kind=(
            code.get("code") if code is not None else "",
            code.get("displayName") if code is not None else "",
            "LN" if system == _LOINC else "TRE_A05",
        ),
        document=_id(root.child("id")),
        replaces=_replaced(read),
        created=created.get("value")[:14].partition("+")[0] if created is not None else "",
        author=_author(root),
        structure=_structure(root),
        sender=letter.sender,
        recipient=letter.recipient,
        reply_to=letter.reply_to,
        subject=letter.subject,
        text=letter.text,
        flags=frozenset(flags),
        is_withdrawn=document.is_withdrawn,
    )


def _id(node: Node | None) -> tuple[str, str]:
    return (node.get("root"), node.get("extension")) if node is not None else ("", "")


def _replaced(document: Document) -> tuple[str, str]:
    found = document.select("cda:relatedDocument[@typeCode='RPLC']/cda:parentDocument/cda:id")
    return _id(next(iter(found), None))


def _author(root: Node) -> tuple[str, str, str]:
    person = root.down("author", "assignedAuthor")
    if person is None:
        return "", "", ""
    _, number = _id(person.child("id"))
    name = person.down("assignedPerson", "name")
    family = name.child("family") if name is not None else None
    given = name.child("given") if name is not None else None
    return number, family.text() if family else "", given.text() if given else ""


def _structure(root: Node) -> tuple[str, str]:
    place = root.down("author", "assignedAuthor", "representedOrganization")
    if place is None:
        return "", ""
    name = place.child("name")
    return name.text() if name is not None else "", _id(place.child("id"))[1]
