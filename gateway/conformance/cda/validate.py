"""One CDA document judged by all our checks: a report with what the gateway would answer.

Does not read files nor print (`conformance.reports`), nor run a test kit (`conformance.toolkit`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gateway.cda.reader import Document, read
from gateway.conformance.cda.dates import date_findings
from gateway.conformance.cda.identities import identity_findings
from gateway.conformance.cda.leaves import leaf_findings
from gateway.conformance.cda.membership import membership_findings
from gateway.conformance.cda.models import model_findings, model_of, template_findings
from gateway.conformance.cda.place_rules import header_findings
from gateway.conformance.cda.profiles import CdaProfiles
from gateway.conformance.cda.references import (
    content_findings,
    reference_findings,
    version_findings,
)
from gateway.conformance.cda.value_sets import ValueSets
from gateway.conformance.finding import WORST_FIRST, Check, Finding, Layer, Report
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue

_OURS = "relais, profiles/cda"
_LISTS = "value sets"
_READER_CLAUSE = "XML 1.0; CDA POCD_MT000040.ClinicalDocument"
_CONVERSION_CLAUSE = "HDR"
#: What the conversion says in general and our checks say at its exact place.
_SAID_BETTER = {
    "RLS-CDA-011": frozenset({"RLS-CDA-303"}),
    "RLS-CDA-012": frozenset({"RLS-CDA-010"}),
    "RLS-CDA-019": frozenset({"RLS-CDA-303"}),
    "RLS-CDA-022": frozenset({"RLS-CDA-022"}),
    "RLS-CDA-030": frozenset({"RLS-CDA-010"}),
    "RLS-CDA-031": frozenset({"RLS-CDA-340"}),
    "RLS-CDA-033": frozenset({"RLS-CDA-320"}),
    "RLS-CDA-035": frozenset({"RLS-CDA-307"}),
    "RLS-CDA-036": frozenset({"RLS-CDA-308"}),
}
#: Faults that two checks may find at one place in other words.
_ONE_A_PLACE = frozenset({"RLS-CDA-303", "RLS-CDA-370"})


@dataclass(frozen=True, slots=True)
class DoorAnswer:
    """What the door of the gateway really says to a document.

    Attributes:
        status: HTTP status of `POST /cda`.
        issues: what it refused or left out.
    """

    status: str
    issues: tuple[Issue, ...]


class CdaValidator:
    """Judges documents; stateless."""

    def __init__(self, profiles: CdaProfiles, version: str, lists: ValueSets | None) -> None:
        """Prepare a validator.

        Args:
            profiles: from `load_cda_profiles`.
            version: of the program, for the report.
            lists: value sets, None where none are configured.
        """
        self._profiles = profiles
        self._version = version
        self._lists = lists

    @property
    def profiles(self) -> CdaProfiles:
        """Return the document profiles."""
        return self._profiles

    def validate(
        self,
        body: bytes,
        *,
        name: str = "",
        door: DoorAnswer | None = None,
        more: Sequence[Finding] = (),
        checks: Sequence[Check] = (),
    ) -> Report:
        """Judge one document; never fails, whatever the bytes.

        Args:
            body: as received.
            name: of the input, for the report.
            door: what the door says, where it was asked.
            more: findings of others, of a test kit.
            checks: of those others.
        """
        answer = door.status if door else ""
        try:
            document = read(body)
        except RejectedError as error:
            found = [Finding(issue, _READER_CLAUSE, Layer.READER) for issue in error.issues]
            return Report(name, "", "", answer, tuple(found), self._checks(checks, ran=False))
        told = door.issues if door else ()
        findings = _distinct([*self._layers(document), *more], told)
        findings.sort(key=lambda one: WORST_FIRST.index(one.issue.severity))
        return Report(
            name=name,
            message_type=f"CDA {self.model_name(document)}".strip(),
            control_id=_id_of(document),
            answer=answer,
            findings=tuple(findings),
            checks=self._checks(checks, ran=True),
        )

    def model_name(self, document: Document) -> str:
        """Return model and version of a document, else its code, as a report may show it."""
        named = model_of(document, self._profiles.models)
        if named is not None:
            template, model = named
            return _shown(f"{model.name} {template.get('extension')}".strip())
        code = document.root.child("code")
        return _shown(code.get("code")) if code is not None else ""

    def _layers(self, document: Document) -> Iterator[Finding]:
        profiles = self._profiles
        yield from header_findings(document, profiles.header)
        yield from model_findings(document, profiles.models)
        yield from leaf_findings(document)
        yield from template_findings(document, profiles.templates)
        yield from identity_findings(document)
        named = model_of(document, profiles.models)
        yield from date_findings(document, is_stay=named is not None and named[1].is_stay)
        yield from version_findings(document)
        yield from reference_findings(document)
        yield from content_findings(document)
        if self._lists is not None:
            yield from membership_findings(document, profiles, self._lists)

    def _checks(self, others: Sequence[Check], *, ran: bool) -> tuple[Check, ...]:
        unread = "" if ran else "the document could not be read"
        lists = self._lists
        ours = Check("header, model and coherence", _OURS, self._version, ran=ran, note=unread)
        if lists is None:
            note = "RELAIS_CDA_VALUE_SETS names no folder"
            return ours, Check(_LISTS, "", ran=False, note=note), *others
        tool = f"{lists.folder.name} ({len(lists.paths)} lists)"
        return ours, Check(_LISTS, tool, "", lists.digest, ran=ran, note=unread), *others


def _distinct(findings: Iterable[Finding], told: Iterable[Issue]) -> list[Finding]:
    """Keep the first word on each fault, and of the conversion what nobody said before."""
    kept: dict[tuple[str, str, str], Finding] = {}
    places: set[tuple[str, str]] = set()
    for finding in findings:
        issue = finding.issue
        words = "" if issue.code in _ONE_A_PLACE else issue.what
        kept.setdefault((issue.code, issue.where, words), finding)
        places.add((issue.code, issue.where))
    said = {code for code, _ in places}
    for issue in told:
        if (issue.code, issue.where) in places or said & _SAID_BETTER.get(issue.code, frozenset()):
            continue
        finding = Finding(issue, _CONVERSION_CLAUSE, Layer.CONVERSION)
        kept.setdefault((issue.code, issue.where, issue.what), finding)
    return list(kept.values())


def _id_of(document: Document) -> str:
    node = document.root.child("id")
    if node is None:
        return ""
    root, extension = node.get("root"), node.get("extension")
    return _shown(f"{root}^{extension}" if extension else root)


def _shown(text: str) -> str:
    """Return text of the document as a report may show it."""
    return "".join(sign for sign in text if sign.isprintable())[:120]
