"""What the doors that write resources share: the writes of a request, judged, done and answered.

One write is a request of its own (`entry.api.resources`), many are a transaction
(`entry.api.transactions`).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl
from uuid import uuid4

import orjson
from fastapi import Request

from gateway.conformance.resources import ResourceJudge
from gateway.core.clock import Clock
from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.core.ports import Store, Transaction
from gateway.entry.auth.wall import check_scopes, sight_of
from gateway.fhir import write_faults as faults
from gateway.fhir.accepted import accepted, kept
from gateway.fhir.bundle import to_bytes
from gateway.fhir.identity import Ids
from gateway.fhir.references import CONDITIONAL, rewritten
from gateway.fhir.search import Query, parse
from gateway.fhir.search_results import is_control
from gateway.fhir.search_table import PARAMETERS
from gateway.fhir.writable import WRITABLE
from gateway.pipeline.client_writes import Asking, Done, WriteRules, write
from gateway.pipeline.folds import FOLDS
from gateway.pipeline.write_references import Surroundings
from gateway.pipeline.write_targets import Write, entry


@dataclass(frozen=True, slots=True)
class WriteSettings:
    """What the doors that write need to know.

    Attributes:
        base: public address of the FHIR door, without trailing slash.
        ids: computed ids of the installation.
        judge: gives the judge of profiles; its first call reads packages.
        client_of: name of the client of a request.
        references: a reference to nothing refuses a write.
        new_id: gives the id of a new resource.
    """

    base: str
    ids: Ids
    judge: Callable[[], ResourceJudge]
    client_of: Callable[[Request], str]
    references: bool = True
    new_id: Callable[[], str] = field(default=lambda: str(uuid4()))


class Writing:
    """Carries out the writes of a request."""

    def __init__(self, store: Store, clock: Clock, settings: WriteSettings) -> None:
        """Bind the store and the rules of the installation."""
        self._store = store
        self._clock = clock
        self._settings = settings
        self._rules = WriteRules(
            settings.ids,
            FOLDS,
            Surroundings(settings.base, settings.references),
            settings.new_id,
            self._hold_to_profiles,
        )

    def criteria(self, type_: str, text: str, where: str) -> Query:
        """Read the criteria of a conditional write.

        Args:
            type_: what is looked for.
            text: as in an address, behind the question mark.
            where: place for issues.

        Raises:
            RejectedError: there are none, or parameters that select nothing (RLS-FHR-251), or
                one that is not understood (RLS-FHR-060 to 064).
        """
        pairs = parse_qsl(text.removeprefix("?"), keep_blank_values=True)
        pairs = [pair for pair in pairs if pair[0] not in ("_format", "_pretty")]
        if type_ not in PARAMETERS or not pairs or any(is_control(name) for name, _ in pairs):
            raise RejectedError([faults.no_criteria(where)])
        query = parse(type_, pairs, "strict", self._settings.base, self._clock.now())
        if not query.conditions:
            raise RejectedError([faults.no_criteria(where)])
        return query

    async def done(self, request: Request, writes: Sequence[Write]) -> list[Done]:
        """Judge writes and carry them out, all of them or none.

        Raises:
            RejectedError: one of them is refused; one issue per fault.
        """
        await asyncio.to_thread(self._judge_all, writes)
        asking = Asking(
            self._settings.client_of(request),
            self._clock.now(),
            lambda type_: check_scopes(request, [(type_, "c")]),
            sight_of(request),
        )

        def work(tx: Transaction) -> list[Done]:
            return write(tx, writes, asking, self._rules)

        return await self._store.write(work)

    def _judge_all(self, writes: Sequence[Write]) -> None:
        """Hold what is written to its shape and profiles, before anything is locked."""
        issues: list[Issue] = []
        local = {one.full_url: f"{one.type}/found" for one in writes if one.full_url}
        for one in writes:
            if one.resource is None or one.judged_late or one.type not in WRITABLE:
                continue
            try:
                with entry(one.place):
                    self._judge(one.resource, one.id or "new", local)
            except RejectedError as error:
                issues += error.issues
        if issues:
            raise RejectedError(issues)

    def _judge(self, sent: Json, id_: str, local: Mapping[str, str]) -> None:
        # What criteria or entries will stand for is not known yet; that it is a reference is.
        try:
            known = rewritten(kept(sent, id_), lambda text: _stand_in(text, local))
        except (AttributeError, TypeError):
            # No shape to walk through: told by `accepted`.
            known = sent
        self._hold_to_profiles(accepted(known, id_))

    def _hold_to_profiles(self, resource: Json) -> None:
        """Hold a resource of a good shape to its profiles and its value sets.

        Raises:
            RejectedError: an error was found (RLS-FHR-020, RLS-FHR-201 to 225).
        """
        # Models of another house and compared values know no decimal with its digits.
        judged = self._settings.judge().judge_resource(_plain(resource))
        issues = [
            replace(one.issue, what=f"{one.issue.what} [{one.clause}]")
            for one in judged.findings
            if one.issue.severity.refuses
        ]
        if issues:
            raise RejectedError(issues)


def _plain(resource: Json) -> Json:
    plain: Json = orjson.loads(to_bytes(resource))
    return plain


def _stand_in(text: str, local: Mapping[str, str]) -> str:
    if text in local:
        return local[text]
    match = CONDITIONAL.fullmatch(text)
    return text if match is None else f"{match[1]}/found"
