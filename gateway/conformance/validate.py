"""One HL7 v2 message judged by all layers: a report with what the gateway would answer.

Does not read files nor print (`reports`). The standard is judged strictly; whether a lenient
source would be repaired is said beside each finding.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gateway.conformance import kinds
from gateway.conformance.document_rules import document_findings
from gateway.conformance.finding import WORST_FIRST, Finding, Layer, Report
from gateway.conformance.identity_rules import identity_findings
from gateway.conformance.movement_rules import movement_findings
from gateway.conformance.profile_check import check_profile
from gateway.conformance.profiles import Profiles
from gateway.conformance.repairs import repair_findings
from gateway.conformance.second_opinion import second_opinions
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.hl7v2 import ack, intake
from gateway.hl7v2.message import Message
from gateway.hl7v2.reader import read
from gateway.hl7v2.zbe import with_repaired_zbe
from gateway.mapping.sites import Site

#: Clauses of what the doors judge; where none is here the profile names one.
_CLAUSES = {
    "RLS-HL7-021": "HL7 v2.5 2.14.9.9, MSH-9",
    "RLS-HL7-022": "PAM-FR 2.11 2, trigger events",
    "RLS-HL7-023": "PAM-FR 2.11 6.5, MSH-11",
    "RLS-HL7-024": "PAM-FR 2.11 6.5, MSH-12",
    "RLS-HL7-031": "PAM-FR 2.11 6.5, MSH-9",
    "RLS-HL7-032": "PAM-FR 2.11 6.13",
    "RLS-HL7-033": "PAM-FR 2.11 6.13.3 and 6.13.4",
    "RLS-HL7-034": "PAM-FR 2.11 6.13.4, ZBE-4",
}


@dataclass(frozen=True, slots=True)
class DoorWord:
    """What the door of the gateway really says to a message.

    Attributes:
        answer: AA, AE or AR, empty when it does not answer.
        issues: what it refused or left out.
    """

    answer: str
    issues: tuple[Issue, ...]


class Validator:
    """Judges messages; stateless."""

    def __init__(self, profiles: Profiles, processing_ids: frozenset[str]) -> None:
        """Prepare a validator.

        Args:
            profiles: from `load_profiles`.
            processing_ids: MSH-11 accepted where the site does not say.
        """
        self._profiles = profiles
        self._processing_ids = processing_ids

    def validate(
        self, raw: bytes, site: Site, *, name: str = "", door: DoorWord | None = None
    ) -> Report:
        """Judge one message; never fails, whatever the bytes.

        Args:
            raw: without MLLP frame.
            site: of the sender; its leniency decides the answer, not the findings.
            name: of the input, for the report.
            door: what the door says, where it was asked.
        """
        try:
            message = read(raw, lenient=site.is_lenient)
        except RejectedError as error:
            findings = [Finding(issue, "HL7 v2.5 2", Layer.READER) for issue in error.issues]
            return Report(name, "", "", ack.code_for(error.issues), tuple(findings))
        kind, trigger = message.message_type, message.trigger_event
        told = door.issues if door else ()
        findings = _distinct(self._layers(raw, message, site, told))
        by_itself = self._answer(message, site, lenient=site.is_lenient)
        return Report(
            name=name,
            message_type=_shown(f"{kind}^{trigger}" if trigger else kind),
            control_id=_shown(message.control_id),
            answer=door.answer if door else by_itself,
            findings=tuple(sorted(findings, key=lambda one: WORST_FIRST.index(one.issue.severity))),
        )

    def _layers(
        self, raw: bytes, message: Message, site: Site, told: Iterable[Issue]
    ) -> Iterator[Finding]:
        """Yield the findings of every layer, those of the doors first."""
        yield from repair_findings(raw, message)
        yield from self._intake(message, site)
        repaired = with_repaired_zbe(message)
        profile = self._profiles.of(message)
        if profile is None:
            yield kinds.NO_PROFILE.at("MSH-9")
        else:
            yield from check_profile(repaired, profile, self._profiles)
        yield from movement_findings(repaired)
        yield from identity_findings(repaired)
        yield from document_findings(message)
        for issue in told:
            yield Finding(issue, "", Layer.CONVERSION)
        yield from second_opinions(message)

    def _intake(self, message: Message, site: Site) -> Iterator[Finding]:
        tolerated = {
            (issue.code, issue.where)
            for issue in self._judge(message, site, lenient=True).issues
            if not issue.severity.refuses
        }
        for issue in self._judge(message, site, lenient=False).issues:
            repaired = (issue.code, issue.where) in tolerated and issue.severity.refuses
            clause = _CLAUSES.get(issue.code, "")
            yield Finding(issue, clause, Layer.INTAKE, repaired=repaired)

    def _judge(self, message: Message, site: Site, *, lenient: bool) -> intake.Verdict:
        return intake.judge(
            message,
            processing_ids=site.processing_ids or self._processing_ids,
            versions=site.versions or intake.VERSIONS,
            lenient=lenient,
        )

    def _answer(self, message: Message, site: Site, *, lenient: bool) -> str:
        verdict = self._judge(message, site, lenient=lenient)
        if verdict.action is intake.Action.UNANSWERED:
            return ""
        if verdict.action is intake.Action.REJECT:
            return ack.code_for([issue for issue in verdict.issues if issue.severity.refuses])
        refused: list[Issue] = [
            finding.issue
            for finding in document_findings(message)
            if finding.issue.severity.refuses and finding.layer is Layer.INTAKE
        ]
        return ack.code_for(refused) if refused else "AA"


def _shown(text: str) -> str:
    """Return text of the message as a report may show it: an escape may hide a control sign."""
    return "".join(sign for sign in text if sign.isprintable())[:80]


def _distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Keep the first word on each fault; a clause told later completes it.

    A second opinion on a field of which something was said is left out.
    """
    kept: dict[tuple[str, str], Finding] = {}
    fields: set[str] = set()
    said: set[tuple[str, str]] = set()
    for finding in findings:
        place = finding.issue.where.replace("[1]", "")
        if finding.layer is Layer.SECOND_OPINION and _field_of(place) in fields:
            continue
        if finding.layer is Layer.CONVERSION and (finding.issue.code, place) in said:
            continue
        said.add((finding.issue.code, place))
        fields.add(_field_of(place))
        key = (finding.issue.code, place + _words(finding))
        first = kept.get(key)
        if first is None:
            kept[key] = finding
        elif not first.clause:
            kept[key] = replace(first, clause=finding.clause)
    return [
        finding if finding.clause else replace(finding, clause="HL7 v2.5 2.12")
        for finding in kept.values()
    ]


def _words(finding: Finding) -> str:
    """Return what tells two findings of one place apart: several flags may be missing."""
    return finding.issue.what if finding.layer is Layer.COHERENCE else ""


def _field_of(place: str) -> str:
    """Return `PID-3` of `PID-3[2].4.2`."""
    return place.partition(".")[0].partition("-")[0] + "-" + _number(place)


def _number(place: str) -> str:
    return place.partition("-")[2].partition("[")[0].partition(".")[0]
