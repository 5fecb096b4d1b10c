"""A repository that speaks PDSm, as a real HTTPS server: ITI-65, ITI-67, search of patients.

Checks what the French profiles require of a submission and keeps it in memory. Standards: IHE MHD
4.2.3, ans.fhir.fr.pdsm 3.1.1.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha1
from typing import Any
from urllib.parse import parse_qs

from gateway.simulation.dmp_http import HttpAnswer, HttpRequest, HttpsDouble
from gateway.simulation.dmp_pki import DmpPki

Json = dict[str, Any]
_JSON = "application/fhir+json"
#: Elements the profiles require, as paths.
_LOT = ("contained", "identifier", "status", "mode", "code", "subject", "date", "source", "entry")
_DOCUMENT = (
    "contained",
    "masterIdentifier",
    "status",
    "type",
    "category",
    "subject",
    "custodian",
    "date",
    "author",
    "securityLabel",
    "content",
    "context",
)
_ATTACHMENT = ("contentType", "language", "url", "size", "hash", "title", "creation")
_CONTEXT = ("period", "facilityType", "practiceSetting", "sourcePatientInfo")


class PdsmRepository:
    """The double.

    Attributes:
        patients: matricule to whether the record is open.
        documents: kept DocumentReferences, oldest first.
        mishaps: status codes of the next transactions instead of an answer; 0 cuts the line
            after keeping, 202 keeps without saying so.
    """

    def __init__(self, pki: DmpPki, clock: Callable[[], datetime]) -> None:
        self.patients: dict[str, bool] = {}
        self.documents: list[Json] = []
        self.refusals: list[str] = []
        self.requests: list[HttpRequest] = []
        self.mishaps: list[int] = []
        self._server = HttpsDouble(pki.server, self._serve, clock)

    @property
    def base_url(self) -> str:
        """Return the address of the FHIR service."""
        return f"https://localhost:{self._server.port}/fhir"

    async def start(self) -> None:
        """Open."""
        await self._server.start()

    async def stop(self) -> None:
        """Close; what was kept stays."""
        await self._server.stop()

    async def _serve(self, request: HttpRequest) -> HttpAnswer | None:
        self.requests.append(request)
        if request.path == "/fhir/Patient/_search":
            return _said(200, _set(self._patients(_form(request))))
        if request.path == "/fhir/DocumentReference/_search":
            return _said(200, _set(self._found(_form(request))))
        mishap = self.mishaps.pop(0) if self.mishaps else None
        if mishap is not None and mishap >= 400:
            self.refusals.append(str(mishap))
            return _said(mishap, _outcome("transient"))
        answer = self._transaction(json.loads(request.body))
        if mishap == 0:
            return None
        return HttpAnswer(202, _JSON, b"") if mishap == 202 else answer

    def _patients(self, asked: dict[str, str]) -> list[Json]:
        number = asked.get("identifier", "").rpartition("|")[2]
        if number not in self.patients:
            return []
        return [{"resourceType": "Patient", "id": "p", "active": self.patients[number]}]

    def _found(self, asked: dict[str, str]) -> list[Json]:
        return [
            one
            for one in self.documents
            if one["status"] == asked.get("status")
            and "|".join(one["masterIdentifier"].values()) == asked.get("identifier")
        ]

    def _transaction(self, bundle: Json) -> HttpAnswer:
        faults = list(_faults(bundle))
        if faults:
            self.refusals += faults
            return _said(422, _outcome("invalid"))
        by_type = {one["resource"]["resourceType"]: one for one in bundle["entry"]}
        document = by_type["DocumentReference"]["resource"]
        same = [
            one for one in self.documents if one["masterIdentifier"] == document["masterIdentifier"]
        ]
        if same:
            self.refusals.append("duplicate")
            return _said(409, _outcome("duplicate"))
        for entry in bundle["entry"]:
            if entry["request"]["method"] == "PATCH":
                self._patch(entry)
        self.documents.append({**document, "id": f"d{len(self.documents)}"})
        response = [{"response": {"status": "201 Created"}} for _ in bundle["entry"]]
        return _said(
            200,
            {"resourceType": "Bundle", "type": "transaction-response", "entry": response},
        )

    def _patch(self, entry: Json) -> None:
        wanted = entry["request"]["url"].rpartition("/")[2]
        for one in self.documents:
            if one["id"] == wanted:
                one["status"] = "superseded"


def _faults(bundle: Json) -> Iterator[str]:
    """Say what a submission breaks, as paths of elements."""
    entries = bundle.get("entry", [])
    by_type: dict[str, list[Json]] = {}
    for one in entries:
        by_type.setdefault(one.get("resource", {}).get("resourceType", ""), []).append(one)
    counts = {name: len(by_type.get(name, ())) for name in ("List", "DocumentReference", "Binary")}
    if bundle.get("type") != "transaction" or set(counts.values()) != {1}:
        yield "Bundle"
        return
    lot, document = (by_type[name][0]["resource"] for name in ("List", "DocumentReference"))
    binary = by_type["Binary"][0]
    yield from (f"List.{name}" for name in _LOT if not lot.get(name))
    yield from (f"DocumentReference.{name}" for name in _DOCUMENT if not document.get(name))
    if len(lot.get("extension", ())) < 2:
        yield "List.extension"
    if lot.get("subject") != document.get("subject"):
        yield "DocumentReference.subject"
    context = document.get("context", {})
    yield from (f"context.{name}" for name in _CONTEXT if not context.get(name))
    contents: list[Json] = document.get("content") or [{}]
    attachment = contents[0].get("attachment", {})
    yield from (f"attachment.{name}" for name in _ATTACHMENT if not attachment.get(name))
    data = b64decode(binary["resource"].get("data", ""))
    digest = b64encode(sha1(data, usedforsecurity=False).digest()).decode("ascii")
    if attachment.get("hash") != digest or attachment.get("size") != len(data):
        yield "attachment.hash"
    if attachment.get("url") != binary.get("fullUrl"):
        yield "attachment.url"


def _form(request: HttpRequest) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode("ascii")).items()}


def _set(resources: list[Json]) -> Json:
    entries = [{"resource": one} for one in resources]
    return {
        "resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries
    }  # fmt: skip


def _outcome(code: str) -> Json:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code}]}


def _said(status: int, body: Json) -> HttpAnswer:
    return HttpAnswer(status, _JSON, json.dumps(body).encode("utf-8"))
