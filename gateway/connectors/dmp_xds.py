"""The shared record spoken to by XDS.b: TD0.2, ITI-41, ITI-18 and UpdateDocumentSet over SOAP.

One call, one assertion, one answer; what follows from an answer is decided in `connectors.dmp`.
Standards: IHE ITI TF-2 3.41, 3.18, 3.57; CI-SIS volets Transport synchrone and Partage.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar
from uuid import UUID, uuid4

from lxml import etree

from gateway.connectors import dmp_answers as answers
from gateway.connectors import dmp_faults as faults
from gateway.connectors import dmp_messages as messages
from gateway.connectors import dmp_mtom as mtom
from gateway.connectors.dmp_answers import Entry, Record, Told
from gateway.connectors.dmp_keys import Signer, agree
from gateway.connectors.dmp_messages import Action
from gateway.connectors.dmp_signature import Signed, sign_lot
from gateway.connectors.dmp_soap import ANSWER_LIMIT, AnswerError, envelope, read_answer
from gateway.connectors.dmp_submission import Submission
from gateway.connectors.dmp_vihf import Software, assertion
from gateway.connectors.ebrim import Member
from gateway.connectors.http import HttpFailureError, HttpReply
from gateway.connectors.http_line import HttpLine
from gateway.core.clock import Clock
from gateway.core.errors import RejectedError, RelaisError, RetriableError

_Read = TypeVar("_Read")
#: A refused certificate or a wrong clock does not mend itself in minutes.
_CALL_SOMEBODY_S = 900.0
_NETWORK_S = 30.0
#: Failures before anything was said.
_NOT_BEGUN = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout"})
#: Of them, those that any other document meets now too.
_UNREACHABLE = frozenset({"ConnectError", "ConnectTimeout"})
#: TLS 1.3: a client certificate is refused after the handshake, and the alert may be lost.
_RESET = "ReadError"
_CLOCK = timedelta(minutes=5)
_FAULT_CLOCK = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The services of the record and what we show them.

    Attributes:
        base_url: of the services, without trailing slash.
        tls: makes the context of each connection, so that certificates may be renewed.
        signer: gives the signing certificate, read anew at each call.
        software: what asks.
        source_id: OID of this system.
        production: real patients: no test certificate.
        timeout_s: of connecting, writing, reading.
        unknown_wait_s: the registry is asked so long after an attempt nobody saw the end of.
    """

    base_url: str
    tls: Callable[[], ssl.SSLContext]
    signer: Callable[[], Signer]
    software: Software
    source_id: str
    production: bool = False
    timeout_s: float = 60.0
    unknown_wait_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it goes over the wire."""

    action: Action
    message_id: str
    content_type: str
    body: bytes


class XdsDialect:
    """Speaks XDS.b."""

    def __init__(
        self, endpoint: Endpoint, clock: Clock, new_id: Callable[[], UUID] = uuid4
    ) -> None:
        self._endpoint = endpoint
        self._line = HttpLine("dmp", endpoint.tls)
        self._clock = clock
        self._new_id = new_id

    async def close(self) -> None:
        """Close the connections that are kept between two requests."""
        await self._line.close()

    async def record(self, submission: Submission) -> Record:
        """Ask whether the patient has an open record.

        Raises:
            RetriableError: RLS-DMP-020 to 023, 026, 027.
            RejectedError: the assertion is refused, certificate of another environment
                (RLS-DMP-025, 003).
        """
        now = self._clock.now()
        asked = messages.existence(
            submission.ins, self._oid(), (self._endpoint.source_id, self._endpoint.software.name),
            now, "P" if self._endpoint.production else "T",
        )  # fmt: skip
        request = await asyncio.to_thread(self._signed, messages.EXISTS, asked, submission)
        return _understood(answers.record, await self._call(request, is_act=False))

    async def find(self, submission: Submission, unique_id: str) -> str:
        """Return the entryUUID of the approved entry of a document, empty when there is none.

        Raises:
            RetriableError, RejectedError: as `record`.
        """
        found = await self._find(submission, unique_id, whole=False)
        if len(found) > 1:
            # Metadata were updated since: one of these entries is the current one.
            found = await self._find(submission, unique_id, whole=True)
        return next((one.id for one in found if one.status in ("", "Approved")), "")

    async def feed(self, submission: Submission, replaced: str) -> Told:
        """Provide and register; the answer is the registry's.

        Raises:
            RetriableError, RejectedError: as `record`.
        """
        request = await asyncio.to_thread(self.request, submission, replaced)
        return _understood(answers.registry, await self._call(request, is_act=True))

    async def delete(self, submission: Submission, entry: str) -> Told:
        """Take an entry back.

        Raises:
            RetriableError, RejectedError: as `record`.
        """
        lot = submission.lot(self._oid(), self._clock.now())
        body = messages.deleting(lot, entry)
        request = await asyncio.to_thread(self._signed, messages.UPDATE, body, submission)
        return _understood(answers.registry, await self._call(request, is_act=True))

    def request(self, submission: Submission, replaced: str = "") -> Request:
        """Make the ITI-41 request: signed lot, signed assertion, multipart; nothing is sent."""
        now = self._clock.now()
        signer = self._signer()
        lot = submission.lot(self._oid(), now)
        signed = Signed(submission.entry.unique_id, submission.body)
        proof = sign_lot(lot.unique_id, [signed], signer, now)
        signature = submission.signature_entry(self._oid(), proof, now)
        members = [Member(submission.entry), Member(signature)]
        body = messages.feeding(lot, members[0], members[1], replaced)
        parts = [
            mtom.Part(messages.content_id(member), member.entry.mime_type, data)
            for member, data in zip(members, (submission.body, proof), strict=True)
        ]
        return self._signed(messages.FEED, body, submission, parts)

    async def _find(self, submission: Submission, unique_id: str, *, whole: bool) -> list[Entry]:
        body = messages.finding(unique_id, whole=whole)
        request = await asyncio.to_thread(self._signed, messages.FIND, body, submission)
        answer = await self._call(request, is_act=False)
        told = _understood(answers.registry, answer)
        if not told.is_success:
            raise RetriableError([faults.busy(", ".join(told.codes) or "no success")], _NETWORK_S)
        return answers.entries(answer)

    def _signed(
        self,
        action: Action,
        body: etree._Element,
        submission: Submission,
        parts: Sequence[mtom.Part] = (),
    ) -> Request:
        """Put a body under a new assertion; without documents it travels as one part too."""
        identifier = f"_{self._new_id().hex}"
        proof = assertion(
            submission.requester, self._endpoint.software, submission.ins.cx, self._signer(),
            self._clock.now(), identifier, is_secret=submission.is_secret,
        )  # fmt: skip
        message_id = self._new_id().urn
        made = envelope(body, action.name, self._address(action), message_id, proof)
        if not parts:
            kind = f'application/soap+xml; charset=UTF-8; action="{action.name}"'
            return Request(action, message_id, kind, made)
        boundary, data = mtom.write(made, parts)
        return Request(action, message_id, mtom.content_type(boundary, action.name), data)

    async def _call(self, request: Request, *, is_act: bool) -> etree._Element:
        """Send once; `is_act`: something may have happened there when no answer comes."""
        try:
            async with self._line.client() as client:
                reply = await client.post(
                    self._address(request.action),
                    request.body,
                    {"Content-Type": request.content_type},
                    self._endpoint.timeout_s,
                    body_limit=ANSWER_LIMIT,
                )
        except HttpFailureError as error:
            raise self._failure(error, is_act=is_act) from None
        return self._answer(request, reply, is_act=is_act)

    def _failure(self, error: HttpFailureError, *, is_act: bool) -> RelaisError:
        if error.is_tls:
            refused = faults.not_let_in("certificate")
            return RetriableError([refused], _CALL_SOMEBODY_S, whole_door=True)
        if is_act and str(error) not in _NOT_BEGUN:
            return self._unknown(str(error))
        if str(error) == _RESET:
            return RetriableError([faults.not_let_in("connection reset")], _CALL_SOMEBODY_S)
        unreachable = str(error) in _UNREACHABLE
        return RetriableError([faults.away(str(error))], _NETWORK_S, whole_door=unreachable)

    def _answer(self, request: Request, reply: HttpReply, *, is_act: bool) -> etree._Element:
        """Return the body of an answer that is one.

        Raises:
            RetriableError, RejectedError: it is none.
        """
        offset = self._offset(reply)
        if reply.status == 202:
            # Taken by a front end: that is not the word of the registry.
            raise self._unknown(f"HTTP {reply.status}")
        if reply.status in (401, 403):
            raise RetriableError([faults.not_let_in(f"HTTP {reply.status}")], _CALL_SOMEBODY_S)
        if reply.status == 413:
            raise RejectedError([faults.too_large()])
        kind = reply.headers.get("content-type", "")
        try:
            body = read_answer(kind, reply.body, request.message_id)
        except AnswerError as error:
            if reply.status >= 400:
                raise RetriableError([faults.busy(f"HTTP {reply.status}")], _NETWORK_S) from None
            if is_act:
                raise self._unknown(str(error)) from None
            raise RetriableError([faults.not_understood(str(error))], _NETWORK_S) from None
        fault = answers.fault(body)
        if fault is not None:
            raise _refusal(fault, offset)
        if offset > _CLOCK and not is_act:
            # What would be signed next were worth nothing.
            raise RetriableError([faults.clock(offset.total_seconds())], _CALL_SOMEBODY_S)
        return body

    def _unknown(self, why: str) -> RetriableError:
        return RetriableError([faults.unknown_outcome(why)], self._endpoint.unknown_wait_s)

    def _offset(self, reply: HttpReply) -> timedelta:
        """Return how far the clocks are apart; nothing when they do not say."""
        try:
            theirs: datetime = parsedate_to_datetime(reply.headers.get("date", ""))
            return abs(self._clock.now() - theirs)
        except (TypeError, ValueError):
            return timedelta(0)

    def _signer(self) -> Signer:
        found = self._endpoint.signer()
        agree(found, production=self._endpoint.production)
        return found

    def _address(self, action: Action) -> str:
        return f"{self._endpoint.base_url}/{action.path}"

    def _oid(self) -> str:
        return f"2.25.{self._new_id().int}"


def _refusal(fault: answers.Fault, offset: timedelta) -> RelaisError:
    if offset > _FAULT_CLOCK:
        return RetriableError([faults.clock(offset.total_seconds())], _CALL_SOMEBODY_S)
    if fault.is_ours:
        return RejectedError([faults.identity_refused(fault.code)])
    return RetriableError([faults.busy(f"SOAP fault {fault.code}")], _NETWORK_S)


def _understood(read: Callable[[etree._Element], _Read], body: etree._Element) -> _Read:
    try:
        return read(body)
    except AnswerError as error:
        raise RetriableError([faults.not_understood(str(error))], _NETWORK_S) from None
