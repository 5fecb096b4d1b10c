"""A repository spoken to by PDSm: ITI-65 to feed, searches to look, over HTTPS with a certificate.

The second dialect behind `connectors.dmp`; the national record does not speak it today, regional
repositories do. Standards: IHE MHD 4.2.3 (ITI-65, ITI-67), ans.fhir.fr.pdsm 3.1.1, HL7 FHIR R4
3.1.0 (transactions, search by POST).
"""

import asyncio
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from gateway.connectors import dmp_faults as faults
from gateway.connectors.dmp_answers import Record, Told
from gateway.connectors.dmp_bundle import Json, document_token, patient_token, provide
from gateway.connectors.dmp_submission import Submission
from gateway.connectors.http import HttpFailureError, HttpReply
from gateway.connectors.http_line import HttpLine
from gateway.core.clock import Clock
from gateway.core.errors import RejectedError, RelaisError, RetriableError

_JSON = "application/fhir+json"
_FORM = "application/x-www-form-urlencoded"
_ANSWER_LIMIT = 4 * 2**20
_CALL_SOMEBODY_S = 900.0
_NETWORK_S = 30.0
_NOT_BEGUN = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout"})
#: Of them, those that any other document meets now too.
_UNREACHABLE = frozenset({"ConnectError", "ConnectTimeout"})
#: What FHIR calls by its own names, in the words of a registry.
_CODES = {"duplicate": "XDSDuplicateUniqueIdInRegistry", "conflict": "XDSNonIdenticalHash"}


@dataclass(frozen=True, slots=True)
class FhirEndpoint:
    """A repository and what we show it.

    Attributes:
        base_url: of its FHIR service, without trailing slash.
        tls: makes the context of each connection.
        timeout_s: of connecting, writing, reading.
        unknown_wait_s: it is asked so long after an attempt nobody saw the end of.
    """

    base_url: str
    tls: Callable[[], ssl.SSLContext]
    timeout_s: float = 60.0
    unknown_wait_s: float = 60.0


class PdsmDialect:
    """Speaks PDSm."""

    def __init__(
        self, endpoint: FhirEndpoint, clock: Clock, new_id: Callable[[], UUID] = uuid4
    ) -> None:
        self._endpoint = endpoint
        self._line = HttpLine("dmp", endpoint.tls)
        self._clock = clock
        self._new_id = new_id

    async def close(self) -> None:
        """Close the connections that are kept between two requests."""
        await self._line.close()

    async def record(self, submission: Submission) -> Record:
        """Ask whether the patient is known and active; demographics are not looked at.

        Raises:
            RetriableError: RLS-DMP-020, 021, 023, 027.
        """
        found = await self._search("Patient", {"identifier": patient_token(submission.ins)})
        if not found:
            return Record.ABSENT
        return Record.CLOSED if found[0].get("active") is False else Record.OPEN

    async def find(self, submission: Submission, unique_id: str) -> str:
        """Return `DocumentReference/id` of the current entry of a document, empty when none.

        Raises:
            RetriableError: as `record`.
        """
        asked = {
            "patient.identifier": patient_token(submission.ins),
            "status": "current",
            "identifier": document_token(unique_id),
        }
        found = await self._search("DocumentReference", asked)
        return f"DocumentReference/{found[0]['id']}" if found and found[0].get("id") else ""

    async def feed(self, submission: Submission, replaced: str) -> Told:
        """Post the transaction; success is a transaction-response with nothing but 2xx.

        Raises:
            RetriableError: as `record`, or the end was not seen (RLS-DMP-022).
        """
        body = await asyncio.to_thread(self.request, submission, replaced)
        reply = await self._post("", body, _JSON, is_act=True)
        if reply.status == 202:
            raise self._unknown(f"HTTP {reply.status}")
        read = _read(reply)
        if reply.status >= 400:
            return _refused(reply, read)
        if read is None or read.get("type") != "transaction-response":
            raise self._unknown(f"HTTP {reply.status} without transaction-response")
        stati = [str(one.get("response", {}).get("status", "")) for one in read.get("entry", ())]
        return Told(bool(stati) and all(one.startswith("2") for one in stati))

    async def delete(self, submission: Submission, entry: str) -> Told:
        """Refuse: PDSm has no agreed word for it (PDSm4DMP, open question).

        Raises:
            RejectedError: always (RLS-DMP-028).
        """
        del submission, entry
        raise RejectedError([faults.not_offered("deletion")])

    def request(self, submission: Submission, replaced: str = "") -> bytes:
        """Return the Bundle as it is posted; nothing is sent."""
        made = provide(submission, self._new_id(), self._clock.now(), replaced)
        return json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode("utf-8")

    async def _search(self, kind: str, asked: dict[str, str]) -> list[Json]:
        # By POST: an address with a matricule would stand in logs on both sides.
        reply = await self._post(
            f"/{kind}/_search", urlencode(asked).encode("ascii"), _FORM, is_act=False
        )
        read = _read(reply)
        if reply.status != 200 or read is None or read.get("type") != "searchset":
            raise RetriableError([faults.busy(f"HTTP {reply.status}")], _NETWORK_S)
        resources = [one.get("resource") or {} for one in read.get("entry", ())]
        return [one for one in resources if one.get("resourceType") == kind]

    async def _post(self, path: str, body: bytes, kind: str, *, is_act: bool) -> HttpReply:
        headers = {"Content-Type": kind, "Accept": _JSON}
        try:
            async with self._line.client() as client:
                reply = await client.post(
                    f"{self._endpoint.base_url}{path}",
                    body,
                    headers,
                    self._endpoint.timeout_s,
                    body_limit=_ANSWER_LIMIT,
                )
        except HttpFailureError as error:
            raise self._failure(error, is_act=is_act) from None
        if reply.status in (401, 403):
            raise RetriableError([faults.not_let_in(f"HTTP {reply.status}")], _CALL_SOMEBODY_S)
        if reply.status in (408, 425, 429) or reply.status >= 500:
            raise RetriableError([faults.busy(f"HTTP {reply.status}")], _NETWORK_S)
        return reply

    def _failure(self, error: HttpFailureError, *, is_act: bool) -> RelaisError:
        if error.is_tls:
            refused = faults.not_let_in("certificate")
            return RetriableError([refused], _CALL_SOMEBODY_S, whole_door=True)
        if is_act and str(error) not in _NOT_BEGUN:
            return self._unknown(str(error))
        unreachable = str(error) in _UNREACHABLE
        return RetriableError([faults.away(str(error))], _NETWORK_S, whole_door=unreachable)

    def _unknown(self, why: str) -> RetriableError:
        return RetriableError([faults.unknown_outcome(why)], self._endpoint.unknown_wait_s)


def _read(reply: HttpReply) -> Json | None:
    try:
        found: Any = json.loads(reply.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _refused(reply: HttpReply, read: Json | None) -> Told:
    """Return the codes of an OperationOutcome; its words are not quoted."""
    issues = (read or {}).get("issue") or []
    codes = [str(one.get("code", "")) for one in issues if isinstance(one, dict)]
    named = tuple(_CODES.get(code, code) for code in codes if code.replace("-", "").isalpha())
    return Told(False, named or (f"HTTP {reply.status}",))
